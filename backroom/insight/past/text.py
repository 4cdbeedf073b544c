"""From the bytes of a file to rows of text: encodings, separators, quotation marks, whatever the file does with them.

What belongs here: forgiving. A file is refused only where no order could ever be read out of it. What does not: what
the cells mean (`cells`).
"""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import polars as pl

from backroom.domain.errors import AskPerson
from backroom.insight.past.columns import Columns, known_headings, recognise

LARGEST_FILE = 1024**3
ROW = "row"
_SEPARATORS = ",;\t|"
_MOST_COLUMNS = 2_000
_LINES_OF_A_HEADER = 20


class UnreadableFile(AskPerson):
    """No order can be read out of this file."""

    cause = "unreadable_file"


@dataclass(frozen=True, slots=True)
class Rows:
    """The cells of our fields as text, null where there are none, with the row's number as spreadsheets count (the
    header is row 1); and what was odd about the file."""

    columns: Columns
    cells: pl.DataFrame
    oddities: tuple[str, ...]

    @property
    def filled(self) -> int:
        """How many rows have something in one of our columns."""
        fields = [name for name in self.cells.columns if name != ROW]
        return self.cells.filter(pl.any_horizontal(pl.col(fields).is_not_null())).height


def read_rows(data: bytes, name: str) -> Rows:
    """The rows of a file; UnreadableFile when it is no table, or has no column that names the order."""
    if len(data) > LARGEST_FILE:
        raise UnreadableFile(f"{name} is larger than {LARGEST_FILE >> 20} MiB.", remedy="Export one year at a time.")
    oddities: list[str] = []
    text = _decode(data, oddities).lstrip("\n")
    if text[:4].lower() == "sep=":
        # Excel's own hint, on a line before the header.
        text = text.partition("\n")[2]
    separator = _separator(text)
    header, body = _header(text, separator)
    columns = recognise(header)
    if "order" not in columns.places and "id" not in columns.places:
        # A file without a header may have a customer in its first row: it is not repeated.
        raise UnreadableFile(
            f"{name}: no column names the order, of {len(header)} in its first row.",
            remedy="Call the column with the order's number `order`.",
        )
    cells = _cells(body, separator, len(header), columns, oddities)
    return Rows(columns, cells, tuple(oddities))


def _decode(data: bytes, oddities: list[str]) -> str:
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        # Half a character of it has no UTF-8.
        text = data.decode("utf-16", errors="replace").encode("utf-8", "replace").decode("utf-8")
    else:
        try:
            text = data.decode("utf-8-sig")
        except UnicodeDecodeError:
            # What Excel writes in the West.
            text = data.decode("cp1252", errors="replace")
    if "\0" in text:
        oddities.append("It has NUL characters; they were left out.")
        text = text.replace("\0", "")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _separator(text: str) -> str:
    """The one under which the header has most of our columns, then the most columns."""
    first = text.partition("\n")[0]

    def rank(one: str) -> tuple[int, int]:
        cells = first.replace('"', "").split(one)[:_MOST_COLUMNS]
        return known_headings(cells), len(cells)

    return max(_SEPARATORS, key=rank)


def _header(text: str, separator: str) -> tuple[list[str], str]:
    """The cells of the first row, and what follows it. A heading may hold a line end, in quotation marks."""
    first = end = text.find("\n") + 1 or len(text)
    for _ in range(_LINES_OF_A_HEADER):
        if text.count('"', 0, end) % 2 == 0:
            break
        end = text.find("\n", end) + 1 or len(text)
    else:
        end = first
    try:
        cells = next(csv.reader([text[:end].rstrip("\n")], delimiter=separator), [])
    except csv.Error:
        end = first
        cells = text[:end].rstrip("\n").split(separator)
    return cells[:_MOST_COLUMNS], text[end:]


def _cells(body: str, separator: str, width: int, columns: Columns, oddities: list[str]) -> pl.DataFrame:
    schema = {ROW: pl.UInt32} | dict.fromkeys(columns.places, pl.String)
    if not body.strip():
        oddities.append("It has no rows under its first one.")
        return pl.DataFrame(schema=schema)
    frame = None
    if body.count('"') % 2 == 0:
        frame = _at_once(body, separator, width)
    if frame is None:
        frame = _line_by_line(body, separator, width, oddities)
    fields = [pl.col(f"c{place}").str.strip_chars().alias(field) for field, place in columns.places.items()]
    return (
        frame.with_row_index(ROW, offset=2)
        .select(ROW, *fields)
        .with_columns(pl.when(pl.col(field) != "").then(pl.col(field)).alias(field) for field in columns.places)
    )


def _at_once(body: str, separator: str, width: int) -> pl.DataFrame | None:
    """All rows as polars reads them; None where it finds something that it does not read."""
    try:
        return pl.read_csv(
            io.BytesIO(body.encode()),
            has_header=False,
            separator=separator,
            schema={f"c{place}": pl.String for place in range(width)},
            truncate_ragged_lines=True,
            ignore_errors=True,
        )
    except pl.exceptions.PolarsError:
        return None


def _line_by_line(body: str, separator: str, width: int, oddities: list[str]) -> pl.DataFrame:
    """Each line by itself, without those in which a quotation mark is not closed: it would swallow the rest."""
    lines = body.split("\n")
    good = [line for line in lines if line.count('"') % 2 == 0 and line.strip()]
    if left_out := sum(1 for line in lines if line.count('"') % 2):
        oddities.append(f"{left_out} lines have a quotation mark too many and were left out.")
    rows: list[list[str | None]] = [[*row, *[None] * width][:width] for row in _by_line(good, separator)]
    return pl.DataFrame(rows, schema={f"c{place}": pl.String for place in range(width)}, orient="row")


def _by_line(lines: Sequence[str], separator: str) -> Iterator[list[str]]:
    for line in lines:
        if len(line) > csv.field_size_limit():
            # Longer than any row of an export: no table.
            continue
        yield next(csv.reader([line], delimiter=separator), [])
