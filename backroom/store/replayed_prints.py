"""What a booth's machine printed while it could not tell us: taken into the books afterwards, each line once.

What belongs here: what a line of a booth's journal means for its job, and the rule where the job is not in that
machine's hands any more. What does not: turns of a job that are told as they happen (`print_attempts`).

Lines may come in any order and as often as they like: one that was heard counts no more, and one that is older than
another of its try, heard before it, changes nothing. The rule: **a piece that exists counts**. Where its order still
wants one and none was begun elsewhere, it is that one; else it goes to the stock of the place where it lies. Either way
it is listed for a person (`offline_conflicts`).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast

from sqlalchemy import Connection, RowMapping, select, update

from backroom.domain.model import PrintJobState
from backroom.store import effects, print_attempts, print_seals, stock
from backroom.store.batches import insert_new
from backroom.store.blanks import use_blanks
from backroom.store.claims import Wakeup
from backroom.store.database import now
from backroom.store.moves import moving
from backroom.store.offline_conflicts import Conflict, ConflictKind, key_of_print, note
from backroom.store.print_jobs import ACTIVE, key_of, owner_of, pieces_of, tell
from backroom.store.tables import booth_lines, print_jobs

BENCH = "bench"
STARTED, PROGRESS, AGAIN, OUTCOME = "started", "progress", "again", "outcome"
_OUTCOMES = (PrintJobState.DONE, PrintJobState.FAILED, PrintJobState.UNKNOWN)
# Ends of a job that only one that was begun can have, whichever printer the line leaves out.
_BEGUN = (PrintJobState.DONE, PrintJobState.UNKNOWN)
# States in which nothing of the job was begun at any printer.
_UNBEGUN = (PrintJobState.WAITING, PrintJobState.HANDED)


@dataclass(frozen=True, slots=True)
class ReplayedLine:
    """One line of a machine's journal. `age_s` is how long ago it was written, in seconds."""

    seq: int
    job: int
    attempt: int
    what: str
    age_s: float
    printer: str = ""
    printer_job: str = ""
    state: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Machine:
    """Whose journal it is: the device's name, its bench's holder, and where it stands."""

    device: str
    holder: str
    location: str


def take_in(connection: Connection, machine: Machine, lines: Iterable[ReplayedLine]) -> tuple[int, list[Wakeup]]:
    """Take the lines in that were not heard before; returns how many those are, and the wake-ups they owe."""
    at = now(connection)
    new, wakeups = 0, []
    for line in sorted(lines, key=lambda one: one.seq):
        if _is_new(connection, machine, line, at):
            new += 1
            wakeups += _apply(connection, machine, line, at)
    return new, wakeups


def show(connection: Connection, location: str) -> list[RowMapping]:
    """Outcomes of prints that were made alone and were shown by no run yet; from now on they count as shown."""
    mine = (
        select(booth_lines, print_jobs.c.order_number)
        .join(print_jobs, print_jobs.c.id == booth_lines.c.print_job_id)
        .where(booth_lines.c.location == location, booth_lines.c.shown_at.is_(None), booth_lines.c.source == BENCH)
        .order_by(booth_lines.c.id)
        .limit(500)
    )
    rows = list(connection.execute(mine).mappings())
    shown = update(booth_lines).where(booth_lines.c.id.in_([row["id"] for row in rows]))
    connection.execute(shown.values(shown_at=now(connection)))
    return [row for row in rows if row["what"] in _OUTCOMES]


def _is_new(connection: Connection, machine: Machine, line: ReplayedLine, at: datetime) -> bool:
    row = {
        "source": BENCH,
        "name": machine.device,
        "seq": line.seq,
        "location": machine.location,
        "print_job_id": line.job,
        "attempt": line.attempt,
        "what": line.state if line.what == OUTCOME else line.what,
        "printer": line.printer,
        "done_at": _done_at(line, at),
        "heard_at": at,
    }
    return bool(insert_new(connection, booth_lines, [row]))


def _apply(connection: Connection, machine: Machine, line: ReplayedLine, at: datetime) -> list[Wakeup]:
    found = select(print_jobs).where(print_jobs.c.id == line.job, print_jobs.c.location == machine.location)
    row = connection.execute(found.with_for_update()).mappings().one_or_none()
    if row is None or _is_stale(connection, machine, line):
        return []
    ours = (row["holder"], row["attempt"]) == (machine.holder, line.attempt)
    if ours and row["state"] in ACTIVE:
        return _go_on(connection, machine, row, line, at)
    if line.what != OUTCOME:
        return []
    if line.state == PrintJobState.DONE and not (ours and row["state"] == PrintJobState.DONE):
        return _piece_is_there(connection, machine, row, line, at)
    if ours and row["state"] == PrintJobState.DONE and line.state == PrintJobState.FAILED:
        _list(connection, row, line, ConflictKind.SAID_PRINTED, at)
    return []


def _done_at(line: ReplayedLine, at: datetime) -> datetime:
    """When the machine wrote the line, by our clock."""
    return at - timedelta(seconds=line.age_s)


def _is_stale(connection: Connection, machine: Machine, line: ReplayedLine) -> bool:
    """Whether a later line of the same try was heard before this one."""
    later = select(booth_lines.c.id).where(
        booth_lines.c.source == BENCH,
        booth_lines.c.name == machine.device,
        booth_lines.c.print_job_id == line.job,
        booth_lines.c.attempt == line.attempt,
        booth_lines.c.seq > line.seq,
    )
    return connection.execute(later.limit(1)).first() is not None


def _go_on(connection: Connection, machine: Machine, row: RowMapping, line: ReplayedLine, at: datetime) -> list[Wakeup]:
    """A job in this machine's hands: what it says, as if it had been told in time. A hold came too late for it."""
    came_to_a_press = line.printer or (line.what == OUTCOME and line.state in _BEGUN)
    if row["started_at"] is None and came_to_a_press:
        row = _begin(connection, row, line, machine.holder, at)
    if line.what == PROGRESS and row["started_at"] is not None:
        state = PrintJobState.BLOCKED if line.state == PrintJobState.BLOCKED else PrintJobState.PRINTING
        print_attempts.progress(
            connection, line.job, line.attempt, machine.holder, state, line.reason, line.printer_job
        )
    elif line.what == OUTCOME and line.state in _OUTCOMES:
        # The line that told what its printer calls it may come after this one.
        known = update(print_jobs).where(print_jobs.c.id == row["id"])
        connection.execute(known.values(printer_job=line.printer_job or row["printer_job"]))
        return print_attempts.settle(
            connection, line.job, line.attempt, machine.holder, line.state, line.reason, ended_at=_done_at(line, at)
        )
    return []


def _begin(connection: Connection, row: RowMapping, line: ReplayedLine, holder: str, at: datetime) -> RowMapping:
    """It was begun at a printer, whatever has become of its order since."""
    old = PrintJobState(row["state"])
    if old is PrintJobState.WAITING:
        connection.execute(
            moving(print_jobs, old, PrintJobState.HANDED).where(print_jobs.c.id == row["id"]).values(handed_at=at)
        )
        old = PrintJobState.HANDED
    begun = moving(print_jobs, old, PrintJobState.PRINTING).where(print_jobs.c.id == row["id"])
    connection.execute(
        begun.values(
            holder=holder,
            printer=line.printer,
            printer_job=line.printer_job,
            started_at=_done_at(line, at),
            reason="",
        )
    )
    key = key_of(row)
    effects.take(connection, [key], holder)
    effects.start(connection, [key], holder, at)
    return connection.execute(select(print_jobs).where(print_jobs.c.id == row["id"])).mappings().one()


def _piece_is_there(
    connection: Connection, machine: Machine, row: RowMapping, line: ReplayedLine, at: datetime
) -> list[Wakeup]:
    """The machine printed a job that was not, or not any more, its own to print."""
    state = PrintJobState(row["state"])
    if state in _UNBEGUN or (state is PrintJobState.BLOCKED and row["started_at"] is None):
        _list(connection, row, line, ConflictKind.TAKEN_BACK, at)
        row = _begin(connection, row, line, machine.holder, at)
        print_seals.destroy(connection, [row["id"]], "printed by another machine", at)
        return print_attempts.settle(
            connection,
            row["id"],
            row["attempt"],
            machine.holder,
            PrintJobState.DONE,
            line.reason,
            ended_at=_done_at(line, at),
        )
    kind = ConflictKind.FOR_NOTHING if state is PrintJobState.CANCELLED else ConflictKind.PRINTED_TWICE
    if not _list(connection, row, line, kind, at):
        return []
    pieces = [(row["location"], row["sku"], pieces_of(row))]
    stock.receive(connection, f"printed alone:{row['id']}:{line.attempt}", pieces, "printed while we were away", at)
    use_blanks(connection, cast(RowMapping, dict(row) | {"attempt": line.attempt}), at)
    told: dict[str, Any] = {"sku": row["sku"], "pieces": pieces_of(row), "location": row["location"]}
    tell(connection, row, "print.shelved", told, at)
    return []


def _list(connection: Connection, row: RowMapping, line: ReplayedLine, kind: ConflictKind, at: datetime) -> bool:
    conflict = Conflict(
        key=key_of_print(row["id"], line.attempt),
        kind=kind,
        location=row["location"],
        sku=row["sku"],
        pieces=pieces_of(row),
        order_id=owner_of(connection, row).order_id,
        data={"print_job": row["id"], "attempt": line.attempt, "printer": line.printer, "found": row["state"]},
    )
    return note(connection, conflict, at)
