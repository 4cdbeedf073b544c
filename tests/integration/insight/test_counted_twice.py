"""Every key figure of two years of orders, from their rows, by the product and by SQL alone: no difference."""

from __future__ import annotations

from pathlib import Path

import pytest

from backroom.domain.kpi import BY_DAY, BY_MONTH, WAYS
from backroom.insight.refresh import refresh_facts, refresh_figures, refresh_months
from backroom.shop.room import Room
from backroom.store import kpi_figures
from tests.demo_days import open_days
from tests.integration.insight.test_counted_by_hand import play_saturday, play_until_friday_night
from tests.invented_past import invent_past
from tests.kpi_by_sql import Figures, count_again


def by_the_product(room: Room) -> Figures:
    for step in (refresh_facts(room), refresh_figures(room)):
        list(step)
    refresh_months(room)
    with room.database.read() as connection:
        rows = kpi_figures.between(connection, "2000-01-01", "2999-12-31", (*BY_DAY, *BY_MONTH))
    return {(row["day"], row["way"], row["name"]): row["value"] for row in rows}


def by_sql(room: Room) -> Figures:
    with room.database.engine.connect() as connection:
        counted = count_again(connection, room.shop.costs)
        connection.rollback()
    return counted


@pytest.mark.parametrize("orders", [2_000, pytest.param(100_000, marks=[pytest.mark.whole, pytest.mark.timeout(1800)])])
def test_every_figure_comes_out_the_same_by_the_product_and_by_sql(
    database_url: str, tmp_path: Path, orders: int
) -> None:
    with open_days(database_url, tmp_path / "home", "thu 08:00:00") as days:
        play_until_friday_night(days)
        play_saturday(days)
        assert invent_past(days.room, orders) >= orders
        days.at("sun 04:15:00")
        found, counted = by_the_product(days.room), by_sql(days.room)
    # No check has put an order aside here, so there is nothing to be left out.
    names = {*BY_DAY, *BY_MONTH} - {"left_out"}
    assert {(way, name) for _, way, name in counted} == {(way, name) for way in WAYS for name in names}
    assert len({day for day, _, _ in counted}) > 600
    assert found.keys() == counted.keys()
    differ = {key: (found[key], value) for key, value in counted.items() if found[key] != pytest.approx(value, 1e-12)}
    assert sorted({name for _, _, name in differ}) == [], dict(list(differ.items())[:20])
