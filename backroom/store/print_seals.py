"""What was sealed for which machine, until when, and when it was destroyed: the shop's side of sealed prints.

What belongs here: those rows. What does not: sealing itself (`backroom.printing.sealed`), and the booth's side, which
holds the only keys that open a payload. Destroying here is the end of it for the shop: it forgets its half of the
exchange and would not let the booth have it again; `confirmed_at` is the booth's word that it has destroyed its key.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Connection, RowMapping, Select, func, insert, select, update

from backroom.domain.errors import Retry
from backroom.domain.events import EventState
from backroom.store.database import now
from backroom.store.tables import booth_devices, events, print_jobs, print_seals

# A day's work, and no more than it takes to fetch and print what an event that is over still finishes.
LIFE, AFTER_THE_END = timedelta(hours=12), timedelta(minutes=15)


class EnoughFetched(Retry):
    """The machine has as many payloads that live as it may have at once."""

    cause = "enough_fetched"


@dataclass(frozen=True, slots=True)
class NewSeal:
    """What is noted of a payload that goes out. `document_digest` is the SHA-256 of the sealed document, in hex."""

    job_id: int
    attempt: int
    device: str
    location: str
    once: str
    description: bytes
    document_bytes: int
    document_digest: str
    expires_at: datetime


def dies_at(connection: Connection, location: str, at: datetime) -> datetime:
    """When a payload that is sealed now for a location dies: at its event's end, after half a day at the latest."""
    rows = connection.execute(select(events.c.state, events.c.ends_at).where(events.c.location == location)).all()
    if not rows:
        return at + LIFE
    ends = [row.ends_at for row in rows if row.state == EventState.LIVE and row.ends_at > at]
    return min([at + LIFE, *ends]) if ends else at + AFTER_THE_END


def check_room(connection: Connection, device: str, job_id: int, most: int, at: datetime) -> None:
    """EnoughFetched where a machine has `most` payloads that live, of other jobs: one that it asks for anew takes the
    place of the one before."""
    alive = select(func.count()).where(
        print_seals.c.device == device,
        print_seals.c.destroyed_at.is_(None),
        print_seals.c.expires_at > at,
        print_seals.c.print_job_id != job_id,
    )
    if connection.execute(alive).scalar_one() >= most:
        raise EnoughFetched(
            f"this machine has {most} prints that have not come out", remedy="Ask again when one of them has."
        )


def note(connection: Connection, new: NewSeal, device_id: int, *, most: int | None = None) -> None:
    """Note what goes out, before it does; EnoughFetched where its machine has `most` others already. An earlier payload
    of the same job is destroyed: the booth asked anew."""
    at = now(connection)
    if most is not None:
        # Two calls of one machine at once must not both have the last room.
        connection.execute(
            select(booth_devices.c.id).where(booth_devices.c.id == device_id).with_for_update(key_share=True)
        )
        check_room(connection, new.device, new.job_id, most, at)
    _destroy(connection, print_seals.c.print_job_id == new.job_id, "asked for anew", at)
    connection.execute(
        insert(print_seals).values(
            print_job_id=new.job_id,
            attempt=new.attempt,
            device_id=device_id,
            device=new.device,
            location=new.location,
            once=new.once,
            description=new.description,
            document_bytes=new.document_bytes,
            document_digest=new.document_digest,
            sealed_at=at,
            expires_at=new.expires_at,
        )
    )


def living() -> Select[tuple[int]]:
    """The ids of the jobs of which a payload is out."""
    return select(print_seals.c.print_job_id).where(print_seals.c.destroyed_at.is_(None))


def destroy(connection: Connection, job_ids: Iterable[int], why: str, at: datetime) -> None:
    """Destroy what is sealed of these jobs: they are over, or not the booth's any more."""
    _destroy(connection, print_seals.c.print_job_id.in_(list(job_ids)), why, at)


def destroy_of_parts(connection: Connection, part_ids: Iterable[int], why: str, at: datetime) -> None:
    """Destroy what is sealed of the jobs of this work that are in nobody's hands any more."""
    gone = select(print_jobs.c.id).where(
        print_jobs.c.fulfilment_order_id.in_(list(part_ids)), print_jobs.c.state.in_(("waiting", "cancelled"))
    )
    _destroy(connection, print_seals.c.print_job_id.in_(gone), why, at)


def destroy_of_devices(connection: Connection, device_ids: Iterable[int], why: str) -> int:
    """Destroy what is sealed for these machines; returns how many payloads."""
    return _destroy(connection, print_seals.c.device_id.in_(list(device_ids)), why, now(connection))


def expire(connection: Connection, at: datetime) -> int:
    """Destroy what is past its moment; returns how many payloads."""
    return _destroy(connection, print_seals.c.expires_at <= at, "expired", at)


def confirm(connection: Connection, device: str, location: str, holding: Iterable[tuple[int, int]]) -> None:
    """A machine says of which jobs and attempts it keeps a payload: of all else that is over here it has no key."""
    kept = {tuple(one) for one in holding}
    over = select(print_seals.c.id, print_seals.c.print_job_id, print_seals.c.attempt).where(
        print_seals.c.device == device,
        print_seals.c.location == location,
        print_seals.c.destroyed_at.is_not(None),
        print_seals.c.confirmed_at.is_(None),
    )
    gone = [row.id for row in connection.execute(over) if (row.print_job_id, row.attempt) not in kept]
    if gone:
        confirmed = update(print_seals).where(print_seals.c.id.in_(gone))
        connection.execute(confirmed.values(confirmed_at=now(connection)))


def of_job(connection: Connection, job_id: int) -> list[RowMapping]:
    """Every payload that was ever sealed of a job, oldest first."""
    query = select(print_seals).where(print_seals.c.print_job_id == job_id).order_by(print_seals.c.id)
    return list(connection.execute(query).mappings())


def _destroy(connection: Connection, which: ColumnElement[bool], why: str, at: datetime) -> int:
    gone = update(print_seals).where(which, print_seals.c.destroyed_at.is_(None))
    return connection.execute(gone.values(once=None, destroyed_at=at, destroyed_why=why)).rowcount
