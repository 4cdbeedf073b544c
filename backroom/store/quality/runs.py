"""Runs of data quality: where one stands, so that the next goes on there, and what each check counted, for trends."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, RowMapping, delete, func, insert, select, update

from backroom.domain.lifecycle import Kind, ends
from backroom.domain.quality import Scope, Severity
from backroom.store.batches import insert_new
from backroom.store.quality import findings
from backroom.store.raw_orders import SETTLED_AFTER, changes
from backroom.store.tables import history, orders, quality_results, quality_runs

# A run that was broken off longer ago begins anew: what it saw is old.
RESUMED_WITHIN = timedelta(hours=12)
KEPT_FOR = timedelta(days=400)


@dataclass(frozen=True, slots=True)
class Standing:
    """A run under way: it is through with everything up to the row `after` of `subject`, empty before the first."""

    id: int
    scope: Scope
    started_at: datetime
    subject: str
    after: int
    upto: int


@dataclass(frozen=True, slots=True)
class Count:
    """What one check counted in one piece of a run."""

    code: str
    subject: str
    severity: Severity
    rows: int
    failed: int


def begin(connection: Connection, scope: Scope, at: datetime) -> Standing:
    """A new run; or, of those over every row, the one that was broken off lately.

    The first run of all looks at every row, whatever it was asked for.
    """
    answered = mark(connection)
    if not answered:
        scope = Scope.FULL
    broken_off = select(quality_runs).where(
        quality_runs.c.scope == Scope.FULL,
        quality_runs.c.ended_at.is_(None),
        quality_runs.c.started_at >= at - RESUMED_WITHIN,
    )
    newest = broken_off.order_by(quality_runs.c.id.desc()).limit(1)
    row = connection.execute(newest).mappings().one_or_none() if scope is Scope.FULL else None
    if row is None:
        settled = select(func.max(history.c.id)).where(history.c.at <= at - SETTLED_AFTER)
        upto = connection.execute(settled).scalar_one() if scope is Scope.FULL else answered
        new = {"scope": scope, "started_at": at, "upto": upto or 0, "subject": "", "after": 0}
        id_ = connection.execute(insert(quality_runs).values(new).returning(quality_runs.c.id)).scalar_one()
        return Standing(id_, scope, at, "", 0, upto or 0)
    return Standing(row["id"], Scope(row["scope"]), row["started_at"], row["subject"], row["after"], row["upto"])


def mark(connection: Connection) -> int:
    """The newest history entry that an ended run answers for; 0 where none has ended."""
    query = select(func.max(quality_runs.c.upto)).where(quality_runs.c.ended_at.is_not(None))
    return connection.execute(query).scalar_one() or 0


def changed_orders(connection: Connection, since: int, at: datetime) -> tuple[list[int], int]:
    """Orders that something was written about after the entry `since`, and those that have not ended; with the newest
    entry that this answers for."""
    ids, upto, more = dict.fromkeys(_under_way(connection)), since, True
    while more:
        changed = changes(connection, at, upto)
        ids |= dict.fromkeys(changed.order_ids)
        upto, more = changed.upto, changed.more
    return sorted(ids), upto


def save(connection: Connection, run: Standing, counts: Sequence[Count], subject: str, after: int, upto: int) -> None:
    """Add what a piece counted, and move the run behind it."""
    for count in counts:
        key = {"run_id": run.id, "code": count.code, "subject": count.subject, "severity": count.severity}
        insert_new(connection, quality_results, [key | {"rows": 0, "failed": 0}])
        mine = (quality_results.c.run_id == run.id) & (quality_results.c.code == count.code)
        connection.execute(
            update(quality_results)
            .where(mine)
            .values(rows=quality_results.c.rows + count.rows, failed=quality_results.c.failed + count.failed)
        )
    here = update(quality_runs).where(quality_runs.c.id == run.id)
    connection.execute(here.values(subject=subject, after=after, upto=upto))


def end(connection: Connection, run: Standing, at: datetime) -> None:
    """End a run with what is open now, and forget runs of long ago."""
    counted = findings.count_open(connection)
    ended = {severity.value: counted.get(severity, 0) for severity in Severity}
    connection.execute(update(quality_runs).where(quality_runs.c.id == run.id).values(ended_at=at, **ended))
    old = select(quality_runs.c.id).where(quality_runs.c.started_at < at - KEPT_FOR)
    connection.execute(delete(quality_results).where(quality_results.c.run_id.in_(old)))
    connection.execute(delete(quality_runs).where(quality_runs.c.started_at < at - KEPT_FOR))


def results(connection: Connection, run_id: int) -> list[RowMapping]:
    """What each check counted in a run, by its code."""
    query = select(quality_results).where(quality_results.c.run_id == run_id).order_by(quality_results.c.code)
    return list(connection.execute(query).mappings())


def last(connection: Connection, most: int, scope: Scope | None = None) -> list[RowMapping]:
    """The last runs that ended, newest first."""
    query = select(quality_runs).where(quality_runs.c.ended_at.is_not(None))
    if scope is not None:
        query = query.where(quality_runs.c.scope == scope)
    return list(connection.execute(query.order_by(quality_runs.c.id.desc()).limit(most)).mappings())


def _under_way(connection: Connection) -> list[int]:
    return list(connection.execute(select(orders.c.id).where(orders.c.state.not_in(ends(Kind.ORDER)))).scalars())
