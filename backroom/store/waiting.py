"""Choosing what a claim takes, and marking it: the same for messages, orders, and the work on them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, Table, case, or_, select, update

from backroom.store.batches import chunks
from backroom.store.claims import is_free

# An order whose claims ended twice without moving it may be what kills its wave: it goes alone. After three claims
# alone it is what kills them: it is put aside for a person.
CRASHES_BEFORE_ALONE = 2
CRASHES_BEFORE_ASIDE = CRASHES_BEFORE_ALONE + 3
CRASHED = "claims_crashed"
WHY_ASIDE = f"{CRASHES_BEFORE_ASIDE} runs ended without moving it, the last ones with it alone"

# What is set on a row that is well again, or whose sickness does not matter any more.
HEALTHY: Mapping[str, int | None] = {
    "sick_cause": None,
    "sick_reason": None,
    "sick_since": None,
    "breaker_id": None,
    "failures": 0,
}


@dataclass(frozen=True, slots=True)
class Waiting:
    """Ids that may go together, best priority first; and `suspect`, one that crashed its waves, with its attempts."""

    together: tuple[int, ...]
    suspect: int | None
    attempts: int = 0


def mark(connection: Connection, table: Table, ids: Iterable[int], token: str) -> None:
    """Put the token on rows and count the attempt, in the claim's own transaction."""
    for batch in chunks(ids):
        connection.execute(
            update(table).where(table.c.id.in_(batch)).values(claim_token=token, attempts=table.c.attempts + 1)
        )


def is_due(table: Table, at: datetime) -> ColumnElement[bool]:
    """A row of `table` that a wave may take now: free, healthy or only put off, and its time has come."""
    return (
        or_(table.c.sick_cause.is_(None), table.c.next_attempt_at.is_not(None))
        & table.c.breaker_id.is_(None)
        & or_(table.c.next_attempt_at.is_(None), table.c.next_attempt_at <= at)
        & is_free(table, at)
    )


def is_worn_out(table: Table, at: datetime) -> ColumnElement[bool]:
    """A row of `table` that ended all its claims, those alone included, and that no wave may take any more."""
    return is_due(table, at) & (table.c.attempts >= CRASHES_BEFORE_ASIDE)


def set_aside(connection: Connection, table: Table, condition: ColumnElement[bool], at: datetime) -> list[int]:
    """Make what is worn out sick under a cause that only a person's word ends; returns the ids of the rows.

    Call it before a claim's rows are chosen.
    """
    aside = update(table).where(condition, is_worn_out(table, at)).returning(table.c.id)
    values = {"claim_token": None, "next_attempt_at": None, "breaker_id": None}
    sick = {"sick_cause": CRASHED, "sick_reason": WHY_ASIDE, "sick_since": at}
    return list(connection.execute(aside.values(**values, **sick)).scalars())


def after_a_persons_word(table: Table) -> ColumnElement[int]:
    """The attempts of a row that a person lets go on: what was put aside goes on alone, so that it harms no other."""
    return case((table.c.sick_cause == CRASHED, CRASHES_BEFORE_ALONE), else_=0)


def waiting(connection: Connection, table: Table, condition: ColumnElement[bool], at: datetime, most: int) -> Waiting:
    """What of `table` a wave may take. Suspects come one by one, those with the fewest crashes first, so that one that
    kills every run does not keep the others from theirs.

    On PostgreSQL rows are locked, and those that somebody is just writing are left for the next wave.
    """
    due = select(table.c.id, table.c.attempts).where(condition, is_due(table, at))
    together = due.where(table.c.attempts < CRASHES_BEFORE_ALONE).order_by(table.c.priority, table.c.id).limit(most)
    ids = tuple(connection.execute(together.with_for_update(skip_locked=True, of=table)).scalars())
    if ids:
        return Waiting(ids, None)
    alone = due.where(table.c.attempts >= CRASHES_BEFORE_ALONE)
    alone = alone.order_by(table.c.attempts, table.c.priority, table.c.id).limit(1)
    row = connection.execute(alone.with_for_update(skip_locked=True, of=table)).first()
    return Waiting((), row.id, row.attempts) if row else Waiting((), None)
