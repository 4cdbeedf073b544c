"""Print jobs: opened by fulfilment, handed to one booth worker, settled by it; the gateway executes its calls.

A job handed to a worker is given to no other because time passed: only after the worker returned it, or by a person's
decision. The effect's key is also the job's name at the printer, so that the printer can be asked for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, RowMapping, insert, select, true, update

from backroom.domain.errors import Refuse
from backroom.domain.model import FulfilmentState, PrintJobState, Variant
from backroom.store import effects, history, stock
from backroom.store.claims import Wakeup, wakeup
from backroom.store.database import now, writes
from backroom.store.fulfilment import piece_done
from backroom.store.moves import moving
from backroom.store.print_trouble import CAUSES, judge
from backroom.store.tables import fulfilment_lines, fulfilment_orders, print_jobs, variants

STAGE = "print"
KIND = "print"
# A job that certainly failed this often in a row waits for a person, instead of failing for ever.
MOST_FAILURES = 3
ACTIVE = (PrintJobState.HANDED, PrintJobState.PRINTING, PrintJobState.BLOCKED)


class NotYourJob(Refuse):
    """The job is not in this worker's hands (any more), or not in a state that allows this."""

    cause = "not_your_job"


@dataclass(frozen=True, slots=True)
class ToPrint:
    """A line that is short: `copies` pieces of a variant for one fulfilment order."""

    part_id: int
    part_key: str
    order_id: int
    order_number: str
    line_no: int
    location: str
    copies: int
    priority: int
    variant: Variant


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


def job_key(order_number: str, part_key: str, line_no: int, attempt: int) -> str:
    """The key of one try at one job: in the ledger, and the job's name at the printer."""
    return f"print-{order_number}-{part_key}-{line_no}-{attempt}"


def _key(row: RowMapping, attempt: int | None = None) -> str:
    return job_key(row["order_number"], row["part_key"], row["line_no"], attempt or row["attempt"])


def _asked(sku: str, copies: int, process: str, artwork: str) -> str:
    return effects.request_hash({"sku": sku, "copies": copies, "process": process, "artwork": artwork})


def open_jobs(connection: Connection, wanted: Sequence[ToPrint], token: str, at: datetime) -> None:
    """Open a job for each line and plan its effect, in the wave's commit."""
    if not wanted:
        return
    rows = [
        {
            "fulfilment_order_id": line.part_id,
            "part_key": line.part_key,
            "order_number": line.order_number,
            "line_no": line.line_no,
            "location": line.location,
            "sku": line.variant.sku,
            "copies": line.copies,
            "attempt": 1,
            "process": line.variant.print_process,
            "artwork": line.variant.artwork,
            "state": PrintJobState.WAITING,
            "priority": line.priority,
            "created_at": at,
        }
        for line in wanted
    ]
    connection.execute(insert(print_jobs), rows)
    effects.plan(
        connection,
        [
            effects.Plan(
                job_key(line.order_number, line.part_key, line.line_no, 1),
                KIND,
                line.order_id,
                _asked(line.variant.sku, line.copies, line.variant.print_process, line.variant.artwork),
            )
            for line in wanted
        ],
        token,
        at,
    )


def hand_out(connection: Connection, location: str, holder: str, most: int) -> list[HandedJob]:
    """What this worker has in hand already, then waiting jobs up to `most`, best priority first, into its hands.

    Only work that is being made is handed out: a held or cancelled order prints nothing.
    """
    at = now(connection)
    mine = select(print_jobs.c.id).where(
        print_jobs.c.location == location, print_jobs.c.holder == holder, print_jobs.c.state.in_(ACTIVE)
    )
    ids = list(connection.execute(mine.order_by(print_jobs.c.priority, print_jobs.c.id)).scalars())
    if len(ids) < most:
        waiting = (
            select(print_jobs.c.id)
            .join(fulfilment_orders, fulfilment_orders.c.id == print_jobs.c.fulfilment_order_id)
            .where(
                print_jobs.c.location == location,
                print_jobs.c.state == PrintJobState.WAITING,
                fulfilment_orders.c.state == FulfilmentState.MAKING,
            )
            .order_by(print_jobs.c.priority, print_jobs.c.id)
            .limit(most - len(ids))
        )
        new = list(connection.execute(waiting.with_for_update(skip_locked=True, of=print_jobs)).scalars())
        handing = moving(print_jobs, PrintJobState.WAITING, PrintJobState.HANDED).where(print_jobs.c.id.in_(new))
        connection.execute(handing.values(holder=holder, handed_at=at))
        ids += new
    query = (
        select(print_jobs, variants.c.title, variants.c.printed_width_mm, variants.c.printed_height_mm)
        .join(variants, variants.c.sku == print_jobs.c.sku)
        .where(print_jobs.c.id.in_(ids))
        .order_by(print_jobs.c.priority, print_jobs.c.id)
    )
    return [
        HandedJob(
            id=row["id"],
            key=_key(row),
            order_number=row["order_number"],
            sku=row["sku"],
            title=row["title"],
            copies=row["copies"],
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
    state = _part(connection, row)["state"]
    if state != FulfilmentState.MAKING:
        raise NotYourJob(f"print job {job_id} is not wanted now: its order is {state}")
    _move(connection, row, PrintJobState.PRINTING, printer=printer, printer_job="", started_at=at, reason="")
    key = _key(row)
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


def settle(connection: Connection, job_id: int, attempt: int, holder: str, outcome: str, reason: str) -> list[Wakeup]:
    """What became of one attempt at a job in this worker's hands; NotYourJob when another one is under way by now.

    `done`: printed, all copies. `failed`: certainly not printed, try anew. `returned`: handed back without having been
    started. `unknown`: nobody can tell, a person decides. Saying `done` or `unknown` twice changes nothing.
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
    key = _key(row)
    if outcome == "done":
        return _printed(connection, row, at, actor="")
    if outcome == "unknown":
        effects.take(connection, [key], holder)
        effects.settle(connection, [effects.Outcome(key, effects.UNKNOWN, reason=reason)], holder, at)
        _move(connection, row, PrintJobState.UNKNOWN, reason=reason, ended_at=at)
        _tell(connection, row, "print.unknown", {"reason": reason, "printer": row["printer"]}, at)
        return []
    if outcome == "returned" and row["started_at"] is not None:
        raise NotYourJob(f"print job {job_id} was started: it cannot be returned, only settled")
    if outcome not in ("failed", "returned"):
        raise NotYourJob(f"{outcome!r} is no outcome of a print job")
    return _again(connection, row, at, reason=reason, actor="", failed=outcome == "failed")


def decide(connection: Connection, job_id: int, decision: str, actor: str) -> list[Wakeup]:
    """A person's word on a job whose outcome is unknown, that failed too often, or that waits at a dead worker:
    printed, or print_again."""
    at = now(connection)
    waits = print_jobs.c.state.in_((PrintJobState.UNKNOWN, PrintJobState.FAILED, *ACTIVE))
    query = select(print_jobs).where(print_jobs.c.id == job_id, waits).with_for_update()
    row = connection.execute(query).mappings().one_or_none()
    if row is None:
        raise NotYourJob(f"print job {job_id} does not wait for a decision")
    if decision == "printed":
        return _printed(connection, row, at, actor=actor)
    if decision == "print_again":
        return _again(connection, row, at, reason="a person decided to print it again", actor=actor, failed=True)
    raise NotYourJob(f"{decision!r} is no decision on a print job: printed, or print_again")


def queue(connection: Connection, location: str, most: int = 200) -> list[RowMapping]:
    """What has not ended at a location, what waits for a person first."""
    ended = (PrintJobState.DONE, PrintJobState.CANCELLED)
    for_a_person = (PrintJobState.UNKNOWN, PrintJobState.FAILED)
    query = (
        select(print_jobs)
        .where(print_jobs.c.location == location, print_jobs.c.state.not_in(ended))
        .order_by(print_jobs.c.state.not_in(for_a_person), print_jobs.c.priority, print_jobs.c.id)
        .limit(most)
    )
    return list(connection.execute(query).mappings())


def drop(connection: Connection, part_ids: Sequence[int], at: datetime) -> None:
    """Drop the jobs of cancelled work that nobody has begun to print; what is at a printer comes to its own end."""
    for state in (PrintJobState.WAITING, PrintJobState.FAILED, PrintJobState.HANDED, PrintJobState.BLOCKED):
        dropping = moving(print_jobs, state, PrintJobState.CANCELLED).where(
            print_jobs.c.fulfilment_order_id.in_(part_ids), _unbegun(state)
        )
        connection.execute(dropping.values(ended_at=at, reason="order cancelled"))


def shelve(connection: Connection, part_ids: Sequence[int], at: datetime) -> None:
    """Take what was printed for cancelled work into the stock of its location, once."""
    printed = select(print_jobs).where(
        print_jobs.c.fulfilment_order_id.in_(part_ids), print_jobs.c.state == PrintJobState.DONE
    )
    for row in connection.execute(printed).mappings().all():
        pieces = [(row["location"], row["sku"], row["copies"])]
        if stock.receive(connection, f"printed:{row['id']}", pieces, "printed for a cancelled order", at):
            told = {"sku": row["sku"], "pieces": row["copies"], "location": row["location"]}
            _tell(connection, row, "print.shelved", told, at)


def take_back(connection: Connection, part_ids: Sequence[int]) -> None:
    """Take jobs of held work, handed out and not begun, out of their workers' hands."""
    for state in (PrintJobState.HANDED, PrintJobState.BLOCKED):
        taking = moving(print_jobs, state, PrintJobState.WAITING).where(
            print_jobs.c.fulfilment_order_id.in_(part_ids), _unbegun(state)
        )
        connection.execute(taking.values(holder="", handed_at=None, reason=""))
    at = now(connection)
    for part_id in part_ids:
        judge(connection, part_id, at)


def _unbegun(state: PrintJobState) -> ColumnElement[bool]:
    """Of the blocked jobs those that were never begun, because no printer there can do them now; any other job."""
    return print_jobs.c.started_at.is_(None) if state is PrintJobState.BLOCKED else true()


def _printed(connection: Connection, row: RowMapping, at: datetime, *, actor: str) -> list[Wakeup]:
    key = _key(row)
    answer = {"printer": row["printer"], "printer_job": row["printer_job"], "copies": row["copies"], "by": actor}
    effects.settle(connection, [effects.Outcome(key, effects.DONE, answer)], row["holder"], at)
    _move(connection, row, PrintJobState.DONE, by_person=bool(actor), reason="", ended_at=at)
    connection.execute(
        update(fulfilment_lines)
        .where(
            fulfilment_lines.c.fulfilment_order_id == row["fulfilment_order_id"],
            fulfilment_lines.c.line_no == row["line_no"],
        )
        .values(printed=fulfilment_lines.c.printed + row["copies"])
    )
    told = {"sku": row["sku"], "copies": row["copies"], "printer": row["printer"]}
    _tell(connection, row, "print.done", told, at, actor)
    if _part(connection, row)["state"] == FulfilmentState.CANCELLED:
        shelve(connection, [row["fulfilment_order_id"]], at)
        return []
    return piece_done(connection, row["fulfilment_order_id"], at)


def _again(
    connection: Connection, row: RowMapping, at: datetime, *, reason: str, actor: str, failed: bool
) -> list[Wakeup]:
    part = _part(connection, row)
    if failed:
        key = _key(row)
        effects.take(connection, [key], row["holder"])
        effects.settle(connection, [effects.Outcome(key, effects.FAILED, reason=reason)], row["holder"], at)
    _tell(connection, row, "print.failed" if failed else "print.returned", {"reason": reason}, at, actor)
    if part["state"] == FulfilmentState.CANCELLED:
        _move(connection, row, PrintJobState.WAITING, by_person=bool(actor))
        drop(connection, [row["fulfilment_order_id"]], at)
        return []
    if failed and not actor and row["attempt"] % MOST_FAILURES == 0:
        _move(connection, row, PrintJobState.FAILED, reason=reason, ended_at=at)
        return []
    attempt = row["attempt"] + 1 if failed else row["attempt"]
    if failed:
        asked = _asked(row["sku"], row["copies"], row["process"], row["artwork"])
        again = effects.Plan(_key(row, attempt), KIND, part["order_id"], asked)
        effects.plan(connection, [again], "", at)
    _move(
        connection,
        row,
        PrintJobState.WAITING,
        by_person=bool(actor),
        attempt=attempt,
        holder="",
        printer="",
        printer_job="",
        started_at=None,
        handed_at=None,
        ended_at=None,
        reason=reason,
    )
    return [wakeup(connection, STAGE, row["location"])]


def _move(
    connection: Connection, row: RowMapping, new: PrintJobState, *, by_person: bool = False, **values: object
) -> None:
    """Move a job that is locked; one that stays where it is only changes its values. Its part may fall sick of it, or
    get well."""
    old = PrintJobState(row["state"])
    change = update(print_jobs) if new is old else moving(print_jobs, old, new, by_person=by_person)
    connection.execute(change.where(print_jobs.c.id == row["id"]).values(state=new, **values))
    if old in CAUSES or new in CAUSES:
        judge(connection, row["fulfilment_order_id"], now(connection))


def _part(connection: Connection, row: RowMapping) -> RowMapping:
    """The job's fulfilment order, which no hold or cancel changes until the commit."""
    query = select(fulfilment_orders.c.state, fulfilment_orders.c.order_id)
    query = query.where(fulfilment_orders.c.id == row["fulfilment_order_id"]).with_for_update()
    return connection.execute(query).mappings().one()


def _tell(
    connection: Connection, row: RowMapping, event: str, data: dict[str, object], at: datetime, actor: str = ""
) -> None:
    entry = history.Entry(_part(connection, row)["order_id"], event, {"job": row["id"]} | data)
    history.record(connection, [entry], at=at, actor=actor)
