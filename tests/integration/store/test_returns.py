"""A return from the scan of its label to its refund, on both databases: nothing is paid, stocked or sent twice."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, select, update

from backroom.domain.return_policy import ReturnPolicy, ReturnRules, ReturnTerms
from backroom.domain.returns import Disposition, Lane, Reason, Wanted
from backroom.domain.shop import Shop
from backroom.store import cancelling, desk, effects, refunds, return_desk, return_opening, returns
from backroom.store.database import now
from backroom.store.forgetting import StillServed, forget
from backroom.store.personal import Whose
from backroom.store.return_opening import Asked, NothingToReturn, NotOffered
from backroom.store.tables import fulfilment_orders, orders, return_lines
from tests.shops import BOOTH, GTIN_TEE, HUB, PLAIN, SCARCE, Floor
from tests.together import run_together

WHO = "Ada"


@dataclass
class Counter:
    """Where returns are taken in: the desk's calls, each in a commit of its own."""

    floor: Floor
    shop: Shop

    def write(self, work: Callable[[Connection], Any]) -> Any:
        return self.floor.room.database.write(work)

    def sold(self, *lines: tuple[str, int], **changes: Any) -> str:
        number = self.floor.taken_in(*lines, **changes)
        self.floor.fulfil(HUB)
        assert self.floor.state(number)[0] == "fulfilled"
        return number

    def label(self, number: str) -> str:
        code: str = self.floor.story(number).shipments[0]["return_tracking"]
        return code

    def scan(self, code: str, at: str = HUB) -> str:
        number: str = self.write(lambda c: return_opening.open_by_code(c, self.shop, code, at, WHO)).number
        return number

    def ask(self, number: str, *asked: Asked, lane: Lane = Lane.LABEL) -> str:
        rma: str = self.write(lambda c: return_opening.request(c, self.shop, number, asked, lane, WHO)).number
        return rma

    def take(self, rma: str, code: str, at: str = HUB, instead_of: int = 0) -> return_desk.PieceIn:
        taken: return_desk.PieceIn = self.write(
            lambda c: return_desk.receive(c, self.shop, rma, at, code, WHO, instead_of)
        )
        return taken

    def say(self, line_id: int, reason: Reason, wanted: Wanted = Wanted.REFUND, other: str = "") -> None:
        self.write(lambda c: return_desk.say(c, self.shop, line_id, reason, wanted, other, WHO))

    def put(self, line_id: int, way: Disposition) -> Any:
        return self.write(lambda c: return_desk.dispose(c, self.shop, line_id, way, WHO))

    def all_in(self, rma: str) -> None:
        self.write(lambda c: return_desk.that_is_all(c, self.shop, rma, WHO))

    def settle(self, rma: str, code: str, reason: Reason, way: Disposition = Disposition.RESTOCK) -> int:
        """A piece taken in, judged and put where it belongs."""
        line_id = self.take(rma, code).line_id
        assert line_id is not None
        self.say(line_id, reason)
        self.put(line_id, way)
        return line_id

    def pay(self, rma: str, minor: int, reference: str = "re_1") -> Any:
        return self.write(lambda c: return_desk.confirm_refund(c, self.shop, rma, minor, reference, WHO))

    def state(self, rma: str) -> str:
        with self.floor.room.database.read() as connection:
            return str(returns.find(connection, rma)["state"])

    def owed(self) -> list[tuple[str, int, int]]:
        with self.floor.room.database.read() as connection:
            return [
                (r.number, r.goods_minor, r.shipping_minor) for r in refunds.waiting(connection, self.floor.room.seals)
            ]

    def words(self, rma: str) -> list[tuple[str, str]]:
        with self.floor.room.database.read() as connection:
            back = returns.find(connection, rma)
            return [(line["word"], line["why"]) for line in returns.lines_of(connection, [back["id"]])[back["id"]]]

    def of_our_own(self, rma: str) -> list[tuple[str, str]]:
        """Numbers and states of the orders that replace pieces of a return."""
        query = select(orders.c.number, orders.c.state).where(orders.c.external_id.startswith(f"{rma}/"))
        with self.floor.room.database.read() as connection:
            return [(row.number, row.state) for row in connection.execute(query.order_by(orders.c.id))]


@pytest.fixture
def counter(floor: Floor) -> Counter:
    return Counter(floor, floor.room.shop)


def test_scanning_the_label_opens_the_return_and_it_is_closed_when_its_refund_is_paid(counter: Counter) -> None:
    number = counter.sold((PLAIN, 1))
    rma = counter.scan(counter.label(number))
    assert rma == f"R-{number}-{counter.label(number)[-4:]}"
    assert counter.state(rma) == "open"
    counter.settle(rma, PLAIN, Reason.SIZE)
    assert counter.state(rma) == "received_in_part"
    assert counter.floor.available(HUB, PLAIN) == (100, 0)
    counter.all_in(rma)
    assert (counter.state(rma), counter.owed()) == ("received", [(rma, 2900, 0)])
    ((key, state),) = counter.floor.effects("refund")
    assert state == "planned"
    counter.pay(rma, 2900)
    assert (counter.state(rma), counter.owed()) == ("closed", [])
    assert counter.floor.effects("refund") == [(key, "done")]
    counter.floor.check_sums()
    assert [event for event in counter.floor.events(number) if event.startswith(("return", "refund"))] == [
        "return.scanned",
        "return.open",
        "return.piece_received",
        "return.received_in_part",
        "return.piece_judged",
        "return.piece_disposed",
        "refund.planned",
        "return.received",
        "refund.confirmed",
        "return.closed",
    ]


def test_scanning_the_label_again_opens_nothing_and_paying_again_pays_nothing(counter: Counter) -> None:
    number = counter.sold((PLAIN, 1))
    code = counter.label(number)
    rma = counter.scan(code)
    assert [counter.scan(code), counter.scan(rma), counter.scan(number)] == [rma] * 3
    counter.settle(rma, PLAIN, Reason.SIZE)
    counter.all_in(rma)
    counter.all_in(rma)
    counter.pay(rma, 2900)
    assert counter.pay(rma, 2900, "re_2") == []
    assert counter.scan(code) == rma
    assert [state for _, state in counter.floor.effects("refund")] == ["done"]
    with pytest.raises(NothingToReturn):
        counter.scan(number)


def test_a_piece_comes_back_once_however_many_stations_scan_it(counter: Counter) -> None:
    number = counter.sold((PLAIN, 2))
    rma = counter.scan(counter.label(number))
    taken = run_together([lambda: counter.take(rma, PLAIN) for _ in range(6)])
    assert sum(one.line_id is not None for one in taken) == 2
    assert {one.reason for one in taken if one.line_id is None} == {f"wrong piece: {PLAIN} is not of this order"}


def test_what_is_announced_is_received_when_its_last_piece_is_here(counter: Counter) -> None:
    number = counter.sold((PLAIN, 2))
    rma = counter.ask(number, Asked(1, Reason.SIZE), Asked(1, Reason.LATE))
    assert (counter.state(rma), counter.words(rma)) == ("open", [("granted", "in_time")] * 2)
    for expected in ("received_in_part", "received"):
        line_id = counter.take(counter.scan(counter.label(number)), PLAIN).line_id
        assert line_id is not None
        counter.put(line_id, Disposition.DISCARD)
        assert counter.state(rma) == expected
    assert counter.owed() == [(rma, 5800, 0)]
    assert counter.floor.available(HUB, PLAIN) == (98, 0)


def test_what_does_not_come_is_not_paid_back(counter: Counter) -> None:
    number = counter.sold((PLAIN, 2))
    rma = counter.ask(number, Asked(1, Reason.SIZE), Asked(1, Reason.SIZE))
    counter.settle(rma, PLAIN, Reason.SIZE)
    counter.all_in(rma)
    assert counter.owed() == [(rma, 2900, 0)]
    counter.pay(rma, 2900)
    assert counter.state(rma) == "closed"
    assert counter.ask(number, Asked(1, Reason.SIZE)) == f"R-{number}-2"


def test_a_piece_of_another_order_is_refused_and_the_refusal_is_kept(counter: Counter) -> None:
    number = counter.sold((PLAIN, 1))
    rma = counter.scan(counter.label(number))
    assert counter.take(rma, SCARCE).reason == f"wrong piece: {SCARCE} is not of this order"
    assert counter.take(rma, "no code of ours").reason == "this code is not in the catalogue"
    assert counter.floor.events(number).count("return.piece_refused") == 2
    assert counter.state(rma) == "open"


def test_the_wrong_item_that_was_sent_goes_to_its_own_shelf_and_the_right_one_is_paid_back(counter: Counter) -> None:
    number = counter.sold((PLAIN, 1))
    rma = counter.scan(counter.label(number))
    line_id = counter.take(rma, SCARCE, instead_of=1).line_id
    assert line_id is not None
    assert counter.words(rma) == [("granted", "fault")]
    counter.put(line_id, Disposition.RESTOCK)
    counter.all_in(rma)
    assert counter.owed() == [(rma, 2900, 0)]
    assert counter.floor.available(HUB, SCARCE) == (2, 0)
    assert counter.floor.available(HUB, PLAIN) == (99, 0)
    counter.floor.check_sums()


def long_ago(counter: Counter, number: str, days: int) -> None:
    """As if its parcel had left so many days ago."""
    parts = select(orders.c.id).where(orders.c.number == number).scalar_subquery()

    def work(connection: Connection) -> None:
        at = now(connection) - timedelta(days=days)
        connection.execute(
            update(fulfilment_orders).where(fulfilment_orders.c.order_id == parts).values(done_at=at, labelled_at=at)
        )

    counter.write(work)


def test_after_the_last_day_a_person_says_yes_or_no_and_what_is_declined_is_handed_back(counter: Counter) -> None:
    number = counter.sold((PLAIN, 2))
    long_ago(counter, number, 60)
    rma = counter.scan(counter.label(number))
    first, second = (counter.take(rma, PLAIN).line_id for _ in range(2))
    assert first is not None
    assert second is not None
    for line_id in (first, second):
        counter.say(line_id, Reason.CHANGED_MIND)
    assert counter.words(rma) == [("ask", "after_last_day")] * 2
    with pytest.raises(return_desk.NotNow):
        counter.put(first, Disposition.RESTOCK)
    counter.write(lambda c: return_desk.decide(c, counter.shop, first, granted=True, actor=WHO))
    counter.write(lambda c: return_desk.decide(c, counter.shop, second, granted=False, actor=WHO))
    with pytest.raises(return_desk.NotNow):
        counter.put(second, Disposition.RESTOCK)
    counter.put(first, Disposition.RESTOCK)
    counter.put(second, Disposition.HAND_BACK)
    counter.all_in(rma)
    assert counter.owed() == [(rma, 2900, 0)]


def test_a_return_after_its_deadline_waits_for_a_person_or_is_declined_by_the_shops_rule(counter: Counter) -> None:
    number = counter.sold((PLAIN, 1))
    long_ago(counter, number, 60)
    rma = counter.ask(number, Asked(1, Reason.SIZE))
    assert counter.state(rma) == "requested"
    counter.write(lambda c: return_desk.decline(c, counter.shop, rma, WHO))
    assert counter.state(rma) == "declined"
    strict = ReturnRules(policies=(ReturnPolicy("web", ReturnTerms(late="decline"), channels=("web",)),))
    counter.shop = replace(counter.shop, returns=strict)
    assert counter.state(counter.ask(number, Asked(1, Reason.SIZE))) == "declined"
    rma = counter.ask(number, Asked(1, Reason.DAMAGED))
    assert counter.state(rma) == "open"


def test_a_return_all_of_which_is_declined_ends_so_and_owes_nothing(counter: Counter) -> None:
    counter.shop = replace(counter.shop, returns=ReturnRules(terms=ReturnTerms(days=0)))
    number = counter.sold((PLAIN, 1))
    rma = counter.scan(counter.label(number))
    counter.settle(rma, PLAIN, Reason.CHANGED_MIND, Disposition.HAND_BACK)
    counter.all_in(rma)
    assert (counter.state(rma), counter.owed()) == ("declined", [])
    assert counter.floor.available(HUB, PLAIN) == (99, 0)


def test_personalised_goods_come_back_for_a_fault_only(counter: Counter) -> None:
    line = {"id": 1, "sku": PLAIN, "quantity": 1, "price": "29.00", "title": "Shirt"}
    line["properties"] = [{"name": "Back print", "value": "ZOFIA"}]
    number = counter.sold((PLAIN, 1), line_items=[line])
    rma = counter.ask(number, Asked(1, Reason.SIZE))
    assert (counter.state(rma), counter.words(rma)) == ("declined", [("declined", "personalised")])
    rma = counter.ask(number, Asked(1, Reason.PRINT_FAULT))
    assert (counter.state(rma), counter.words(rma)) == ("open", [("granted", "fault")])


@pytest.mark.parametrize("rule", ["after_return", "at_once"])
def test_an_exchange_waits_for_the_goods_or_leaves_at_once_by_rule(counter: Counter, rule: str) -> None:
    counter.shop = replace(counter.shop, returns=ReturnRules(terms=ReturnTerms(exchange=rule)))
    number = counter.sold((PLAIN, 1))
    rma = counter.ask(number, Asked(1, Reason.SIZE, Wanted.EXCHANGE, GTIN_TEE))
    ((another, state),) = counter.of_our_own(rma)
    assert state == ("awaiting_return_items" if rule == "after_return" else "accepted")
    if rule == "after_return":
        line_id = counter.take(rma, PLAIN).line_id
        assert line_id is not None
        assert counter.of_our_own(rma) == [(another, "awaiting_return_items")]
        counter.put(line_id, Disposition.RESTOCK)
        assert counter.of_our_own(rma) == [(another, "accepted")]
        assert (counter.state(rma), counter.owed()) == ("closed", [])
        counter.floor.intake()
        told = counter.floor.story(another)
        assert [(line["sku"], line["unit_price_minor"]) for line in told.lines] == [(GTIN_TEE, 2900)]
        assert told.order["state"] in ("backordered", "released")


def test_a_piece_is_exchanged_or_made_anew_and_not_both(counter: Counter) -> None:
    number = counter.sold((PLAIN, 1))
    rma = counter.ask(number, Asked(1, Reason.PRINT_FAULT, Wanted.EXCHANGE, SCARCE))
    line_id = counter.take(rma, PLAIN).line_id
    assert line_id is not None
    with pytest.raises(return_desk.NotNow):
        counter.put(line_id, Disposition.REPRINT)
    with pytest.raises(return_desk.NotNow):
        counter.say(line_id, Reason.PRINT_FAULT)
    ((another, _),) = counter.of_our_own(rma)
    counter.write(lambda c: cancelling.cancel(c, another, WHO, desk.CANCELLED_BY_STAFF))
    counter.put(line_id, Disposition.REPRINT)
    assert [state for _, state in counter.of_our_own(rma)] == ["cancelled", "accepted"]


def test_a_person_lets_an_exchange_go_before_the_goods_are_here(counter: Counter) -> None:
    number = counter.sold((PLAIN, 1))
    rma = counter.ask(number, Asked(1, Reason.SIZE, Wanted.EXCHANGE, SCARCE))
    ((another, _),) = counter.of_our_own(rma)
    counter.write(lambda c: desk.release(c, another, WHO, HUB))
    assert counter.of_our_own(rma) == [(another, "accepted")]
    counter.write(lambda c: return_desk.cancel(c, counter.shop, rma, WHO))
    assert counter.of_our_own(rma) == [(another, "accepted")]


def test_an_exchange_that_is_held_goes_on_to_be_made_when_it_is_released(counter: Counter) -> None:
    number = counter.sold((PLAIN, 1))
    rma = counter.ask(number, Asked(1, Reason.SIZE, Wanted.EXCHANGE, SCARCE))
    ((another, _),) = counter.of_our_own(rma)
    counter.write(lambda c: desk.hold(c, another, desk.ASKED_BY_STAFF, WHO))
    line_id = counter.take(rma, PLAIN).line_id
    assert line_id is not None
    counter.put(line_id, Disposition.RESTOCK)
    assert counter.of_our_own(rma) == [(another, "held")]
    counter.write(lambda c: desk.release(c, another, WHO, HUB))
    assert counter.of_our_own(rma) == [(another, "accepted")]


def test_an_exchange_is_for_another_piece_of_the_same_product(counter: Counter) -> None:
    number = counter.sold((PLAIN, 1))
    for other in (PLAIN, "", "TOTE-NAT-1"):
        with pytest.raises(NotOffered):
            counter.ask(number, Asked(1, Reason.SIZE, Wanted.EXCHANGE, other))


def test_when_the_customer_keeps_it_the_exchange_that_waited_is_cancelled(counter: Counter) -> None:
    number = counter.sold((PLAIN, 1))
    rma = counter.ask(number, Asked(1, Reason.SIZE, Wanted.EXCHANGE, SCARCE))
    counter.write(lambda c: return_desk.cancel(c, counter.shop, rma, WHO))
    assert (counter.state(rma), [state for _, state in counter.of_our_own(rma)]) == ("cancelled", ["cancelled"])
    later = counter.scan(counter.label(number))
    assert later == f"R-{number}-2"


def test_of_an_exchange_only_what_came_back_is_sent(counter: Counter) -> None:
    number = counter.sold((PLAIN, 2))
    rma = counter.ask(number, *[Asked(1, Reason.SIZE, Wanted.EXCHANGE, SCARCE)] * 2)
    line_id = counter.take(rma, PLAIN).line_id
    assert line_id is not None
    counter.put(line_id, Disposition.RESTOCK)
    counter.all_in(rma)
    ((another, state),) = counter.of_our_own(rma)
    assert state == "accepted"
    told = counter.floor.story(another)
    assert (len(told.lines), told.order["total_minor"]) == (1, 2900)


def test_a_misprint_is_made_anew_like_an_order_and_not_paid_back(counter: Counter) -> None:
    number = counter.sold((PLAIN, 1))
    rma = counter.scan(counter.label(number))
    counter.settle(rma, PLAIN, Reason.PRINT_FAULT, Disposition.REPRINT)
    counter.all_in(rma)
    ((another, state),) = counter.of_our_own(rma)
    assert (state, counter.state(rma), counter.owed()) == ("accepted", "closed", [])
    counter.floor.intake()
    counter.floor.fulfil(HUB)
    assert counter.floor.state(another) == ("fulfilled", ["done"])
    assert counter.floor.available(HUB, PLAIN) == (98, 0)
    counter.floor.check_sums()


def test_a_replacement_that_comes_back_is_paid_back_by_the_first_orders_payment(counter: Counter) -> None:
    number = counter.sold((PLAIN, 1))
    rma = counter.ask(number, Asked(1, Reason.PRINT_FAULT))
    line_id = counter.take(rma, PLAIN).line_id
    assert line_id is not None
    counter.put(line_id, Disposition.REPRINT)
    ((another, _),) = counter.of_our_own(rma)
    counter.floor.intake()
    counter.floor.fulfil(HUB)
    second = counter.scan(counter.label(another))
    counter.settle(second, PLAIN, Reason.SIZE)
    counter.all_in(second)
    assert counter.owed() == [(second, 2900, 0)]
    with counter.floor.room.database.read() as connection:
        order = desk.find(connection, another)
        assert refunds.payer(connection, order["id"])["number"] == number


def test_a_repaired_piece_goes_to_the_shelf_when_the_return_is_long_over(counter: Counter) -> None:
    number = counter.sold((PLAIN, 1))
    rma = counter.scan(counter.label(number))
    line_id = counter.settle(rma, PLAIN, Reason.DAMAGED, Disposition.REPAIR)
    counter.all_in(rma)
    counter.pay(rma, 2900)
    assert counter.floor.available(HUB, PLAIN) == (99, 0)
    counter.put(line_id, Disposition.RESTOCK)
    assert counter.floor.available(HUB, PLAIN) == (100, 0)
    with pytest.raises(return_desk.NotNow):
        counter.put(line_id, Disposition.RESTOCK)
    counter.floor.check_sums()


def test_postage_is_paid_back_with_the_last_piece_of_an_order(counter: Counter) -> None:
    paid = {"total_price": "62.90", "current_total_price": "62.90"}
    paid["shipping_lines"] = [{"price": "4.90", "discounted_price": "4.90"}]  # type: ignore[assignment]
    number = counter.sold((PLAIN, 2), **paid)
    first = counter.scan(counter.label(number))
    counter.settle(first, PLAIN, Reason.SIZE)
    counter.all_in(first)
    counter.pay(first, 2900)
    second = counter.scan(number)
    counter.settle(second, PLAIN, Reason.SIZE)
    counter.all_in(second)
    assert counter.owed() == [(second, 2900, 490)]


def test_a_refund_is_confirmed_with_what_was_paid_and_an_id_and_no_words(counter: Counter) -> None:
    number = counter.sold((PLAIN, 1))
    rma = counter.scan(counter.label(number))
    with pytest.raises(refunds.NothingOwed):
        counter.pay(rma, 2900)
    counter.settle(rma, PLAIN, Reason.SIZE)
    counter.all_in(rma)
    for minor, reference in ((2901, "re_1"), (-1, "re_1"), (2900, "paid to Zaphrodel Quibbleton")):
        with pytest.raises(refunds.NotPayable):
            counter.pay(rma, minor, reference)
    counter.pay(rma, 2500, "#1042-R1")
    with counter.floor.room.database.read() as connection:
        ((key, _),) = counter.floor.effects("refund")
        answer = effects.read(connection, [key])[key]["answer"]
    assert answer == {"by": WHO, "provider": "by hand", "paid_minor": 2500, "reference": "#1042-R1"}


def test_what_was_carried_out_of_a_booth_is_handed_in_by_its_orders_number(counter: Counter) -> None:
    number = counter.floor.taken_in((PLAIN, 1), at=BOOTH)
    with pytest.raises(NothingToReturn):
        counter.scan(number, BOOTH)
    counter.floor.fulfil(BOOTH)
    (job,) = counter.floor.hand_out(BOOTH)
    counter.floor.print(job)
    counter.floor.fulfil(BOOTH)
    rma = counter.scan(number, BOOTH)
    with counter.floor.room.database.read() as connection:
        back = returns.find(connection, rma)
    assert (back["lane"], back["location"]) == ("drop_off", BOOTH)
    line_id = counter.take(rma, PLAIN, BOOTH).line_id
    assert line_id is not None
    counter.say(line_id, Reason.SIZE)
    counter.put(line_id, Disposition.RESTOCK)
    assert counter.floor.available(BOOTH, PLAIN) == (1, 0)


def test_a_code_of_nobody_opens_nothing(counter: Counter) -> None:
    for code in ("BR000000000000000000", "R-A-9999-1", "A-9999", ""):
        with pytest.raises(returns.NoSuchReturn):
            counter.scan(code)


def test_a_way_back_that_the_shop_does_not_offer_is_refused(counter: Counter) -> None:
    number = counter.sold((PLAIN, 1))
    with pytest.raises(NotOffered):
        counter.ask(number, Asked(1, Reason.SIZE), lane=Lane.COLLECTION)


def test_whose_return_is_under_way_is_not_erased(counter: Counter) -> None:
    number = counter.sold((PLAIN, 1))
    counter.scan(counter.label(number))
    person = counter.floor.story(number).order["person_id"]
    with pytest.raises(StillServed, match=f"R-{number}"):
        counter.write(lambda c: forget(c, Whose(person)))


def test_a_backup_that_is_put_back_ends_the_return_of_who_was_forgotten(counter: Counter) -> None:
    number = counter.sold((PLAIN, 2), checkout_token="tok")
    rma = counter.scan(counter.label(number))
    counter.settle(rma, PLAIN, Reason.SIZE)
    later = counter.ask(number, Asked(1, Reason.SIZE))
    person = counter.floor.story(number).order["person_id"]
    counter.write(lambda c: forget(c, Whose(person), close=True))
    assert (counter.state(rma), counter.state(later)) == ("closed", "cancelled")
    assert not counter.floor.story(number).order["payment_token"]
    assert counter.floor.take_back() == []


def test_orders_taken_in_keep_their_payments_token_sealed(counter: Counter) -> None:
    number = counter.sold((PLAIN, 1), checkout_token="tok-of-nobody-else")
    order = counter.floor.story(number).order
    assert order["payment_token"] is not None
    assert b"tok-of-nobody-else" not in bytes(order["payment_token"])


def test_pieces_are_worth_what_was_paid_for_them_after_discounts(counter: Counter) -> None:
    number = counter.sold((PLAIN, 3))
    rma = counter.ask(number, *[Asked(1, Reason.SIZE)] * 3)
    with counter.floor.room.database.read() as connection:
        worth = connection.execute(select(return_lines.c.value_minor)).scalars().all()
    assert list(worth) == [2900] * 3
    assert counter.state(rma) == "open"
