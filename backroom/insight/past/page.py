"""The audit of a past laid out: sentences for a terminal, one offline HTML page, and JSON that the plan reads again."""

from __future__ import annotations

import html
import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

from backroom.domain.audit import Failure
from backroom.domain.audit_money import FailureCosts
from backroom.domain.money import format_money
from backroom.insight.offline import offline_page, table
from backroom.insight.past.figures import PastAudit, PastNumber
from backroom.insight.past.orders import ReadFile

NAME = "past-audit"
TITLES = {
    Failure.LOST: "Lost: paid and never sent",
    Failure.WRONG: "Wrong piece: another one came back than was ordered",
    Failure.SLOW: "Slow: sent later than promised",
}
_DAYS = "days from order to hand-over"


def numbers(found: PastAudit) -> dict[Failure, PastNumber | None]:
    return {Failure.LOST: found.lost, Failure.WRONG: found.wrong, Failure.SLOW: found.slow}


def said(number: PastNumber | None, currency: str) -> str:
    """`12 of 1034 (11.6 in a thousand), 480.00 EUR`."""
    if number is None:
        return "not known"
    return f"{number.count} of {number.of} ({number.per_thousand:.1f} in a thousand), " + format_money(
        number.minor, currency
    )


def sentences(found: PastAudit) -> Iterator[str]:
    """What stands beside the three numbers."""
    if found.first and found.last:
        yield f"{found.orders} orders from {found.first:%Y-%m-%d} to {found.last:%Y-%m-%d}."
    if found.paid_back:
        yield f"{found.paid_back} of the lost orders were paid back."
    if found.median_days is not None and found.p90_days is not None:
        yield f"Half were handed over within {found.median_days:.1f} days, nine in ten within {found.p90_days:.1f}."
    if found.returned is not None:
        yield f"{found.returned} orders came back."
    if found.week_of_a_sku is not None:
        yield f"Nine in ten SKUs sell at most {found.week_of_a_sku} pieces a week."


def said_file(file: ReadFile) -> Iterator[str]:
    """How a file was read: its form, its columns, and what could not be read."""
    used = ", ".join(f"{heading} as {field}" for field, heading in file.headings.items())
    yield f"{file.name}: {file.form}, {file.rows} rows. Read: {used}. Not read: {file.unread_columns} other columns."
    yield from file.oddities


def as_json(found: PastAudit, files: Sequence[ReadFile], at: datetime) -> dict[str, Any]:
    """The audit as plain values; times as ISO 8601."""
    plain = asdict(found) | {"read_at": at.isoformat(), "files": [asdict(file) for file in files]}
    return plain | {
        "first": found.first.isoformat() if found.first else None,
        "last": found.last.isoformat() if found.last else None,
    }


def html_page(found: PastAudit, files: Sequence[ReadFile], costs: FailureCosts, shop: str) -> str:
    """One page that loads nothing: the numbers, where the slow ones are, the dearest lost orders, what is not known."""
    currency = found.currency
    title = f"{shop}: audit of the past"
    tiles = "".join(
        f'<div class="tile {"good" if number and not number.count else "bad"}"><strong>'
        f"{'?' if number is None else number.count}</strong><span>{TITLES[failure]}</span>"
        f"<small>{html.escape(said(number, currency))}</small></div>"
        for failure, number in numbers(found).items()
    )
    parts = [f'<h1>{html.escape(title)}</h1><div class="wall">{tiles}</div>', _list(sentences(found))]
    for name, rows in found.slow_by.items():
        if len(rows) > 1:
            told = [
                (which, f"{late} of {of}", f"{late * 100 / of:.0f} %", f"{days:.1f}") for which, late, of, days in rows
            ]
            parts.append(f"<h2>Slow by {name}</h2>{_table((name, 'late', 'share', f'median {_DAYS}'), told)}")
    if found.lost_orders:
        lost = [
            (order, channel, day, format_money(minor, currency)) for order, channel, day, minor in found.lost_orders
        ]
        parts.append(f"<h2>Lost orders, the dearest first</h2>{_table(('order', 'channel', 'ordered', 'paid'), lost)}")
    parts += ["<h2>What is not known</h2>", _list(found.unknown or ("Nothing.",))]
    parts += ["<h2>What was read</h2>", _list(line for file in files for line in said_file(file))]
    parts += ["<h2>What it costs</h2>", _list(costs.sentences())]
    return offline_page(title, "".join(parts))


def keep(folder: Path, page: str, plain: dict[str, Any]) -> Path:
    """Write the page and its JSON into a folder, each whole or not at all; returns where the page is."""
    folder.mkdir(parents=True, exist_ok=True)
    for ending, text in (("json", json.dumps(plain, ensure_ascii=False)), ("html", page)):
        path = folder / f"{NAME}.{ending}"
        aside = path.with_name(f".{path.name}.part")
        aside.write_text(text, encoding="utf-8")
        os.replace(aside, path)  # noqa: PTH105 - one atomic call
    return folder / f"{NAME}.html"


def kept(folder: Path) -> dict[str, Any] | None:
    """The JSON of the last audit of a past; None before the first."""
    path = folder / f"{NAME}.json"
    if not path.exists():
        return None
    plain: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return plain


def _list(lines: Iterator[str] | Sequence[str]) -> str:
    return f"<ul>{''.join(f'<li>{html.escape(line)}</li>' for line in lines)}</ul>"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    return table(head, [[html.escape(cell) for cell in row] for row in rows])
