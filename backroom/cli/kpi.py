"""Commands about key figures: what they are on a day, the orders behind them, and the report as files."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Annotated

import typer

from backroom.cli.output import aside, console, show_json, show_table
from backroom.domain.errors import AskPerson
from backroom.domain.kpi import WAYS, Way
from backroom.insight.reading import read_report
from backroom.insight.refresh import refresh_cohorts, refresh_facts, refresh_figures
from backroom.insight.report import said_corrections, table_of_day, write_files
from backroom.insight.words import say_seconds
from backroom.shop.room import open_room
from backroom.store import order_facts

app = typer.Typer(no_args_is_help=True)

ORDERS_MOST = 200


class NotADay(AskPerson):
    """What was given is no date."""

    cause = "not_a_day"


@app.command("show")
def show(
    day: Annotated[str, typer.Argument(help="Such as 2026-11-25; the last one with orders if left out")] = "",
    as_json: Annotated[bool, typer.Option("--json")] = False,
) -> None:
    """The figures of a day, by way of the orders."""
    report = read_report(open_room(), 28, _checked(day))
    shown = day or (report.days()[-1] if report.days() else report.last)
    if as_json:
        show_json([dict(row) for row in report.figures if row["day"] == shown])
        return
    show_table(f"Figures of {shown}", table_of_day(report, shown), ("figure", *WAYS))
    for said in said_corrections(report):
        console.print(said, highlight=False)


@app.command("orders")
def orders(
    day: Annotated[str, typer.Argument(help="Such as 2026-11-25")],
    way: Annotated[Way | None, typer.Option(help="Only those of one way")] = None,
    as_json: Annotated[bool, typer.Option("--json")] = False,
) -> None:
    """The orders that the figures of a day are made of, slowest first."""
    room = open_room()
    with room.database.read() as connection:
        found = order_facts.orders_behind(connection, _checked(day), way or "", ORDERS_MOST)
    if as_json:
        show_json([dict(row) for row in found])
        return
    times = ("waiting_s", "intake_s", "making_s", "packing_s", "announcing_s", "ship_s")
    rows = [dict(row) | {name: say_seconds(row[name]) for name in times} for row in found]
    show_table(f"Orders shipped on {day}", rows, ("number", "channel", "way", *times, "pieces", "printed"))


@app.command("refresh")
def refresh() -> None:
    """Bring the figures up to date now, as the flow `kpi` does by itself every hour."""
    room = open_room()
    for count in refresh_facts(room):
        aside.print(f"{count} orders read", highlight=False)
    corrected = sum(len(step) for step in refresh_figures(room)) + len(refresh_cohorts(room))
    console.print(f"Up to date; {corrected} figures of past days were corrected.", highlight=False)


@app.command("report")
def report(
    folder: Annotated[Path, typer.Argument(help="Where HTML, CSV and Parquet go")] = Path("reports"),
    days: Annotated[int, typer.Option(min=1, max=1000, help="How many days")] = 28,
    last: Annotated[str, typer.Option(help="The last day; today if left out")] = "",
) -> None:
    """Write the report of a span of days as a page, a CSV file and a Parquet file."""
    found = read_report(open_room(), days, _checked(last))
    for path in write_files(found, folder, f"{found.first}--{found.last}"):
        console.print(str(path), highlight=False)


def _checked(day: str) -> str:
    try:
        return date.fromisoformat(day).isoformat() if day else ""
    except ValueError:
        raise NotADay(f"{day!r} is no date", remedy="Write it like 2026-11-25.") from None
