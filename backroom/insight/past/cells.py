"""What the cells of a file say: times, amounts, yes or no, words of states, reasons. What cannot be read is counted.

What belongs here: one column at a time, whatever it holds. What does not: which column is which (`columns`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

import polars as pl

from backroom.insight.past.text import ROW

UTC = pl.Datetime("us", "UTC")
# Rows that are named where a cell could not be read; the rest is counted.
NAMED = 3
_WITH_ZONE = ("%Y-%m-%d %H:%M:%S %z", "%Y-%m-%dT%H:%M:%S%z", "%Y-%m-%dT%H:%M:%S%.f%z", "%Y-%m-%dT%H:%M%z")
_CLOCKS = ("", " %H:%M:%S", " %H:%M", " %I:%M %p", " %I:%M:%S %p")
_WITHOUT_ZONE = (
    *(f"%Y-%m-%d{clock}" for clock in _CLOCKS[:3]),
    *("%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%dT%H:%M"),
    *(f"%d.%m.%Y{clock}" for clock in _CLOCKS[:3]),
    *(f"%B %d, %Y{clock}" for clock in _CLOCKS),
    *(f"%d %B %Y{clock}" for clock in _CLOCKS[:3]),
)
_DAY_FIRST, _MONTH_FIRST = (tuple(f"%{first}/%Y{clock}" for clock in _CLOCKS) for first in ("d/%m", "m/%d"))
# Days since 1899-12-30, as spreadsheets keep dates; these are 2000 to 2099.
_SERIAL = (36_526, 73_050)
_SERIAL_OF_1970, _MICROS_A_DAY = 25_569, 86_400_000_000
_YES = ("yes", "y", "true", "1", "ja", "x", "oui", "si", "sí")
_NO = ("no", "n", "false", "0", "nein", "non", "")
_MOST_MINOR = 10**14
# A currency with three decimals writes 1.234 for one and a bit.
MOST_DIGITS = 3

PAID = ("paid", "partially_refunded", "refunded", "completed", "processing", "bezahlt", "fulfilled", "shipped")
UNPAID = ("pending", "authorized", "voided", "expired", "on-hold", "failed", "unpaid", "partially_paid", "draft")
SHIPPED = ("fulfilled", "shipped", "completed", "delivered", "versendet", "complete")
CANCELLED = ("cancelled", "canceled", "failed", "voided", "trash", "storniert")
# Said by customers of a piece that is not the one they ordered; "wrong size" alone is their own choice more often.
_WRONG = (
    r"wrong[ _-]*(item|product|article|piece|colou?r|design|print|order|sku|one)|(item|product|article)[ _-]*wrong|"
    r"not what (i|was|we) ordered|incorrect (item|product)|(sent|received|got)[a-z ]* (wrong|different|incorrect)|"
    r"mixed up|mix-up|falsch\w* (artikel|produkt|teil|farbe|motiv|ware|lieferung)|falschlieferung|"
    r"falsch geliefert|mauvais (article|produit)|verkeerd|art[ií]culo equivocado|articolo sbagliato|^wrong$|^falsch$"
)


@dataclass
class Unread:
    """What could not be read, by field: how many cells, and the first rows. Never what they say."""

    rows: dict[str, list[int]] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)

    def note(self, name: str, where: pl.Series) -> None:
        """Note the numbers of rows whose cell could not be read."""
        if len(where):
            self.counts[name] = self.counts.get(name, 0) + len(where)
            self.rows.setdefault(name, []).extend(int(row) for row in where.head(NAMED))

    def sentences(self, headings: dict[str, str]) -> list[str]:
        said = []
        for name, count in self.counts.items():
            rows = ", ".join(map(str, self.rows[name][:NAMED]))
            rest = " and others" if count > NAMED else ""
            cells = "cell" if count == 1 else "cells"
            said.append(f"{count} {cells} of {headings.get(name, name)} could not be read (row {rows}{rest}).")
        return said


def read_times(frame: pl.DataFrame, name: str, timezone: str, unread: Unread, *, or_words: bool = False) -> pl.Series:
    """The times of a column in UTC, null where there are none; `or_words` says that yes and no are no mistake.

    A time without a zone is the shop's own. Of 3/4/2026 the first is the day, unless the column shows otherwise.
    """
    text = frame[name].str.replace(r"Z$", "+00:00").str.replace(r"(\d) ([+-]\d\d):?(\d\d)$", "$1 $2$3")
    found = pl.Series(name, [None] * len(text), dtype=UTC)
    for form in _WITH_ZONE:
        found = _fill(found, text, partial(_zoned, form=form))
    slashes = text.str.extract(r"^\d{1,2}/(\d{1,2})/", 1).cast(pl.Int32, strict=False)
    month_first = bool((slashes > 12).any())
    for form in (*_WITHOUT_ZONE, *(_MONTH_FIRST if month_first else _DAY_FIRST)):
        found = _fill(found, text, partial(_local, form=form, timezone=timezone))
    found = _fill(found, text, _serial)
    lost = frame.filter(text.is_not_null() & found.is_null())
    if or_words:
        lost = lost.filter(~pl.col(name).str.to_lowercase().is_in([*_YES, *_NO]) & ~_is_count(name))
    unread.note(name, lost[ROW])
    return found


def read_yes(frame: pl.DataFrame, name: str, times: pl.Series) -> pl.Series:
    """Whether it happened: a time, a yes, or a count above 0."""
    text = frame[name].str.to_lowercase()
    count = text.cast(pl.Float64, strict=False)
    return (times.is_not_null() | text.is_in(_YES) | (count > 0).fill_null(value=False)).fill_null(value=False)


def read_money(frame: pl.DataFrame, name: str, digits: int, unread: Unread) -> pl.Series:
    """Minor units; of `1.234,50` and `1,234.50` the last mark is the decimal one, and `1,234` are thousands."""
    said = pl.col("said")
    comma_is_decimal = said.str.contains(r",\d{1,2}$") | said.str.contains(r"\..*,[^.]*$")
    grouped_by_dots = said.str.contains(r"^-?\d{1,3}(\.\d{3})+$") & pl.lit(digits < MOST_DIGITS)
    number = (
        pl.when(grouped_by_dots)
        .then(said.str.replace_all(".", "", literal=True))
        .when(comma_is_decimal)
        .then(said.str.replace_all(".", "", literal=True).str.replace(",", ".", literal=True))
        .otherwise(said.str.replace_all(",", "", literal=True))
        .cast(pl.Float64, strict=False)
    )
    minor = (number * 10**digits).round()
    fits = minor.is_finite() & (minor.abs() < _MOST_MINOR)
    # A letter between digits (1e5) makes it no amount; a currency before or behind it does not.
    sound = pl.when(~pl.col(name).str.contains(r"\d[A-Za-z]\d")).then(pl.col(name))
    only_marks = sound.str.replace_all(r"[^\d,.\-]", "").alias("said")
    read = frame.select(only_marks).select(pl.when(fits).then(minor).cast(pl.Int64).alias(name))[name]
    unread.note(name, frame.filter(frame[name].is_not_null() & read.is_null())[ROW])
    return read


def read_count(frame: pl.DataFrame, name: str, unread: Unread) -> pl.Series:
    """Whole pieces; null where there is no number."""
    count = frame[name].str.replace(r"[.,]0+$", "").cast(pl.Int64, strict=False)
    unread.note(name, frame.filter(pl.col(name).is_not_null() & count.is_null())[ROW])
    return count.clip(0, 1_000_000)


def read_word(frame: pl.DataFrame, name: str) -> pl.Series:
    """A word of a state, as all exports write it: small, `wc-` left out, blanks as underscores."""
    return frame[name].str.to_lowercase().str.strip_prefix("wc-").str.replace_all(" ", "_")


def read_wrong(frame: pl.DataFrame, name: str) -> pl.Series:
    """Whether a reason says that another piece came than was ordered. The reason itself is not kept."""
    return frame[name].str.to_lowercase().str.contains(_WRONG).fill_null(value=False)


def _is_count(name: str) -> pl.Expr:
    return pl.col(name).str.contains(r"^\d{1,4}([.,]0+)?$")


def _fill(found: pl.Series, text: pl.Series, parse: Callable[[pl.Series], pl.Series]) -> pl.Series:
    """Parse what is not parsed yet."""
    left = found.is_null() & text.is_not_null()
    if not left.any():
        return found
    parsed = parse(text.filter(left)).cast(UTC)
    rows = left.arg_true()
    good = parsed.is_not_null()
    return found.scatter(rows.filter(good), parsed.filter(good)) if good.any() else found


def _zoned(text: pl.Series, form: str) -> pl.Series:
    return text.str.to_datetime(form, strict=False, time_unit="us")


def _local(text: pl.Series, form: str, timezone: str) -> pl.Series:
    naive = text.str.to_datetime(form, strict=False, time_unit="us")
    here = naive.dt.replace_time_zone(timezone, ambiguous="earliest", non_existent="null").dt.convert_time_zone("UTC")
    # A clock time that was jumped over: nobody ordered in it, and the file was written by another clock.
    return here.fill_null(naive.dt.replace_time_zone("UTC"))


def _serial(text: pl.Series) -> pl.Series:
    """Days since 1899-12-30, as spreadsheets write dates that nobody gave a form."""
    days = text.to_frame("days").select(pl.col("days").cast(pl.Float64, strict=False))
    at = ((pl.col("days") - _SERIAL_OF_1970) * _MICROS_A_DAY).cast(pl.Int64).cast(UTC)
    return days.select(pl.when(pl.col("days").is_between(*_SERIAL)).then(at).alias("at"))["at"]
