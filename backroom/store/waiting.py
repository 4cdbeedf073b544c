"""Choosing what a claim takes, and marking it: the same for messages, orders, and the work on them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, Table, or_, select, update

from backroom.store.batches import chunks
from backroom.store.claims import is_free

# An order whose claims ended twice without moving it may be what kills its wave: it goes alone.
CRASHES_BEFORE_ALONE = 2


def mark(connection: Connection, table: Table, ids: Iterable[int], token: str) -> None:
    """Put the token on rows and count the attempt, in the claim's own transaction."""
    for batch in chunks(ids):
        connection.execute(
            update(table).where(table.c.id.in_(batch)).values(claim_token=token, attempts=table.c.attempts + 1)
        )


def waiting_ids(
    connection: Connection, table: Table, condition: ColumnElement[bool], at: datetime, most: int
) -> list[int]:
    """Ids of free, healthy, due rows of `table`, best priority first; one that crashed its waves comes alone.

    On PostgreSQL the rows are locked and rows that another claim is just taking are skipped, so that two workers
    never mark the same row.
    """
    chosen = (
        select(table.c.id, table.c.attempts)
        .where(
            condition,
            table.c.sick_cause.is_(None),
            table.c.breaker_id.is_(None),
            or_(table.c.next_attempt_at.is_(None), table.c.next_attempt_at <= at),
            is_free(table, at),
        )
        .order_by(table.c.priority, table.c.id)
        .limit(most)
    )
    if connection.dialect.name == "postgresql":
        chosen = chosen.with_for_update(skip_locked=True, of=table)
    rows = connection.execute(chosen).all()
    healthy = [row.id for row in rows if row.attempts < CRASHES_BEFORE_ALONE]
    return healthy or [row.id for row in rows[:1]]
