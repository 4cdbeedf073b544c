"""Planning for a market from the shop's past, proposing it, and holding it against the end, on both databases."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from sqlalchemy import Connection, update

from backroom.domain.offers import HUB_PRINTING
from backroom.domain.prestaging import Kind
from backroom.domain.print_pace import ENOUGH
from backroom.domain.sample_rules import SampleRules
from backroom.insight import restock_report, restocking
from backroom.store import events, restock_past, sample_desk, transfers
from backroom.store.database import now
from backroom.store.tables import stock_levels
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
    review, stored = found
    (plain,) = [line for line in review.lines if line.sku == PLAIN]
    assert plain.asked == 4
    assert plain.naive == 7
    assert plain.expected == stored.expected[PLAIN].mean
    assert plain.brought > 0
    assert review.short == 0
    assert review.too_many > 0
