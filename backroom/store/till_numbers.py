"""The numbers of tills: which sales were heard, and which are missing between them.

What belongs here: numbers. What does not: the sales themselves, which are messages of the inbox.

What is missing is kept as stretches and changed by what is told: a till has told tens of thousands of numbers by the
end of a summer, and reading them all at each batch would cost more than taking the sales.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, RowMapping, delete, insert, select, update

from backroom.store.batches import insert_new
from backroom.store.database import now
from backroom.store.inbox_door import word
from backroom.store.tables import booth_lines, till_gaps, tills

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
    if rows:
        _note(connection, word(device), location, sorted(set(seqs)), at)
    return missing(connection, device)


def missing(connection: Connection, device: str) -> list[int]:
    """The numbers of a till that were never heard, between the first and the last that were; the first hundred."""
    mine = select(till_gaps.c.first_seq, till_gaps.c.last_seq).where(till_gaps.c.name == word(device))
    return _named(connection.execute(mine.order_by(till_gaps.c.first_seq).limit(MOST_NAMED)).tuples())


def gaps(connection: Connection) -> list[dict[str, Any]]:
    """Every till of which numbers are missing: its name, its place, and those numbers."""
    names = select(till_gaps.c.name).where(till_gaps.c.name == tills.c.name)
    lacking = select(tills.c.name, tills.c.location).where(names.exists()).order_by(tills.c.name)
    return [
        {"till": name, "location": location, "missing": missing(connection, name)}
        for name, location in connection.execute(lacking).tuples().all()
    ]


def stretches(connection: Connection, location: str) -> list[tuple[str, int, int]]:
    """What the tills of a location lack, in order: the till, and the first and last number of each stretch."""
    query = (
        select(till_gaps.c.name, till_gaps.c.first_seq, till_gaps.c.last_seq)
        .join(tills, tills.c.name == till_gaps.c.name)
        .where(tills.c.location == location)
    )
    return list(connection.execute(query.order_by(till_gaps.c.name, till_gaps.c.first_seq)).tuples())


def listing(connection: Connection) -> list[RowMapping]:
    """Every till that was ever heard, with its place and when it was heard last."""
    told = select(tills.c.name, tills.c.location, tills.c.heard_at)
    return list(connection.execute(told.order_by(tills.c.name)).mappings())


def _note(connection: Connection, name: str, location: str, seqs: Sequence[int], at: datetime) -> None:
    """Take these numbers, which are in order, out of what a till lacks, and note what it lacks beside them."""
    first = {"name": name, "location": location, "first_seq": seqs[0], "last_seq": seqs[0], "heard_at": at}
    insert_new(connection, tills, [first])
    till = connection.execute(select(tills).where(tills.c.name == name).with_for_update()).mappings().one()
    overlap = (till_gaps.c.name == name) & (till_gaps.c.first_seq <= seqs[-1]) & (till_gaps.c.last_seq >= seqs[0])
    lacked = connection.execute(select(till_gaps.c.first_seq, till_gaps.c.last_seq).where(overlap)).tuples().all()
    # Beyond what was heard up to now, everything is lacking until it is told.
    lower, upper = till["first_seq"], till["last_seq"]
    beyond = [*lacked, (seqs[0], lower - 1), (upper + 1, seqs[-1])]
    left = [piece for stretch in beyond for piece in _without(stretch, seqs)]
    connection.execute(delete(till_gaps).where(overlap))
    if left:
        connection.execute(
            insert(till_gaps), [{"name": name, "first_seq": start, "last_seq": end} for start, end in left]
        )
    known = {"first_seq": min(lower, seqs[0]), "last_seq": max(upper, seqs[-1]), "location": location, "heard_at": at}
    connection.execute(update(tills).where(tills.c.id == till["id"]).values(**known))


def _without(stretch: tuple[int, int], seqs: Sequence[int]) -> list[tuple[int, int]]:
    """What is left of a stretch without these numbers, which are in order."""
    left, (start, end) = [], stretch
    for seq in seqs:
        if start <= seq <= end:
            left.append((start, seq - 1))
            start = seq + 1
    left.append((start, end))
    return [(one, other) for one, other in left if one <= other]


def _named(stretches: Iterable[tuple[int, int]]) -> list[int]:
    """The numbers of these stretches, which are in order; no more than a hundred of them."""
    found: list[int] = []
    for start, end in stretches:
        found += range(start, min(end + 1, start + MOST_NAMED - len(found)))
    return found
