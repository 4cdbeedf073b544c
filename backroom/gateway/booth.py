"""The booth API: what a booth's worker may do with its own key, at its own location, and nothing else.

The gateway executes the booth's claims, so the booth needs no database. Answers hold order numbers, SKUs and files to
print: who the customer is never leaves the shop this way.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from dataclasses import asdict, replace
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Connection, RowMapping

from backroom.domain.locations import Location
from backroom.domain.model import PrintJobState
from backroom.gateway.access import needs
from backroom.gateway.artwork import document_of
from backroom.gateway.front import front_of
from backroom.printing import sealed
from backroom.printing.device import device_name, public_key
from backroom.shop.room import Room
from backroom.store import (
    booth_calls,
    booth_devices,
    print_attempts,
    print_handing,
    print_jobs,
    print_seals,
    replayed_prints,
)
from backroom.store.api_keys import KeyInfo
from backroom.store.booth_wakes import claim_jobs, location_of
from backroom.store.claims import Wakeup
from backroom.store.database import now
from backroom.store.scanning import scan

LONGEST_POLL = 60
# Jobs that a booth keeps sealed for the time when it cannot ask: a quarter of an hour's work, and no more to lose.
FETCHED_AHEAD = 20

# What fits the database's integers; anything else was never an id of ours.
RowId = Annotated[int, Path(ge=1, le=2**63 - 1)]
# No control characters: PostgreSQL takes no NUL, and a log no line breaks.
Short = Annotated[str, Field(max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$")]
Name = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$")]
PublicKey = Annotated[str, Field(min_length=44, max_length=44, pattern=r"^[A-Za-z0-9+/]{43}=$")]
RowIdOfBody = Annotated[int, Field(ge=1, le=2**63 - 1)]
Booth = Annotated[KeyInfo, Depends(needs("booth"))]

router = APIRouter(prefix="/booth/{location}")


class Asked(BaseModel):
    """A body of the booth API: exactly its fields, in their types."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class ClaimJobs(Asked):
    """`holding`: the jobs and attempts of which the machine with the public key `device` keeps a payload."""

    holder: Name
    most: int = Field(ge=1, le=500)
    device: PublicKey | None = None
    holding: list[tuple[RowIdOfBody, RowIdOfBody]] | None = Field(default=None, max_length=500)


class JournalLine(Asked):
    """A line of a machine's journal (`backroom.printing.journal`). `age_s` is how long ago it was written."""

    seq: int = Field(ge=1, le=2**62)
    at: Short
    job: RowIdOfBody
    attempt: int = Field(ge=1, le=2**31 - 1)
    what: Name
    age_s: float = Field(ge=0, le=10 * 365 * 86400, allow_inf_nan=False)
    printer: Short = ""
    printer_job: Short = ""
    state: Short = ""
    reason: Short = ""


class Replay(Asked):
    holder: Name
    device: PublicKey
    lines: list[JournalLine] = Field(max_length=500)


class OfHolder(Asked):
    holder: Name


class OfJob(Asked):
    """Which attempt at a job in whose hands, as the claim told it."""

    holder: Name
    attempt: int = Field(ge=1, le=2**31 - 1)


class AskPayload(OfJob):
    """`device` is the machine's public key, `once` that of a pair made for this payload alone: base64 of 32 bytes."""

    device: PublicKey
    once: PublicKey


class StartJob(OfJob):
    printer: Name


class JobProgress(OfJob):
    """`state` is printing or blocked; `reason` says what the printer waits for."""

    state: PrintJobState
    reason: Short = ""
    printer_job: Short = ""


class JobOutcome(OfJob):
    """`outcome` is done, failed, unknown or returned."""

    outcome: Name
    reason: Short = ""


class Scan(Asked):
    """`order` is the order's number; `code` the piece's SKU or GTIN."""

    order: Name
    code: Name


@router.get("/printers")
def printers(location: str, request: Request, _key: Booth) -> dict[str, object]:
    """The printers that stand at this location, as the shop file describes them, and how many jobs to fetch ahead."""
    place = front_of(request).room.shop.location(location)
    ahead = FETCHED_AHEAD if place.kind == "booth" else 0
    # What a printer is expected to do is the hub's to plan with; the booth only prints on it.
    return {"printers": [asdict(replace(printer, profile=None)) for printer in place.printers], "ahead": ahead}


@router.get("/wake")
async def wake(
    location: str,
    request: Request,
    _key: Booth,
    after: Annotated[int, Query(ge=0, le=2**63 - 1)] = 0,
    wait: Annotated[float, Query(ge=0, le=LONGEST_POLL)] = 25,
) -> dict[str, int]:
    """Answers when the generation of this booth's claims is past `after` or a job waits, else after `wait` seconds."""
    front = front_of(request)
    await asyncio.to_thread(_note_call, front.room, location)
    return {"generation": await front.bell.wait(location, after, wait)}


@router.post("/jobs/claim")
def claim(location: str, asked: ClaimJobs, request: Request, _key: Booth) -> dict[str, object]:
    """What the worker has in hand already, then waiting jobs up to `most`, now in its hands."""
    room = front_of(request).room

    def work(connection: Connection) -> list[print_handing.HandedJob]:
        booth_calls.hear(connection, location, now(connection))
        if asked.device is not None and asked.holding is not None:
            print_seals.confirm(connection, device_name(asked.device), location, asked.holding)
        return claim_jobs(connection, location, asked.holder, asked.most)

    jobs = room.database.write_together(work)
    return {"jobs": [asdict(job) for job in jobs]}


@router.post("/jobs/{job_id}/payload")
def payload(location: str, job_id: RowId, asked: AskPayload, request: Request, key: Booth) -> Response:
    """What is to be printed, sealed for this machine and this try at a job in the worker's hands.

    The key's first machine is let in here; a booth's key works from no other. Nor does a booth's machine get more than
    so many at once, however many it has claimed: whoever steals it has no more than these.
    """
    room = front_of(request).room
    place = room.shop.location(location)
    most = _most_at_once(place)
    _check_keys(asked.device, asked.once)
    with room.database.read() as connection:
        job = _job_here(connection, location, job_id, asked.holder, asked.attempt)
        if most is not None:
            # Before its picture is made; what counts is asked again with the commit.
            print_seals.check_room(connection, device_name(asked.device), job_id, most, now(connection))
        described = print_handing.describe(connection, job_id)
        printed = document_of(connection, room, job)
        ends = print_seals.dies_at(connection, location, now(connection))
    bound = sealed.Bound(job_id, asked.attempt, location, device_name(asked.device), ends)
    made = sealed.seal(bound, json.dumps(asdict(described)).encode(), printed.pdf, device=asked.device, once=asked.once)
    seal = print_seals.NewSeal(
        job_id=job_id,
        attempt=asked.attempt,
        device=bound.device,
        location=location,
        once=made.once,
        description=made.description,
        document_bytes=len(printed.pdf),
        document_digest=hashlib.sha256(made.document).hexdigest(),
        expires_at=ends,
    )

    def work(connection: Connection) -> None:
        # Rendering takes a while: it may have been taken back, or its key ended, since we looked.
        _job_here(connection, location, job_id, asked.holder, asked.attempt)
        print_jobs.note_artwork(connection, job_id, printed.artwork_sha256)
        device_id = booth_devices.let_in(connection, key, asked.device, alone=place.kind == "booth")
        print_seals.note(connection, seal, device_id, most=most)

    room.database.write_together(work)
    return Response(made.pack(), media_type=sealed.MEDIA_TYPE)


@router.post("/jobs/{job_id}/start")
def start(location: str, job_id: RowId, asked: StartJob, request: Request, _key: Booth) -> dict[str, str]:
    """Commits that the call to the printer begins; the worker prints only after this answer."""

    def work(connection: Connection) -> None:
        _job_here(connection, location, job_id, asked.holder)
        print_attempts.start(connection, job_id, asked.attempt, asked.holder, asked.printer)

    front_of(request).room.database.write_together(work)
    return {"state": PrintJobState.PRINTING}


@router.post("/jobs/{job_id}/progress")
def progress(location: str, job_id: RowId, asked: JobProgress, request: Request, _key: Booth) -> dict[str, str]:
    def work(connection: Connection) -> None:
        _job_here(connection, location, job_id, asked.holder)
        print_attempts.progress(
            connection, job_id, asked.attempt, asked.holder, asked.state, asked.reason, asked.printer_job
        )

    front_of(request).room.database.write_together(work)
    return {"state": asked.state}


@router.post("/jobs/{job_id}/outcome")
def outcome(location: str, job_id: RowId, asked: JobOutcome, request: Request, _key: Booth) -> dict[str, str]:
    """What became of the job; its parcel goes on by itself when it was the last piece. Saying it twice is harmless."""

    def work(connection: Connection) -> list[Wakeup]:
        if location_of(connection, job_id) != location:
            raise print_attempts.NotYourJob(f"print job {job_id} is not at {location}")
        return print_attempts.settle(connection, job_id, asked.attempt, asked.holder, asked.outcome, asked.reason)

    front = front_of(request)
    front.send(front.room.database.write_together(work))
    return {"outcome": asked.outcome}


@router.post("/journal")
def journal(location: str, asked: Replay, request: Request, key: Booth) -> dict[str, int]:
    """What a machine did while it could not tell. Each line counts once, in whatever order and however often it comes;
    `new` says how many were not heard before."""
    front = front_of(request)
    _check_keys(asked.device)
    machine = replayed_prints.Machine(device_name(asked.device), asked.holder, location)
    lines = [replayed_prints.ReplayedLine(**line.model_dump(exclude={"at"})) for line in asked.lines]
    alone = front.room.shop.location(location).kind == "booth"

    def work(connection: Connection) -> tuple[int, list[Wakeup]]:
        booth_devices.let_in(connection, key, asked.device, alone=alone)
        return replayed_prints.take_in(connection, machine, lines)

    new, wakeups = front.room.database.write(work)
    front.send(wakeups)
    return {"new": new}


@router.post("/journal/shown")
def shown(location: str, asked: OfHolder, request: Request, _key: Booth) -> dict[str, object]:
    """What was printed alone and no run has shown yet. Whoever asks shows it: it is told once."""
    rows = front_of(request).room.database.write(lambda connection: replayed_prints.show(connection, location))
    told = ("order_number", "printer")
    return {
        "prints": [
            {name: row[name] for name in told} | {"outcome": row["what"], "at": row["done_at"].isoformat()}
            for row in rows
        ]
    }


@router.post("/scan")
def scan_piece(location: str, asked: Scan, request: Request, key: Booth) -> dict[str, object]:
    """One scanned piece; `accepted` false says in `reason` why it does not belong here. `left` counts what is open."""
    front = front_of(request)
    result = front.room.database.write(lambda c: scan(c, location, asked.order, asked.code, key.name))
    front.send(result.wakeups)
    return {"accepted": result.accepted, "reason": result.reason, "left": result.left}


def _note_call(room: Room, location: str) -> None:
    """Write down that a booth has called, now and then, and not waited for: a database that is busy must keep no booth
    from hearing of its work."""
    with room.database.read() as connection:
        if not booth_calls.is_news(connection, location, now(connection)):
            return
    room.database.write_grouped(lambda connection: booth_calls.hear(connection, location, now(connection)))


def _most_at_once(place: Location) -> int | None:
    """How many payloads that live a machine may have: those that it fetches ahead, and at each printer the one that is
    being printed, which may be none of them. Other places than booths have their machines beside the hub's."""
    return FETCHED_AHEAD + len(place.printers) if place.kind == "booth" else None


def _check_keys(*keys: str) -> None:
    for key in keys:
        public_key(key)


def _job_here(
    connection: Connection, location: str, job_id: int, holder: str, attempt: int | None = None
) -> RowMapping:
    job = print_attempts.held_job(connection, job_id, holder, attempt)
    if job["location"] != location:
        raise print_attempts.NotYourJob(f"print job {job_id} is not in the hands of this worker")
    return job
