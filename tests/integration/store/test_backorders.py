"""Freed stock wakes the orders that wait for it, whatever freed it, and only as often as something was freed."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import Connection, func, select, update

from backroom.domain.routing_rules import Filter, RoutingRule
from backroom.engine import wake
from backroom.shop import room as rooms
from backroom.store import backlog, cancelling, stock
from backroom.store.database import now
from backroom.store.tables import orders, routing_decisions, stock_levels
from tests.shops import GTIN_TEE, HUB, SCARCE, Floor


@pytest.fixture
def shop(floor: Floor, monkeypatch: pytest.MonkeyPatch) -> Floor:
    """The floor, where what is short waits for stock."""
    rule = RoutingRule("wait", (), (Filter("kind", "==", "hub"),), (), short="backorder")
    waiting = Floor(replace(floor.room, shop=replace(floor.room.shop, rules=(rule,))), floor.waker)
    monkeypatch.setitem(rooms._open, floor.room.home.resolve(), waiting.room)
    monkeypatch.setitem(vars(wake), "_this", waiting.waker)
    return waiting


def sweep(shop: Floor) -> set[str]:
    """What the sweep does for waiting work; returns the stages it wakes."""
    return {wakeup.stage for wakeup in shop.room.database.write(lambda c: backlog.wake_again(c, shop.room.shop.hub))}


def make_older(shop: Floor) -> None:
    """As if everything so far had happened ten minutes ago."""

    def back(connection: Connection) -> None:
        for table, column in ((routing_decisions, "at"), (stock_levels, "freed_at")):
            at = now(connection) - timedelta(minutes=10)
            connection.execute(update(table).where(table.c[column].is_not(None)).values({column: at}))

    shop.room.database.write(back)


def waits(shop: Floor) -> tuple[str, str]:
    """The order that has the last piece, and one that waits for it."""
    first, second = shop.taken_in((SCARCE, 1)), shop.taken_in((SCARCE, 1))
    assert (shop.state(first)[0], shop.state(second)[0]) == ("released", "backordered")
    make_older(shop)
    sweep(shop)
    assert shop.state(second)[0] == "backordered"
    return first, second


def test_a_cancelled_orders_piece_goes_to_the_one_that_waits_for_it(shop: Floor) -> None:
    first, second = waits(shop)
    shop.room.database.write(lambda c: cancelling.cancel(c, first, "Ada", "cancelled_by_staff"))
    assert "intake" in sweep(shop)
    shop.intake()
    assert shop.state(second)[0] == "released"
    shop.check_sums()


def test_pieces_taken_in_by_any_door_wake_the_one_that_waits_for_them(shop: Floor) -> None:
    _, second = waits(shop)
    shop.room.database.write(lambda c: stock.receive(c, "lorry", [(HUB, SCARCE, 5)], "counted", now(c)))
    sweep(shop)
    shop.intake()
    assert shop.state(second)[0] == "released"


def test_a_piece_freed_while_an_order_is_routed_is_not_missed(shop: Floor) -> None:
    first, second = waits(shop)
    shop.room.database.write(lambda c: cancelling.cancel(c, first, "Ada", "cancelled_by_staff"))
    with shop.room.database.read() as connection:
        later = now(connection) + timedelta(seconds=1)
    # It was routed by what lay there before, and its decision was written just after.
    shop.room.database.write(lambda c: c.execute(update(routing_decisions).values(at=later)))
    sweep(shop)
    assert shop.state(second)[0] == "accepted"


def test_an_order_that_still_lacks_another_piece_is_routed_once_for_what_was_freed(shop: Floor) -> None:
    first = shop.taken_in((SCARCE, 1))
    both = shop.taken_in((SCARCE, 1), (GTIN_TEE, 500))
    make_older(shop)
    shop.room.database.write(lambda c: cancelling.cancel(c, first, "Ada", "cancelled_by_staff"))
    for _ in range(5):
        sweep(shop)
        shop.intake()
        # A minute passes.
        shop.room.database.write(lambda c: c.execute(update(stock_levels).values(freed_at=an_age_ago(c))))
    assert shop.state(both)[0] == "backordered"
    with shop.room.database.read() as connection:
        mine = routing_decisions.c.order_id == select(orders.c.id).where(orders.c.number == both).scalar_subquery()
        rounds = connection.execute(select(func.count()).select_from(routing_decisions).where(mine)).scalar_one()
    assert rounds == 2


def an_age_ago(connection: Connection) -> object:
    return now(connection) - timedelta(minutes=2)
