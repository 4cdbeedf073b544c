"""Print jobs as whoever they are for sees them: opened, listed, taken back for a hold, dropped or shelved for a cancel.

A job is for the work on an order, or to stock, for a transfer to a market (`backroom.store.stock_prints`). The effect's
key is also the job's name at the printer, so that the printer can be asked for it. What does not belong here: a
worker's turn at a job, and its outcome (`backroom.store.print_attempts`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, Join, RowMapping, and_, insert, or_, select, true, update

from backroom.domain.events import BEFORE_THE_END
from backroom.domain.model import FulfilmentState, PrintJobState, Variant
from backroom.domain.remedies import print_remedy
from backroom.domain.transfers import TransferState
from backroom.store import effects, events, history, print_seals, stock
from backroom.store.claims import Wakeup, wakeup
from backroom.store.database import now
from backroom.store.moves import moving
from backroom.store.print_trouble import judge
from backroom.store.tables import events as events_table
from backroom.store.tables import fulfilment_orders, print_jobs, transfers

STAGE = "print"
KIND = "print"
ACTIVE = (PrintJobState.HANDED, PrintJobState.PRINTING, PrintJobState.BLOCKED)
MADE_ALREADY = (FulfilmentState.MADE, FulfilmentState.PACKED, FulfilmentState.LABELLED, FulfilmentState.DONE)
# Nothing but a person's word moves these.
FOR_A_PERSON = (PrintJobState.UNKNOWN, PrintJobState.FAILED)


@dataclass(frozen=True, slots=True)
class ToPrint:
    """A line that is short: `copies` pieces of a variant for one fulfilment order. `artwork_sha256` is of the bytes of
    its artwork that were looked at."""

    part_id: int
    part_key: str
    order_id: int
    order_number: str
    line_no: int
    location: str
    copies: int
    priority: int
    variant: Variant
    artwork_sha256: str = ""


@dataclass(frozen=True, slots=True)
class Owner:
    """Whom a job is for: an `order` (its id is `order_id`) or a `transfer`, in which `state`. `wanted`: it may be
    printed; `over`: what is printed of it now goes to the stock."""

    kind: str
    state: str
    order_id: int | None
    wanted: bool
    over: bool


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


def beside_owners() -> Join:
    """`print_jobs` beside the work on an order or the transfer that each is for; the other one is NULL."""
    part = print_jobs.c.fulfilment_order_id == fulfilment_orders.c.id
    joined = print_jobs.outerjoin(fulfilment_orders, part).outerjoin(
        transfers, print_jobs.c.transfer_id == transfers.c.id
    )
    return joined.outerjoin(events_table, transfers.c.event_id == events_table.c.id)


def wanted() -> ColumnElement[bool]:
    """The same of `beside_owners`; what is printed to stock, while its transfer is packed and its event is to come."""
    again = and_(print_jobs.c.remake > 0, fulfilment_orders.c.state.in_(MADE_ALREADY))
    to_stock = and_(transfers.c.state == TransferState.APPROVED, events_table.c.state.in_(BEFORE_THE_END))
    return or_(fulfilment_orders.c.state == FulfilmentState.MAKING, again, to_stock)


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
            "artwork_sha256": line.artwork_sha256,
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
    drop_unbegun(connection, print_jobs.c.fulfilment_order_id.in_(part_ids), at, why)
    print_seals.destroy_of_parts(connection, part_ids, why, at)


def drop_unbegun(connection: Connection, which: ColumnElement[bool], at: datetime, why: str) -> list[int]:
    """Of these jobs, drop those that nobody has begun to print; returns their ids."""
    dropped: list[int] = []
    for state in (PrintJobState.WAITING, PrintJobState.FAILED, PrintJobState.HANDED, PrintJobState.BLOCKED):
        dropping = moving(print_jobs, state, PrintJobState.CANCELLED).where(which, _unbegun(state))
        gone = dropping.values(ended_at=at, reason=why).returning(print_jobs.c.id)
        dropped += connection.execute(gone).scalars()
    return dropped


def note_artwork(connection: Connection, job_id: int, sha256: str) -> None:
    """These bytes of its artwork were looked at for a job of which none were before."""
    unseen = update(print_jobs).where(print_jobs.c.id == job_id, print_jobs.c.artwork_sha256 == "")
    connection.execute(unseen.values(artwork_sha256=sha256))


def accept_artwork(connection: Connection, artwork: str) -> tuple[int, list[Wakeup]]:
    """An artwork's file was replaced on purpose: what is to be printed of it, and lies at no bench yet, is printed as
    it is now, once that was looked at. Returns how many jobs these are, and the wake-ups this owes."""
    unbegun = (PrintJobState.WAITING, PrintJobState.HANDED, PrintJobState.BLOCKED)
    anew = update(print_jobs).where(
        print_jobs.c.artwork == artwork,
        print_jobs.c.artwork_sha256 != "",
        print_jobs.c.state.in_(unbegun),
        print_jobs.c.started_at.is_(None),
        # What is fetched already comes out as it was sealed; whatever is asked for anew, and refused, is blocked.
        or_(print_jobs.c.state != PrintJobState.HANDED, print_jobs.c.id.not_in(print_seals.living())),
    )
    places = list(connection.execute(anew.values(artwork_sha256="").returning(print_jobs.c.location)).scalars())
    return len(places), [wakeup(connection, STAGE, place) for place in sorted(set(places))]


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


def untouched(connection: Connection, part_id: int) -> int | None:
    """How many jobs a part has, where all of them still wait for their first try and no worker has taken any; None
    where one has, and where it has none. Nobody takes one until the commit."""
    query = select(print_jobs.c.state, print_jobs.c.attempt).where(print_jobs.c.fulfilment_order_id == part_id)
    jobs = connection.execute(query.with_for_update()).all()
    return len(jobs) or None if all(job.state == PrintJobState.WAITING and job.attempt == 1 for job in jobs) else None


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


def is_to_stock(row: RowMapping) -> bool:
    """Whether a job is for a transfer to a market, and not for anybody's order."""
    return row["transfer_id"] is not None


def owner_of(connection: Connection, row: RowMapping) -> Owner:
    """Whom a job is for, as it stands; no hold or cancel changes it until the commit."""
    if not is_to_stock(row):
        part = part_of(connection, row)
        over, want = part["state"] == FulfilmentState.CANCELLED, is_wanted(row, part["state"])
        return Owner("order", part["state"], part["order_id"], wanted=want, over=over)
    query = select(transfers.c.state, events_table.c.state.label("event"))
    query = query.join(events_table, events_table.c.id == transfers.c.event_id)
    one = connection.execute(query.where(transfers.c.id == row["transfer_id"]).with_for_update(of=transfers)).one()
    over = one.state != TransferState.APPROVED or one.event not in BEFORE_THE_END
    said = "for an event that is over" if one.state == TransferState.APPROVED and over else str(one.state)
    return Owner("transfer", said, None, wanted=not over, over=over)


def part_of(connection: Connection, row: RowMapping) -> RowMapping:
    """The fulfilment order of a job that has one, which no hold or cancel changes until the commit."""
    query = select(fulfilment_orders.c.state, fulfilment_orders.c.held_from, fulfilment_orders.c.order_id)
    query = query.where(fulfilment_orders.c.id == row["fulfilment_order_id"]).with_for_update()
    return connection.execute(query).mappings().one()


def tell(
    connection: Connection, row: RowMapping, event: str, data: dict[str, object], at: datetime, actor: str = ""
) -> None:
    """Write into the history of the order, or of the transfer's event, what happened to one of its jobs."""
    told = {"job": row["id"]} | data
    if is_to_stock(row):
        event_id = select(transfers.c.event_id).where(transfers.c.id == row["transfer_id"])
        told |= {"transfer": row["order_number"]}
        events.record(connection, connection.execute(event_id).scalar_one(), event, told, at=at, actor=actor)
        return
    entry = history.Entry(part_of(connection, row)["order_id"], event, told)
    history.record(connection, [entry], at=at, actor=actor)
