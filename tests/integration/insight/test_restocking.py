"""Planning for a market from the shop's past, proposing it, and holding it against the end, on both databases."""

from __future__ import annotations

from datetime import timedelta

from backroom.domain.prestaging import Kind
from backroom.insight import restocking
from backroom.store import events, restock_past, transfers
from backroom.store.database import now
from tests.markets import BLANK, sell
from tests.shops import GTIN_TEE, PLAIN, Floor


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


def test_what_is_on_its_way_is_not_proposed_again(market: Floor) -> None:
    number = restocking.propose(market.room, "next").transfer
    market.room.database.write(lambda c: transfers.approve(c, number, "Ada"))
    assert restocking.propose(market.room, "next").transfer == ""
    market.room.database.write(lambda c: transfers.send(c, number, {}, "Ada"))
    assert restocking.propose(market.room, "next").transfer == ""


def test_afterwards_the_plan_is_held_against_what_happened(market: Floor) -> None:
    number = restocking.propose(market.room, "next").transfer
    write = market.room.database.write
    write(lambda c: transfers.approve(c, number, "Ada"))
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
