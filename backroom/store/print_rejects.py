"""A piece came out of a printer and is bad: it is counted, printed anew, and too many of them close the combination.

What belongs here: a person's word on a piece, and what follows in the same commit. What does not: counting
(`reject_figures`), what closing does to orders that wait (`sample_closing`).

A piece may turn out to be bad while its order is still being made, or after it was packed and labelled: then the parcel
waits on the table, and the print comes after it. Once its parcel is gone it is a return. What was printed to stock
for a market may turn out to be bad until its transfer has left.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, cast

from sqlalchemy import Connection, RowMapping, insert, or_, select, update

from backroom.domain.errors import Refuse
from backroom.domain.model import FulfilmentState, PrintJobState
from backroom.domain.reject_rates import Fault
from backroom.domain.samples import combination_of
from backroom.domain.shop import Shop
from backroom.domain.tracking import ParcelState
from backroom.domain.transfers import TransferState
from backroom.store import effects, print_seals, stock_prints
from backroom.store.catalogue import variants_by_sku
from backroom.store.claims import Wakeup, wakeup
from backroom.store.database import now
from backroom.store.material_batches import in_use
from backroom.store.parcels import COLLECTED
from backroom.store.print_attempts import count_printed, decide, wait_anew
from backroom.store.print_jobs import (
    KIND,
    MADE_ALREADY,
    STAGE,
    beside_owners,
    is_to_stock,
    key_of,
    owner_of,
    part_of,
    pieces_of,
    request_hash_of,
    tell,
)
from backroom.store.reject_figures import printer_of
from backroom.store.sample_closing import close_if_too_many
from backroom.store.sample_standing import blanks
from backroom.store.tables import fulfilment_orders, parcels, print_jobs, print_rejects, transfers

# What lies beside the printers. Of what came out before somebody has had it in hand.
LATELY = timedelta(hours=12)
STILL_HERE = timedelta(days=3)


class NotToReject(Refuse):
    """This piece cannot be called bad any more; the remedy says what to do instead."""

    cause = "not_to_reject"


@dataclass(slots=True)
class Rejected:
    """What followed: the samples that were closed, with why, and the orders that left for another place or are held."""

    closed: list[int] = field(default_factory=list)
    why: str = ""
    rerouted: list[str] = field(default_factory=list)
    held: list[str] = field(default_factory=list)
    wakeups: list[Wakeup] = field(default_factory=list)


def came_out_bad(
    connection: Connection, shop: Shop, job_id: int, attempt: int, fault: str, actor: str, pieces: int = 0
) -> Rejected:
    """Somebody looked at what a job's try printed, and `pieces` of it (all, if 0) are bad: they are printed anew.

    `fault` is one of `Fault`. Saying it twice of one try is refused, so that a second tap does nothing.
    """
    at = now(connection)
    if fault not in set(Fault):
        raise NotToReject(f"{fault!r} is no fault of a print", remedy=f"Say one of {', '.join(Fault)}.")
    row = connection.execute(select(print_jobs).where(print_jobs.c.id == job_id).with_for_update()).mappings().first()
    _check(row, job_id, attempt, at)
    assert row is not None
    out = pieces_of(row)
    bad = pieces or out
    if not 0 < bad <= out:
        raise NotToReject(f"print job {job_id} printed {out} pieces, not {bad}", remedy="Say how many of them are bad.")
    owner = owner_of(connection, row)
    if owner.over:
        raise NotToReject(
            f"the {owner.kind} of print job {job_id} is {owner.state}",
            remedy="Throw it away, and count the shelf where it lay.",
        )
    if _has_left(connection, row):
        raise NotToReject(f"the parcel of print job {job_id} has left", remedy="Take it back as a return.")
    _note(connection, shop, row, fault, bad, at, actor)
    tell(connection, row, "print.rejected", {"fault": fault, "pieces": bad, "printer": row["printer"]}, at, actor)
    print_seals.destroy(connection, [job_id], "rejected", at)
    found = Rejected()
    if row["state"] == PrintJobState.UNKNOWN:
        # It came out after all, all of it: what is not bad of it is there.
        found.wakeups += decide(connection, job_id, "printed", actor)
        row = connection.execute(select(print_jobs).where(print_jobs.c.id == job_id)).mappings().one()
    found.wakeups += _redo(connection, row, bad, fault, at, owner.order_id)
    closing = close_if_too_many(connection, shop, row, at, actor)
    found.closed, found.why = closing.closed, closing.why
    found.rerouted, found.held = closing.rerouted, closing.held
    found.wakeups += closing.wakeups
    return found


def lately(connection: Connection, location: str, at: datetime, most: int = 30) -> list[RowMapping]:
    """What came out at a place in the last hours, newest first: whoever looks at it may find it bad."""
    query = (
        select(print_jobs)
        .select_from(beside_owners())
        .where(
            print_jobs.c.location == location,
            print_jobs.c.state == PrintJobState.DONE,
            print_jobs.c.ended_at > at - LATELY,
            or_(fulfilment_orders.c.state != FulfilmentState.CANCELLED, transfers.c.state == TransferState.APPROVED),
        )
        .order_by(print_jobs.c.ended_at.desc(), print_jobs.c.id.desc())
        .limit(most)
    )
    return list(connection.execute(query).mappings())


def _check(row: RowMapping | None, job_id: int, attempt: int, at: datetime) -> None:
    if row is None:
        raise NotToReject(f"there is no print job {job_id}", remedy="Look it up on the print page.")
    if row["attempt"] != attempt:
        raise NotToReject(f"try {attempt} of print job {job_id} is over", remedy="Reload the page.")
    if row["state"] not in (PrintJobState.DONE, PrintJobState.UNKNOWN):
        raise NotToReject(f"print job {job_id} is {row['state']}", remedy="Wait until it has come out.")
    if row["ended_at"] is None or row["ended_at"] < at - STILL_HERE:
        raise NotToReject(f"print job {job_id} came out days ago", remedy="Take it back as a return.")


def _has_left(connection: Connection, row: RowMapping) -> bool:
    """Whether the parcel with it is with its carrier or its customer, or was."""
    here = (parcels.c.state.in_((ParcelState.ANNOUNCED, ParcelState.CANCELLED))) | (
        (parcels.c.kind == COLLECTED) & (parcels.c.state == ParcelState.AT_PICKUP_POINT)
    )
    gone = select(parcels.c.id).where(parcels.c.fulfilment_order_id == row["fulfilment_order_id"], ~here)
    return connection.execute(gone).first() is not None


def _redo(
    connection: Connection, row: RowMapping, bad: int, fault: str, at: datetime, order_id: int | None
) -> list[Wakeup]:
    """Print so many pieces of a job anew. Work that is still being made waits for them; what is made does not. A
    transfer has them no more until they came out."""
    if is_to_stock(row):
        stock_prints.was_bad(connection, row, bad, at)
    else:
        _wait_for(connection, row, bad)
    attempt = row["attempt"] + 1
    wait_anew(connection, row, attempt=attempt, reason=f"came out bad: {fault}", by_person=True, remake=bad)
    anew = cast(RowMapping, dict(row) | {"remake": bad})
    asked = request_hash_of(row["sku"], pieces_of(anew), row["process"], row["artwork"])
    effects.plan(connection, [effects.Plan(key_of(row, attempt), KIND, order_id, asked)], "", at)
    return [wakeup(connection, STAGE, row["location"])]


def _wait_for(connection: Connection, row: RowMapping, bad: int) -> None:
    part = part_of(connection, row)
    if (part["held_from"] or part["state"]) not in MADE_ALREADY:
        count_printed(connection, row, -bad)
        waits = update(fulfilment_orders).where(fulfilment_orders.c.id == row["fulfilment_order_id"])
        connection.execute(waits.values(outstanding=fulfilment_orders.c.outstanding + 1))


def _note(connection: Connection, shop: Shop, row: RowMapping, fault: str, bad: int, at: datetime, actor: str) -> None:
    variant = variants_by_sku(connection, [row["sku"]])[row["sku"]]
    printer = printer_of(shop, row["location"], row["printer"])
    combination = combination_of(variant, printer, blanks(connection))
    batches = in_use(connection).at(row["location"], row["printer"], combination)
    values: dict[str, Any] = {name: getattr(combination, name) for name in combination.__slots__}
    connection.execute(
        insert(print_rejects).values(
            **values,
            print_job_id=row["id"],
            attempt=row["attempt"],
            location=row["location"],
            printer=row["printer"],
            fabric_batch=batches.fabric,
            ink_batch=batches.ink,
            printed=pieces_of(row),
            pieces=bad,
            fault=fault,
            actor=actor,
            at=at,
        )
    )
