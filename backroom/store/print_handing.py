"""Handing print jobs to a booth's worker: which are next, and what it is told of them.

A job handed to a worker is given to no other because time passed: only after the worker returned it, or by a person's
decision (`print_attempts`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, case, select

from backroom.domain.model import Delivery, PrintJobState
from backroom.store.database import now
from backroom.store.moves import moving
from backroom.store.print_jobs import ACTIVE, beside_owners, key_of, pieces_of, wanted
from backroom.store.tables import fulfilment_orders, print_jobs, variants

# Somebody who stands there comes before a parcel, in the hand as well as on the way into it; and of those who stand
# there whoever came first, whatever channel it was: a time that was told would break if others were let in before.
# What is printed to stock is nobody's yet: its own priority puts it behind them all.
_BY_PRIORITY = print_jobs.c.transfer_id.is_not(None) | (fulfilment_orders.c.delivery == Delivery.SHIP)
_TURN = (
    case((_BY_PRIORITY, print_jobs.c.priority), else_=-1),
    print_jobs.c.id,
)


@dataclass(frozen=True, slots=True)
class HandedJob:
    """A job in a worker's hands. `started` is true when its call was begun before: ask the printer first.

    Whoever speaks of it names the `attempt`, so that late news of an earlier one settle nothing. `age_s` is how long
    ago the call was begun, in seconds of the database's clock. `printer` and `printer_job` say where, as far as it
    got; `reason` what it waits for. Nothing here tells who the customer is.
    """

    id: int
    key: str
    order_number: str
    sku: str
    title: str
    copies: int
    process: str
    width_mm: int
    height_mm: int
    state: str
    started: bool
    age_s: float
    attempt: int
    printer: str
    printer_job: str
    reason: str


def hand_out(connection: Connection, location: str, holder: str, most: int) -> list[HandedJob]:
    """What this worker has in hand already, then waiting jobs up to `most`, best priority first, into its hands.

    Only work that is being made is handed out: a held or cancelled order prints nothing, nor does a transfer that has
    left or does not go.
    """
    at = now(connection)
    mine = select(print_jobs.c.id).where(
        print_jobs.c.location == location, print_jobs.c.holder == holder, print_jobs.c.state.in_(ACTIVE)
    )
    ids = list(connection.execute(mine.order_by(print_jobs.c.priority, print_jobs.c.id)).scalars())
    if len(ids) < most:
        waiting = (
            select(print_jobs.c.id)
            .select_from(beside_owners())
            .where(
                print_jobs.c.location == location,
                print_jobs.c.state == PrintJobState.WAITING,
                wanted(),
            )
            .order_by(*_TURN)
            .limit(most - len(ids))
        )
        new = list(connection.execute(waiting.with_for_update(skip_locked=True, of=print_jobs)).scalars())
        handing = moving(print_jobs, PrintJobState.WAITING, PrintJobState.HANDED).where(print_jobs.c.id.in_(new))
        connection.execute(handing.values(holder=holder, handed_at=at))
        ids += new
    return _described(connection, print_jobs.c.id.in_(ids), at)


def describe(connection: Connection, job_id: int) -> HandedJob:
    """A job as its worker is told of it."""
    [job] = _described(connection, print_jobs.c.id == job_id, now(connection))
    return job


def _described(connection: Connection, which: ColumnElement[bool], at: datetime) -> list[HandedJob]:
    query = (
        select(print_jobs, variants.c.title, variants.c.printed_width_mm, variants.c.printed_height_mm)
        .join(variants, variants.c.sku == print_jobs.c.sku)
        .outerjoin(fulfilment_orders, fulfilment_orders.c.id == print_jobs.c.fulfilment_order_id)
        .where(which)
        .order_by(*_TURN)
    )
    return [
        HandedJob(
            id=row["id"],
            key=key_of(row),
            order_number=row["order_number"],
            sku=row["sku"],
            title=row["title"],
            copies=pieces_of(row),
            process=row["process"],
            width_mm=row["printed_width_mm"],
            height_mm=row["printed_height_mm"],
            state=row["state"],
            started=row["started_at"] is not None,
            age_s=(at - row["started_at"]).total_seconds() if row["started_at"] else 0.0,
            attempt=row["attempt"],
            printer=row["printer"],
            printer_job=row["printer_job"],
            reason=row["reason"],
        )
        for row in connection.execute(query).mappings()
    ]
