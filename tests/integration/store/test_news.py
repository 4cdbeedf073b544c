"""News of an order, in whatever order they come: the newest of its source's moments stands in the end, and what comes
after the label is a Hold."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from pytest_httpserver import HTTPServer
from sqlalchemy import select, update

from backroom.channels.delivering import delivery_of, delivery_of_fetched
from backroom.channels.registry import channel_for
from backroom.channels.shopify_source import ShopifySource
from backroom.channels.strict_json import parse_json
from backroom.domain.channels import ApiSpec, ChannelSpec
from backroom.shop import room as rooms
from backroom.store import cancelling, desk
from backroom.store.contacts import open_contact
from backroom.store.database import now
from backroom.store.inbox_door import accept
from backroom.store.people import load
from backroom.store.return_opening import open_by_code
from backroom.store.tables import inbox, orders, partner_orders
from tests.fake_shops import TOKEN, FakeShopify
from tests.shops import BOOTH, GTIN_TEE, HUB, PLAIN, SCARCE, SOUTH, Floor, an_order
from tests.unit.channels.samples import payload
from tests.workshops import Workshop, a_partner, a_place, with_partners

CANCELLED = {"cancelled_at": "2026-11-01T10:05:00Z"}
# All examples are orders of one shop; what fails is told at once, for each takes a wave or two.
IN_ONE_SHOP: dict[str, Any] = {
    "suppress_health_check": [HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    "phases": [Phase.explicit, Phase.reuse, Phase.generate],
}


def tell(
    floor: Floor, id_: int, *lines: tuple[str, int], minute: int = 5, topic: str = "orders/updated", **more: Any
) -> None:
    """News of an order come in, and are taken in."""
    floor.deliver(an_order(id_, lines or [(PLAIN, 1)], minute=minute, **more), topic)
    floor.intake()


def reason(floor: Floor, number: str) -> str:
    return str(floor.story(number).order["hold_reason"])


def pieces(floor: Floor, number: str) -> list[tuple[str, int]]:
    return [(line["sku"], line["quantity"]) for line in floor.story(number).lines]


# --- in whatever order they come


@dataclass(frozen=True)
class Moment:
    """What a source says of an order at one of its moments; `second` may be shared with the next one."""

    minute: int
    quantity: int
    street: str
    payment: str
    cancelled: bool


def moments() -> st.SearchStrategy[list[Moment]]:
    one = st.tuples(
        st.integers(1, 5),
        st.sampled_from(["Owl Lane 1", "Fox Lane 2"]),
        st.sampled_from(["paid", "paid", "pending", "refunded"]),
        st.sampled_from([False, False, False, True]),
    )
    return st.lists(one, min_size=1, max_size=5).map(
        lambda told: [Moment(minute, *rest) for minute, rest in enumerate(told, start=1)]
    )


def said(id_: int, moment: Moment) -> dict[str, Any]:
    order = an_order(id_, [(PLAIN, moment.quantity)], minute=moment.minute, financial_status=moment.payment)
    order["shipping_address"] |= {"address1": moment.street}
    return order | (CANCELLED if moment.cancelled else {"cancelled_at": None})


@dataclass(repr=False)
class Teller:
    """A shop that tells of its orders by webhook and by poll."""

    floor: Floor
    shop: FakeShopify
    source: ShopifySource
    ids: Iterator[int]

    def webhook(self, order: dict[str, Any]) -> None:
        topic = "orders/cancelled" if order["cancelled_at"] else "orders/updated"
        self.floor.deliver(order, topic)

    def poll(self, order: dict[str, Any]) -> None:
        self.shop.orders = {order["id"]: order}
        room, spec = self.floor.room, self.floor.room.shop.channel("web")
        for fetched in self.source.fetch([str(order["id"])]):
            delivery = delivery_of_fetched(spec, channel_for(spec), fetched)
            room.database.write(lambda c, one=delivery: accept(c, room.seals, one, HUB))

    def stands(self, id_: int) -> tuple[Any, ...]:
        """How the order stands; of a cancelled one nothing matters but that it is."""
        floor, number = self.floor, self.floor.number(id_)
        order = floor.story(number).order
        if order["state"] == "cancelled":
            return "cancelled", order["source_at"], order["payment"]
        with floor.room.database.read() as connection:
            person = load(connection, floor.room.seals, [order["person_id"]])[order["person_id"]]
            sealed = connection.execute(select(orders.c.contact).where(orders.c.number == number)).scalar_one()
        address = open_contact(person.key, sealed).address
        assert address is not None
        known = (order["source_at"], order["payment"], address.line1)
        return order["state"], order["hold_reason"], pieces(floor, number), *known


@pytest.fixture
def teller(floor: Floor, fake_shopify: FakeShopify, httpserver: HTTPServer) -> Teller:
    spec = replace(floor.room.shop.channel("web"), api=ApiSpec(fake_shopify.listen(httpserver), "channel.web"))
    return Teller(floor, fake_shopify, ShopifySource(spec, TOKEN), itertools.count(1))


@given(told=moments(), chance=st.randoms(use_true_random=False))
@settings(max_examples=25, **IN_ONE_SHOP)
def test_in_whatever_order_and_way_news_come_the_newest_stands_in_the_end(
    teller: Teller, told: list[Moment], chance: Any
) -> None:
    id_, control = next(teller.ids), next(teller.ids)
    messages = [said(id_, moment) for moment in told]
    # Some come twice, as webhooks do; each by webhook or by poll, in waves of any size.
    messages += [chance.choice(messages) for _ in range(chance.randrange(3))]
    chance.shuffle(messages)
    for message in messages:
        chance.choice((teller.webhook, teller.poll))(message)
        if chance.random() < 0.5:
            teller.floor.intake()
    teller.floor.intake()
    teller.webhook(said(control, told[-1]))
    teller.floor.intake()
    assert teller.stands(id_) == teller.stands(control)
    teller.floor.check_sums()


@given(chance=st.randoms(use_true_random=False))
@settings(max_examples=10, **IN_ONE_SHOP)
def test_of_one_second_what_goes_further_is_the_later(teller: Teller, chance: Any) -> None:
    """Sources tick by the second: an order may be placed, paid and paid back in one."""
    id_ = next(teller.ids)
    messages = [said(id_, Moment(7, 1, "Owl Lane 1", payment, False)) for payment in ("pending", "paid", "refunded")]
    chance.shuffle(messages)
    for message in messages:
        teller.webhook(message)
        if chance.random() < 0.5:
            teller.floor.intake()
    teller.floor.intake()
    assert reason(teller.floor, teller.floor.number(id_)) == "payment_refunded"


# --- held, and taken up again


def test_a_change_of_an_order_that_somebody_holds_before_any_work_is_taken_in_and_it_stays_held(floor: Floor) -> None:
    number = floor.taken_in((PLAIN, 1), ("TEE-TYPO", 1))
    floor.room.database.write(lambda c: desk.release(c, number, "Ada", HUB))
    floor.room.database.write(lambda c: desk.hold(c, number, "asked_by_staff", "Ada"))
    tell(floor, 7001, (PLAIN, 3))
    assert (floor.state(number), reason(floor, number)) == (("held", []), "asked_by_staff")
    assert pieces(floor, number) == [(PLAIN, 3)]
    floor.room.database.write(lambda c: desk.release(c, number, "Ada", HUB))
    floor.intake()
    assert floor.state(number) == ("released", ["open"])
    floor.check_sums()


def making(floor: Floor) -> str:
    number = floor.taken_in((PLAIN, 1), at=SOUTH)
    floor.fulfil(SOUTH)
    assert floor.state(number) == ("released", ["making"])
    return number


def test_whoever_holds_an_order_that_is_being_made_hears_that_it_was_changed(floor: Floor) -> None:
    number = making(floor)
    floor.room.database.write(lambda c: desk.hold(c, number, "asked_by_staff", "Ada"))
    tell(floor, 7001, (PLAIN, 3), at=SOUTH)
    assert reason(floor, number) == "changed_while_making"
    assert pieces(floor, number) == [(PLAIN, 1)]


def test_what_a_person_let_go_on_is_not_asked_again_because_the_source_repeats_it(floor: Floor) -> None:
    number = making(floor)
    tell(floor, 7001, (PLAIN, 3), at=SOUTH)
    floor.room.database.write(lambda c: desk.release(c, number, "Ada", HUB))
    tell(floor, 7001, (PLAIN, 3), at=SOUTH, minute=6, tags="told of its fulfilment")
    assert floor.state(number) == ("released", ["making"])
    tell(floor, 7001, (PLAIN, 3), at=SOUTH, minute=7, financial_status="refunded")
    assert reason(floor, number) == "payment_refunded"
    floor.room.database.write(lambda c: desk.release(c, number, "Ada", HUB))
    tell(floor, 7001, (PLAIN, 3), at=SOUTH, minute=8, financial_status="refunded", tags="again")
    assert floor.state(number) == ("released", ["making"])


def test_what_was_paid_back_whole_while_it_is_made_is_held_for_that_whatever_else_changed(floor: Floor) -> None:
    number = making(floor)
    tell(floor, 7001, (PLAIN, 3), at=SOUTH, financial_status="refunded")
    assert reason(floor, number) == "payment_refunded"
    # The refund is taken back: what else changed still waits for somebody who compares the two.
    tell(floor, 7001, (PLAIN, 3), at=SOUTH, minute=6)
    assert reason(floor, number) == "changed_while_making"


def test_a_held_order_that_was_paid_back_whole_while_it_is_made_is_held_for_that(floor: Floor) -> None:
    number = making(floor)
    floor.room.database.write(lambda c: desk.hold(c, number, "asked_by_staff", "Ada"))
    tell(floor, 7001, (PLAIN, 3), at=SOUTH, financial_status="refunded")
    assert reason(floor, number) == "payment_refunded"


def test_what_else_is_wrong_with_a_change_of_a_held_order_that_is_made_says_nothing_of_what_is_made(
    floor: Floor,
) -> None:
    number = making(floor)
    floor.room.database.write(lambda c: desk.hold(c, number, "asked_by_staff", "Ada"))
    tell(floor, 7001, ("TEE-TYPO", 1), at=SOUTH)
    assert reason(floor, number) == "changed_while_making"


def test_a_hold_for_its_payment_ends_when_it_is_paid(floor: Floor) -> None:
    number = making(floor)
    tell(floor, 7001, minute=5, at=SOUTH, financial_status="pending")
    assert reason(floor, number) == "payment_pending"
    tell(floor, 7001, minute=6, at=SOUTH)
    assert floor.state(number) == ("released", ["making"])


def test_an_order_that_its_source_takes_up_again_is_made(floor: Floor) -> None:
    """A shop cancels what is not paid in time, and the payment comes after all."""
    number = floor.taken_in((PLAIN, 1), financial_status="pending")
    tell(floor, 7001, minute=5, financial_status="voided", **CANCELLED)
    assert floor.state(number) == ("cancelled", [])
    tell(floor, 7001, (PLAIN, 2), minute=6)
    assert floor.state(number) == ("released", ["open"])
    floor.fulfil(HUB)
    assert floor.state(number) == ("fulfilled", ["done"])
    assert pieces(floor, number) == [(PLAIN, 2)]
    floor.check_sums()


def test_an_order_that_was_cancelled_here_is_not_taken_up_again_by_news(floor: Floor) -> None:
    number = floor.taken_in((PLAIN, 1))
    floor.room.database.write(lambda c: cancelling.cancel(c, number, "Ada", "asked_by_staff"))
    tell(floor, 7001, minute=6)
    assert floor.state(number) == ("cancelled", ["cancelled"])


# --- after the label


def sent(floor: Floor) -> str:
    number = floor.taken_in((PLAIN, 2))
    floor.fulfil(HUB)
    assert floor.state(number) == ("fulfilled", ["done"])
    return number


def labelled(floor: Floor) -> str:
    """Labelled, and not yet announced: the mail folder cannot be written."""
    for folder in ("mail", "sms"):
        (floor.room.home / folder).write_text("a file where the folder should be")
    number = floor.taken_in((PLAIN, 2))
    floor.fulfil(HUB)
    assert floor.state(number) == ("released", ["labelled"])
    return number


MOVED = {"address1": "Fox Lane 8"}


@pytest.mark.parametrize("reach", [sent, labelled])
@pytest.mark.parametrize(
    ("quantity", "changes", "asked"),
    [
        (2, CANCELLED, "cancelled_after_label"),
        (2, CANCELLED | {"financial_status": "refunded"}, "refunded_after_label"),
        (2, {"financial_status": "refunded"}, "refunded_after_label"),
        (3, {"financial_status": "refunded"}, "refunded_after_label"),
        (3, {}, "changed_after_label"),
        (2, {"shipping_address": an_order(1, [(PLAIN, 1)])["shipping_address"] | MOVED}, "changed_after_label"),
    ],
)
def test_a_change_after_the_label_is_a_hold(
    floor: Floor, reach: Callable[[Floor], str], quantity: int, changes: dict[str, Any], asked: str
) -> None:
    number = reach(floor)
    tell(floor, 7001, (PLAIN, quantity), **changes)
    assert floor.state(number)[0] == "held"
    assert reason(floor, number) == asked
    assert floor.state(number)[1] in (["done"], ["labelled"])


def test_a_parcel_that_is_let_go_on_ended_when_it_was_sent_and_is_not_asked_about_again(floor: Floor) -> None:
    number = sent(floor)
    ended = floor.story(number).order["ended_at"]
    tell(floor, 7001, (PLAIN, 2), minute=5, **CANCELLED)
    assert floor.story(number).order["ended_at"] == ended
    floor.room.database.write(lambda c: desk.release(c, number, "Ada", HUB))
    assert floor.state(number) == ("fulfilled", ["done"])
    assert abs(floor.story(number).order["ended_at"] - ended) < timedelta(seconds=1)
    tell(floor, 7001, (PLAIN, 2), minute=6, **CANCELLED, financial_status="refunded")
    assert floor.state(number) == ("fulfilled", ["done"])
    assert floor.story(number).order["payment"] == "refunded"
    assert floor.events(number)[-1] == "news.noted"


def test_a_refund_after_the_parcel_left_is_for_a_person(floor: Floor) -> None:
    number = sent(floor)
    tell(floor, 7001, (PLAIN, 2), financial_status="refunded")
    assert reason(floor, number) == "refunded_after_label"
    with pytest.raises(desk.NotPossibleNow):
        floor.room.database.write(lambda c: cancelling.cancel(c, number, "Ada", "asked_by_staff"))


def test_what_was_paid_back_before_its_label_and_sent_all_the_same_is_not_asked_about_as_if_it_were_news(
    floor: Floor,
) -> None:
    number = floor.taken_in((PLAIN, 2))
    tell(floor, 7001, (PLAIN, 2), financial_status="refunded")
    assert reason(floor, number) == "payment_refunded"
    floor.room.database.write(lambda c: desk.release(c, number, "Ada", HUB))
    floor.intake()
    floor.fulfil(HUB)
    assert floor.state(number) == ("fulfilled", ["done"])
    tell(floor, 7001, (PLAIN, 2), minute=6, financial_status="refunded", tags="told of its fulfilment")
    assert floor.state(number) == ("fulfilled", ["done"])
    tell(floor, 7001, (PLAIN, 2), minute=7, financial_status="refunded", **CANCELLED)
    assert reason(floor, number) == "cancelled_after_label"


def test_a_refund_of_a_part_after_the_parcel_left_is_noted(floor: Floor) -> None:
    number = sent(floor)
    tell(floor, 7001, (PLAIN, 1), financial_status="partially_refunded")
    assert floor.state(number) == ("fulfilled", ["done"])
    assert floor.events(number)[-1] == "news.noted"


def test_a_refund_of_what_comes_back_is_noted(floor: Floor) -> None:
    number = sent(floor)
    floor.room.database.write(lambda c: open_by_code(c, floor.room.shop, number, HUB, "Ada"))
    tell(floor, 7001, (PLAIN, 2), financial_status="refunded")
    assert floor.state(number) == ("fulfilled", ["done"])


def test_of_a_parcel_that_left_long_ago_nothing_is_asked(floor: Floor) -> None:
    number = sent(floor)
    past = datetime.now(UTC) - timedelta(days=15)
    floor.room.database.write(lambda c: c.execute(update(orders).values(ended_at=past)))
    tell(floor, 7001, (PLAIN, 2), **CANCELLED)
    assert floor.state(number) == ("fulfilled", ["done"])
    assert floor.events(number)[-1] == "news.too_late"


# --- a line, or a piece, is taken off before the label


def fewer(floor: Floor, *lines: tuple[str, int], at: str = HUB) -> None:
    """A line or a piece was taken off order 7001 at its source."""
    tell(floor, 7001, *lines, at=at, minute=9)


def test_what_is_taken_off_before_any_work_is_free_again_and_the_rest_is_made(floor: Floor) -> None:
    number = floor.taken_in((PLAIN, 2), (SCARCE, 1))
    assert (floor.available(HUB, PLAIN), floor.available(HUB, SCARCE)) == ((100, 2), (1, 1))
    fewer(floor, (PLAIN, 1))
    assert (floor.available(HUB, PLAIN), floor.available(HUB, SCARCE)) == ((100, 1), (1, 0))
    floor.fulfil(HUB)
    assert floor.state(number) == ("fulfilled", ["cancelled", "done"])
    assert (pieces(floor, number), floor.available(HUB, PLAIN)) == ([(PLAIN, 1)], (99, 0))
    floor.check_sums()


def test_what_is_taken_off_while_it_waits_for_its_print_is_not_printed_and_the_rest_is(floor: Floor) -> None:
    number = floor.taken_in((PLAIN, 2), (SCARCE, 1), at=BOOTH)
    floor.fulfil(BOOTH)
    assert floor.state(number) == ("released", ["making"])
    fewer(floor, (PLAIN, 1), at=BOOTH)
    assert floor.state(number) == ("released", ["cancelled", "open"])
    floor.fulfil(BOOTH)
    [job] = floor.hand_out(BOOTH)
    assert (job.sku, job.copies) == (PLAIN, 1)
    floor.print(job)
    floor.fulfil(BOOTH)
    assert floor.state(number) == ("fulfilled", ["cancelled", "done"])
    floor.check_sums()


def test_what_is_taken_off_once_a_worker_has_its_print_is_for_a_person(floor: Floor) -> None:
    number = floor.taken_in((PLAIN, 2), (SCARCE, 1), at=BOOTH)
    floor.fulfil(BOOTH)
    floor.hand_out(BOOTH)
    fewer(floor, (PLAIN, 1), at=BOOTH)
    assert floor.state(number) == ("held", ["held"])
    assert reason(floor, number) == "changed_while_making"


def test_what_is_taken_off_while_pieces_are_picked_by_hand_is_for_a_person(floor: Floor) -> None:
    number = floor.taken_in((PLAIN, 2), (GTIN_TEE, 1), at=SOUTH)
    floor.fulfil(SOUTH)
    fewer(floor, (PLAIN, 1), at=SOUTH)
    assert floor.state(number) == ("held", ["held"])
    assert reason(floor, number) == "changed_while_making"


def test_what_is_taken_off_at_a_partner_is_for_a_person_and_the_partner_goes_on(
    floor: Floor, workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    partnership = with_partners(floor, monkeypatch, a_place(a_partner(workshop.url)))
    number = partnership.placed((PLAIN, 2))
    fewer(floor, (PLAIN, 1))
    assert floor.state(number) == ("held", ["held"])
    assert reason(floor, number) == "changed_while_making"
    with floor.room.database.read() as connection:
        assert connection.execute(select(partner_orders.c.cancel_wanted)).scalars().all() == [False]


# --- deleted at its source


@pytest.fixture
def blog(floor: Floor, monkeypatch: pytest.MonkeyPatch) -> Floor:
    """The floor with a WooCommerce shop, whose orders may be deleted."""
    spec = ChannelSpec("blog", "woocommerce", 3, "standard", secret="webhook.blog")
    # WooCommerce tells no coordinates: all is made at the hub.
    shop = replace(floor.room.shop, channels=(*floor.room.shop.channels, spec), rules=floor.room.shop.rules[-1:])
    floor.room = replace(floor.room, shop=shop)
    monkeypatch.setitem(rooms._open, floor.room.home.resolve(), floor.room)
    return floor


def woo(floor: Floor, topic: str, at: datetime | None = None, **changes: Any) -> None:
    """A message of the blog's shop about its order 4750, taken in; without a moment it is the order's id alone."""
    body: dict[str, Any] = {"id": 4750}
    if at is not None:
        line = payload("woocommerce_order.json")["line_items"][0] | {"sku": PLAIN}
        told = {"date_modified_gmt": f"{at:%Y-%m-%dT%H:%M:%S}", "line_items": [line]}
        body = payload("woocommerce_order.json") | told | changes
    raw = json.dumps(body).encode()
    spec = floor.room.shop.channel("blog")
    delivery = delivery_of(spec, channel_for(spec), parse_json(raw), {"X-WC-Webhook-Topic": topic}, raw)
    floor.room.database.write(lambda c: accept(c, floor.room.seals, delivery, HUB))
    floor.intake()


BEFORE = datetime.now(UTC) - timedelta(hours=1)


def test_an_order_that_is_deleted_at_its_source_is_cancelled(blog: Floor) -> None:
    woo(blog, "order.created", BEFORE)
    number = blog.number(4750)
    assert blog.state(number) == ("released", ["open"])
    woo(blog, "order.deleted")
    assert blog.state(number) == ("cancelled", ["cancelled"])
    with blog.room.database.read() as connection:
        assert set(connection.execute(select(inbox.c.state)).scalars()) == {"done"}
    blog.check_sums()


def test_an_order_that_was_deleted_before_we_heard_of_it_is_not_made(blog: Floor) -> None:
    woo(blog, "order.deleted")
    woo(blog, "order.created", BEFORE)
    assert blog.state(blog.number(4750)) == ("cancelled", [])


def test_an_order_that_is_restored_is_made(blog: Floor) -> None:
    woo(blog, "order.created", BEFORE)
    woo(blog, "order.deleted")
    woo(blog, "order.restored", datetime.now(UTC) + timedelta(minutes=1))
    assert blog.state(blog.number(4750)) == ("released", ["cancelled", "open"])


def test_an_order_that_was_restored_is_not_deleted_by_what_was_said_before(blog: Floor) -> None:
    woo(blog, "order.restored", datetime.now(UTC) + timedelta(minutes=1))
    woo(blog, "order.deleted")
    number = blog.number(4750)
    assert blog.state(number) == ("released", ["open"])
    assert blog.events(number)[-1] == "news.stale"


def test_a_deletion_after_the_label_is_a_hold_unless_it_was_sent(blog: Floor) -> None:
    (blog.room.home / "mail").write_text("a file where the folder should be")
    (blog.room.home / "sms").write_text("a file where the folder should be")
    woo(blog, "order.created", BEFORE)
    blog.fulfil(HUB)
    number = blog.number(4750)
    assert blog.state(number) == ("released", ["labelled"])
    woo(blog, "order.deleted")
    assert (blog.state(number)[0], reason(blog, number)) == ("held", "deleted_at_channel")


def test_deleting_an_old_order_that_was_sent_changes_nothing(blog: Floor) -> None:
    woo(blog, "order.created", BEFORE)
    blog.fulfil(HUB)
    woo(blog, "order.deleted")
    number = blog.number(4750)
    assert blog.state(number) == ("fulfilled", ["done"])
    assert blog.events(number)[-1] == "news.noted"


def test_what_was_said_before_an_order_was_deleted_does_not_bring_it_back_when_it_comes_later(blog: Floor) -> None:
    woo(blog, "order.created", BEFORE)
    woo(blog, "order.deleted")
    woo(blog, "order.updated", BEFORE + timedelta(minutes=10))
    assert blog.state(blog.number(4750)) == ("cancelled", ["cancelled"])


def delete(floor: Floor, id_: int, minute: int) -> None:
    """Shopify says that an order was deleted at that minute."""
    raw = json.dumps({"id": id_}).encode()
    at = f"2026-11-01T10:{minute:02}:00.877041743Z"
    headers = {"X-Shopify-Topic": "orders/delete", "X-Shopify-Triggered-At": at, "X-Shopify-Event-Id": f"d-{minute}"}
    spec = floor.room.shop.channel("web")
    delivery = delivery_of(spec, channel_for(spec), parse_json(raw), headers, raw)
    floor.room.database.write(lambda c: accept(c, floor.room.seals, delivery, HUB))
    floor.intake()


def test_an_unpaid_order_that_is_deleted_at_shopify_is_cancelled(floor: Floor) -> None:
    number = floor.taken_in((PLAIN, 1), financial_status="pending")
    assert reason(floor, number) == "payment_pending"
    delete(floor, 7001, 5)
    assert floor.state(number) == ("cancelled", [])
    with floor.room.database.read() as connection:
        assert set(connection.execute(select(inbox.c.state)).scalars()) == {"done"}


@pytest.mark.parametrize("here", [True, False])
def test_of_an_order_that_was_deleted_at_shopify_nothing_older_counts_and_what_is_newer_does(
    floor: Floor, here: bool
) -> None:
    if here:
        tell(floor, 7001, minute=1)
    delete(floor, 7001, 20)
    for minute in (5, 10):
        tell(floor, 7001, (PLAIN, 4), minute=minute)
        assert floor.state(floor.number(7001))[0] == "cancelled", minute
    tell(floor, 7001, (PLAIN, 2), minute=30)
    assert floor.state(floor.number(7001))[0] == "released"
    delete(floor, 7001, 25)
    assert floor.state(floor.number(7001))[0] == "released"
    floor.check_sums()


def test_an_order_that_is_deleted_at_shopify_after_its_label_is_a_hold_and_stays_one(floor: Floor) -> None:
    number = labelled(floor)
    delete(floor, 7001, 20)
    assert (floor.state(number)[0], reason(floor, number)) == ("held", "deleted_at_channel")
    tell(floor, 7001, (PLAIN, 5), minute=10)
    assert reason(floor, number) == "deleted_at_channel"


def test_a_deletion_that_is_said_to_be_still_to_come_is_of_now(floor: Floor) -> None:
    raw, spec = json.dumps({"id": 7001}).encode(), floor.room.shop.channel("web")
    headers = {"X-Shopify-Topic": "orders/delete", "X-Shopify-Triggered-At": "2999-01-01T00:00:00Z"}
    delivery = delivery_of(spec, channel_for(spec), parse_json(raw), headers, raw)
    floor.room.database.write(lambda c: accept(c, floor.room.seals, delivery, HUB))
    floor.intake()
    later = (datetime.now(UTC) + timedelta(minutes=1)).isoformat()
    tell(floor, 7001, updated_at=later)
    assert floor.state(floor.number(7001))[0] == "released"


def test_now_is_not_needed_to_know_what_is_newer(floor: Floor) -> None:
    """A source whose clock is a day ahead, or behind, is its own measure."""
    for minute, quantity in ((50, 4), (10, 9), (30, 2)):
        tell(floor, 7001, (PLAIN, quantity), minute=minute)
    assert pieces(floor, floor.number(7001)) == [(PLAIN, 4)]
    with floor.room.database.read() as connection:
        assert floor.story(floor.number(7001)).order["source_at"] != now(connection)
