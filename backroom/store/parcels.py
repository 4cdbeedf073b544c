"""Parcels as rows: opening them with their label, finding them, and the claims of the runs that tell of them.

What belongs here: reading, and the lease. What does not: what carriers tell (`backroom.store.parcel_news`) and what
people do (`backroom.store.parcel_desk`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, RowMapping, Select, or_, select, update

from backroom.domain.errors import Refuse
from backroom.domain.tracking import ENDED
from backroom.store import history
from backroom.store.batches import chunks, insert_new
from backroom.store.claim_rows import Work, claim_of_order, claim_wave, settle_revisions
from backroom.store.claims import Claim
from backroom.store.tables import fulfilment_orders, orders, parcels

STAGE = "parcels"
UNSETTLED = parcels.c.revision > parcels.c.settled_revision
SENT, COLLECTED = "ship", "collect"
ASKED_FOR = timedelta(days=60)


class NoSuchParcel(Refuse):
    """No parcel carries this number, and no order has one."""

    cause = "no_such_parcel"


@dataclass(frozen=True, slots=True)
class NewParcel:
    """A parcel that got its label, or is ready to be fetched: `kind` is ship or collect, `state` where it begins."""

    part_id: int
    order_id: int
    location: str
    kind: str
    state: str
    carrier: str = ""
    tracking: str = ""
    reference: str = ""
    return_reference: str = ""
    code: str = ""


def open_parcels(connection: Connection, new: Sequence[NewParcel], at: datetime) -> None:
    """Write parcels, each fulfilment order's once. One without a word of its carrier's is known by its number."""
    insert_new(
        connection,
        parcels,
        [
            {
                "fulfilment_order_id": one.part_id,
                "order_id": one.order_id,
                "location": one.location,
                "kind": one.kind,
                "state": one.state,
                "state_at": at,
                "carrier": one.carrier,
                "tracking": one.tracking,
                "reference": one.reference or one.tracking,
                "return_reference": one.return_reference,
                "code": one.code,
                "at": at,
            }
            for one in new
        ],
    )


def of_parts(connection: Connection, part_ids: Iterable[int]) -> dict[int, RowMapping]:
    """Parcels by their fulfilment orders' ids."""
    found: dict[int, RowMapping] = {}
    for batch in chunks(part_ids):
        query = select(parcels).where(parcels.c.fulfilment_order_id.in_(batch))
        found |= {row["fulfilment_order_id"]: row for row in connection.execute(query).mappings()}
    return found


def of_order(connection: Connection, order_id: int) -> Sequence[RowMapping]:
    """An order's parcels, which nobody else changes until the commit, oldest first."""
    query = select(parcels).where(parcels.c.order_id == order_id).order_by(parcels.c.id)
    return connection.execute(query.with_for_update()).mappings().all()


def see_to(connection: Connection, order_id: int, actor: str, at: datetime, asked: Sequence[str] | None = None) -> int:
    """Note that what an order's parcels ask for is seen to: all of it, or what is in `asked`; returns of how many."""
    rows = [row for row in of_order(connection, order_id) if row["attention"]]
    rows = [row for row in rows if asked is None or row["attention"] in asked]
    for row in rows:
        connection.execute(update(parcels).where(parcels.c.id == row["id"]).values(attention="", attention_at=None))
    entries = [history.Entry(order_id, "parcel.seen_to", {"reason": row["attention"]}) for row in rows]
    history.record(connection, entries, at=at, actor=actor)
    return len(rows)


def listed(
    connection: Connection, *, attention: bool = False, location: str = "", kind: str = "", most: int = 200
) -> Sequence[RowMapping]:
    """Parcels that have not ended, or those that somebody should look at, the longest first; with their orders'
    numbers."""
    query = _with_order().order_by(parcels.c.state_at, parcels.c.id).limit(most)
    query = query.where(parcels.c.attention != "" if attention else under_way())
    if location:
        query = query.where(parcels.c.location == location)
    if kind:
        query = query.where(parcels.c.kind == kind)
    return connection.execute(query).mappings().all()


def under_way() -> ColumnElement[bool]:
    """Parcels of which something is still to be heard."""
    return parcels.c.state.not_in([*ENDED, "collected"]) & parcels.c.voided_at.is_(None)


def to_ask_for(connection: Connection, carriers: Sequence[str], before: datetime, most: int) -> Sequence[RowMapping]:
    """Parcels of these carriers of which nothing was heard since then, and nobody asked; the longest first. Some never
    arrive anywhere: after `ASKED_FOR` nobody asks any more."""
    quiet = or_(parcels.c.heard_at.is_(None), parcels.c.heard_at < before)
    unasked = or_(parcels.c.checked_at.is_(None), parcels.c.checked_at < before)
    query = (
        select(parcels)
        .where(parcels.c.carrier.in_(carriers), under_way(), quiet, unasked)
        .where(parcels.c.at < before, parcels.c.at > before - ASKED_FOR)
        .order_by(parcels.c.checked_at, parcels.c.id)
        .limit(most)
    )
    return connection.execute(query).mappings().all()


def refunds_to_follow(connection: Connection, before: datetime, most: int) -> Sequence[RowMapping]:
    """Parcels whose label was given back and not paid yet, that nobody asked for since then."""
    open_ = or_(parcels.c.refund == "submitted", parcels.c.return_refund == "submitted")
    unasked = or_(parcels.c.checked_at.is_(None), parcels.c.checked_at < before)
    query = select(parcels).where(open_, unasked).order_by(parcels.c.checked_at, parcels.c.id).limit(most)
    return connection.execute(query).mappings().all()


def note_checked(connection: Connection, ids: Iterable[int], at: datetime) -> None:
    for batch in chunks(ids):
        connection.execute(update(parcels).where(parcels.c.id.in_(batch)).values(checked_at=at))


def claim_waiting(connection: Connection, *, hub: str, instance: str, run_id: str, most: int) -> Claim | None:
    """Claim parcels of which somebody is to be told, or whose label is to be given back; None when nothing waits."""
    taken = claim_wave(connection, _work(hub), instance=instance, run_id=run_id, most=most)
    return taken[0] if taken else None


def claim_order(connection: Connection, order_id: int, *, hub: str, instance: str, run_id: str) -> Claim | None:
    """Claim the parcels of one order, sick or not; None when nothing is to be done or another run holds them."""
    taken = claim_of_order(connection, _work(hub), order_id, instance=instance, run_id=run_id)
    return taken[0] if taken else None


def claimed(connection: Connection, token: str) -> list[RowMapping]:
    """The wave's parcels, each with its order's number, person, contact and language, and its part's key."""
    query = (
        _with_order()
        .add_columns(orders.c.contact, orders.c.person_id, orders.c.language, fulfilment_orders.c.key)
        .join(fulfilment_orders, fulfilment_orders.c.id == parcels.c.fulfilment_order_id)
        .where(parcels.c.claim_token == token, UNSETTLED)
    )
    return list(connection.execute(query.order_by(parcels.c.priority, parcels.c.id)).mappings())


def settle(connection: Connection, token: str, revisions: Mapping[int, int]) -> list[int]:
    """Say that these parcels were seen to as far as their revision, and give them up; returns those that were."""
    return settle_revisions(connection, parcels, token, revisions)


def _work(hub: str) -> Work:
    return Work(parcels, UNSETTLED, STAGE, hub)


def _with_order() -> Select[tuple[Any, ...]]:
    """Parcels with their orders' numbers and channels."""
    return select(parcels, orders.c.number, orders.c.channel).join(orders, orders.c.id == parcels.c.order_id)
