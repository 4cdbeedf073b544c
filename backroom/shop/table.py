"""CSV tables: rows as a spreadsheet saves them, with problems that name file, row and field.

What belongs here: finding the columns and reading one cell. What does not: which columns a table has (`catalogue`,
`postcodes`). Rows are counted as a spreadsheet shows them: the header is row 1.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from backroom.shop.check import Report, suggest
from backroom.shop.reading import LONGEST_NUMBER, read_text


@dataclass(frozen=True, slots=True)
class Row:
    """One row and where it stands; empty cells are empty texts."""

    number: int
    cells: dict[str, str]
    report: Report

    def text(self, field: str) -> str:
        """The cell; an empty one is reported."""
        value = self.cells[field]
        if not value:
            self.problem(field, "is empty", f"Fill in the {field}.")
        return value

    def whole(self, field: str, low: int, high: int, default: int | None = None) -> int:
        value = self.cells[field]
        if not value and default is not None:
            return default
        # By its length first: int() refuses thousands of digits.
        digits = value.isascii() and value.removeprefix("-").isdigit() and len(value) <= LONGEST_NUMBER
        if not (digits and low <= int(value) <= high):
            self.problem(field, f"{value!r} is not a whole number", f"Write a whole number from {low} to {high}.")
            return low
        return int(value)

    def problem(self, field: str, message: str, remedy: str) -> None:
        self.report.add(f"row {self.number}, {field}", message, remedy)


def read_table(path: Path, report: Report, columns: Collection[str], optional: Collection[str] = ()) -> Iterator[Row]:
    """The rows of a CSV file in UTF-8, separated by comma or semicolon; empty rows are left out.

    Missing and unknown columns are reported, and nothing is read then. The caller ends with `report.done()`.
    """
    text = read_text(path, report, "Put it beside the shop file, or correct its name.")
    if text is None:
        return
    first = text.partition("\n")[0]
    separator = ";" if first.count(";") > first.count(",") else ","
    # Strict: a quote that never closes would make one cell of all the rows behind it.
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    try:
        rows = list(reader)
    except csv.Error as error:
        report.add(f"line {reader.line_num}", f"cannot be read: {error}", "Look for a quotation mark too many.")
        return
    header = [name.strip().lower() for name in rows[0]] if rows else []
    known = {*columns, *optional}
    wrong = [name for name in header if name not in known]
    missing = [name for name in columns if name not in header]
    for name in wrong:
        report.add(f"row 1, {name}", "is not a known column", suggest(name, known - set(header)))
    for name in missing:
        report.add(f"row 1, {name}", "is missing", f"Add a column {name}.")
    if wrong or missing:
        return
    for number, values in enumerate(rows[1:], 2):
        if not any(value.strip() for value in values):
            continue
        if len(values) != len(header):
            report.add(
                f"row {number}",
                f"has {len(values)} cells, the header {len(header)}",
                "Put texts with a comma in quotes.",
            )
            continue
        cells = dict.fromkeys(known, "") | dict(zip(header, (value.strip() for value in values), strict=True))
        yield Row(number, cells, report)
