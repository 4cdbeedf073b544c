"""Key figures as commands: a day or a week, the orders behind each figure, and the report as files."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, insert

from backroom.domain.kpi import BY_DAY, KPIS
from backroom.insight.refresh import refresh_figures, refresh_months
from backroom.shop.room import Room
from backroom.store import order_facts
from backroom.store.tables import order_facts as facts_table
from backroom.store.tables import stock_outs
from tests.facts import invented_facts, invented_stock_outs
from tests.integration.cli.typing_in import answered, refused, typed

FIRST = datetime(2025, 11, 17, tzinfo=UTC)
LAST = "2025-11-30"


@pytest.fixture
def facts(room: Room) -> list[dict[str, Any]]:
    """Two weeks of orders, and their figures."""
    made = invented_facts(300, FIRST, 14)

    def lay(connection: Connection) -> None:
        connection.execute(insert(facts_table), made)
        connection.execute(insert(stock_outs), invented_stock_outs(made))
        order_facts.mark_due(connection, {fact["accepted_day"]: [] for fact in made})

    room.database.write(lay)
    list(refresh_figures(room))
    refresh_months(room)
    return made


def test_a_day_and_a_week_are_told_beside_what_was_before(facts: list[dict[str, Any]]) -> None:
    assert f"Figures of {LAST}" in typed("kpi", "show").stdout
    week = {(row["name"], row["way"]): row for row in answered("kpi", "show", "2025-w48")}
    shipped = [fact for fact in facts if fact["shipped_day"]]
    of_week = [fact for fact in shipped if fact["shipped_day"] >= "2025-11-24"]
    assert week["orders", "all"]["value"] == len(of_week)
    assert week["orders", "all"]["before"] == len(shipped) - len(of_week)
    assert "By month" in typed("kpi", "show", "2025-W48").stdout


@pytest.mark.parametrize("name", [kpi.name for kpi in KPIS])
def test_every_figure_opens_to_its_orders(facts: list[dict[str, Any]], name: str) -> None:
    found = answered("kpi", "orders", "2025-W48", "--figure", name)
    if name in (
        "cost_packaging",
        "cost_compute",
        "cost_partner",
        "messages_failed",
        "print_rejects",
        "stock_outs",
        "oversold",
        "left_out",
    ):
        numbers = {row["number"] for row in found}
        assert len(numbers) == len(found)
    else:
        assert found
    day = "accepted_day" if name in ("oversold", "stock_outs") else "shipped_day"
    if name in BY_DAY:
        of_week = {fact["number"] for fact in facts if fact[day] >= "2025-11-24"}
        assert {row["number"] for row in found} <= of_week


def test_the_orders_of_one_way_are_those_of_that_way(facts: list[dict[str, Any]]) -> None:
    found = answered("kpi", "orders", LAST, "--way", "event")
    wanted = {fact["number"] for fact in facts if fact["shipped_day"] == LAST and fact["way"] == "event"}
    assert {row["number"] for row in found} == wanted


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("show", "yesterday"), "Write it like 2026-11-25"),
        (("show", "2026-W60"), "Write it like 2026-W48"),
        (("orders", LAST, "--figure", "speed"), "Use one of orders, ship_median"),
    ],
)
def test_what_cannot_be_read_says_how_to_write_it(room: Room, words: tuple[str, ...], said: str) -> None:
    assert said in refused("kpi", *words)


def test_a_report_of_any_span_is_three_files(facts: list[dict[str, Any]], tmp_path: Path) -> None:
    written = typed("kpi", "report", str(tmp_path / "out"), "--days", "10", "--last", LAST).stdout.split()
    assert [Path(one).name for one in written] == [
        f"2025-11-21--{LAST}.{ending}" for ending in ("html", "csv", "parquet")
    ]
    assert f">2025-11-21--{LAST}<" in Path(written[0]).read_text(encoding="utf-8")
