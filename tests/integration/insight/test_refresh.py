"""Facts and figures of a shop at work, on both databases: counted by hand, corrected, resumed, and by SQL as well."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from sqlalchemy import Connection, insert, text, update

from backroom.domain.kpi import BY_DAY, STAGES, Way
from backroom.insight import cohorts, returned
from backroom.insight.behind import behind, behind_month, read_orders_of
from backroom.insight.figures import figures_of_days, read_facts
from backroom.insight.files import formula_safe, write_files
from backroom.insight.markdown import markdown
from backroom.insight.page import html_page
from backroom.insight.reading import Span, day_span, last_day, read_report, week_span
from backroom.insight.refresh import refresh_facts, refresh_figures, refresh_months
from backroom.insight.report import Report, said_corrections
from backroom.store import kpi_figures, sku_returns
from backroom.store.database import Database, now
from backroom.store.tables import due_days, history, stock_outs
from backroom.store.tables import order_facts as facts_table
from backroom.store.tables import orders as orders_table
from tests.facts import invented_facts, invented_stock_outs
from tests.shops import BOOTH, GTIN, GTIN_TEE, HUB, PLAIN, SCARCE, SOUTH, Floor, a_shop

LATER = timedelta(minutes=5)


def bring_up_to_date(floor: Floor, ahead: timedelta = LATER) -> list[kpi_figures.Figure]:
    """As the flow does it, a little later: what was written in the last two minutes waits for the next time."""
    settle_history(floor.room.database, ahead)
    for _ in refresh_facts(floor.room):
        pass
    corrected = [figure for step in refresh_figures(floor.room) for figure in step]
    return corrected + refresh_months(floor.room)


def settle_history(database: Database, ahead: timedelta) -> None:
    """The database's clock cannot be moved, so what was written is moved into the past instead."""

    def age(connection: Any) -> None:
        at = now(connection) - ahead
        connection.execute(update(history).where(history.c.at > at).values(at=at))

    database.write(age)


def today(floor: Floor, *, with_orders: bool = False) -> Report:
    return read_report(floor.room, day_span(last_day(floor.room)), with_orders=with_orders)


def figures_of(floor: Floor) -> dict[tuple[str, str], float]:
    return dict(today(floor).values)


def opened(floor: Floor, name: str, way: str = "all") -> list[tuple[str, str]]:
    """The orders behind today's figure, each with what it is to it."""
    with floor.room.database.read() as connection:
        orders = read_orders_of(connection, [last_day(floor.room).isoformat()])
    return [(one.number, one.said) for one in behind(orders, name, way, floor.room.shop, 100)]


@pytest.fixture
def a_day(floor: Floor) -> Floor:
    """Two orders from the hub, one scanned at the local hub, one printed at the booth after a try that failed."""
    for _ in range(2):
        floor.taken_in((PLAIN, 1))
    number = floor.taken_in((GTIN_TEE, 1), at=SOUTH)
    floor.taken_in((PLAIN, 2), at=BOOTH)
    for place in (HUB, SOUTH, BOOTH):
        floor.fulfil(place)
    floor.scan(SOUTH, number, GTIN)
    for outcome in ("failed", "done"):
        (job,) = floor.hand_out(BOOTH)
        floor.print(job, outcome)
    for place in (SOUTH, BOOTH):
        floor.fulfil(place)
    return floor


def now_of(floor: Floor) -> datetime:
    with floor.room.database.read() as connection:
        return now(connection)


def rows_of(floor: Floor) -> list[Any]:
    with floor.room.database.read() as connection:
        return list(connection.execute(orders_table.select().order_by(orders_table.c.id)).mappings())


def test_the_figures_of_a_day_are_those_counted_by_hand(a_day: Floor) -> None:
    bring_up_to_date(a_day)
    found = figures_of(a_day)
    assert [found["orders", way] for way in ("all", "online", "local", "event")] == [4, 2, 1, 1]
    assert found["cost_label", "all"] == 490
    assert found["print_rejects", "all"] == 0.5
    assert found["messages_failed", "all"] == 0
    assert found["oversold", "all"] == 0
    stages = sum(found[f"{stage}_median", "event"] for stage in STAGES)
    assert abs(stages - found["ship_median", "event"]) <= len(STAGES)


def test_each_figure_opens_to_its_orders(a_day: Floor) -> None:
    bring_up_to_date(a_day)
    slowest = opened(a_day, "ship_median")
    assert len(slowest) == 4
    ((event, said),) = opened(a_day, "print_rejects", Way.EVENT)
    assert said == "2 of 4 tries failed"
    assert opened(a_day, "print_rejects") == [(event, said)]
    assert opened(a_day, "cost_booth") == [(event, "its share")]
    assert {said for _, said in opened(a_day, "cost_label")} == {"4.90 EUR"}
    assert {said for _, said in opened(a_day, "on_time")} == {"late"}
    for name in ("oversold", "stock_outs", "messages_failed"):
        assert opened(a_day, name) == []
    assert a_day.state(event)[0] == "fulfilled"


def test_what_was_out_of_stock_is_counted_once_for_each_place_and_opens_to_who_asked(floor: Floor) -> None:
    # There is one of it at the hub, which prints what is short, and the booth keeps none.
    numbers = [floor.taken_in((SCARCE, 1)) for _ in range(3)]
    floor.taken_in((SCARCE, 1), at=BOOTH)
    bring_up_to_date(floor)
    day = now_of(floor).date().isoformat()
    with floor.room.database.read() as connection:
        figures = figures_of_days(read_facts(connection, [day]), [day], floor.room.shop, "2999-01-01")
        orders = read_orders_of(connection, [day])
    assert {one.way: one.value for one in figures if one.name == "stock_outs"} == {"all": 1, "online": 1, "event": 0}
    found = behind(orders, "stock_outs", "all", floor.room.shop, 100)
    assert [(one.number, one.said) for one in found] == [(number, f"{SCARCE} at {HUB}") for number in numbers[1:]]


def test_who_comes_back_opens_to_first_orders_and_what_came_after(a_day: Floor) -> None:
    bring_up_to_date(a_day)
    (placed,) = {order["placed_at"] for order in rows_of(a_day)}
    with a_day.room.database.read() as connection:
        found = behind_month(connection, "returning_60d", placed.date(), "all", a_day.room.shop, 100)
    numbers = [order["number"] for order in rows_of(a_day)]
    assert [(one.number, one.said) for one in found] == [(numbers[0], f"{numbers[1]} after 0 s")]


def test_nothing_new_computes_nothing_and_changes_nothing(a_day: Floor) -> None:
    bring_up_to_date(a_day)
    before = figures_of(a_day)
    assert list(refresh_facts(a_day.room)) == [0]
    assert [step for step in refresh_figures(a_day.room) if step] == []
    assert figures_of(a_day) == before


def test_a_run_that_died_between_facts_and_figures_is_ended_by_the_next(a_day: Floor) -> None:
    settle_history(a_day.room.database, LATER)
    assert sum(refresh_facts(a_day.room)) == 4
    with a_day.room.database.read() as connection:
        assert connection.execute(due_days.select()).all()
    assert list(refresh_facts(a_day.room)) == [0]
    assert [step for step in refresh_figures(a_day.room) if step] == []
    assert figures_of(a_day)["orders", "all"] == 4


def test_a_correction_of_a_past_day_says_what_it_was_and_why(a_day: Floor) -> None:
    long_ago = datetime(2026, 10, 2, 12, tzinfo=UTC)

    def move(connection: Any, by: timedelta, number: str = "") -> None:
        change = update(orders_table).values(ended_at=long_ago + by, placed_at=long_ago, accepted_at=long_ago)
        connection.execute(change.where(orders_table.c.number == number) if number else change)

    a_day.room.database.write(lambda c: move(c, timedelta(hours=2)))
    assert bring_up_to_date(a_day) == []
    with a_day.room.database.read() as connection:
        number = connection.execute(orders_table.select()).first().number  # type: ignore[union-attr]
        id_ = connection.execute(orders_table.select().where(orders_table.c.number == number)).one().id

    def correct(connection: Any) -> None:
        move(connection, timedelta(hours=8), number)
        entry = {"order_id": id_, "event": "order.noted", "data": {}, "at": now(connection)}
        connection.execute(insert(history), [entry])

    a_day.room.database.write(correct)
    corrected = bring_up_to_date(a_day)
    assert ("2026-10-02", "all", "ship_p90", 8 * 3600.0) in {(f.day, f.way, f.name, f.value) for f in corrected}
    with a_day.room.database.read() as connection:
        (row,) = [
            row
            for row in kpi_figures.between(connection, "2026-10-02", "2026-10-02", BY_DAY)
            if (row["name"], row["way"]) == ("ship_p90", "all")
        ]
    assert row["was"] == 2 * 3600.0
    assert row["why"] == f"1 order changed: {number}"
    assert any("was 2 h, is 8 h" in said for said in said_corrections(today(a_day)))


def test_an_order_about_which_something_was_just_written_waits_for_the_next_time(a_day: Floor) -> None:
    assert list(refresh_facts(a_day.room)) == [0]
    bring_up_to_date(a_day)
    assert figures_of(a_day)["orders", "all"] == 4


def test_the_report_is_one_page_that_loads_nothing_and_two_files_that_can_be_read_back(
    a_day: Floor, tmp_path: Path
) -> None:
    bring_up_to_date(a_day)
    report = today(a_day, with_orders=True)
    page, csv_file, parquet = write_files(report, tmp_path / "reports")
    written = page.read_text(encoding="utf-8")
    assert "http://" not in written.replace("http://www.w3.org", "")
    assert "https://" not in written
    assert written.count("data:image/svg+xml;base64,") == 6
    rows = len(report.figures) + len(report.months)
    assert len(pl.read_parquet(parquet)) == rows == len(csv_file.read_text("utf-8-sig").splitlines()) - 1
    day = report.title
    assert sorted(path.name for path in (tmp_path / "reports").iterdir()) == [
        f"{day}.{e}" for e in ("csv", "html", "parquet")
    ]
    assert "| Orders shipped | 4 | 1 | 1 | 2 |  |  |" in markdown(
        report, "day.html", [("Where the hours go", "<svg/>")]
    )
    assert html_page(report) == written
    opens = set(re.findall(r'href="#([a-z0-9_]+)"', written))
    assert opens == set(re.findall(r' id="([a-z0-9_]+)"', written))
    assert {"ship_median", "print_rejects"} <= opens
    assert "oversold" not in opens


def test_a_week_has_figures_of_its_own_orders_together_and_is_beside_the_week_before(a_day: Floor) -> None:
    bring_up_to_date(a_day)
    day = last_day(a_day.room)
    week = read_report(a_day.room, week_span(day), with_orders=True)
    assert week.title == f"{day:%G-W%V}"
    assert week.values["orders", "all"] == 4
    assert week.values["ship_median", "event"] == today(a_day).values["ship_median", "event"]
    assert week.before == {}
    assert len(week.behind["orders"]) == 4
    later = read_report(a_day.room, Span(day + timedelta(days=1), day + timedelta(days=2), "later"))
    assert later.before["orders", "all"] == 4
    assert later.values == {}


def test_text_that_begins_like_a_formula_is_text_in_the_csv_file() -> None:
    assert [formula_safe(text) for text in ("=1+1", "+49", "-3", "@x", "\tx", "made 3 = 3")] == [
        "'=1+1",
        "'+49",
        "'-3",
        "'@x",
        "'\tx",
        "made 3 = 3",
    ]


ORDERS, DAYS = 100_000, 30
FIRST = datetime(2026, 9, 1, tzinfo=UTC)


@pytest.fixture
def many(database: Database) -> Database:
    """Facts of a hundred thousand orders over a month, invented with a fixed seed."""
    facts = invented_facts(ORDERS, FIRST, DAYS)
    short = invented_stock_outs(facts)

    def lay(connection: Connection) -> None:
        connection.execute(insert(facts_table), facts)
        connection.execute(insert(stock_outs), short)

    database.write(lay)
    return database


BY_SQL = """
    WITH ranked AS (
        SELECT *, row_number() OVER (PARTITION BY shipped_day ORDER BY ship_s) AS place,
               count(*) OVER (PARTITION BY shipped_day) AS n
        FROM order_facts WHERE shipped_day <> '' {way}
    )
    SELECT shipped_day, max(n) AS orders,
           min(CASE WHEN place * 2 >= n THEN ship_s END) AS ship_median,
           min(CASE WHEN place * 10 >= n * 9 THEN ship_s END) AS ship_p90,
           CAST(sum(on_time) AS DOUBLE PRECISION) / count(on_time) AS on_time,
           CAST(sum(label_minor) AS DOUBLE PRECISION) / max(n) AS cost_label,
           CAST(sum(print_rejects) AS DOUBLE PRECISION) / sum(print_tries) AS print_rejects,
           sum(messages_failed) AS messages_failed,
           CAST(sum(refunded_minor) AS DOUBLE PRECISION) / max(n) AS refunds
    FROM ranked GROUP BY shipped_day
"""
SHORT_BY_SQL = """
    SELECT accepted_day, count(*) FROM (
        SELECT DISTINCT accepted_day, location, sku
        FROM order_facts JOIN stock_outs ON stock_outs.order_id = order_facts.order_id WHERE 1 = 1 {way}
    ) AS places GROUP BY accepted_day
"""
OVERSOLD_BY_SQL = """
    SELECT accepted_day, CAST(sum(oversold) AS DOUBLE PRECISION) / count(*)
    FROM order_facts WHERE 1 = 1 {way} GROUP BY accepted_day
"""


def by_sql(connection: Connection, way: str) -> dict[tuple[str, str], float]:
    """Figures by (day, name), as SQL alone comes to them."""
    only = "" if way == "all" else f"AND way = '{way}'"
    found = {
        (row["shipped_day"], name): float(row[name])
        for row in connection.execute(text(BY_SQL.format(way=only))).mappings()
        for name in row
        if name != "shipped_day"
    }
    for name, statement in (("stock_outs", SHORT_BY_SQL), ("oversold", OVERSOLD_BY_SQL)):
        found |= {(day, name): float(n) for day, n in connection.execute(text(statement.format(way=only)))}
    return found


def test_a_hundred_thousand_orders_come_to_the_same_figures_by_polars_and_by_sql(many: Database) -> None:
    days = [(FIRST + timedelta(days=n)).date().isoformat() for n in range(DAYS)]
    with many.read() as connection:
        facts = read_facts(connection, days)
        wanted = {way: by_sql(connection, way) for way in ("all", "event")}
        months = returned.rates(sku_returns.by_month(connection), FIRST + timedelta(days=365), ZoneInfo("UTC"))
    figures = figures_of_days(facts, days, a_shop(), "2026-12-01")
    for way, expected in wanted.items():
        found = {(figure.day, figure.name): figure.value for figure in figures if figure.way == way}
        assert len(expected) == DAYS * 10
        assert {key: found[key] for key in expected} == expected
    # What comes back is summed by SQL, and here by polars.
    shipped = facts.orders.filter(pl.col("shipped_day") != "")
    rates = {
        way: back / pieces
        for way, back, pieces in shipped.group_by("way")
        .agg(pl.col("returned").sum(), pl.col("pieces").sum())
        .iter_rows()
    }
    rates["all"] = shipped["returned"].sum() / shipped["pieces"].sum()
    assert {one.way: one.value for one in months} == rates


def test_who_comes_back_is_the_same_by_polars_and_by_hand(many: Database) -> None:
    with many.read() as connection:
        rows = connection.execute(facts_table.select().order_by(facts_table.c.placed_at, facts_table.c.order_id)).all()
        orders = cohorts.read_orders(connection)
    by_person: dict[int, list[Any]] = {}
    for row in rows:
        if row.replaces:
            continue
        by_person.setdefault(row.person_id, []).append(row)
    soon = timedelta(days=60)
    came = [
        (first.way, bool(rest) and rest[0].placed_at - first.placed_at <= soon) for first, *rest in by_person.values()
    ]
    by_hand = {"all": sum(back for _, back in came) / len(came)}
    for way in Way:
        back = [back for one, back in came if one == way]
        by_hand[way] = sum(back) / len(back)
    found = cohorts.returning(orders, FIRST + timedelta(days=365), ZoneInfo("UTC"))
    assert {(one.day, one.way): one.value for one in found} == {("2026-09-01", way): n for way, n in by_hand.items()}
