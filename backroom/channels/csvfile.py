"""Orders in a CSV file: from a market, a partner's list or a spreadsheet.

What belongs here: the file's form, and its rows as one message an order. What does not: what the cells mean
(`csvorder`), where files lie and who drops them.

The header row names the columns, in any order and in any case; others are ignored:

    order_id *   placed_at *  updated_at   email  phone  name  line1  line2  postcode  city  country
    sku *        quantity *   unit_price * shipping  total *  currency *
    status (paid, pending, cancelled or refunded)
    artwork (https://…, the buyer's own picture for this line)
    delivery (ship, collect or carry_out)  note  language  consent_sms  consent_email (yes or no, for order updates)

One row is one line of an order; the rows of an order may stand anywhere. What is said of the whole order may stand on
each of its rows or on one of them, and must agree. Times are ISO 8601; one without a zone is UTC. A file corrected and
dropped again changes an order only if its updated_at is later; one of the same moment only if its status goes further,
from pending over paid and refunded to cancelled. UTF-8 or Windows-1252; comma, semicolon or tab; a
decimal comma is understood where it cannot be a thousands separator. An order without a status counts as paid; its
amounts include taxes.
"""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from backroom.domain.errors import Refuse

LINE_COLUMNS = ("sku", "quantity", "unit_price")
NEEDED = ("order_id", "placed_at", *LINE_COLUMNS, "total", "currency")
ORDER_COLUMNS = (
    *("placed_at", "updated_at", "email", "phone", "name", "line1", "line2", "postcode", "city", "country"),
    *("shipping", "total", "currency", "status", "delivery", "note", "language", "consent_sms", "consent_email"),
)
COLUMNS = ("order_id", *ORDER_COLUMNS, *LINE_COLUMNS, "artwork")
LARGEST_FILE = 20 * 1024 * 1024
_SEPARATORS = ",;\t"


class BrokenFile(Refuse):
    """The file cannot be read as a whole, so nothing of it was taken."""

    cause = "broken_file"


@dataclass(frozen=True, slots=True)
class RowProblem:
    """A row that belongs to no order. `row` counts as spreadsheets do: the header is row 1."""

    file: str
    row: int
    column: str
    detail: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.file}, row {self.row}, column {self.column}: {self.detail} {self.remedy}"


@dataclass(frozen=True, slots=True)
class CsvOrder:
    """One order as the message body for the inbox, `{"order_id", "file", "rows": [{"row", column: cell …}]}`."""

    order_id: str
    body: bytes


@dataclass(frozen=True, slots=True)
class CsvDrop:
    """What a file holds: orders in the order of their first rows, and rows that are of none."""

    orders: tuple[CsvOrder, ...]
    problems: tuple[RowProblem, ...]


def read_file(data: bytes, name: str) -> CsvDrop:
    """Split a file into one message for each order; BrokenFile when it has no usable form.

    A row that is damaged goes with its order, which is then refused whole when it is parsed, with the row's number.
    """
    if len(data) > LARGEST_FILE:
        raise BrokenFile(f"{name} is larger than {LARGEST_FILE} bytes.", remedy="Split it into smaller files.")
    content = _decode(data, name)
    rows = _rows(content, name)
    header = _header(next(rows, (1, []))[1], name)
    orders: dict[str, list[dict[str, Any]]] = {}
    problems = []
    for number, cells in rows:
        if not any(cell.strip() for cell in cells):
            continue
        row: dict[str, Any] = {"row": number}
        row.update((column, cell.strip()) for column, cell in zip(header, cells, strict=False) if column in COLUMNS)
        if len(cells) > len(header) and any(cell.strip() for cell in cells[len(header) :]):
            row["defect"] = (
                f"has {len(cells)} cells under {len(header)} columns; put quotes around text with separators"
            )
        order_id = row.get("order_id", "")
        if order_id:
            orders.setdefault(order_id, []).append(row)
        else:
            problems.append(RowProblem(name, number, "order_id", "is empty.", "Give the row its order's id."))
    return CsvDrop(
        tuple(
            CsvOrder(id_, json.dumps({"order_id": id_, "file": name, "rows": its}, ensure_ascii=False).encode())
            for id_, its in orders.items()
        ),
        tuple(problems),
    )


def _decode(data: bytes, name: str) -> str:
    if (nul := data.find(b"\0")) >= 0:
        line = data.count(b"\n", 0, nul) + 1
        raise BrokenFile(f"{name}, line {line}: this is not a text file.", remedy="Save it as CSV (UTF-8).")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        # What Excel writes in the West; five bytes of it mean nothing.
        try:
            return data.decode("cp1252")
        except UnicodeDecodeError as error:
            line = data.count(b"\n", 0, error.start) + 1
            raise BrokenFile(
                f"{name}, line {line}: neither UTF-8 nor Windows-1252.", remedy="Save it as CSV (UTF-8)."
            ) from error


def _rows(content: str, name: str) -> Iterator[tuple[int, list[str]]]:
    """The rows with their numbers, the header's first. A quote that never closes would swallow orders: an error."""
    skipped = 0
    if content[:4].lower() == "sep=":
        # Excel's own hint, on a line before the header.
        content, skipped = content.partition("\n")[2], 1
    reader = csv.reader(io.StringIO(content, newline=""), delimiter=_separator(content), strict=True)
    try:
        yield from enumerate(reader, start=1 + skipped)
    except csv.Error as error:
        raise BrokenFile(
            f"{name}, line {reader.line_num + skipped}: {error}.", remedy="Look for a quotation mark too many."
        ) from error


def _separator(content: str) -> str:
    """The one under which the header has most of our columns: text in the rows cannot mislead it."""
    header = next(iter(content.splitlines()), "")
    return max(_SEPARATORS, key=lambda one: len({_column(cell) for cell in header.split(one)} & set(COLUMNS)))


def _header(cells: list[str], name: str) -> list[str]:
    header = [_column(cell) for cell in cells]
    missing = [column for column in NEEDED if column not in header]
    if missing:
        listed = ", ".join(missing)
        raise BrokenFile(f"{name}, row 1: no column {listed}.", remedy="Name the columns in the first row.")
    twice = sorted(column for column, times in Counter(header).items() if times > 1 and column in COLUMNS)
    if twice:
        raise BrokenFile(f"{name}, row 1: column {', '.join(twice)} stands there twice.", remedy="Delete one of them.")
    return header


def _column(cell: str) -> str:
    return cell.strip().strip('"').strip().lower().replace(" ", "_")
