"""Claiming rows of a table that carries an order's work: a wave of what waits, or what one order has there.

What belongs here: the one way to a claim over such a table, and to giving rows up that were seen to. What does not:
which rows wait (each table's own module), the rules of taking (`waiting`), and claims as such (`claims`).

The tables have `order_id`, `priority`, and the columns of claims and sickness.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, Table, select, update

from backroom.store import history
from backroom.store.claims import Claim, attend, is_free, look_for_work, take
from backroom.store.waiting import CRASHED, HEALTHY, WHY_ASIDE, mark, set_aside, waiting


@dataclass(frozen=True, slots=True)
class Work:
    """A stage's work at a place: the rows of `table` that `condition` lets in."""

    table: Table
    condition: ColumnElement[bool]
    stage: str
    location: str


def claim_wave(
    connection: Connection, work: Work, *, instance: str, run_id: str, most: int
) -> tuple[Claim, int] | None:
    """Claim what a wave may take, and how many rows that is; None when nothing waits.

    What crashed all its claims, those alone included, is put aside first, as a sick one.
    """
    at = look_for_work(connection, work.stage, work.location)
    _put_aside(connection, work, at)
    found = waiting(connection, work.table, work.condition, at, most)
    ids = found.together or ((found.suspect,) if found.suspect is not None else ())
    attend(connection, work.stage, work.location, at if 0 < len(ids) < most else None)
    taken = _claim(connection, work, ids, instance, run_id)
    return (replace(taken[0], full=len(ids) >= most), taken[1]) if taken else None


def claim_of_order(
    connection: Connection, work: Work, order_id: int, *, instance: str, run_id: str
) -> tuple[Claim, int] | None:
    """Claim what one order has there, sick or not; None when it has nothing or another run holds it."""
    at = look_for_work(connection, work.stage, work.location)
    table = work.table
    query = select(table.c.id).where(table.c.order_id == order_id, work.condition, is_free(table, at))
    ids = connection.execute(query.with_for_update(skip_locked=True)).scalars().all()
    return _claim(connection, work, ids, instance, run_id)


def settle_revisions(connection: Connection, table: Table, token: str, revisions: Mapping[int, int]) -> list[int]:
    """Say that these rows were seen to as far as their revision, and give them up; returns those that were.

    What was done with one meanwhile is a later revision, and waits for the next wave.
    """
    done = []
    for id_, revision in revisions.items():
        settling = update(table).where(table.c.id == id_, table.c.claim_token == token)
        values = {"settled_revision": revision, "claim_token": None, "attempts": 0, "next_attempt_at": None, **HEALTHY}
        if connection.execute(settling.values(**values)).rowcount:
            done.append(id_)
    return done


def _put_aside(connection: Connection, work: Work, at: datetime) -> None:
    table = work.table
    aside = set_aside(connection, table, work.condition, at)
    if not aside:
        return
    of_orders = connection.execute(select(table.c.order_id).where(table.c.id.in_(aside))).scalars()
    told = {"cause": CRASHED, "reason": WHY_ASIDE}
    history.record(connection, [history.Entry(id_, "order.sick", told) for id_ in of_orders], at=at)


def _claim(
    connection: Connection, work: Work, ids: Sequence[int], instance: str, run_id: str
) -> tuple[Claim, int] | None:
    if not ids:
        return None
    claim = take(connection, stage=work.stage, location=work.location, instance=instance, run_id=run_id)
    mark(connection, work.table, ids, claim.token)
    return claim, len(ids)
