"""The numbers of tills: which sales were heard, and which are missing between them.

What belongs here: numbers. What does not: the sales themselves, which are messages of the inbox.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any

from sqlalchemy import Connection, select

from backroom.store.batches import insert_new
from backroom.store.database import now
from backroom.store.inbox_door import word
from backroom.store.tables import booth_lines

TILL = "till"
MOST_NAMED = 100


def hear(connection: Connection, device: str, location: str, seqs: Iterable[int]) -> list[int]:
    """Note that a till told of these sales, each once; returns the numbers that are missing, the first of them."""
    at = now(connection)
    rows = [
        {
            "source": TILL,
            "name": word(device),
            "seq": seq,
            "location": location,
            "print_job_id": None,
            "attempt": 0,
            "what": "sale",
            "printer": "",
            "done_at": None,
            "heard_at": at,
            # Nothing of a sale is to be shown in a run: it is an order.
            "shown_at": at,
        }
        for seq in sorted(set(seqs))
    ]
    insert_new(connection, booth_lines, rows)
    return missing(connection, device)


def missing(connection: Connection, device: str) -> list[int]:
    """The numbers of a till that were never heard, between the first and the last that were; the first hundred."""
    mine = select(booth_lines.c.seq).where(booth_lines.c.source == TILL, booth_lines.c.name == word(device))
    return between(connection.execute(mine.order_by(booth_lines.c.seq)).scalars().all())


def gaps(connection: Connection) -> list[dict[str, Any]]:
    """Every till of which numbers are missing: its name, its place, and those numbers."""
    rows = connection.execute(
        select(booth_lines.c.name, booth_lines.c.location, booth_lines.c.seq)
        .where(booth_lines.c.source == TILL)
        .order_by(booth_lines.c.name, booth_lines.c.seq)
    )
    heard: dict[tuple[str, str], list[int]] = {}
    for row in rows:
        heard.setdefault((row.name, row.location), []).append(row.seq)
    found: list[dict[str, Any]] = []
    for (name, location), seqs in heard.items():
        if lacking := between(seqs):
            found.append({"till": name, "location": location, "missing": lacking})
    return found


def between(seqs: Sequence[int]) -> list[int]:
    """The numbers that are missing between these, which are in order; no more than a hundred of them."""
    found: list[int] = []
    for before, after in pairwise(seqs):
        found += range(before + 1, min(after, before + 2 + MOST_NAMED - len(found)))
        if len(found) >= MOST_NAMED:
            break
    return found[:MOST_NAMED]
