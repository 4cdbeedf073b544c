"""What comes back, in the figures of the orders it was shipped with, on both databases."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import Connection, insert, update

from backroom.domain.cost_rates import CostRates
from backroom.domain.returns import Disposition, Reason, Wanted
from backroom.insight.behind import behind, behind_month, read_orders_of
from backroom.insight.reading import day_span, last_day, read_report, read_returns
from backroom.insight.refresh import refresh_facts, refresh_figures, refresh_months
from backroom.shop.room import Room
from backroom.store import return_desk, return_opening, sku_returns
from backroom.store.database import now
from backroom.store.tables import history
from backroom.store.tables import orders as orders_table
from tests.integration.insight.test_refresh import LATER, settle_history
from tests.shops import HUB, PLAIN, Floor

WHO = "Ada"


@pytest.fixture
def room(floor: Floor) -> Room:
    """The shop with what returns cost it: 4.20 a label, and a piece is handled in three minutes at 20.00 an hour."""
    costs = CostRates(return_label=420, picking_minutes=3, wage_per_hour=2000)
    return replace(floor.room, shop=replace(floor.room.shop, costs=costs))


@pytest.fixture
def sold(floor: Floor) -> list[str]:
    """Two orders of a piece each, shipped; the first one came back by its label and is paid back."""
    numbers = [floor.taken_in((PLAIN, 1)) for _ in range(2)]
    floor.fulfil(HUB)
    shop, write = floor.room.shop, floor.room.database.write
    code = floor.story(numbers[0]).shipments[0]["return_tracking"]
    rma = write(lambda c: return_opening.open_by_code(c, shop, code, HUB, WHO)).number
    line_id = write(lambda c: return_desk.receive(c, shop, rma, HUB, PLAIN, WHO, 0)).line_id
    assert line_id is not None
    write(lambda c: return_desk.say(c, shop, line_id, Reason.SIZE, Wanted.REFUND, "", WHO))
    write(lambda c: return_desk.dispose(c, shop, line_id, Disposition.RESTOCK, WHO))
    write(lambda c: return_desk.that_is_all(c, shop, rma, WHO))
    write(lambda c: return_desk.confirm_refund(c, shop, rma, 2900, "re_1", WHO))
    return numbers


def bring_up_to_date(room: Room) -> None:
    settle_history(room.database, LATER)
    for step in (refresh_facts(room), refresh_figures(room)):
        list(step)
    refresh_months(room)


def test_what_comes_back_counts_for_the_order_it_was_shipped_with(room: Room, sold: list[str]) -> None:
    bring_up_to_date(room)
    day = last_day(room)
    report = read_report(room, day_span(day), with_orders=True)
    assert report.values["refunds", "all"] == 2900 / 2
    assert report.values["cost_returns", "all"] == (420 + 100) / 2
    assert report.values["cost_returns", "online"] + 490 + 100 == report.values["cost_per_order", "online"]
    months = {(row["name"], row["way"]): (row["value"], row["orders"]) for row in report.months}
    assert months["return_rate", "all"] == months["return_rate", "online"] == (0.5, 2)
    with room.database.read() as connection:
        orders = read_orders_of(connection, [day.isoformat()])
        of_month = behind_month(connection, "return_rate", day.replace(day=1), "all", room.shop, 10)
        by_sku = sku_returns.by_sku(connection, day.isoformat(), day.isoformat())
    refunded = behind(orders, "refunds", "all", room.shop, 10)
    assert [(one.number, one.said) for one in refunded] == [(sold[0], "29.00 EUR")]
    assert [(one.number, one.said) for one in of_month] == [(sold[0], "1 of 1")]
    assert by_sku == [(PLAIN, False, 2, 1)]
    assert read_returns(room, day, 10) == []


def test_what_is_sent_for_a_return_is_no_second_order_of_its_customer(room: Room, sold: list[str]) -> None:
    def came_back() -> float:
        bring_up_to_date(room)
        months = read_report(room, day_span(last_day(room))).months
        (value,) = [row["value"] for row in months if (row["name"], row["way"]) == ("returning_60d", "all")]
        return float(value)

    assert came_back() == 1.0

    def replaces(connection: Connection) -> None:
        second = orders_table.c.number == sold[1]
        connection.execute(update(orders_table).where(second).values(return_id=1))
        (order_id,) = connection.execute(orders_table.select().where(second)).scalars()
        entry: dict[str, Any] = {"order_id": order_id, "event": "order.noted", "data": {}, "at": now(connection)}
        connection.execute(insert(history), [entry])

    room.database.write(replaces)
    assert came_back() == 0.0
