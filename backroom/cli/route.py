"""Commands about routing: what other rules, or other stock, would have come to with the orders of the past."""

from __future__ import annotations

import re
from dataclasses import asdict
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Annotated

import typer

from backroom.cli.opening import open_room
from backroom.cli.output import console, show_json, show_table
from backroom.domain.errors import AskPerson
from backroom.domain.opening import instant, zone
from backroom.insight import answer_page, stock_report, what_if_report
from backroom.insight.stock_what_if import print_or_buy, thresholds
from backroom.insight.what_if import Answer, what_if
from backroom.shop.room import Room
from backroom.shop.what_if import read_changed_shop, read_supply

app = typer.Typer(no_args_is_help=True)

SHOWN = 30
_SPAN = re.compile(r"([1-9]\d{0,3})([hdw])")
_UNITS = {"h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}


class NotASpan(AskPerson):
    """What was given is neither a span of time nor a day."""

    cause = "not_a_span"


class OneQuestion(AskPerson):
    """A replay answers one question at a time."""

    cause = "one_question"


@app.callback()
def _routing() -> None:
    """What other rules, or other stock, would have come to."""


@app.command()
def replay(
    rules: Annotated[Path | None, typer.Option(exists=True, help="Changed rules, or a whole changed shop file")] = None,
    restock: Annotated[
        Path | None, typer.Option("--thresholds", exists=True, help="Another way of buying stock")
    ] = None,
    sku_by_sku: Annotated[
        Path | None,
        typer.Option("--print-or-buy", exists=True, help="The same file: which SKUs to print, which to buy"),
    ] = None,
    since: Annotated[str, typer.Option(help="Such as 30d, 12h, 4w, or the day 2026-11-01")] = "30d",
    csv: Annotated[Path | None, typer.Option(help="Write every row into this file as well")] = None,
    html: Annotated[Path | None, typer.Option(help="Write a page with pictures into this file as well")] = None,
    every: Annotated[
        bool, typer.Option("--all", help="Show the orders that would have gone the same way, too")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json")] = False,
) -> None:
    """What past orders would have cost, and how fast they would have been. It changes nothing in the shop."""
    if sum(one is not None for one in (rules, restock, sku_by_sku)) != 1:
        raise OneQuestion(
            "a replay answers one question at a time.", remedy="Give one of --rules, --thresholds and --print-or-buy."
        )
    room = open_room()
    start = since_when(since, room)
    if rules is not None:
        found = what_if(room, read_changed_shop(rules, room.shop), start)
        _show(found, what_if_report.summary(found), "what if the rules changed", [], csv, html, every, as_json)
    elif restock is not None:
        stocked = thresholds(room, read_supply(restock, room.shop), start)
        said = stock_report.thresholds_summary(stocked)
        parts = [answer_page.sentences("Stock", said[:3])]
        _show(stocked.answer, said, "what if stock were bought otherwise", parts, csv, html, every, as_json)
    elif sku_by_sku is not None:
        _show_print_or_buy(room, sku_by_sku, start, csv, html, as_json)


def _show(
    found: Answer,
    said: list[str],
    title: str,
    parts: list[str],
    csv: Path | None,
    html: Path | None,
    every: bool,
    as_json: bool,
) -> None:
    if csv is not None:
        answer_page.write_csv(csv, what_if_report.csv_rows(found), what_if_report.CSV_COLUMNS)
    if html is not None:
        answer_page.write_page(html, what_if_report.html_page(found, title, parts))
    if as_json:
        show_json({"summary": said, "orders": what_if_report.csv_rows(found)})
        return
    rows = what_if_report.order_rows(found, every=every)
    if rows:
        show_table(f"Since {found.since:%Y-%m-%d %H:%M} UTC", rows[:SHOWN], what_if_report.COLUMNS)
    if len(rows) > SHOWN:
        console.print(f"… and {len(rows) - SHOWN} more: --csv FILE has every order.", highlight=False)
    for sentence in said:
        console.print(sentence, highlight=False)


def _show_print_or_buy(
    room: Room, path: Path, since: datetime, csv: Path | None, html: Path | None, as_json: bool
) -> None:
    shop, currency = room.shop.owner.name, room.shop.owner.currency
    rows = print_or_buy(room, read_supply(path, room.shop), since)
    said = stock_report.print_or_buy_summary(rows, currency)
    shown = stock_report.sku_rows(rows, currency)
    if csv is not None:
        answer_page.write_csv(csv, shown, stock_report.SKU_COLUMNS)
    if html is not None:
        answer_page.write_page(html, stock_report.print_or_buy_page(rows, shop, currency, f"{since:%Y-%m-%d}"))
    if as_json:
        show_json({"summary": said, "skus": [asdict(row) for row in rows]})
        return
    show_table("Print or buy", shown, stock_report.SKU_COLUMNS)
    for sentence in said:
        console.print(sentence, highlight=False)


def since_when(text: str, room: Room) -> datetime:
    """The instant that `30d`, `12h`, `4w` or a day of the shop's calendar means; raises NotASpan."""
    if said := _SPAN.fullmatch(text):
        return datetime.now(UTC) - int(said[1]) * _UNITS[said[2]]
    try:
        return instant(date.fromisoformat(text), time(), zone(room.shop.owner.timezone))
    except ValueError:
        raise NotASpan(
            f"{text!r} is no span of time.", remedy="Write 30d, 12h, 4w, or a day like 2026-11-01."
        ) from None
