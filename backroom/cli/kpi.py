"""Commands about key figures: what they are on a day or a week, the orders behind them, and the report as files."""

from __future__ import annotations

import re
from datetime import date, timedelta
from pathlib import Path
from typing import Annotated

import typer

from backroom.cli.opening import open_new_room
from backroom.cli.output import aside, console, show_json, show_table
from backroom.domain.errors import AskPerson
from backroom.domain.kpi import ALL, BY_NAME, WAYS, Way
from backroom.insight.behind import behind, behind_month, read_orders_of
from backroom.insight.files import write_files
from backroom.insight.reading import RETURNS_BACK, Span, day_span, last_day, read_report, read_returns, week_span
from backroom.insight.refresh import refresh_facts, refresh_figures, refresh_months
from backroom.insight.report import said_corrections, said_left_out, table, table_of_months, table_of_returns
from backroom.shop.room import Room

app = typer.Typer(no_args_is_help=True)

ORDERS_MOST = 200
_WEEK = re.compile(r"(\d{4})-?W(\d{1,2})")


class NotADay(AskPerson):
    """What was given is neither a date nor a week."""

    cause = "not_a_day"


class NoSuchFigure(AskPerson):
    """There is no key figure of that name."""

    cause = "no_such_figure"


@app.command("show")
def show(
    when: Annotated[
        str, typer.Argument(help="A day, 2026-11-25, or a week, 2026-W48; the last day with orders if left out")
    ] = "",
    as_json: Annotated[bool, typer.Option("--json")] = False,
) -> None:
    """The figures of a day or a week, by way of the orders, and what they were before."""
    room = open_new_room()
    report = read_report(room, _span(room, when))
    if as_json:
        show_json(
            [
                {
                    "span": report.title,
                    "way": way,
                    "name": name,
                    "value": value,
                    "before": report.before.get((name, way)),
                }
                for (name, way), value in report.values.items()
            ]
        )
        return
    so_far = ", so far" if report.provisional else ""
    show_table(f"Figures of {report.title}{so_far}", table(report), ("name", "figure", *WAYS, "before", "change"))
    if months := table_of_months(report):
        show_table("By month", months, ("month", "figure", *WAYS))
    for said in (*said_left_out(report), *said_corrections(report)):
        console.print(said, highlight=False)


@app.command("orders")
def orders(
    when: Annotated[str, typer.Argument(help="A day, 2026-11-25, or a week, 2026-W48")],
    figure: Annotated[str, typer.Option(help="Its name, as `backroom kpi show` tells it")] = "ship_median",
    way: Annotated[Way | None, typer.Option(help="Only those of one way")] = None,
    as_json: Annotated[bool, typer.Option("--json")] = False,
) -> None:
    """The orders that a figure is made of, those first that are most of it.

    A figure that is told by month is opened by any day of that month.
    """
    if figure not in BY_NAME:
        raise NoSuchFigure(f"there is no figure {figure!r}", remedy=f"Use one of {', '.join(BY_NAME)}.")
    room, kpi, of = open_new_room(), BY_NAME[figure], way or ALL
    span = _span(room, when)
    with room.database.read() as connection:
        if kpi.monthly:
            found = behind_month(connection, figure, span.first.replace(day=1), of, room.shop, ORDERS_MOST)
        else:
            found = behind(read_orders_of(connection, span.days), figure, of, room.shop, ORDERS_MOST)
    rows = [
        {"number": one.number, "way": one.way, "channel": one.channel, figure: one.said, "time to ship": one.ship}
        for one in found
    ]
    if as_json:
        show_json(rows)
        return
    title = f"{kpi.title}, {span.first:%Y-%m}" if kpi.monthly else f"{kpi.title}, {span.title}"
    show_table(title, rows, ("number", "way", "channel", figure, "time to ship"))


@app.command("returns")
def returns(
    days: Annotated[int, typer.Option(min=1, max=1000, help="Of what was shipped on so many days")] = RETURNS_BACK,
    last: Annotated[str, typer.Option(help="The last day; the last one with orders if left out")] = "",
    as_json: Annotated[bool, typer.Option("--json")] = False,
) -> None:
    """What comes back of what was bought at events, against the same bought online, SKU by SKU."""
    room = open_new_room()
    ends = _day(last) if last else last_day(room)
    rows = table_of_returns(read_returns(room, ends, days))
    if as_json:
        show_json(rows)
        return
    show_table(f"What comes back, of {days} days up to {ends}", rows, tuple(rows[0]) if rows else ())


@app.command("refresh")
def refresh() -> None:
    """Bring the figures up to date now, as the flow `kpi` does by itself every hour."""
    room = open_new_room()
    for count in refresh_facts(room):
        aside.print(f"{count} orders read", highlight=False)
    corrected = sum(len(step) for step in refresh_figures(room)) + len(refresh_months(room))
    console.print(f"Up to date; {corrected} figures of past days were corrected.", highlight=False)


@app.command("report")
def report(
    folder: Annotated[Path, typer.Argument(help="Where HTML, CSV and Parquet go")] = Path("reports"),
    days: Annotated[int, typer.Option(min=1, max=1000, help="How many days")] = 28,
    last: Annotated[str, typer.Option(help="The last day; the last one with orders if left out")] = "",
) -> None:
    """Write the report of a span of days as a page, a CSV file and a Parquet file."""
    room = open_new_room()
    ends = _day(last) if last else last_day(room)
    begins = ends - timedelta(days=days - 1)
    span = day_span(ends) if days == 1 else Span(begins, ends, f"{begins}--{ends}")
    for path in write_files(read_report(room, span, with_orders=True), folder):
        console.print(str(path), highlight=False, soft_wrap=True)


def _span(room: Room, when: str) -> Span:
    if not when:
        return day_span(last_day(room))
    if week := _WEEK.fullmatch(when.strip().upper()):
        try:
            return week_span(date.fromisocalendar(int(week[1]), int(week[2]), 1))
        except ValueError:
            raise NotADay(f"there is no week {when!r}", remedy="Write it like 2026-W48.") from None
    return day_span(_day(when))


def _day(day: str) -> date:
    try:
        return date.fromisoformat(day)
    except ValueError:
        raise NotADay(f"{day!r} is no date", remedy="Write it like 2026-11-25, or a week like 2026-W48.") from None
