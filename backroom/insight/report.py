"""The report of a span of days: as Markdown for Prefect's UI, as one offline HTML page, as CSV and Parquet.

What belongs here: how figures are laid out. What does not: computing them (`figures`, `cohorts`), drawing (`charts`),
and where the report is put (`tasks.kpi`, `backroom.cli.kpi`).
"""

from __future__ import annotations

import csv
import html
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from backroom.domain.kpi import ALL, BY_NAME, KPIS, WAYS
from backroom.insight import charts
from backroom.insight.words import say

COLUMNS = ("day", "way", "name", "value", "orders", "provisional", "was", "changed_at", "why")
CHARTED = ("ship_median", "ship_p90", "cost_per_order", "on_time", "orders")
_STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#222}"
    "table{border-collapse:collapse;margin:1rem 0}th,td{padding:.3rem .8rem;border-bottom:1px solid #ddd;"
    "text-align:right}th:first-child,td:first-child{text-align:left}img{max-width:100%}small{color:#666}"
)


@dataclass(frozen=True, slots=True)
class Report:
    """Figures of the days from `first` to `last`, and those of past days that were corrected lately."""

    shop: str
    currency: str
    first: str
    last: str
    figures: Sequence[Mapping[str, Any]]
    corrected: Sequence[Mapping[str, Any]]

    def on(self, day: str) -> dict[tuple[str, str], Mapping[str, Any]]:
        """The figures of a day by (name, way)."""
        return {(row["name"], row["way"]): row for row in self.figures if row["day"] == day}

    def days(self) -> list[str]:
        """The days that have orders, oldest first."""
        return sorted({row["day"] for row in self.figures if row["name"] == "orders"})


def table_of_day(report: Report, day: str) -> list[dict[str, str]]:
    """A row a figure, a column a way; what nobody can know that day is left empty."""
    there = report.on(day)
    return [
        {"figure": kpi.title}
        | {
            way: say(kpi.name, there[kpi.name, way]["value"], report.currency) if (kpi.name, way) in there else ""
            for way in WAYS
        }
        for kpi in KPIS
        if (kpi.name, ALL) in there
    ]


def said_corrections(report: Report) -> list[str]:
    """A sentence for each figure of a past day that changed: what it was, what it is, and why."""
    return [
        f"{row['day']}, {BY_NAME[row['name']].title} ({row['way']}): was "
        f"{say(row['name'], row['was'], report.currency)}, is {say(row['name'], row['value'], report.currency)}, "
        f"because {row['why']}."
        for row in report.corrected
    ]


def pictures(report: Report) -> list[tuple[str, str]]:
    """(title, SVG) of each chart that has something to show."""
    drawn = [("Where the hours go", charts.stages(report.figures))]
    drawn += [(BY_NAME[name].title, charts.lines(report.figures, name, report.currency)) for name in CHARTED]
    return [(title, svg) for title, svg in drawn if svg]


def markdown(report: Report, page: str) -> str:
    """For an artifact: the last day by way, what was corrected, where the hours go. `page` is the report, if there."""
    day = report.days()[-1] if report.days() else report.last
    rows = table_of_day(report, day)
    lines = [f"# Figures of {day}", ""]
    if not rows:
        return "\n".join([*lines, "Nothing was shipped yet."])
    lines += [f"| figure | {' | '.join(WAYS)} |", "|---|" + "--:|" * len(WAYS)]
    lines += [f"| {row['figure']} | {' | '.join(row[way] for way in WAYS)} |" for row in rows]
    lines += ["", "## What changed in the past", ""]
    lines += [f"- {said}" for said in said_corrections(report)] or ["Nothing."]
    for title, svg in pictures(report)[:2]:
        lines += ["", f"## {title}", "", f"![{title}]({charts.data_uri(svg)})"]
    lines += ["", f"The orders behind a day: `backroom kpi orders {day}`."]
    if page:
        lines += ["", f"The whole report: `{page}`."]
    return "\n".join(lines)


def html_page(report: Report) -> str:
    """One page with its charts in it, to be read, mailed or printed anywhere: it loads nothing."""
    parts = [f"<h1>{html.escape(report.shop)}</h1><p>{report.first} – {report.last}</p>"]
    for day in reversed(report.days()):
        head = "".join(f"<th>{way}</th>" for way in WAYS)
        body = "".join(
            f"<tr><td>{html.escape(row['figure'])}</td>{''.join(f'<td>{row[way]}</td>' for way in WAYS)}</tr>"
            for row in table_of_day(report, day)
        )
        parts.append(f"<h2>{day}</h2><table><tr><th></th>{head}</tr>{body}</table>")
    said = [f"<li>{html.escape(one)}</li>" for one in said_corrections(report)]
    parts.insert(1, f"<h2>What changed in the past</h2><ul>{''.join(said) or '<li>Nothing.</li>'}</ul>")
    drawn = [f'<h2>{title}</h2><img alt="{title}" src="{charts.data_uri(svg)}">' for title, svg in pictures(report)]
    meaning = "".join(f"<dt>{kpi.title}</dt><dd>{html.escape(kpi.definition)}</dd>" for kpi in KPIS)
    body = "".join([parts[0], *drawn, *parts[1:], f"<h2>What they mean</h2><dl>{meaning}</dl>"])
    title = html.escape(f"{report.shop}: {report.first} – {report.last}")
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        f'<meta name="viewport" content="width=device-width"><style>{_STYLE}</style></head><body>{body}</body></html>'
    )


def write_files(report: Report, folder: Path, name: str) -> list[Path]:
    """Write NAME.html, NAME.csv and NAME.parquet into a folder, each whole or not at all; returns where they are."""
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for ending, write in (("html", _write_html), ("csv", _write_csv), ("parquet", _write_parquet)):
        path = folder / f"{name}.{ending}"
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
        for row in report.figures:
            values = (row[column] for column in COLUMNS)
            writer.writerow([formula_safe(value) if isinstance(value, str) else value for value in values])


def _write_parquet(report: Report, path: Path) -> None:
    rows = [tuple(row[column] for column in COLUMNS) for row in report.figures]
    types: dict[str, Any] = {
        "value": pl.Float64,
        "was": pl.Float64,
        "orders": pl.Int64,
        "changed_at": pl.Datetime("us", "UTC"),
    }
    types["provisional"] = pl.Int64
    schema = {column: types.get(column, pl.String) for column in COLUMNS}
    pl.DataFrame(rows, schema=schema, orient="row").write_parquet(path)
