"""Print jobs as their orders see them: opened, listed, taken back for a hold, dropped or shelved for a cancel.

The effect's key is also the job's name at the printer, so that the printer can be asked for it. What does not belong
here: a worker's turn at a job, and its outcome (`backroom.store.print_attempts`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, RowMapping, and_, insert, or_, select, true

from backroom.domain.model import FulfilmentState, PrintJobState, Variant
from backroom.domain.remedies import print_remedy
from backroom.store import effects, history, print_seals, stock
from backroom.store.database import now
from backroom.store.moves import moving
from backroom.store.print_trouble import judge
from backroom.store.tables import fulfilment_orders, print_jobs

STAGE = "print"
KIND = "print"
ACTIVE = (PrintJobState.HANDED, PrintJobState.PRINTING, PrintJobState.BLOCKED)
MADE_ALREADY = (FulfilmentState.MADE, FulfilmentState.PACKED, FulfilmentState.LABELLED, FulfilmentState.DONE)
# Nothing but a person's word moves these.
FOR_A_PERSON = (PrintJobState.UNKNOWN, PrintJobState.FAILED)


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


def job_key(order_number: str, part_key: str, line_no: int, attempt: int) -> str:
    """The key of one try at one job: in the ledger, and the job's name at the printer."""
    return f"print-{order_number}-{part_key}-{line_no}-{attempt}"


def key_of(row: RowMapping, attempt: int | None = None) -> str:
    """A job's key at this attempt, or at the one it stands at."""
    return job_key(row["order_number"], row["part_key"], row["line_no"], attempt or row["attempt"])


def pieces_of(row: RowMapping) -> int:
    """How many pieces this try at a job prints: all its copies, or those that came out bad before."""
    return int(row["remake"] or row["copies"])


def is_wanted(row: RowMapping, part_state: str) -> bool:
    """Whether a job may be printed: its work is being made, or is made and a piece of it was bad after all."""
    return part_state == FulfilmentState.MAKING or (row["remake"] > 0 and part_state in MADE_ALREADY)


def wanted() -> ColumnElement[bool]:
    """The same of `print_jobs` beside its `fulfilment_orders`."""
    again = and_(print_jobs.c.remake > 0, fulfilment_orders.c.state.in_(MADE_ALREADY))
    return or_(fulfilment_orders.c.state == FulfilmentState.MAKING, again)


def request_hash_of(sku: str, copies: int, process: str, artwork: str) -> str:
    """What a print asks for, as the ledger keeps it."""
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
                request_hash_of(line.variant.sku, line.copies, line.variant.print_process, line.variant.artwork),
            )
            for line in wanted
        ],
        token,
        at,
    )


def queue(connection: Connection, location: str, most: int = 200) -> list[RowMapping]:
    """What has not ended at a location, what waits for a person first."""
    ended = (PrintJobState.DONE, PrintJobState.CANCELLED)
    query = (
        select(print_jobs)
        .where(print_jobs.c.location == location, print_jobs.c.state.not_in(ended))
        .order_by(print_jobs.c.state.not_in(FOR_A_PERSON), print_jobs.c.priority, print_jobs.c.id)
        .limit(most)
    )
    return list(connection.execute(query).mappings())


def to_do(row: RowMapping) -> str:
    """What somebody does about a job of the queue; empty while it needs nobody."""
    return print_remedy(
        PrintJobState(row["state"]),
        key=key_of(row),
        copies=pieces_of(row),
        printer=row["printer"],
        begun=row["started_at"] is not None,
    )


def drop(connection: Connection, part_ids: Sequence[int], at: datetime, why: str = "order cancelled") -> None:
    """Drop the jobs of cancelled work that nobody has begun to print; what is at a printer comes to its own end."""
    for state in (PrintJobState.WAITING, PrintJobState.FAILED, PrintJobState.HANDED, PrintJobState.BLOCKED):
        dropping = moving(print_jobs, state, PrintJobState.CANCELLED).where(
            print_jobs.c.fulfilment_order_id.in_(part_ids), _unbegun(state)
        )
        connection.execute(dropping.values(ended_at=at, reason=why))
    print_seals.destroy_of_parts(connection, part_ids, why, at)


def shelve(connection: Connection, part_ids: Sequence[int], at: datetime) -> None:
    """Take what was printed for cancelled work into the stock of its location, once."""
    # Of one that is not printed anew any more, those that were good are there all the same.
    good = and_(print_jobs.c.state == PrintJobState.CANCELLED, print_jobs.c.remake > 0)
    printed = select(print_jobs).where(
        print_jobs.c.fulfilment_order_id.in_(part_ids), or_(print_jobs.c.state == PrintJobState.DONE, good)
    )
    for row in connection.execute(printed).mappings().all():
        count = row["copies"] if row["state"] == PrintJobState.DONE else row["copies"] - row["remake"]
        pieces = [(row["location"], row["sku"], count)]
        if count and stock.receive(connection, f"printed:{row['id']}", pieces, "printed for a cancelled order", at):
            told = {"sku": row["sku"], "pieces": count, "location": row["location"]}
            tell(connection, row, "print.shelved", told, at)


def take_back(connection: Connection, part_ids: Sequence[int]) -> None:
    """Take jobs of held work, handed out and not begun, out of their workers' hands."""
    for state in (PrintJobState.HANDED, PrintJobState.BLOCKED):
        taking = moving(print_jobs, state, PrintJobState.WAITING).where(
            print_jobs.c.fulfilment_order_id.in_(part_ids), _unbegun(state)
        )
        connection.execute(taking.values(holder="", handed_at=None, reason=""))
    at = now(connection)
    print_seals.destroy_of_parts(connection, part_ids, "taken back", at)
    for part_id in part_ids:
        judge(connection, part_id, at)


def _unbegun(state: PrintJobState) -> ColumnElement[bool]:
    """Of the blocked jobs those that were never begun, because no printer there can do them now; any other job."""
    return print_jobs.c.started_at.is_(None) if state is PrintJobState.BLOCKED else true()


def attempt_of(connection: Connection, job_id: int) -> int:
    """At which try a job stands; 0 for one that is not there."""
    return int(connection.execute(select(print_jobs.c.attempt).where(print_jobs.c.id == job_id)).scalar() or 0)


def part_of(connection: Connection, row: RowMapping) -> RowMapping:
    """The job's fulfilment order, which no hold or cancel changes until the commit."""
    query = select(fulfilment_orders.c.state, fulfilment_orders.c.held_from, fulfilment_orders.c.order_id)
    query = query.where(fulfilment_orders.c.id == row["fulfilment_order_id"]).with_for_update()
    return connection.execute(query).mappings().one()


def tell(
    connection: Connection, row: RowMapping, event: str, data: dict[str, object], at: datetime, actor: str = ""
) -> None:
    """Write into the order\'s history what happened to one of its jobs."""
    entry = history.Entry(part_of(connection, row)["order_id"], event, {"job": row["id"]} | data)
    history.record(connection, [entry], at=at, actor=actor)
