"""The report as one HTML page with its charts in it, to be read, mailed or printed anywhere: it loads nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from html import escape

from backroom.domain.kpi import BY_NAME, KPIS, WAYS
from backroom.insight import charts, offline
from backroom.insight.behind import Behind
from backroom.insight.report import (
    Report,
    left_out_in_all,
    pictures,
    said_corrections,
    said_left_out,
    table,
    table_of_months,
    table_of_returns,
)

_STYLE = """
body{font:16px/1.5 system-ui,sans-serif;max-width:64rem;margin:2rem auto;padding:0 1rem;color:#222;background:#fff}
h1{margin-bottom:0}h2{margin-top:2.5rem}p.of{margin-top:0;color:#555}
.wide{overflow-x:auto}table{border-collapse:collapse;margin:1rem 0;font-variant-numeric:tabular-nums}
th,td{padding:.3rem .8rem;border-bottom:1px solid #ddd;text-align:right;white-space:nowrap}
th:first-child,td:first-child{text-align:left}td.all{font-weight:600}td.before,th.before{color:#666}
a{color:inherit;text-decoration-color:#aaa}img{max-width:100%}dt{font-weight:600}dd{margin:0 0 .6rem 1rem}
details{margin:.2rem 0}summary{cursor:pointer}details>div{scroll-margin-top:3rem}
@media print{body{max-width:none;margin:0}h2{break-after:avoid}img,tr{break-inside:avoid}}
"""


def html_page(report: Report) -> str:
    """The whole report as one page."""
    title = escape(f"{report.shop}: {report.title}")
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        f'<meta name="viewport" content="width=device-width"><style>{_STYLE}</style></head>'
        f"<body>{''.join(_parts(report))}</body></html>"
    )


def _parts(report: Report) -> Iterator[str]:
    yield f'<h1>{escape(report.shop)}</h1><p class="of">{escape(_of(report))}</p>'
    if rows := table(report):
        heads = ("", *WAYS, "the day before" if report.of_one_day else "before", "change")
        yield offline.table(heads, [_row_of(row, opens=bool(report.behind.get(row["name"]))) for row in rows])
    else:
        yield "<p>Nothing was shipped.</p>"
    left_out = "".join(f"<li>{escape(one)}</li>" for one in said_left_out(report))
    yield f"<h2>What was left out</h2><p>{escape(left_out_in_all(report).replace('`', ''))}</p><ul>{left_out}</ul>"
    said = [f"<li>{escape(one)}</li>" for one in said_corrections(report)]
    yield f"<h2>What changed in the past</h2><ul>{''.join(said) or '<li>Nothing.</li>'}</ul>"
    for name, svg in pictures(report):
        yield f'<h2>{escape(name)}</h2><img alt="{escape(name)}" src="{charts.data_uri(svg)}">'
    if months := table_of_months(report):
        heads = ("month", "figure", *WAYS)
        yield f"<h2>By month</h2>{offline.table(heads, [[escape(row[head]) for head in heads] for row in months])}"
    if returns := table_of_returns(report.returns):
        yield "<h2>What comes back: events against online</h2>"
        yield "<p>Of what was shipped in the last half year, with 95 % intervals; only what was sold both ways.</p>"
        yield offline.table(tuple(returns[0]), [[escape(cell) for cell in row.values()] for row in returns])
    if any(report.behind.values()):
        yield "<h2>The orders behind each figure</h2>"
        yield "<p>Those first that are most of it. The name of a figure in the table above leads here.</p>"
        yield from (_behind(name, orders) for name, orders in report.behind.items() if orders)
    meaning = "".join(f"<dt>{escape(kpi.title)}</dt><dd>{escape(kpi.definition)}</dd>" for kpi in KPIS)
    yield f"<h2>What they mean</h2><dl>{meaning}</dl>"


def _of(report: Report) -> str:
    days = "" if report.first in report.title else f", {report.first} to {report.last}"
    return f"{report.title}{days}{', so far' if report.provisional else ''}"


def _row_of(row: Mapping[str, str], *, opens: bool) -> list[str]:
    name = escape(row["figure"])
    if opens:
        name = f'<a href="#{row["name"]}">{name}</a>'
    return [name, *(escape(row[column]) for column in (*WAYS, "before", "change"))]


def _behind(name: str, orders: Sequence[Behind]) -> str:
    title = BY_NAME[name].title
    heads = ("order", "way", "channel", title.lower(), "time to ship")
    rows = [[escape(said) for said in (one.number, one.way, one.channel, one.said, one.ship)] for one in orders]
    # Whoever follows a link into what is folded away finds it unfolded: browsers do so by themselves.
    return f'<details><summary>{escape(title)}</summary><div id="{name}">{offline.table(heads, rows)}</div></details>'
