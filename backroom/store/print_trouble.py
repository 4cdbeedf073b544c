"""What a part's prints make of it: sick while one of them cannot go on without somebody's hand, well when none is left.

What belongs here: that rule, applied in the commit that moves a print job. What does not: the jobs themselves
(`backroom.store.print_jobs`), nor what becomes of the sick (`backroom.store.sickness`).
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, RowMapping, case, select, update

from backroom.domain.model import FulfilmentState, PrintJobState
from backroom.store import history
from backroom.store.tables import breakers, fulfilment_orders, print_jobs
from backroom.store.waiting import HEALTHY

# The worst first: of several it is the part's.
CAUSES = {
    PrintJobState.UNKNOWN: "print_unknown",
    PrintJobState.FAILED: "print_failed",
    PrintJobState.BLOCKED: "print_blocked",
}
_WORST_FIRST = case({state: rank for rank, state in enumerate(CAUSES)}, value=print_jobs.c.state)
# What the making of a part may still depend on.
_OPEN = (FulfilmentState.MAKING, FulfilmentState.HELD)


def judge(connection: Connection, part_id: int, at: datetime) -> None:
    """Make a part sick under the cause of its worst print, or well of it. Sick of something else it stays."""
    query = select(fulfilment_orders).where(fulfilment_orders.c.id == part_id).with_for_update()
    part = connection.execute(query).mappings().one()
    if part["sick_cause"] not in (None, *CAUSES.values()):
        return
    job = _worst(connection, part_id) if part["state"] in _OPEN else None
    this_part = update(fulfilment_orders).where(fulfilment_orders.c.id == part_id)
    if job is None:
        if part["sick_cause"] is not None:
            connection.execute(this_part.values(**HEALTHY))
        return
    cause, reason = CAUSES[PrintJobState(job["state"])], _reason(job)
    if (part["sick_cause"], part["sick_reason"]) == (cause, reason):
        return
    connection.execute(
        this_part.values(
            sick_cause=cause,
            sick_reason=reason,
            sick_since=part["sick_since"] or at,
            breaker_id=_open_breaker(connection, part["location"], cause),
        )
    )
    told = {"cause": cause, "reason": reason}
    history.record(connection, [history.Entry(part["order_id"], "order.sick", told)], at=at)


def judge_all(connection: Connection, at: datetime) -> None:
    """Judge anew what a person let go on though its print is still in trouble, as when they closed its breaker."""
    overlooked = (
        select(fulfilment_orders.c.id)
        .join(print_jobs, print_jobs.c.fulfilment_order_id == fulfilment_orders.c.id)
        .where(
            fulfilment_orders.c.state == FulfilmentState.MAKING,
            fulfilment_orders.c.sick_cause.is_(None),
            print_jobs.c.state.in_(CAUSES),
        )
        .distinct()
        .order_by(fulfilment_orders.c.id)
    )
    for part_id in connection.execute(overlooked).scalars().all():
        judge(connection, part_id, at)


def _worst(connection: Connection, part_id: int) -> RowMapping | None:
    query = (
        select(print_jobs)
        .where(print_jobs.c.fulfilment_order_id == part_id, print_jobs.c.state.in_(CAUSES))
        .order_by(_WORST_FIRST, print_jobs.c.id)
        .limit(1)
    )
    return connection.execute(query).mappings().one_or_none()


def _reason(job: RowMapping) -> str:
    name, why = f"print job {job['id']} at {job['printer'] or job['location']}", job["reason"] or "no reason given"
    if job["state"] == PrintJobState.UNKNOWN:
        return f"nobody can tell whether {name} was printed ({why}): look there and decide"
    if job["state"] == PrintJobState.FAILED:
        return f"{name} failed too often ({why}): decide what becomes of it"
    return f"{name} waits: {why}"


def _open_breaker(connection: Connection, location: str, cause: str) -> int | None:
    query = select(breakers.c.id).where(
        breakers.c.state == "open", breakers.c.location == location, breakers.c.cause == cause
    )
    found: int | None = connection.execute(query.limit(1)).scalar()
    return found
