"""From rows of files to orders of the past: one row an order, with what became of it.

What belongs here: joining files and rows, and what the columns say together. What does not: counting (`figures`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from backroom.domain.money import EXPONENTS, exponent
from backroom.insight.past import cells
from backroom.insight.past.cells import Unread
from backroom.insight.past.text import ROW, Rows, UnreadableFile, read_rows

# An order of the past, and a line of one. Money in minor units of `currency`; null is what no file said.
ORDER_SCHEMA: dict[str, Any] = {
    "order": pl.String,
    "id": pl.String,
    "channel": pl.String,
    "location": pl.String,
    "currency": pl.String,
    "placed": cells.UTC,
    "shipped_at": cells.UTC,
    "promised": cells.UTC,
    "total": pl.Int64,
    "refunded": pl.Int64,
    "paid": pl.Boolean,
    "shipped": pl.Boolean,
    "cancelled": pl.Boolean,
    "returned": pl.Boolean,
    "wrong": pl.Boolean,
}
LINE_SCHEMA: dict[str, Any] = {"order": pl.String, "placed": cells.UTC, "sku": pl.String, "quantity": pl.Int64}
# What tells that an order was paid, handed over, or came back; without any of a kind nobody can say.
SAYS_PAID = ("paid", "payment", "status")
SAYS_SHIPPED = ("shipped", "fulfilment", "status")
_LONGEST_WORD = 60


@dataclass(frozen=True, slots=True)
class ReadFile:
    """How one file was read: its form, the headings that were used by our fields, and what could not be read."""

    name: str
    form: str
    rows: int
    headings: dict[str, str]
    unread_columns: int
    oddities: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Past:
    """Orders of the past and their lines, from all files together; `fields` are those that some file has."""

    orders: pl.DataFrame
    lines: pl.DataFrame
    fields: frozenset[str]
    files: tuple[ReadFile, ...]
    timezone: str


def read_past(paths: Sequence[Path], timezone: str, currency: str) -> Past:
    """Read files of one shop together, such as its orders and its returns; UnreadableFile names one that is no table.

    `timezone` is of times without a zone, `currency` of amounts without one.
    """
    return past_of([(path.name, _bytes(path)) for path in paths], timezone, currency)


def past_of(files: Sequence[tuple[str, bytes]], timezone: str, currency: str) -> Past:
    """The same from (name, bytes) of each file."""
    told, frames, fields = [], [], set[str]()
    for name, data in files:
        rows, unread = read_rows(data, name), Unread()
        frames.append(_read_cells(rows, timezone, currency, unread))
        headings = dict(rows.columns.headings)
        oddities = (*rows.oddities, *unread.sentences(headings))
        nameless = rows.filled - len(frames[-1])
        if nameless:
            oddities = (*oddities, f"{nameless} rows name no order and were left out.")
        told.append(ReadFile(name, rows.columns.form, len(rows.cells), headings, rows.columns.unread, oddities))
        fields |= headings.keys()
    both = pl.concat(frames)
    return Past(_orders(both), _lines(both), frozenset(fields), tuple(told), timezone)


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise UnreadableFile(f"{path.name} cannot be read: {error.strerror}.", remedy="Look at its name.") from error


def _read_cells(rows: Rows, timezone: str, currency: str, unread: Unread) -> pl.DataFrame:
    """The rows that name an order, their cells read; what the file has no column for is null."""
    there = rows.cells
    said = {name for name in there.columns if name != ROW}

    def times(name: str, *, or_words: bool = False) -> pl.Series:
        if name not in said:
            return pl.Series(name, [None] * len(there), dtype=cells.UTC)
        return cells.read_times(there, name, timezone, unread, or_words=or_words)

    def happened(name: str, at: pl.Series) -> pl.Series:
        return cells.read_yes(there, name, at) if name in said else _nothing(there, name, pl.Boolean)

    def word(name: str, among: Sequence[str]) -> pl.Series:
        if name not in said:
            return _nothing(there, name, pl.Boolean)
        return cells.read_word(there, name).is_in(list(among))

    def text(name: str) -> pl.Series:
        return there[name].str.slice(0, _LONGEST_WORD) if name in said else _nothing(there, name, pl.String)

    paid_at, shipped_at, cancelled_at = (times(name, or_words=True) for name in ("paid", "shipped", "cancelled"))
    returned_at = times("returned", or_words=True)
    code = (
        (text("currency").str.to_uppercase())
        .to_frame("c")
        .select(pl.when(pl.col("c").is_in(list(EXPONENTS))).then(pl.col("c")))["c"]
    )
    digits = exponent(str(code.drop_nulls().mode().first()) if code.drop_nulls().len() else currency)
    # Shopify writes #1001; whoever lists returns beside it writes 1001.
    order, id_ = text("order").str.strip_prefix("#"), text("id")
    read: dict[str, pl.Series] = {
        "order": order.fill_null(id_) if "order" in said else id_,
        "id": id_,
        "channel": text("channel"),
        "location": text("location"),
        "currency": code,
        "placed": times("placed"),
        "shipped_at": shipped_at,
        "promised": times("promised"),
        "total": _money(there, "total", digits, said, unread),
        "refunded": _money(there, "refunded", digits, said, unread),
        "paid": _any(happened("paid", paid_at), word("payment", cells.PAID), word("status", cells.PAID)),
        "shipped": _any(
            happened("shipped", shipped_at), word("fulfilment", cells.SHIPPED), word("status", cells.SHIPPED)
        ),
        "cancelled": _any(
            happened("cancelled", cancelled_at), word("payment", ("voided",)), word("status", cells.CANCELLED)
        ),
        "returned": happened("returned", returned_at),
        "wrong": cells.read_wrong(there, "reason") if "reason" in said else _nothing(there, "reason", pl.Boolean),
        "sku": text("sku"),
        "quantity": cells.read_count(there, "quantity", unread)
        if "quantity" in said
        else _nothing(there, "quantity", pl.Int64),
    }
    if "returned" not in said and "reason" in said:
        read["returned"] = there["reason"].is_not_null()
    frame = pl.DataFrame({name: column.alias(name) for name, column in read.items()})
    return frame.cast(pl.Schema(ORDER_SCHEMA | LINE_SCHEMA)).filter(pl.col("order").is_not_null())


def _nothing(there: pl.DataFrame, name: str, kind: Any) -> pl.Series:
    return pl.Series(name, [None] * len(there), dtype=kind)


def _money(there: pl.DataFrame, name: str, digits: int, said: set[str], unread: Unread) -> pl.Series:
    return cells.read_money(there, name, digits, unread) if name in said else _nothing(there, name, pl.Int64)


def _any(*told: pl.Series) -> pl.Series:
    """True where one of the columns says so."""
    return pl.DataFrame({str(place): column for place, column in enumerate(told)}).select(
        pl.any_horizontal(pl.all().fill_null(value=False)).alias("any")
    )["any"]


def _orders(rows: pl.DataFrame) -> pl.DataFrame:
    """One row an order: what was said first of it, the last hand-over, and whatever happened to any of its rows."""
    first = ("id", "channel", "location", "currency", "total")
    happened = ("paid", "shipped", "cancelled", "returned")
    return (
        rows.group_by("order", maintain_order=True)
        .agg(
            *(pl.col(name).drop_nulls().first() for name in first),
            pl.col("placed", "promised").min(),
            pl.col("shipped_at", "refunded").max(),
            *(pl.col(name).any() for name in happened),
            (pl.col("wrong") & pl.col("returned")).any().alias("wrong"),
        )
        .select(*ORDER_SCHEMA)
    )


def _lines(rows: pl.DataFrame) -> pl.DataFrame:
    """What was sold. Rows that do not say when are of a list of returns."""
    sold = rows.filter(pl.col("sku").is_not_null() & pl.col("placed").is_not_null())
    return sold.select("order", "placed", "sku", pl.col("quantity").fill_null(1))
