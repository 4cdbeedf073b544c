"""Planning for a market from the shop's past, proposing it, and holding it against the end, on both databases."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import timedelta

from sqlalchemy import Connection, update

from backroom.domain.leases import Loan
from backroom.domain.offers import HUB_PRINTING
from backroom.domain.prestaging import Kind
from backroom.domain.print_pace import ENOUGH
from backroom.domain.restock_review import Carried, CarriedPacks
from backroom.domain.sample_rules import SampleRules
from backroom.insight import restock_report, restocking
from backroom.store import event_desk, events, leases, restock_past, sample_desk, stock, transfers
from backroom.store.database import now
from backroom.store.tables import stock_levels
from backroom.store.transfer_stock import change
from tests.markets import BLANK, sell
from tests.shops import BOOTH, GTIN_TEE, HUB, PLAIN, SCARCE, Floor


def test_the_past_is_read_as_it_was_asked_for(market: Floor) -> None:
    with market.room.database.read() as connection:
        past = restock_past.past_events(connection, market.room.shop, {PLAIN})
        online = restock_past.asked_online(connection, market.room.shop, now(connection))
    assert [one.asked for one in past] == [{PLAIN: 6, GTIN_TEE: 4}, {PLAIN: 5, GTIN_TEE: 5}, {PLAIN: 7}]
    assert [one.hours for one in past] == [5.0, 5.0, 5.0]
    # What cannot be printed was on sale until its last piece; of a fair to which nothing was leased nobody knows.
    assert [one.had.get(GTIN_TEE) for one in past] == [0.4, 0.4, None]
    assert all(PLAIN not in one.had for one in past)
    assert online == {}


def test_a_plan_takes_what_sells_and_proposes_it_once(market: Floor) -> None:
    found = restocking.propose(market.room, "next")
    brought = {(line.item, line.kind): line.pieces for line in found.stored.plan.lines}
    assert brought[PLAIN, Kind.FINISHED] + brought.get((BLANK.sku, Kind.BLANK), 0) >= 6
    assert brought[GTIN_TEE, Kind.FINISHED] >= 5
    assert (GTIN_TEE, Kind.TO_PRINT) not in brought
    assert found.stored.plan.lost_with < found.stored.plan.lost_without
    assert found.transfer == "T-1"
    again = restocking.propose(market.room, "next")
    assert (again.transfer, again.stored.id) == ("T-1", found.stored.id)


def approve_sample(market: Floor, place: str, *printers: str) -> None:
    def work(connection: Connection) -> None:
        for printer in printers:
            number = sample_desk.printed(connection, market.room.shop, PLAIN, place, printer, "Ada")
            sample_desk.approve(connection, market.room.shop, number, photo="x.jpg", note="", actor="Ada")

    market.room.database.write(work)


def test_without_an_approved_sample_no_blanks_are_planned_and_the_page_says_why(market: Floor) -> None:
    market.room = replace(market.room, shop=replace(market.room.shop, samples=SampleRules(require=True)))
    stored = restocking.propose(market.room, "next").stored
    assert not [line for line in stored.plan.lines if line.kind is not Kind.FINISHED]
    assert {(one.sku, one.location) for one in stored.left_out} >= {(PLAIN, BOOTH), (PLAIN, HUB)}
    told = restock_report.plan_markdown("next", stored, "", {})
    assert "Not printed for want of a sample" in told
    assert "no sample of it was printed" in told

    approve_sample(market, BOOTH, "press-1", "press-2")
    approve_sample(market, HUB, "press-hub")
    with market.room.database.read() as connection:
        row = events.find(connection, "next")
        found = restocking.compute(connection, market.room.shop, row, now(connection))
    assert PLAIN not in {one.sku for one in found.left_out}


def test_a_plan_reckons_with_the_seconds_that_prints_took(market: Floor) -> None:
    # None of it is free on the hub's shelf, and the booth may not print it: it is printed before leaving.
    spec = replace(market.room.shop.restock, print_seconds=3600)
    asking = replace(market.room.shop, restock=spec, samples=SampleRules(require=True))
    approve_sample(market, HUB, "press-hub")
    here = (stock_levels.c.location == HUB) & (stock_levels.c.sku == PLAIN)
    market.room.database.write(lambda c: c.execute(update(stock_levels).where(here).values(kept=True)))

    def seconds_a_print() -> float:
        with market.room.database.read() as connection:
            found = restocking.compute(connection, asking, events.find(connection, "next"), now(connection))
        to_print = sum(line.pieces for line in found.plan.lines if line.kind is Kind.TO_PRINT)
        return found.plan.used[HUB_PRINTING] / to_print

    assert seconds_a_print() == 3600
    for _ in range(ENOUGH + 1):
        market.taken_in((SCARCE, 1))
    market.fulfil(HUB)
    jobs = market.hand_out(HUB)
    assert len(jobs) >= ENOUGH
    for job in jobs:
        market.print(job)
    assert seconds_a_print() < 60


def test_what_is_on_its_way_is_not_proposed_again(market: Floor) -> None:
    number = restocking.propose(market.room, "next").transfer
    market.room.database.write(lambda c: transfers.approve(c, market.room.shop, number, "Ada"))
    assert restocking.propose(market.room, "next").transfer == ""
    market.room.database.write(lambda c: transfers.send(c, number, {}, "Ada"))
    assert restocking.propose(market.room, "next").transfer == ""


def test_afterwards_the_plan_is_held_against_what_happened(market: Floor) -> None:
    number = restocking.propose(market.room, "next").transfer
    write = market.room.database.write
    write(lambda c: transfers.approve(c, market.room.shop, number, "Ada"))
    write(lambda c: transfers.send(c, number, {}, "Ada"))
    write(lambda c: transfers.scan_all(c, number, {}))
    write(lambda c: transfers.book_in(c, number, "Bo"))
    with market.room.database.read() as connection:
        begins = events.find(connection, "next")["starts_at"]
    sell(market, PLAIN, 4, begins + timedelta(hours=1))
    market.intake()
    with market.room.database.read() as connection:
        found = restocking.compare(connection, market.room.shop, "next")
    assert found is not None
    (plain,) = [line for line in found.review.lines if line.sku == PLAIN]
    assert plain.asked == 4
    assert plain.naive == 7
    assert plain.expected == found.stored.expected[PLAIN].mean
    assert plain.brought > 0
    assert found.review.short == 0
    assert found.review.too_many > 0


def sell_at_next(market: Floor, sku: str, pieces: int) -> None:
    """A customer orders an hour after the next event began, and the booth makes it as far as it can."""
    with market.room.database.read() as connection:
        begins = events.find(connection, "next")["starts_at"]
    sell(market, sku, pieces, begins + timedelta(hours=1))
    market.intake()
    market.fulfil(BOOTH)


def the_outcome(market: Floor) -> dict[str, Carried]:
    """What became of the plan for the next fair, by SKU."""
    return {one.item: one for one in compared(market).outcome.items}


def compared(market: Floor) -> restocking.Compared:
    with market.room.database.read() as connection:
        found = restocking.compare(connection, market.room.shop, "next")
    assert found is not None
    return found


def to_bring(market: Floor) -> dict[str, int]:
    """What the newest plan for the next fair says to bring, by SKU."""
    pieces: Counter[str] = Counter()
    for line in restocking.propose(market.room, "next").stored.plan.lines:
        pieces[line.item] += line.pieces
    return dict(pieces)


def test_what_the_plan_said_to_bring_is_held_against_what_was_brought(market: Floor) -> None:
    write, first = market.room.database.write, to_bring(market)
    assert {sku: one.planned for sku, one in the_outcome(market).items()} == first
    write(lambda c: transfers.approve(c, market.room.shop, "T-1", "Ada"))
    # Planned anew once it is set aside: the newest plan says next to nothing, and the first one counts all the same.
    again = to_bring(market)
    assert again.get(PLAIN, 0) < first[PLAIN]
    wanted = {sku: first.get(sku, 0) + again.get(sku, 0) for sku in first | again}
    assert {sku: one.planned for sku, one in the_outcome(market).items()} == wanted
    assert compared(market).outcome.lost_without > compared(market).outcome.lost_with

    write(lambda c: transfers.send(c, "T-1", {PLAIN: first[PLAIN] - 1}, "Ada"))
    write(lambda c: transfers.scan_all(c, "T-1", {}))
    write(lambda c: transfers.book_in(c, "T-1", "Bo"))
    plain = the_outcome(market)[PLAIN]
    assert (plain.planned, plain.brought) == (max(first[PLAIN], wanted[PLAIN] - 1), first[PLAIN] - 1)
    # Somebody took along what no plan had named.
    loan = Loan(SCARCE, HUB, 1)
    write(lambda c: leases.lend(c, "next", [loan], key="by hand", actor="Ada"))
    assert the_outcome(market)[SCARCE].brought == 1
    assert the_outcome(market)[SCARCE].planned == wanted.get(SCARCE, 0)


def test_what_nobody_drove_was_planned_and_not_brought(market: Floor) -> None:
    write, first = market.room.database.write, to_bring(market)
    write(lambda c: transfers.approve(c, market.room.shop, "T-1", "Ada"))
    to_bring(market)
    write(lambda c: transfers.cancel(c, "T-1", "Ada"))
    found = compared(market).outcome
    assert {one.item for one in found.items if one.planned >= first.get(one.item, 0)} >= first.keys()
    assert (found.as_planned, found.besides) == (0, 0)
    assert [one.sent for one in found.packs] == [0 for _ in found.packs]


def test_blanks_ink_and_what_came_back_are_held_against_the_plan(market: Floor) -> None:
    # None of it lies free at the hub, which prints nothing: what sells goes as blanks, with ink.
    shop = market.room.shop
    hub = replace(shop.location(HUB), printers=())
    places = tuple(hub if one.id == HUB else one for one in shop.locations)
    market.room = replace(market.room, shop=replace(shop, locations=places))
    write = market.room.database.write
    here = (stock_levels.c.location == HUB) & (stock_levels.c.sku == PLAIN)
    write(lambda c: c.execute(update(stock_levels).where(here).values(kept=True)).rowcount)
    blanks = to_bring(market)[BLANK.sku]
    write(lambda c: transfers.approve(c, market.room.shop, "T-1", "Ada"))
    write(lambda c: transfers.send(c, "T-1", {}, "Ada"))
    write(lambda c: transfers.scan_all(c, "T-1", {"ink": 1}))
    write(lambda c: transfers.book_in(c, "T-1", "Bo"))
    assert compared(market).outcome.packs == (CarriedPacks("ink", "bottle", planned=1, sent=1, arrived=0),)

    write(lambda c: event_desk.open_event(c, "next", HUB, "Ada"))
    sell_at_next(market, PLAIN, 3)
    for job in market.hand_out(BOOTH):
        market.print(job)
    market.fulfil(BOOTH)
    found, tee, plain = compared(market), the_outcome(market)[BLANK.sku], the_outcome(market)[PLAIN]
    assert (tee.planned, tee.brought, tee.gone, tee.asked, tee.short) == (blanks, blanks, 3, None, None)
    assert (plain.planned, plain.brought, plain.asked, plain.short) == (0, 0, 3, 3)
    # It was printed on a blank.
    assert found.review.short == 0
    assert (found.outcome.settled, tee.back) == (False, None)
    assert "not settled" in restock_report.review_markdown("next", found, {})

    write(lambda c: event_desk.close_event(c, "next", HUB, "Ada"))
    write(lambda c: leases.count(c, "next", BLANK.sku, blanks - 4, "Ada"))
    write(lambda c: leases.settle_event(c, "next", hub=HUB, actor="Ada", rest_missing=True))
    found, tee = compared(market), the_outcome(market)[BLANK.sku]
    assert (tee.gone, tee.own, tee.back, tee.missing) == (3, 0, blanks - 4, 1)
    assert the_outcome(market)[PLAIN].back is None
    assert found.outcome.settled
    assert found.review.short == 0
    told = restock_report.review_markdown("next", found, {})
    assert "| ink | bottle | 1 | 1 | 0 |" in told
    assert f"| {BLANK.sku} | {BLANK.sku} | {blanks} |  | {blanks} |  | 3 | {blanks - 4}, 1 missing |  |" in told
    assert f"Lost sales that were expected: {found.stored.plan.lost_with:.1f} with all that was planned" in told


def test_what_the_booth_sold_of_its_own_is_counted_until_the_event_is_settled(market: Floor) -> None:
    write = market.room.database.write
    write(lambda c: stock.receive(c, "own", [(BOOTH, GTIN_TEE, 5)], "delivered", now(c)))
    restocking.propose(market.room, "next")
    write(lambda c: event_desk.open_event(c, "next", HUB, "Ada"))
    sell_at_next(market, GTIN_TEE, 2)
    tee = the_outcome(market)[GTIN_TEE]
    assert (tee.brought, tee.own, tee.asked, tee.gone, tee.short) == (0, 5, 2, 2, 0)

    write(lambda c: event_desk.close_event(c, "next", HUB, "Ada"))
    write(lambda c: leases.settle_event(c, "next", hub=HUB, actor="Ada"))
    with market.room.database.read() as connection:
        later = now(connection) + timedelta(hours=1)
    # A day at the booth that is not the event's.
    write(lambda c: change(c, (BOOTH, GTIN_TEE), -1, key="later", reason="packed", at=later, free=False))
    tee = the_outcome(market)[GTIN_TEE]
    # It was neither lent nor counted, so that the settlement does not name it.
    assert (tee.gone, tee.short, tee.back) == (2, 0, None)
