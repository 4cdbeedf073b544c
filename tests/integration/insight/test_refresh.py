"""Facts and figures of a shop at work, on both databases: counted by hand, corrected, resumed, and by SQL as well."""

from __future__ import annotations

import random
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from sqlalchemy import insert, text, update

from backroom.domain.kpi import STAGES, Way
from backroom.insight.facts import COUNTED
from backroom.insight.figures import figures_of_days, frame
from backroom.insight.reading import read_report
from backroom.insight.refresh import refresh_cohorts, refresh_facts, refresh_figures
from backroom.insight.report import formula_safe, html_page, markdown, said_corrections, write_files
from backroom.store import kpi_figures, order_facts
from backroom.store.database import Database, now
from backroom.store.tables import due_days, history
from backroom.store.tables import order_facts as facts_table
from backroom.store.tables import orders as orders_table
from tests.shops import BOOTH, GTIN, GTIN_TEE, HUB, PLAIN, SOUTH, Floor, a_shop

LATER = timedelta(minutes=5)


def bring_up_to_date(floor: Floor, ahead: timedelta = LATER) -> list[kpi_figures.Figure]:
    """As the flow does it, a little later: what was written in the last two minutes waits for the next time."""
    settle_history(floor.room.database, ahead)
    for _ in refresh_facts(floor.room):
        pass
    corrected = [figure for step in refresh_figures(floor.room) for figure in step]
    return corrected + refresh_cohorts(floor.room)


def settle_history(database: Database, ahead: timedelta) -> None:
    """The database's clock cannot be moved, so what was written is moved into the past instead."""

    def age(connection: Any) -> None:
        at = now(connection) - ahead
        connection.execute(update(history).where(history.c.at > at).values(at=at))

    database.write(age)


def figures_of(floor: Floor) -> dict[tuple[str, str], float]:
    report = read_report(floor.room, 28)
    return {(row["name"], row["way"]): row["value"] for row in report.figures if row["name"] != "returning_60d"}


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
    with a_day.room.database.read() as connection:
        day = read_report(a_day.room, 28).days()[-1]
        behind = order_facts.orders_behind(connection, day, "", 100)
        of_event = order_facts.orders_behind(connection, day, Way.EVENT, 100)
    assert len(behind) == 4
    (event,) = of_event
    assert (event["pieces"], event["printed"], event["print_tries"], event["print_rejects"]) == (2, 2, 4, 2)
    assert a_day.state(event["number"])[0] == "fulfilled"


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
            for row in kpi_figures.between(connection, "2026-10-02", "2026-10-02")
            if (row["name"], row["way"]) == ("ship_p90", "all")
        ]
    assert row["was"] == 2 * 3600.0
    assert row["why"] == f"1 order changed: {number}"
    assert any("was 2 h, is 8 h" in said for said in said_corrections(read_report(a_day.room, 28)))


def test_an_order_about_which_something_was_just_written_waits_for_the_next_time(a_day: Floor) -> None:
    assert list(refresh_facts(a_day.room)) == [0]
    bring_up_to_date(a_day)
    assert figures_of(a_day)["orders", "all"] == 4


def test_the_report_is_one_page_that_loads_nothing_and_two_files_that_can_be_read_back(
    a_day: Floor, tmp_path: Path
) -> None:
    bring_up_to_date(a_day)
    report = read_report(a_day.room, 28)
    page, table, parquet = write_files(report, tmp_path / "reports", "day")
    written = page.read_text(encoding="utf-8")
    assert "http://" not in written.replace("http://www.w3.org", "")
    assert "https://" not in written
    assert written.count("data:image/svg+xml;base64,") == 6
    assert len(pl.read_parquet(parquet)) == len(report.figures) == len(table.read_text("utf-8-sig").splitlines()) - 1
    assert sorted(path.name for path in (tmp_path / "reports").iterdir()) == ["day.csv", "day.html", "day.parquet"]
    assert "| Orders shipped | 4 | 1 | 1 | 2 |" in markdown(report, "day.html")
    assert html_page(report) == written


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


@pytest.fixture
def many(database: Database) -> Database:
    """Facts of a hundred thousand orders over a month, invented with a fixed seed."""
    chance = random.Random(20261125)
    first = datetime(2026, 9, 1, tzinfo=UTC)

    def one(number: int) -> dict[str, Any]:
        placed = first + timedelta(seconds=chance.randrange(DAYS * 86_400))
        times = {f"{stage}_s": chance.randrange(20_000) for stage in STAGES}
        shipped = chance.random() < 0.97
        counts = {name: chance.randrange(4) for name in COUNTED}
        return {
            "order_id": number,
            "number": f"A-{number}",
            "person_id": chance.randrange(ORDERS // 2),
            "way": chance.choice(list(Way)).value,
            "channel": "web",
            "placed_at": placed,
            "accepted_day": placed.date().isoformat(),
            "shipped_day": placed.date().isoformat() if shipped else "",
            **(times if shipped else dict.fromkeys(times)),
            "ship_s": sum(times.values()) if shipped else None,
            "on_time": chance.choice((0, 1, None)) if shipped else None,
            **counts,
            "oversold": int(chance.random() < 0.02),
            "digest": number,
        }

    rows = [one(number) for number in range(1, ORDERS + 1)]
    database.write(lambda c: c.execute(insert(facts_table), rows))
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
           sum(messages_failed) AS messages_failed
    FROM ranked GROUP BY shipped_day
"""


@pytest.mark.parametrize("way", ["all", "event"])
def test_a_hundred_thousand_orders_come_to_the_same_figures_by_polars_and_by_sql(many: Database, way: str) -> None:
    days = [(date(2026, 9, 1) + timedelta(days=n)).isoformat() for n in range(DAYS)]
    with many.read() as connection:
        facts = frame(order_facts.facts_of_days(connection, days))
        query = BY_SQL.format(way="" if way == "all" else f"AND way = '{way}'")
        by_sql = {
            (row["shipped_day"], name): float(row[name])
            for row in connection.execute(text(query)).mappings()
            for name in row
            if name != "shipped_day"
        }
    found = {
        (figure.day, figure.name): figure.value
        for figure in figures_of_days(facts, days, a_shop(), "2026-12-01")
        if figure.way == way
    }
    assert len(by_sql) == DAYS * 7
    assert {key: found[key] for key in by_sql} == by_sql


def test_who_comes_back_is_the_same_by_window_and_by_hand(many: Database) -> None:
    with many.read() as connection:
        rows = connection.execute(facts_table.select().order_by(facts_table.c.placed_at, facts_table.c.order_id)).all()
        customers = order_facts.first_and_next(connection)
    by_person: dict[int, list[Any]] = {}
    for row in rows:
        by_person.setdefault(row.person_id, []).append(row)
    by_hand = [
        (seen[0].placed_at, seen[0].way, seen[1].placed_at if len(seen) > 1 else None) for seen in by_person.values()
    ]
    assert Counter(customers) == Counter(by_hand)
