"""The audit laid out: as rows, as Markdown for Prefect's UI, as one offline HTML page.

What belongs here: how findings and numbers are told. What does not: finding them (`reading`), and where the page is put
(`tasks.audit`, `backroom.cli.audit`).
"""

from __future__ import annotations

import html
import os
from collections.abc import Sequence
from pathlib import Path

from backroom.domain.audit import DEFINITIONS, Failure, Finding, Number
from backroom.domain.kpi import STAGES
from backroom.domain.money import format_money
from backroom.insight import charts
from backroom.insight.audit.reading import Audit
from backroom.insight.audit.slow import added_up
from backroom.insight.offline import offline_page, table

TITLES = {Failure.LOST: "Lost", Failure.WRONG: "Wrong piece", Failure.SLOW: "Slow"}
ASKS = {Failure.LOST: "orders nobody is moving", Failure.WRONG: "wrong pieces in 7 days", Failure.SLOW: "late orders"}
# A list that nobody reads to its end helps nobody; the rest is counted.
TOLD = 100


def said_number(number: Number, currency: str) -> str:
    """`3 of 120 (87.00 EUR)`."""
    return f"{number.count} of {number.of} ({format_money(number.minor, currency)})"


def rows(findings: Sequence[Finding], currency: str) -> list[dict[str, str]]:
    """A row a finding, as it stands in the list."""
    return [
        {
            "failure": finding.failure,
            "what": finding.subject,
            "where": finding.place,
            "why": finding.why,
            "do": finding.action.words,
            "command": finding.action.command,
            "money": format_money(finding.minor, currency) if finding.minor else "",
        }
        for finding in findings
    ]


def shares(audit: Audit) -> list[tuple[str, list[tuple[str, float]]]]:
    """The delay of late orders by stage, by place and by printer; the last has no orders that were picked."""
    names = audit.shop.location_names
    places = [(names.get(place, place), share) for place, share in added_up(audit.delay, "place")]
    return [
        ("stage", added_up(audit.delay, "stage")),
        ("place", places),
        ("printer", added_up(audit.delay, "printer")),
    ]


def pictures(audit: Audit) -> list[tuple[str, str]]:
    """(title, SVG) of each chart that has something to show."""
    names = audit.shop.location_names
    parts = [(one.printer or names.get(one.place, one.place), one.stage, one.share) for one in audit.delay]
    counts = [(row["day"], row["failure"], row["count"]) for row in audit.trend]
    drawn = [
        ("Who carries the delay", charts.shares(parts, STAGES)),
        ("Day by day", charts.trend(counts, list(Failure), "how many")),
    ]
    return [(title, svg) for title, svg in drawn if svg]


def wall_markdown(audit: Audit) -> str:
    """Three numbers, large."""
    currency = audit.shop.owner.currency
    lines = []
    for number in audit.numbers:
        money = format_money(number.minor, currency)
        lines += [f"# {TITLES[number.failure]}: {number.count}", "", f"{ASKS[number.failure]}, {money}", ""]
    return "\n".join(lines)


def markdown(audit: Audit, page: str) -> str:
    """For an artifact: the numbers, then each failure with what to do. `page` is the whole as a file, if there."""
    lines = [f"# Audit of {audit.day}", ""]
    for number in audit.numbers:
        lines.append(f"- **{TITLES[number.failure]}**: {said_number(number, audit.shop.owner.currency)}")
    for failure in Failure:
        lines += ["", f"## {TITLES[failure]}", ""]
        found = audit.of(failure)
        if not found:
            lines.append("Nothing to do.")
            continue
        lines += ["| what | where | why | do | command |", "|---|---|---|---|---|"]
        lines += [
            "| " + " | ".join(_cell(row[name]) for name in ("what", "where", "why", "do", "command")) + " |"
            for row in rows(found[:TOLD], audit.shop.owner.currency)
        ]
        if len(found) > TOLD:
            lines += ["", f"And {len(found) - TOLD} more: `backroom audit {failure}`."]
    lines += [f"\n![{title}]({charts.data_uri(svg)})" for title, svg in pictures(audit)]
    if page:
        lines += ["", f"The whole page: `{page}`."]
    return "\n".join(lines)


def html_page(audit: Audit) -> str:
    """One page that loads nothing, to be read, mailed or printed: the numbers, the list, who carries the delay."""
    currency = audit.shop.owner.currency
    parts = [f"<h1>{html.escape(audit.shop.owner.name)}: audit of {audit.day}</h1>", _wall(audit)]
    for failure in Failure:
        parts.append(f"<h2>{TITLES[failure]}</h2>{_table(audit.of(failure), currency)}")
        if failure is Failure.SLOW:
            parts += [_shares(name, found) for name, found in shares(audit) if found]
    parts += [f'<h2>{title}</h2><img alt="{title}" src="{charts.data_uri(svg)}">' for title, svg in pictures(audit)]
    said = "".join(f"<li>{html.escape(sentence)}</li>" for sentence in audit.costs.sentences())
    meaning = "".join(f"<dt>{TITLES[one]}</dt><dd>{html.escape(DEFINITIONS[one])}</dd>" for one in Failure)
    parts += [f"<h2>What it costs</h2><ul>{said}</ul>", f"<h2>What it means</h2><dl>{meaning}</dl>"]
    return offline_page(f"{audit.shop.owner.name}: audit of {audit.day}", "".join(parts))


def write_page(audit: Audit, folder: Path) -> Path:
    """Write `audit-DAY.html` into a folder, whole or not at all; returns where it is."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"audit-{audit.day}.html"
    aside = path.with_name(f".{path.name}.part")
    aside.write_text(html_page(audit), encoding="utf-8")
    os.replace(aside, path)  # noqa: PTH105 - one atomic call
    return path


def _cell(text: str) -> str:
    """Text in a Markdown table, which ends at a bar and at a line's end."""
    return " ".join(text.split()).replace("|", "\\|")


def _wall(audit: Audit) -> str:
    tiles = "".join(
        f'<div class="tile {"good" if not number.count else "bad"}"><strong>{number.count}</strong>'
        f"<span>{ASKS[number.failure]}</span><small>of {number.of} · "
        f"{format_money(number.minor, audit.shop.owner.currency)}</small></div>"
        for number in audit.numbers
    )
    return f'<div class="wall">{tiles}</div>'


def _table(findings: Sequence[Finding], currency: str) -> str:
    if not findings:
        return "<p>Nothing to do.</p>"
    told = [
        (
            *(html.escape(row[name]) for name in ("what", "where", "why")),
            f"{html.escape(row['do'])}<br><code>{html.escape(row['command'])}</code>",
            row["money"],
        )
        for row in rows(findings[:TOLD], currency)
    ]
    more = f"<p>And {len(findings) - TOLD} more.</p>" if len(findings) > TOLD else ""
    return table(("what", "where", "why", "what to do", "money"), told, "list") + more


def _shares(name: str, found: Sequence[tuple[str, float]]) -> str:
    told = [(html.escape(who), f"{share * 100:.1f} %") for who, share in found]
    return table((name, "share of the delay"), told)
