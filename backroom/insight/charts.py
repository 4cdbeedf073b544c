"""Charts of figures as SVG, drawn without a browser and without a network."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from backroom.domain.kpi import BY_NAME, STAGES, WAYS, Unit
from backroom.domain.money import exponent

WIDTH, HEIGHT = 640, 220
# To the right more than Vega's own five: it measures the legend in another font than the one that it is read in.
PADDING = {"left": 5, "top": 5, "right": 30, "bottom": 5}
# What a figure is divided by on a chart, and what its axis then says; money is told by the currency.
_SCALE = {Unit.SECONDS: (3600.0, "hours"), Unit.SHARE: (0.01, "%"), Unit.COUNT: (1.0, "")}


def lines(figures: Sequence[Mapping[str, Any]], name: str, currency: str) -> str:
    """One figure over the days, a line for each way of orders; empty where there is nothing to draw."""
    kpi = BY_NAME[name]
    divisor, word = (10.0 ** exponent(currency), currency) if kpi.unit is Unit.MONEY else _SCALE[kpi.unit]
    rows = [(row["day"], row["way"], row["value"] / divisor) for row in figures if row["name"] == name]
    if not rows:
        return ""
    axis = f"{kpi.title} ({word})" if word else kpi.title
    data = pl.DataFrame(rows, schema=["day", "way", "value"], orient="row")
    return _svg("line", data, axis, "way", WAYS)


def stages(figures: Sequence[Mapping[str, Any]]) -> str:
    """Where the hours go: the median of each stage, day by day, one upon the other."""
    names = {f"{stage}_median": stage for stage in STAGES}
    rows = [
        (row["day"], names[row["name"]], row["value"] / 3600)
        for row in figures
        if row["name"] in names and row["way"] == "all"
    ]
    if not rows:
        return ""
    data = pl.DataFrame(rows, schema=["day", "stage", "value"], orient="row")
    return _svg("bar", data, "median hours", "stage", STAGES)


def trend(counts: Sequence[tuple[str, str, int]], order: Sequence[str], axis: str) -> str:
    """Counts over the days, a line for each name; `counts` are (day, name, how many). Empty under two days."""
    data = pl.DataFrame(counts, schema=["day", "name", "value"], orient="row")
    return _svg("line", data, axis, "name", order) if data["day"].n_unique() > 1 else ""


def shares(parts: Sequence[tuple[str, str, float]], order: Sequence[str]) -> str:
    """Who carries which share, a bar each with its kinds side by side; `parts` are (who, kind, share)."""
    if not parts:
        return ""
    import altair
    import vl_convert

    data = pl.DataFrame(parts, schema=["who", "kind", "share"], orient="row")
    chart = (
        altair.Chart(data)
        .mark_bar()
        .encode(
            x=altair.X("share:Q", title=None, axis=altair.Axis(format="%")),
            y=altair.Y("who:N", title=None, sort="-x", axis=altair.Axis(labelLimit=WIDTH // 2)),
            color=altair.Color("kind:N", sort=list(order), title=None),
        )
        .properties(width=WIDTH)
    )
    svg: str = vl_convert.vegalite_to_svg(chart.to_json())
    return svg


def data_uri(svg: str) -> str:
    """The picture itself as an address, for a page that may load nothing."""
    return f"data:image/svg+xml;base64,{base64.b64encode(svg.encode()).decode()}"


def _svg(mark: str, data: pl.DataFrame, axis: str, by: str, order: Sequence[str]) -> str:
    # They cost seconds to load, and most processes of a shop draw nothing.
    import altair
    import vl_convert

    base = altair.Chart(data)
    drawn = base.mark_bar() if mark == "bar" else base.mark_line(point=True)
    chart = drawn.encode(
        x=altair.X("day:T", title=None, axis=altair.Axis(format="%d %b")),
        y=altair.Y("value:Q", title=axis),
        color=altair.Color(f"{by}:N", sort=list(order), title=None),
    ).properties(width=WIDTH, height=HEIGHT, padding=PADDING)
    svg: str = vl_convert.vegalite_to_svg(chart.to_json())
    return svg
