"""The report as files: the page, and its days' figures as CSV and Parquet for the spreadsheet people."""

from __future__ import annotations

import csv
import os
from pathlib import Path
from typing import Any

import polars as pl

from backroom.insight.page import html_page
from backroom.insight.report import Report

COLUMNS = ("day", "way", "name", "value", "orders", "provisional", "was", "changed_at", "why")


def write_files(report: Report, folder: Path) -> list[Path]:
    """Write TITLE.html, TITLE.csv and TITLE.parquet into a folder, each whole or not at all; returns where they are."""
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for ending, write in (("html", _write_html), ("csv", _write_csv), ("parquet", _write_parquet)):
        path = folder / f"{report.title}.{ending}"
        aside = path.with_name(f".{path.name}.part")
        write(report, aside)
        os.replace(aside, path)  # noqa: PTH105 - one atomic call
        written.append(path)
    return written


def formula_safe(text: str) -> str:
    """Text that a spreadsheet takes for text: what begins like a formula gets an apostrophe (OWASP: CSV injection)."""
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text


def _write_html(report: Report, path: Path) -> None:
    path.write_text(html_page(report), encoding="utf-8")


def _write_csv(report: Report, path: Path) -> None:
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        for row in (*report.figures, *report.months):
            values = (row[column] for column in COLUMNS)
            writer.writerow([formula_safe(value) if isinstance(value, str) else value for value in values])


def _write_parquet(report: Report, path: Path) -> None:
    rows = [tuple(row[column] for column in COLUMNS) for row in (*report.figures, *report.months)]
    types: dict[str, Any] = {
        "value": pl.Float64,
        "was": pl.Float64,
        "orders": pl.Int64,
        "changed_at": pl.Datetime("us", "UTC"),
    }
    types["provisional"] = pl.Int64
    schema = {column: types.get(column, pl.String) for column in COLUMNS}
    pl.DataFrame(rows, schema=schema, orient="row").write_parquet(path)
