"""The report as Markdown, for an artifact in Prefect's UI: the figures, what changed and why, where the hours go."""

from __future__ import annotations

from collections.abc import Sequence

from backroom.domain.kpi import WAYS
from backroom.insight import charts
from backroom.insight.report import Report, left_out_in_all, said_corrections, said_left_out, table, table_of_months


def markdown(report: Report, page: str, drawn: Sequence[tuple[str, str]]) -> str:
    """The report as Markdown, with the pictures that were `drawn` of it, as `pictures` tells them.

    `page` is where the whole of it is as one page, if it is there.
    """
    rows = table(report)
    lines = [f"# Figures of {report.title}", ""]
    if not rows:
        return "\n".join([*lines, "Nothing was shipped yet."])
    if report.provisional:
        lines += ["The day is not over: these are its figures so far.", ""]
    lines += _table(("figure", *WAYS, "before", "change"), rows)
    lines += ["", "## What was left out", "", left_out_in_all(report), ""]
    lines += [f"- {said}" for said in said_left_out(report)]
    lines += ["", "## What changed in the past", ""]
    lines += [f"- {said}" for said in said_corrections(report)] or ["Nothing."]
    for title, svg in drawn:
        lines += ["", f"## {title}", "", f"![{title}]({charts.data_uri(svg)})"]
    if months := table_of_months(report):
        lines += ["", "## By month", "", *_table(("month", "figure", *WAYS), months)]
    lines += ["", f"The orders behind a figure: `backroom kpi orders {report.title} --figure on_time`."]
    if page:
        lines += ["", f"The whole report: `{page}`."]
    return "\n".join(lines)


def _table(columns: tuple[str, ...], rows: list[dict[str, str]]) -> list[str]:
    head = [f"| {' | '.join(columns)} |", "|---|" + "--:|" * (len(columns) - 1)]
    return head + [f"| {' | '.join(row[column] for column in columns)} |" for row in rows]
