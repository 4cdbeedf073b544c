"""`backroom partner bill`: a partner's bill as CSV beside what it told of each order."""

from __future__ import annotations

import csv
from io import StringIO
from pathlib import Path
from typing import Annotated

import typer

from backroom.cli.opening import open_room
from backroom.cli.output import console, show_json, show_table
from backroom.domain.errors import AskPerson
from backroom.domain.money import format_money, to_minor
from backroom.domain.partner_bills import BillLine, Compared, Verdict, compare_bill, sums
from backroom.partners.registry import spec_of
from backroom.store import partner_orders
from backroom.store.database import now

COLUMNS = ("verdict", "order", "billed", "told")
ORDER, AMOUNT = "order", "amount"
MOST_BYTES = 20 * 1024 * 1024
# What is written down where it is taken: a bill is what counts in the end.
TAKEN = (Verdict.NEW, Verdict.DIFFERS)


class NoBill(AskPerson):
    """The file is no bill that can be read; the message names the line."""

    cause = "no_bill"


def bill(
    location: Annotated[str, typer.Argument(help="The partner's location")],
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="Its bill: CSV with order and amount")],
    take: Annotated[bool, typer.Option("--take", help="Write down what was billed: it is the order's cost")] = False,
    as_json: Annotated[bool, typer.Option("--json")] = False,
) -> None:
    """Compare a partner's bill with what it told of each order. Exit code 1 where something differs.

    `order` is the order's number, our reference, or the partner's own number of it; `amount` is in its currency.
    """
    room = open_room()
    spec = spec_of(room.shop.location(location))
    lines = read_bill(file.read_bytes()[: MOST_BYTES + 1], file.name, spec.currency)
    with room.database.read() as connection:
        compared = compare_bill(lines, partner_orders.told_costs(connection, location, spec.currency))
    if take:
        costs = {
            one.id: (one.billed, spec.in_shop_currency(one.billed))
            for one in compared
            if one.verdict in TAKEN and one.id is not None and one.billed is not None
        }
        room.database.write(lambda c: partner_orders.take_bills(c, costs, spec.currency, now(c)))
    _show(compared, spec.currency, as_json)
    if not take and any(one.verdict not in (Verdict.AGREES, Verdict.NEW) for one in compared):
        raise typer.Exit(1)


def read_bill(content: bytes, name: str, currency: str) -> list[BillLine]:
    """The lines of a bill. Separators are commas or semicolons, amounts have a point; NoBill names the line."""
    if len(content) > MOST_BYTES:
        raise NoBill(f"{name} is larger than {MOST_BYTES // 1024 // 1024} MiB.", remedy="Split it.")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise NoBill(f"{name} is no UTF-8 text.", remedy="Save it as CSV in UTF-8.") from None
    head = text.partition("\n")[0]
    rows = csv.DictReader(StringIO(text, newline=""), delimiter=";" if head.count(";") > head.count(",") else ",")
    try:
        return _lines(rows, name, currency)
    except csv.Error as error:
        raise NoBill(
            f"line {rows.line_num} of {name} cannot be read ({error}).",
            remedy="Open it in a spreadsheet and save it as CSV again.",
        ) from None


def _lines(rows: csv.DictReader[str], name: str, currency: str) -> list[BillLine]:
    columns = {(column or "").strip().lower(): column for column in rows.fieldnames or ()}
    missing = [column for column in (ORDER, AMOUNT) if column not in columns]
    if missing:
        raise NoBill(
            f"{name} has no column {' and no column '.join(missing)}.", remedy="Name them so in its first line."
        )
    lines = []
    for number, row in enumerate(rows, start=2):
        order, amount = ((row.get(columns[column]) or "").strip() for column in (ORDER, AMOUNT))
        if not order and not amount:
            continue
        if None in row:
            # 12,40 in a file of commas is two cells: half of an amount is none.
            raise NoBill(f"line {number} of {name} has more cells than the first.", remedy="Write amounts like 12.40.")
        try:
            lines.append(BillLine(order, to_minor(amount, currency)))
        except ValueError:
            raise NoBill(f"line {number} of {name} has no amount.", remedy="Write it like 12.40.") from None
    return lines


def _show(compared: list[Compared], currency: str, as_json: bool) -> None:
    rows = [
        {
            "verdict": one.verdict.value,
            "order": one.name,
            "billed": format_money(one.billed, currency) if one.billed is not None else "",
            "told": format_money(one.told, currency) if one.told is not None else "",
        }
        for one in compared
    ]
    if as_json:
        show_json(rows)
        return
    show_table("Bill", [row for row in rows if row["verdict"] != Verdict.AGREES], COLUMNS)
    console.print(", ".join(f"{count} {verdict}" for verdict, count in sums(compared).items()), highlight=False)
