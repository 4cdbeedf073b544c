"""Asking and telling a Meta that answers by hand over real HTTP, and taking its orders through a wave."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from sqlalchemy import update

import tasks.tell_channel
from backroom.channels.delivering import delivery_of_fetched
from backroom.channels.meta_calls import PermissionMissing
from backroom.channels.meta_news import MetaNews, shipment_id
from backroom.channels.meta_refunds import MetaRefunds
from backroom.channels.meta_source import MetaSource
from backroom.channels.refunding import Refunded, RefundRefused, RefundRequest
from backroom.channels.registry import PROBES, SOURCES, WRITE_BACKS, channel_for
from backroom.channels.remote import Cancelled, LineShipped, NewsRefused, Shipped, Taken
from backroom.domain.channels import NEWS_OF, ApiSpec, ChannelSpec, RefundsSpec
from backroom.outgoing.circuit import close_all
from backroom.outgoing.errors import AnswerUnreadable, ServiceAway, ServiceRefused, ServiceSetup
from backroom.shop import room as rooms
from backroom.store import cancelling, desk, news
from backroom.store.inbox_door import accept
from backroom.store.tables import refunds
from tests.fake_meta import CATALOGUE, CMS, TOKEN, FakeMeta, error, ok
from tests.shops import HUB, PLAIN, SCARCE, Floor
from tests.unit.channels.samples import payload

ORDER = payload("meta_order.json")
ID = ORDER["id"]
OWL, FOX = (one["id"] for one in ORDER["items"]["data"])
SINCE = datetime(2026, 11, 1, tzinfo=UTC)
BOTH = (LineShipped(OWL, "OWL-BLK-M", 1), LineShipped(FOX, "FOX-RED-S", 1))
SHIPPED = Shipped("shipped-A-1042/1", ID, BOTH, "DHL", "00340434161094")
WHOLE = RefundRequest("refund-R-1", ID, 6800, "USD")

# Of Meta's pages "Order API Reference" (9 February 2026) and "Fulfillment API Reference" (4 December 2025); the test
# order's tick is of its SDK (facebook_business/adobjects/commerceorder.py).
ORDER_FIELDS = """
id order_status created last_updated items ship_by_date merchant_order_id channel selected_shipping_option
shipping_address estimated_payment_details buyer_details is_test_order
"""
ITEM_FIELDS = """
id retailer_id product_name product_id quantity selected_shipping_option status price_per_unit tax_details customization
"""
LIST_PARAMETERS = "updated_before updated_after state filters fields limit after"
SHIPMENT_PARAMETERS = "external_shipment_id items tracking_info fulfillment idempotency_key merchant_order_reference"
CANCEL_PARAMETERS = "cancel_reason restock_items items idempotency_key"


@pytest.fixture(autouse=True)
def fresh_circuits() -> Iterator[None]:
    close_all()
    yield
    close_all()


@pytest.fixture
def meta() -> FakeMeta:
    fake = FakeMeta()
    fake.take(ORDER)
    return fake


@pytest.fixture
def spec(meta: FakeMeta, httpserver: HTTPServer) -> ChannelSpec:
    api = ApiSpec(meta.listen(httpserver), "channel.insta", account=CMS, tell=NEWS_OF["meta"], catalogue=CATALOGUE)
    return ChannelSpec("insta", "meta", 2, "standard", api=api)


@pytest.fixture
def told(spec: ChannelSpec) -> MetaNews:
    return MetaNews(spec, TOKEN)


def another(number: int, **changes: Any) -> dict[str, Any]:
    return copy.deepcopy(ORDER) | {"id": str(number)} | changes


def in_state(state: str) -> dict[str, Any]:
    return {"order_status": {"state": state}}


def test_every_order_is_listed_but_those_that_meta_still_checks(meta: FakeMeta, spec: ChannelSpec) -> None:
    for number in range(1, 6):
        meta.take(another(number, last_updated=f"2026-11-2{6 - number}T10:00:00+00:00"))
    meta.take(another(8, **in_state("FB_PROCESSING")))
    meta.take(another(9, is_test_order=True))
    listed = list(MetaSource(spec, TOKEN).changed_since(SINCE))
    assert [one.updated_at for one in listed] == sorted(one.updated_at for one in listed)
    assert {one.external_id: one.paid for one in listed} == {
        **{str(number): True for number in range(1, 6)},
        ID: True,
        "9": False,
    }
    assert {(one.total_minor, one.currency, one.fulfilled) for one in listed} == {(6800, "USD", False)}
    for _, _, params in meta.calls:
        assert params.keys() <= set(LIST_PARAMETERS.split())
        assert set(params["fields"].split(",")) <= set(ORDER_FIELDS.split())
    assert meta.calls[0][2]["updated_after"] == str(int(SINCE.timestamp()))


def test_the_next_page_is_asked_for_at_our_own_address_wherever_the_answer_leads(
    meta: FakeMeta, spec: ChannelSpec, httpserver: HTTPServer, looked_up: set[str]
) -> None:
    """The address in the answer holds our token: whoever it led to would have it."""
    meta.next_host, meta.page = "elsewhere.example", 2
    for number in range(1, 6):
        meta.take(another(number))
    assert len(list(MetaSource(spec, TOKEN).changed_since(SINCE))) == 6
    assert len(meta.calls) == 3
    assert looked_up == {httpserver.host}


def test_what_is_complete_was_sent_or_cancelled(meta: FakeMeta, spec: ChannelSpec) -> None:
    meta.orders.clear()
    meta.take(another(1, **in_state("COMPLETED")))
    off = {"data": [{"id": "8", "items": {"data": [{"id": OWL, "quantity": 1}, {"id": FOX, "quantity": 1}]}}]}
    meta.take(another(2, **in_state("COMPLETED"), cancellations=off))
    found = {one.external_id: (one.paid, one.fulfilled) for one in MetaSource(spec, TOKEN).changed_since(SINCE)}
    assert found == {"1": (True, True), "2": (False, False)}


def test_orders_are_fetched_whole_through_the_door_that_all_take(meta: FakeMeta, spec: ChannelSpec) -> None:
    five = copy.deepcopy(ORDER["items"]["data"][0])
    meta.take(another(5, items={"data": [five | {"id": str(n)} for n in range(5)]}))
    meta.take(another(8, **in_state("FB_PROCESSING")))
    found = list(MetaSource(spec, TOKEN).fetch(["../me", "404", ID, "5", "8"]))
    assert [(one.external_id, one.ours) for one in found] == [(ID, True), ("5", True), ("8", False)]
    orders = [channel_for(spec).parse(json.loads(one.body), one.topic, "US") for one in found if one.ours]
    assert [len(order.lines) for order in orders] == [2, 5]
    assert delivery_of_fetched(spec, channel_for(spec), found[0]).external_id == ID
    for _, path, params in meta.calls:
        known = ITEM_FIELDS if path.endswith("items") else ORDER_FIELDS + " cancel_reason"
        assert set(params["fields"].split(",")) <= set(known.split())


def test_what_was_taken_is_acknowledged_once(meta: FakeMeta, told: MetaNews) -> None:
    meta.lost = 1
    told.taken(Taken("taken-1", ID, "A-1042"))
    told.taken(Taken("taken-1", ID, "A-1042"))
    assert (meta.state(ID), meta.references) == ("IN_PROGRESS", {ID: "A-1042"})


def test_what_cannot_be_acknowledged_is_said(meta: FakeMeta, told: MetaNews) -> None:
    meta.take(another(8, **in_state("FB_PROCESSING")))
    with pytest.raises(ServiceAway):
        told.taken(Taken("taken-1", "8", "A-1042"))
    meta.bad = [ok({"orders": [{"id": ID, "error": {"error_code": 1, "error_message": "no"}}]})]
    with pytest.raises(NewsRefused):
        told.taken(Taken("taken-1", ID, "A-1042"))


def test_a_parcel_is_told_once_whatever_is_lost(meta: FakeMeta, told: MetaNews) -> None:
    meta.orders[ID] |= in_state("IN_PROGRESS")
    meta.lost = 1
    assert told.was_told(SHIPPED) is None
    assert told.shipped(SHIPPED) == told.shipped(SHIPPED) == told.was_told(SHIPPED) == shipment_id(SHIPPED.key)
    (shipment,) = meta.edges[ID]["shipments"]
    assert shipment["tracking_info"][0]["carrier"] == "dhl"
    assert meta.state(ID) == "COMPLETED"
    for method, path, body in meta.calls:
        if method == "POST" and path.endswith("shipments"):
            assert body.keys() <= set(SHIPMENT_PARAMETERS.split())


@pytest.mark.parametrize("carrier", ["Hermes", "GLS"])
def test_a_carrier_that_meta_does_not_take_is_another(meta: FakeMeta, told: MetaNews, carrier: str) -> None:
    meta.orders[ID] |= in_state("IN_PROGRESS")
    told.shipped(replace(SHIPPED, carrier=carrier))
    (shipment,) = meta.edges[ID]["shipments"]
    assert shipment["tracking_info"][0] == {
        "carrier": "OTHER",
        "tracking_number": SHIPPED.tracking,
        "shipping_method_name": carrier,
    }


def test_parts_go_by_themselves_and_a_collection_has_no_number(meta: FakeMeta, told: MetaNews) -> None:
    meta.orders[ID] |= in_state("IN_PROGRESS")
    told.shipped(replace(SHIPPED, lines=BOTH[:1], last=False))
    assert meta.state(ID) == "IN_PROGRESS"
    told.shipped(replace(SHIPPED, key="shipped-A-1042/2", lines=BOTH[1:], tracking="", carrier=""))
    assert meta.state(ID) == "COMPLETED"
    assert [len(one["tracking_info"]) for one in meta.edges[ID]["shipments"]] == [1, 0]


def test_a_parcel_of_what_is_over_there_is_refused_in_words(meta: FakeMeta, told: MetaNews) -> None:
    with pytest.raises(NewsRefused, match="2361002"):
        told.shipped(SHIPPED)


def test_what_we_do_not_make_is_cancelled_and_again_is_harmless(meta: FakeMeta, told: MetaNews) -> None:
    meta.orders[ID] |= in_state("IN_PROGRESS")
    meta.lost = 1
    for _ in range(2):
        told.cancelled(Cancelled("cancelled-1", ID, "out_of_stock"))
    assert (len(meta.edges[ID]["cancellations"]), meta.state(ID)) == (1, "COMPLETED")
    (body,) = {str(body): body for method, _, body in meta.calls if method == "POST"}.values()
    assert body.keys() <= set(CANCEL_PARAMETERS.split())
    assert body["cancel_reason"] == {"reason_code": "OUT_OF_STOCK"}
    meta.take(another(2))
    with pytest.raises(NewsRefused):
        told.cancelled(Cancelled("cancelled-2", "2", "forgotten"))


def test_a_whole_order_is_paid_back_once_and_a_part_by_a_person(meta: FakeMeta, spec: ChannelSpec) -> None:
    assert spec.api is not None
    refunds = MetaRefunds(spec.api.url, TOKEN)
    with pytest.raises(RefundRefused, match="2361005"):
        refunds.refund(WHOLE)
    meta.orders[ID] |= in_state("COMPLETED")
    with pytest.raises(RefundRefused, match="tax of its own"):
        refunds.refund(replace(WHOLE, amount_minor=2900))
    assert refunds.find(WHOLE) is None
    meta.lost = 1
    assert refunds.refund(WHOLE) == refunds.refund(WHOLE) == refunds.find(WHOLE) == Refunded("77", 6800)
    with pytest.raises(RefundRefused, match="before"):
        refunds.refund(replace(WHOLE, amount_minor=2900))
    assert len(meta.edges[ID]["refunds"]) == 1


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (error(4, "Application request limit reached"), ServiceAway),
        (error(80009, "Too many calls"), ServiceAway),
        (error(190, "expired"), ServiceSetup),
        (error(200, "missing permission"), PermissionMissing),
        (error(100, "Invalid parameter"), ServiceRefused),
    ],
)
def test_errors_mean_what_their_codes_say(
    meta: FakeMeta, spec: ChannelSpec, answer: Any, expected: type[Exception]
) -> None:
    meta.bad = [answer]
    with pytest.raises(expected) as caught:
        list(MetaSource(spec, TOKEN).fetch([ID]))
    assert type(caught.value) is expected
    assert TOKEN not in str(caught.value)


def test_an_answer_in_another_shape_is_unreadable(meta: FakeMeta, spec: ChannelSpec) -> None:
    meta.bad = [ok({"data": [{"id": "1"}]})]
    with pytest.raises(AnswerUnreadable):
        list(MetaSource(spec, TOKEN).changed_since(SINCE))


def test_the_connection_is_tried(meta: FakeMeta, spec: ChannelSpec) -> None:
    assert (SOURCES["meta"], WRITE_BACKS["meta"], PROBES["meta"]) == (MetaSource, MetaNews, MetaSource)
    MetaSource(spec, TOKEN).check()
    with pytest.raises(ServiceSetup):
        MetaSource(spec, "another").check()


@pytest.fixture
def shop(floor: Floor, spec: ChannelSpec, monkeypatch: pytest.MonkeyPatch) -> Floor:
    """A floor that sells by Instagram as well, all of it from its hub: Meta gives no coordinates."""
    sold = replace(floor.room.shop, channels=(*floor.room.shop.channels, spec), rules=floor.room.shop.rules[-1:])
    floor.room = replace(floor.room, shop=sold)
    monkeypatch.setitem(rooms._open, floor.room.home.resolve(), floor.room)
    monkeypatch.setattr(tasks.tell_channel, "write_back_of", lambda room, channel: MetaNews(spec, TOKEN))
    return floor


def in_euros(meta: FakeMeta) -> None:
    """The order as this shop sells: its SKUs, its currency, its country."""
    told = json.dumps(ORDER).replace("USD", "EUR")
    for ours, theirs in ((PLAIN, "OWL-BLK-M"), (SCARCE, "FOX-RED-S")):
        told = told.replace(theirs, ours)
    home = {"country": "DE", "postal_code": "80331", "city": "München", "state": ""}
    order = json.loads(told)
    meta.take(order | {"shipping_address": order["shipping_address"] | home})


def take_in(shop: Floor, spec: ChannelSpec) -> str:
    (fetched,) = MetaSource(spec, TOKEN).fetch([ID])
    delivery = delivery_of_fetched(spec, channel_for(spec), fetched)
    shop.room.database.write(lambda c: accept(c, shop.room.seals, delivery, shop.room.shop.hub))
    shop.intake()
    return shop.number(int(ID))


def kinds(shop: Floor, number: str) -> list[tuple[str, str]]:
    with shop.room.database.read() as connection:
        rows = news.of_order(connection, desk.find(connection, number)["id"])
    return [(row["kind"], row["state"]) for row in rows]


def test_an_order_is_acknowledged_when_we_took_it_and_then_told_what_left(
    meta: FakeMeta, spec: ChannelSpec, shop: Floor
) -> None:
    in_euros(meta)
    number = take_in(shop, spec)
    assert meta.state(ID) == "CREATED"
    assert ("tell", "insta", 0) in shop.waker.woken
    assert kinds(shop, number) == [("taken", "waiting")]
    shop.fulfil(HUB)
    # Both in one wave: the word that it is ours goes first.
    assert [one.result for one in shop.tell("insta")] == ["told", "told"]
    assert kinds(shop, number) == [("taken", "told"), ("shipped", "told")]
    assert (meta.state(ID), meta.references) == ("COMPLETED", {ID: number})
    assert len(meta.edges[ID]["shipments"]) == 1
    assert shop.tell("insta") == []


def test_an_order_that_comes_again_is_acknowledged_once(meta: FakeMeta, spec: ChannelSpec, shop: Floor) -> None:
    in_euros(meta)
    number = take_in(shop, spec)
    shop.tell("insta")
    meta.orders[ID]["last_updated"] = "2026-11-21T10:00:00+00:00"
    take_in(shop, spec)
    assert kinds(shop, number) == [("taken", "told")]
    assert meta.state(ID) == "IN_PROGRESS"


def test_a_meta_that_is_away_holds_no_order_up(meta: FakeMeta, spec: ChannelSpec, shop: Floor) -> None:
    in_euros(meta)
    number = take_in(shop, spec)
    meta.bad = [error(2, "Service temporarily unavailable") for _ in range(10)]
    (outcome,) = shop.tell("insta")
    assert (outcome.result, outcome.cause) == ("waiting", "meta-away")
    shop.fulfil(HUB)
    assert shop.state(number) == ("fulfilled", ["done"])


def test_an_order_that_is_cancelled_here_is_paid_back_by_its_cancellation_and_by_no_refund(
    meta: FakeMeta, spec: ChannelSpec, shop: Floor
) -> None:
    paying = replace(spec, refunds=RefundsSpec(meta_url(spec), "refunds.insta"))
    shop.room = replace(shop.room, shop=replace(shop.room.shop, channels=(*shop.room.shop.channels[:-1], paying)))
    rooms._open[shop.room.home.resolve()] = shop.room
    in_euros(meta)
    number = take_in(shop, spec)
    shop.tell("insta")
    told = shop.room.shop.told_ids(news.CANCELLED)
    shop.room.database.write(lambda c: cancelling.cancel(c, number, "Ada", desk.CANCELLED_BY_STAFF, told=told))
    (first,) = shop.pay_cancelled()
    assert (first.result, first.reason) == ("waiting", "its channel is to be told first")
    assert [one.result for one in shop.tell("insta")] == ["told"]
    later = update(refunds).values(next_attempt_at=refunds.c.planned_at)
    shop.room.database.write(lambda c: c.execute(later).rowcount)
    shop.pay_cancelled()
    [refund] = shop.story(number).refunds
    assert (refund["state"], refund["paid_minor"]) == ("done", refund["goods_minor"] + refund["shipping_minor"])
    assert (len(meta.edges[ID]["cancellations"]), meta.edges[ID]["refunds"]) == (1, [])
    assert not any(path.endswith("refunds") for _, path, _ in meta.calls)


def meta_url(spec: ChannelSpec) -> str:
    assert spec.api is not None
    return spec.api.url
