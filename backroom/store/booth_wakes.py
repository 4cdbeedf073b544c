"""Whether a booth has something to print, asked for many booths at once, and the generation its claims raise."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Select, func, select

from backroom.domain.model import FulfilmentState, PrintJobState
from backroom.store.batches import upsert
from backroom.store.claims import wakeup
from backroom.store.database import now
from backroom.store.print_jobs import STAGE, HandedJob, hand_out
from backroom.store.tables import fulfilment_orders, generations, print_jobs


@dataclass(frozen=True, slots=True)
class BoothWork:
    """The generation of a booth's claims, and whether a job waits that it could be handed."""

    generation: int = 0
    waiting: bool = False


def look(connection: Connection) -> dict[str, BoothWork]:
    """Every location that ever had print jobs claimed, or has some that wait."""
    numbers = {
        row.location: row.number
        for row in connection.execute(
            select(generations.c.location, generations.c.number).where(generations.c.stage == STAGE)
        )
    }
    waiting = set(connection.execute(_waiting(print_jobs.c.location).distinct()).scalars())
    return {location: BoothWork(numbers.get(location, 0), location in waiting) for location in numbers.keys() | waiting}


def claim_jobs(connection: Connection, location: str, holder: str, most: int) -> list[HandedJob]:
    """Hand out jobs; where new ones changed hands, the generation rises in this commit, so that work which comes
    later wakes a run under a new name."""
    before = _count(connection, location)
    jobs = hand_out(connection, location, holder, most)
    if _count(connection, location) != before:
        number = wakeup(connection, STAGE, location).generation + 1
        row = {"stage": STAGE, "location": location, "number": number, "at": now(connection)}
        upsert(connection, generations, [row], ["stage", "location"])
    return jobs


def location_of(connection: Connection, job_id: int) -> str | None:
    """Where a print job is made; None when there is no such job."""
    found: str | None = connection.execute(
        select(print_jobs.c.location).where(print_jobs.c.id == job_id)
    ).scalar_one_or_none()
    return found


def _count(connection: Connection, location: str) -> int:
    count: int = connection.execute(_waiting(func.count()).where(print_jobs.c.location == location)).scalar_one()
    return count


def _waiting(what: Any) -> Select[Any]:
    return (
        select(what)
        .select_from(print_jobs)
        .join(fulfilment_orders, fulfilment_orders.c.id == print_jobs.c.fulfilment_order_id)
        .where(print_jobs.c.state == PrintJobState.WAITING, fulfilment_orders.c.state == FulfilmentState.MAKING)
    )
