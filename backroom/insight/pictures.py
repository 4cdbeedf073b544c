"""Pictures of checks and what-ifs as SVG: bars beside each other, and how an answer hangs on its assumptions.

What belongs here: drawing. What does not: figures over days (`charts`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import polars as pl

WIDTH = 620


def side_by_side(rows: Sequence[tuple[str, str, float]], axis: str, *, stacked: bool = False) -> str:
    """Bars of (group, side, value): the sides of a group beside each other, or one upon the other; empty for none."""
    if not rows:
        return ""
    altair = _altair()
    data = pl.DataFrame(rows, schema=["group", "side", "value"], orient="row")
    sides, groups = (list(dict.fromkeys(row[at] for row in rows)) for at in (1, 0))
    encoding = {
        "x": altair.X("value:Q", title=axis),
        "y": altair.Y("group:N", sort=groups, title=None, axis=altair.Axis(labelLimit=260)),
        "color": altair.Color("side:N", sort=sides, title=None),
    }
    if not stacked:
        encoding["yOffset"] = altair.YOffset("side:N", sort=sides)
    height = 26 * len(groups) * (1 if stacked else len(sides))
    return _svg(altair.Chart(data).mark_bar().encode(**encoding).properties(width=WIDTH, height=height))


def tornado(rows: Sequence[tuple[str, float, float]], usual: float, axis: str) -> str:
    """How far an answer swings with each assumption: (name, at its low end, at its high end), widest first.

    What swings it by less than a hundredth of what the widest does is left out; empty where nothing swings it.
    """
    widest = max((abs(high - low) for _, low, high in rows), default=0.0)
    if not widest:
        return ""
    altair = _altair()
    seen = [row for row in rows if abs(row[2] - row[1]) >= widest / 100]
    ordered = sorted(seen, key=lambda row: abs(row[2] - row[1]), reverse=True)
    names = [row[0] for row in ordered]
    drawn = [(name, end, value, usual) for name, low, high in ordered for end, value in (("low", low), ("high", high))]
    data = pl.DataFrame(drawn, schema=["name", "end", "value", "usual"], orient="row")
    bars = (
        altair.Chart(data)
        .mark_bar()
        .encode(
            x=altair.X("usual:Q", title=axis, scale=altair.Scale(zero=False)),
            x2="value:Q",
            y=altair.Y("name:N", sort=names, title=None, axis=altair.Axis(labelLimit=260)),
            color=altair.Color("end:N", sort=["low", "high"], title="assumption"),
        )
    )
    line = altair.Chart(pl.DataFrame({"usual": [usual]})).mark_rule(strokeDash=[4, 4]).encode(x="usual:Q")
    return _svg((bars + line).properties(width=WIDTH, height=26 * len(names)))


def curve(rows: Sequence[tuple[float, str, float]], x_axis: str, y_axis: str) -> str:
    """Lines of (x, name, y), steps between the points; empty for none."""
    if not rows:
        return ""
    altair = _altair()
    data = pl.DataFrame(rows, schema=["x", "name", "y"], orient="row")
    names = list(dict.fromkeys(row[1] for row in rows))
    chart = (
        altair.Chart(data)
        .mark_line(point=True)
        .encode(
            x=altair.X("x:Q", title=x_axis),
            y=altair.Y("y:Q", title=y_axis),
            color=altair.Color("name:N", sort=names, title=None),
        )
    )
    return _svg(chart.properties(width=WIDTH, height=260))


def _altair() -> Any:
    # It costs seconds to load, and most processes of a shop draw nothing.
    import altair

    return altair


def _svg(chart: Any) -> str:
    import vl_convert

    svg: str = vl_convert.vegalite_to_svg(chart.to_json())
    return svg
