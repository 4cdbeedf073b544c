"""Whether a booth has something to print, asked for many booths at once, and the generation its claims raise."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, select

from backroom.domain.model import PrintJobState
from backroom.store.claims import raise_generation
from backroom.store.print_handing import HandedJob, hand_out
from backroom.store.print_jobs import STAGE, beside_owners, wanted
from backroom.store.tables import generations, print_jobs


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
    jobs = (
        select(print_jobs.c.location)
        .select_from(beside_owners())
        .where(print_jobs.c.state == PrintJobState.WAITING, wanted())
    )
    waiting = set(connection.execute(jobs.distinct()).scalars())
    return {location: BoothWork(numbers.get(location, 0), location in waiting) for location in numbers.keys() | waiting}


def claim_jobs(connection: Connection, location: str, holder: str, most: int) -> list[HandedJob]:
    """Hand out jobs, after raising the generation: what is committed later wakes a run under a new name."""
    raise_generation(connection, STAGE, location)
    return hand_out(connection, location, holder, most)


def location_of(connection: Connection, job_id: int) -> str | None:
    """Where a print job is made; None when there is no such job."""
    found: str | None = connection.execute(
        select(print_jobs.c.location).where(print_jobs.c.id == job_id)
    ).scalar_one_or_none()
    return found
