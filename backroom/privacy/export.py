"""Everything that is held of one person as one page that they can read, with the same as JSON in it for a program.

What belongs here: the words of the page. What does not: which rows there are (`backroom.store.telling`), and who may
have it: it is written for whoever asked, readable by its owner only, and goes nowhere else.
"""

from __future__ import annotations

import html
import json
import os
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from backroom.privacy.files import mail_folders
from backroom.shop.room import Room
from backroom.store import erased, own_artworks, telling
from backroom.store.personal import Whose

TITLES: Mapping[str, str] = {
    "people": "Who you are to us",
    "person_lookups": "What you are recognised by (kept as a keyed hash only)",
    "consents": "What you agreed to",
    "opt_ins": "Where you asked for SMS, at events",
    "inbox": "What reached us about you, as it came",
    "quarantine": "What of it we could not read",
    "orders": "Your orders",
    "order_lines": "What you ordered",
    "routing_decisions": "Where it was made, and why",
    "reservations": "What was reserved for you",
    "fulfilment_orders": "The work on your orders",
    "fulfilment_lines": "Piece by piece",
    "print_jobs": "What was printed for you",
    "print_rejects": "What came out of a printer and was not good enough",
    "print_seals": "What was sealed for a booth, to be printed there",
    "print_promises": "When you were told that it would be ready",
    "scans": "What was scanned while it was packed",
    "partner_orders": "What partners made of your orders",
    "shipments": "Your parcels",
    "labels": "The labels on them",
    "rate_choices": "Which carrier was chosen for them, and why",
    "parcels": "Where your parcels are",
    "tracking_events": "What was told of them on their way",
    "returns": "What you sent back, or wanted to",
    "return_lines": "The pieces of it, and what became of them",
    "refunds": "What was paid back",
    "messages": "What we wrote to you",
    "push_subscriptions": "Your browsers that get our push messages",
    "message_replies": "What you wrote back",
    "suppressions": "What we send you no more",
    "channel_news": "What the shop you ordered from was told of your orders",
    "history": "What happened, step by step",
    "effects": "What was asked of printers, carriers and mail servers",
    "order_facts": "What the shop's figures keep of your orders",
    "offline_conflicts": "What was sold or printed twice while a booth had no network",
    "stock_outs": "What of your orders was out of stock",
}
_STYLE = (
    "body{font:16px/1.5 sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#222}"
    "h2{margin-top:2.5rem}table{border-collapse:collapse;margin:0 0 1.2rem;width:100%}"
    "th{text-align:left;vertical-align:top;width:14rem;font-weight:600;color:#555}"
    "td,th{padding:.15rem .6rem .15rem 0;border-bottom:1px solid #eee;overflow-wrap:anywhere}"
    "pre{white-space:pre-wrap;overflow-wrap:anywhere;background:#f6f6f6;padding:.6rem;margin:0}"
)


def write_export(room: Room, person_id: int, path: Path) -> None:
    """Write the page; a file that is there already is left alone (FileExistsError). Raises PersonErased."""
    with room.database.read() as connection:
        told = telling.everything(connection, room.seals, person_id)
        keys = erased.message_keys(connection, Whose(person_id))
        pictures = own_artworks.files_of(connection, Whose(person_id))
    files = [place.name for folder in mail_folders(room) for key in keys if (place := folder.place(key)) is not None]
    # Beside the page and not in it: each may be of 64 MiB. Whoever hands the page over adds them.
    files += [f"{room.artwork().name}/{name}" for name in pictures if (room.artwork() / name).exists()]
    page = render(room.shop.owner.name, told, files, datetime.now(UTC))
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(page)


def render(shop: str, told: Mapping[str, telling.Rows], files: Sequence[str], at: datetime) -> str:
    """The page as HTML, whole without a network."""
    title = f"What {shop} holds of you"
    parts = [
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{html.escape(title)}</title>',
        f"<style>{_STYLE}</style><h1>{html.escape(title)}</h1>",
        f"<p>As of {at:%Y-%m-%d %H:%M} UTC. Times are in UTC, amounts in the smallest unit of their currency.</p>",
    ]
    for name, rows in told.items():
        parts.append(f"<h2>{html.escape(TITLES[name])}</h2>")
        parts += [_table(row) for row in rows] or ["<p>Nothing.</p>"]
    parts.append("<h2>Files beside the database</h2>")
    parts.append(
        "<ul>" + "".join(f"<li>{html.escape(name)}</li>" for name in files) + "</ul>" if files else "<p>None.</p>"
    )
    data = json.dumps(told, default=_plain, ensure_ascii=False, indent=1).replace("<", "\\u003c")
    parts.append("<h2>The same for a program</h2><p>As JSON, in this page's source.</p>")
    parts.append(f'<script type="application/json" id="data">{data}</script></html>')
    return "\n".join(parts)


def _table(row: Mapping[str, Any]) -> str:
    said = [(name, value) for name, value in row.items() if value not in (None, "", [], {})]
    cells = (f"<tr><th>{html.escape(name.replace('_', ' '))}</th><td>{_said(value)}</td></tr>" for name, value in said)
    return f"<table>{''.join(cells)}</table>"


def _said(value: Any) -> str:
    if isinstance(value, datetime):
        return f"{value.astimezone(UTC):%Y-%m-%d %H:%M:%S}"
    if isinstance(value, Mapping | list):
        return f"<pre>{html.escape(json.dumps(value, default=_plain, ensure_ascii=False, indent=1))}</pre>"
    text = str(value)
    return f"<pre>{html.escape(text)}</pre>" if "\n" in text else html.escape(text)


def _plain(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)
