"""The report of a day, a week or any span: what it says, whatever it is laid out as.

What belongs here: which rows there are, in words. What does not: computing figures (`figures`, `cohorts`), reading them
(`reading`), drawing (`charts`), layouts (`page`, `markdown`, `files`), and where they are put (`tasks.kpi`,
`backroom.cli.kpi`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from backroom.domain.intervals import wilson
from backroom.domain.kpi import ALL, BY_NAME, KPIS, WAYS, Unit
from backroom.insight import charts
from backroom.insight.behind import Behind
from backroom.insight.returned import Compared, Rate
from backroom.insight.words import say, say_share

CHARTED = ("ship_median", "ship_p90", "cost_per_order", "on_time", "orders")

# So many orders that were left out are named; the figure `left_out` opens to all of them.
LEFT_OUT_MOST = 10

Values = Mapping[tuple[str, str], float]


@dataclass(frozen=True, slots=True)
class Report:
    """Figures of the days from `first` to `last` as `values` by (name, way), and of as many days before them.

    `figures` are the rows of each single day that the charts show, `months` those of figures told by month,
    `corrected` those that were corrected lately, `behind` names the orders behind each figure, and `returns` is what
    comes back of events against online. `left_out` are the orders in quarantine that no figure counts, each with why.
    """

    shop: str
    currency: str
    title: str
    first: str
    last: str
    values: Values
    before: Values
    figures: Sequence[Mapping[str, Any]]
    months: Sequence[Mapping[str, Any]]
    corrected: Sequence[Mapping[str, Any]]
    behind: Mapping[str, Sequence[Behind]]
    returns: Sequence[Compared]
    provisional: bool = False
    left_out: Sequence[tuple[str, str]] = ()

    @property
    def of_one_day(self) -> bool:
        return self.first == self.last


def table(report: Report) -> list[dict[str, str]]:
    """A row a figure: its `name` and title, a column a way, what it was `before` (all ways), and the `change`.

    What nobody can know of these days is left empty, and a figure that nobody can know at all is left out.
    """
    return [
        {"name": kpi.name, "figure": kpi.title}
        | {way: _said(report.values, kpi.name, report.currency, way) for way in WAYS}
        | {"before": _said(report.before, kpi.name, report.currency, ALL), "change": _change(report, kpi.name)}
        for kpi in KPIS
        if (kpi.name, ALL) in report.values
    ]


def table_of_months(report: Report) -> list[dict[str, str]]:
    """A row a month and a figure that is told by month, newest first, a column a way, each with its interval."""
    cells = {(row["day"], row["name"], row["way"]): row for row in report.months}
    monthly = sorted({(row["day"], row["name"]) for row in report.months}, reverse=True)
    return [
        {"month": day[:7], "figure": BY_NAME[name].title, "name": name}
        | {way: _of_month(cells.get((day, name, way))) for way in WAYS}
        for day, name in monthly
    ]


def table_of_returns(compared: Sequence[Compared]) -> list[dict[str, str]]:
    """A row a SKU that was sold at events and online: what came back of either, and how sure a difference is."""
    return [
        {
            "sku": one.sku or "all of them",
            "event": _said_rate(one.event),
            "online": _said_rate(one.online),
            "event less online": f"{low * 100:+.1f} to {high * 100:+.1f} points",
            "verdict": one.verdict,
        }
        for one in compared
        for low, high in (one.difference,)
    ]


def said_corrections(report: Report) -> list[str]:
    """A sentence for each figure of a past day that changed: what it was, what it is, and why."""
    return [
        f"{row['day']}, {BY_NAME[row['name']].title} ({row['way']}): was "
        f"{say(row['name'], row['was'], report.currency)}, is {say(row['name'], row['value'], report.currency)}, "
        f"because {row['why']}."
        for row in report.corrected
    ]


def left_out_in_all(report: Report) -> str:
    """How many orders no figure of these days counts, and what becomes of them, in a sentence or two."""
    if not report.left_out:
        return "Nothing: no order of these days is in quarantine."
    are = "order is" if len(report.left_out) == 1 else "orders are"
    return (
        f"{len(report.left_out)} {are} in quarantine, and no other figure counts them. They are counted when they are "
        "mended, or when somebody says that they are right (`backroom quality quarantine`)."
    )


def said_left_out(report: Report) -> list[str]:
    """A sentence for each order that no figure of these days counts, some of them where they are many."""
    lines = [f"{number} is left out: {why}" for number, why in report.left_out[:LEFT_OUT_MOST]]
    more = len(report.left_out) - len(lines)
    return [*lines, f"and {more} more."] if more else lines


def pictures(report: Report) -> Iterator[tuple[str, str]]:
    """(title, SVG) of each chart that has something to show, drawn one after the other."""
    if svg := charts.stages(report.figures):
        yield "Where the hours go", svg
    for name in CHARTED:
        if svg := charts.lines(report.figures, name, report.currency):
            yield BY_NAME[name].title, svg


def _said(values: Values, name: str, currency: str, way: str) -> str:
    return say(name, values[name, way], currency) if (name, way) in values else ""


def _change(report: Report, name: str) -> str:
    """How much a figure grew: in points where it is a share, else in parts of what it was; empty where it did not."""
    now, before = report.values[name, ALL], report.before.get((name, ALL))
    if before is None or now == before:
        return ""
    if BY_NAME[name].unit is Unit.SHARE:
        return f"{(now - before) * 100:+.1f} points"
    return f"{(now - before) / before * 100:+.0f} %" if before else ""


def _of_month(row: Mapping[str, Any] | None) -> str:
    if row is None:
        return ""
    low, high = wilson(row["value"] * row["orders"], row["orders"])
    so_far = ", so far" if row["provisional"] else ""
    return f"{say_share(row['value'])} ({say_share(low)} to {say_share(high)} of {row['orders']}{so_far})"


def _said_rate(rate: Rate) -> str:
    low, high = rate.interval
    return f"{rate.back} of {rate.sold}: {say_share(rate.share)} ({say_share(low)} to {say_share(high)})"
