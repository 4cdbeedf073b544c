"""One attempt at a print job, in the hands of one booth worker: begun, followed, settled.

The gateway executes the worker's calls. What belongs here: the turns of a job that is in somebody's hands. What does
not: whose hands (`print_handing`), opening jobs, and what becomes of them when their order is held or cancelled
(`print_jobs`).
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, RowMapping, func, select, update

from backroom.domain.errors import Refuse
from backroom.domain.model import FulfilmentState, PrintJobState
from backroom.store import effects, print_seals, stock_prints
from backroom.store.blanks import use_blanks
from backroom.store.claims import Wakeup, wakeup
from backroom.store.connections import writes
from backroom.store.database import now
from backroom.store.fulfilment import piece_done
from backroom.store.moves import moving
from backroom.store.print_jobs import (
    ACTIVE,
    KIND,
    MADE_ALREADY,
    STAGE,
    drop,
    is_to_stock,
    key_of,
    owner_of,
    part_of,
    pieces_of,
    request_hash_of,
    shelve,
    tell,
)
from backroom.store.print_trouble import CAUSES, judge
from backroom.store.tables import fulfilment_lines, print_jobs

# A job that certainly failed this often in a row waits for a person, instead of failing for ever.
MOST_FAILURES = 3


class NotYourJob(Refuse):
    """The job is not in this worker's hands (any more), or not in a state that allows this."""

    cause = "not_your_job"


def held_job(connection: Connection, job_id: int, holder: str, attempt: int | None = None) -> RowMapping:
    """The job, if it is in this worker's hands, at this attempt where one is named; NotYourJob otherwise.

    There it stays until the commit.
    """
    query = select(print_jobs).where(
        print_jobs.c.id == job_id, print_jobs.c.holder == holder, print_jobs.c.state.in_(ACTIVE)
    )
    if attempt is not None:
        query = query.where(print_jobs.c.attempt == attempt)
    if writes(connection):
        query = query.with_for_update()
    row = connection.execute(query).mappings().one_or_none()
    if row is None:
        raise NotYourJob(f"print job {job_id} is not in the hands of this worker")
    return row


def start(connection: Connection, job_id: int, attempt: int, holder: str, printer: str) -> None:
    """Commit, just before the call to the printer, that it begins. A person's hold in between stops it here."""
    at = now(connection)
    row = held_job(connection, job_id, holder, attempt)
    owner = owner_of(connection, row)
    if not owner.wanted:
        raise NotYourJob(f"print job {job_id} is not wanted now: its {owner.kind} is {owner.state}")
    _move(connection, row, PrintJobState.PRINTING, printer=printer, printer_job="", started_at=at, reason="")
    key = key_of(row)
    effects.take(connection, [key], holder)
    effects.start(connection, [key], holder, at)


def progress(
    connection: Connection,
    job_id: int,
    attempt: int,
    holder: str,
    state: PrintJobState,
    reason: str,
    printer_job: str,
) -> None:
    """Note where a started job is: PRINTING, or BLOCKED with what the printer waits for."""
    row = held_job(connection, job_id, holder, attempt)
    if state not in (PrintJobState.PRINTING, PrintJobState.BLOCKED):
        raise NotYourJob(f"a started print job cannot become {state}")
    _move(connection, row, state, reason=reason, printer_job=printer_job)


def settle(
    connection: Connection,
    job_id: int,
    attempt: int,
    holder: str,
    outcome: str,
    reason: str,
    *,
    ended_at: datetime | None = None,
) -> list[Wakeup]:
    """What became of one attempt at a job in this worker's hands; NotYourJob when another one is under way by now.

    `done`: printed, all copies. `failed`: certainly not printed, try anew. `returned`: handed back without having been
    started. `unknown`: nobody can tell, a person decides. Saying `done` or `unknown` twice changes nothing. `ended_at`
    is when it came out, where that is heard of later.
    """
    at = now(connection)
    current = connection.execute(select(print_jobs).where(print_jobs.c.id == job_id)).mappings().one_or_none()
    said = current is not None and (current["holder"], current["attempt"], current["state"]) == (
        holder,
        attempt,
        outcome,
    )
    if said and outcome in (PrintJobState.DONE, PrintJobState.UNKNOWN):
        return []
    row = held_job(connection, job_id, holder, attempt)
    key = key_of(row)
    print_seals.destroy(connection, [job_id], str(outcome), at)
    if outcome == "done":
        return _printed(connection, row, at, actor="", ended_at=ended_at)
    if outcome == "unknown":
        effects.take(connection, [key], holder)
        effects.settle(connection, [effects.Outcome(key, effects.UNKNOWN, reason=reason)], holder, at)
        _move(connection, row, PrintJobState.UNKNOWN, reason=reason, ended_at=at)
        tell(connection, row, "print.unknown", {"reason": reason, "printer": row["printer"]}, at)
        return []
    if outcome == "returned" and row["started_at"] is not None:
        raise NotYourJob(f"print job {job_id} was started: it cannot be returned, only settled")
    if outcome not in ("failed", "returned"):
        raise NotYourJob(f"{outcome!r} is no outcome of a print job")
    return again(connection, row, at, reason=reason, actor="", failed=outcome == "failed")


def decide(connection: Connection, job_id: int, decision: str, actor: str) -> list[Wakeup]:
    """A person's word on a job whose outcome is unknown, that failed too often, or that waits at a dead worker:
    printed, or print_again."""
    at = now(connection)
    waits = print_jobs.c.state.in_((PrintJobState.UNKNOWN, PrintJobState.FAILED, *ACTIVE))
    query = select(print_jobs).where(print_jobs.c.id == job_id, waits).with_for_update()
    row = connection.execute(query).mappings().one_or_none()
    if row is None:
        raise NotYourJob(f"print job {job_id} does not wait for a decision")
    print_seals.destroy(connection, [job_id], decision, at)
    if decision == "printed":
        return _printed(connection, row, at, actor=actor)
    if decision == "print_again":
        return again(connection, row, at, reason="a person decided to print it again", actor=actor, failed=True)
    raise NotYourJob(f"{decision!r} is no decision on a print job: printed, or print_again")


def _printed(
    connection: Connection, row: RowMapping, at: datetime, *, actor: str, ended_at: datetime | None = None
) -> list[Wakeup]:
    key = key_of(row)
    answer = {"printer": row["printer"], "printer_job": row["printer_job"], "copies": pieces_of(row), "by": actor}
    effects.settle(connection, [effects.Outcome(key, effects.DONE, answer)], row["holder"], at)
    _move(connection, row, PrintJobState.DONE, by_person=bool(actor), reason="", ended_at=ended_at or at)
    use_blanks(connection, row, at)
    told = {"sku": row["sku"], "copies": pieces_of(row), "printer": row["printer"]}
    tell(connection, row, "print.done", told, at, actor)
    if is_to_stock(row):
        stock_prints.came_out(connection, row, at)
        return []
    part = part_of(connection, row)
    # A piece that was bad after its work was made is missing in its parcel, and not in the counts of that work.
    if row["remake"] and (part["held_from"] or part["state"]) in MADE_ALREADY:
        return []
    count_printed(connection, row, pieces_of(row))
    if part["state"] == FulfilmentState.CANCELLED:
        shelve(connection, [row["fulfilment_order_id"]], at)
        return []
    made_at = at if ended_at is None else _last_print(connection, row["fulfilment_order_id"], at)
    return piece_done(connection, row["fulfilment_order_id"], made_at)


def _last_print(connection: Connection, part_id: int, at: datetime) -> datetime:
    """When the last print of a part came out, of those that are there; they may be heard of in any order."""
    ended = select(func.max(print_jobs.c.ended_at, type_=print_jobs.c.ended_at.type)).where(
        print_jobs.c.fulfilment_order_id == part_id, print_jobs.c.state == PrintJobState.DONE
    )
    return connection.execute(ended).scalar_one() or at


def count_printed(connection: Connection, row: RowMapping, pieces: int) -> None:
    """So many pieces of a job's line have come out of a printer; fewer than none when they turned out to be bad."""
    connection.execute(
        update(fulfilment_lines)
        .where(
            fulfilment_lines.c.fulfilment_order_id == row["fulfilment_order_id"],
            fulfilment_lines.c.line_no == row["line_no"],
        )
        .values(printed=fulfilment_lines.c.printed + pieces)
    )


def again(
    connection: Connection, row: RowMapping, at: datetime, *, reason: str, actor: str, failed: bool
) -> list[Wakeup]:
    owner = owner_of(connection, row)
    if failed:
        key = key_of(row)
        effects.take(connection, [key], row["holder"])
        effects.settle(connection, [effects.Outcome(key, effects.FAILED, reason=reason)], row["holder"], at)
    tell(connection, row, "print.failed" if failed else "print.returned", {"reason": reason}, at, actor)
    if owner.over:
        _move(connection, row, PrintJobState.WAITING, by_person=bool(actor))
        if is_to_stock(row):
            stock_prints.drop(connection, [row["transfer_id"]], at, f"its {owner.kind} is {owner.state}")
            return []
        drop(connection, [row["fulfilment_order_id"]], at)
        shelve(connection, [row["fulfilment_order_id"]], at)
        return []
    if failed and not actor and row["attempt"] % MOST_FAILURES == 0:
        _move(connection, row, PrintJobState.FAILED, reason=reason, ended_at=at)
        return []
    attempt = row["attempt"] + 1 if failed else row["attempt"]
    if failed:
        asked = request_hash_of(row["sku"], pieces_of(row), row["process"], row["artwork"])
        again = effects.Plan(key_of(row, attempt), KIND, owner.order_id, asked)
        effects.plan(connection, [again], "", at)
    wait_anew(connection, row, attempt=attempt, reason=reason, by_person=bool(actor))
    return [wakeup(connection, STAGE, row["location"])]


def wait_anew(
    connection: Connection, row: RowMapping, *, attempt: int, reason: str, by_person: bool, **values: object
) -> None:
    """A job waits again as if nobody had had it in hand, at this attempt. Where a person says so, its artwork is looked
    at anew: they may have mended it."""
    if by_person:
        values["artwork_sha256"] = ""
    _move(
        connection,
        row,
        PrintJobState.WAITING,
        by_person=by_person,
        attempt=attempt,
        holder="",
        printer="",
        printer_job="",
        started_at=None,
        handed_at=None,
        ended_at=None,
        reason=reason,
        **values,
    )


def _move(
    connection: Connection, row: RowMapping, new: PrintJobState, *, by_person: bool = False, **values: object
) -> None:
    """Move a job that is locked; one that stays where it is only changes its values. Its part, where it has one, may
    fall sick of it, or get well."""
    old = PrintJobState(row["state"])
    change = update(print_jobs) if new is old else moving(print_jobs, old, new, by_person=by_person)
    connection.execute(change.where(print_jobs.c.id == row["id"]).values(state=new, **values))
    if (old in CAUSES or new in CAUSES) and not is_to_stock(row):
        judge(connection, row["fulfilment_order_id"], now(connection))
