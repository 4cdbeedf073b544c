"""Key figures leave out what is in quarantine, say how many and why, open to them, and count them again after it."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select, update

from backroom.domain.quality import FindingState, Severity
from backroom.insight.figures import figures_of_days, read_facts
from backroom.insight.markdown import markdown
from backroom.insight.page import html_page
from backroom.insight.report import said_corrections
from backroom.store import order_facts, sku_returns
from backroom.store.database import now
from backroom.store.quality import findings, quarantine
from backroom.store.tables import kpi_figures, orders, quality_findings
from tests.integration.insight.test_refresh import a_day, bring_up_to_date, figures_of, opened, today
from tests.shops import HUB, Floor

__all__ = ["a_day"]

WHY = "Its total is below zero. (orders.total)"


def find(floor: Floor, *numbers: str) -> None:
    """What a run does that finds a total below zero in these orders."""

    def work(connection: Any) -> None:
        found = connection.execute(select(orders.c.id, orders.c.number).where(orders.c.number.in_(numbers))).all()
        failures = [
            findings.Failure("orders.total", str(id_), "orders", Severity.CRITICAL, number) for id_, number in found
        ]
        findings.note(connection, 1, failures, now(connection))
        quarantine.settle(connection, HUB, now(connection))

    floor.room.database.write(work)


def accept(floor: Floor) -> None:
    def work(connection: Any) -> None:
        for id_ in connection.execute(select(quality_findings.c.id)).scalars().all():
            findings.settle(connection, id_, FindingState.ACCEPTED, "Ada", now(connection))
        quarantine.let_out(connection, HUB, now(connection), "Ada")

    floor.room.database.write(work)


def hub_order(floor: Floor) -> str:
    """The number of an order of the day that was sent from the hub."""
    with floor.room.database.read() as connection:
        return str(connection.execute(select(orders.c.number).order_by(orders.c.id).limit(1)).scalar_one())


def test_an_order_in_quarantine_is_in_no_figure_and_the_report_says_how_many_and_why(a_day: Floor) -> None:
    bring_up_to_date(a_day)
    before = figures_of(a_day)
    number = hub_order(a_day)
    find(a_day, number)
    bring_up_to_date(a_day)
    found = figures_of(a_day)
    assert [before["orders", way] for way in ("all", "online", "local", "event")] == [4, 2, 1, 1]
    assert [found["orders", way] for way in ("all", "online", "local", "event")] == [3, 1, 1, 1]
    assert (before["cost_label", "all"], found["cost_label", "all"]) == (490, 490)
    assert (found["left_out", "all"], found["left_out", "online"]) == (1, 1)
    assert ("left_out", "event") not in found
    assert ("left_out", "all") not in before
    report = today(a_day, with_orders=True)
    assert report.left_out == [(number, WHY)]
    for text in (markdown(report, "", ()), html_page(report)):
        assert "1 order is in quarantine" in text
        assert f"{number} is left out: {WHY}" in text
    assert opened(a_day, "left_out") == [(number, WHY)]
    assert number not in {one for one, _ in opened(a_day, "ship_median")}


def test_what_is_accepted_is_counted_again_as_if_nothing_had_been(a_day: Floor) -> None:
    bring_up_to_date(a_day)
    before = figures_of(a_day)
    find(a_day, hub_order(a_day))
    bring_up_to_date(a_day)
    assert figures_of(a_day) != before
    accept(a_day)
    bring_up_to_date(a_day)
    assert figures_of(a_day) == before
    assert "no order of these days is in quarantine" in markdown(today(a_day), "", ())


def test_a_day_that_was_over_says_that_its_figures_changed_for_it(a_day: Floor) -> None:
    bring_up_to_date(a_day)
    a_day.room.database.write(lambda c: c.execute(update(kpi_figures).values(provisional=0)))
    number = hub_order(a_day)
    find(a_day, number)
    bring_up_to_date(a_day)
    said = [one for one in said_corrections(today(a_day)) if "Orders shipped (all)" in one]
    assert len(said) == 1
    assert said[0].endswith(f"because 1 order changed: {number}.")


def test_what_comes_back_and_who_comes_back_leave_it_out_as_well(a_day: Floor) -> None:
    bring_up_to_date(a_day)
    number = hub_order(a_day)
    with a_day.room.database.read() as connection:
        pieces = sum(row[2] for row in sku_returns.by_month(connection))
        placed = sum(len(rows) for rows in order_facts.stream_placed(connection, ("number",)))
    find(a_day, number)
    bring_up_to_date(a_day)
    with a_day.room.database.read() as connection:
        assert sum(row[2] for row in sku_returns.by_month(connection)) == pieces - 1
        left = [row[0] for rows in order_facts.stream_placed(connection, ("number",)) for row in rows]
    assert number not in left
    assert len(left) == placed - 1


def test_all_figures_are_those_of_a_shop_that_never_had_the_orders(a_day: Floor) -> None:
    """The figures without two orders are those that the same facts without their rows come to."""
    bring_up_to_date(a_day)
    day = today(a_day).first
    out = [number for number, _ in opened(a_day, "ship_median")][:2]
    find(a_day, *out)
    bring_up_to_date(a_day)
    kept = {key: value for key, value in figures_of(a_day).items() if key[0] != "left_out"}

    def forget(connection: Any) -> dict[tuple[str, str], float]:
        facts = order_facts.order_facts
        connection.execute(facts.delete().where(facts.c.number.in_(out)))
        found = figures_of_days(read_facts(connection, [day]), [day], a_day.room.shop, day)
        return {(one.name, one.way): one.value for one in found}

    assert a_day.room.database.write(forget) == pytest.approx(kept)
