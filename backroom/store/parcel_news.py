"""What is told of a parcel, written down once, and the state that all of it makes.

What belongs here: news of carriers, by webhook, poll or scan, and what follows inside the house. What does not: the
rule that makes a state of it (`backroom.domain.tracking`), and telling customers (tasks).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, RowMapping, or_, select, update

from backroom.domain.tracking import ParcelState, TrackingEvent, asks_for, standing
from backroom.store import history, parcel_holds
from backroom.store.batches import insert_new
from backroom.store.claims import Wakeup, wakeup
from backroom.store.database import now
from backroom.store.parcels import SENT, STAGE, under_way
from backroom.store.tables import parcels, tracking_events

# A carrier's clock may be ahead of ours; what is further ahead is a slip, and would stand above all that comes later.
AHEAD = timedelta(days=2)


@dataclass(frozen=True, slots=True)
class Noted:
    """How much of what was told is new, whether the parcel is one of ours, and the wake-ups this owes."""

    new: int
    known: bool
    wakeups: tuple[Wakeup, ...] = ()


def note_events(
    connection: Connection,
    carrier: str,
    reference: str,
    events: Sequence[TrackingEvent],
    *,
    source: str,
    hub: str,
    tracking: str = "",
    actor: str = "",
) -> Noted:
    """Write down what was told of a parcel, and move it where that puts it. The same again changes nothing.

    The parcel is known by the carrier's word for it, or by its number. What is told of one that is not known (yet)
    is kept for it.
    """
    at = now(connection)
    parcel = _parcel(connection, carrier, reference, tracking)
    reference = _name_of(parcel, reference, tracking) if parcel is not None else reference or tracking
    rows = [
        {
            "carrier": carrier,
            "reference": reference,
            "state": event.state,
            "detail": event.detail,
            "at": event.at,
            "source": source,
            "received_at": at,
        }
        for event in events
        if event.at <= at + AHEAD
    ]
    new = insert_new(connection, tracking_events, rows)
    if parcel is None:
        return Noted(new, known=False)
    if not new:
        return Noted(0, known=True)
    return Noted(new, known=True, wakeups=_follow(connection, parcel, at, hub, source, actor))


def catch_up(connection: Connection, part_ids: Sequence[int], hub: str) -> list[Wakeup]:
    """Move parcels that were just opened where news that came before them puts them."""
    at = now(connection)
    query = select(parcels).where(parcels.c.fulfilment_order_id.in_(part_ids), parcels.c.kind == SENT)
    told = select(tracking_events.c.id).where(
        tracking_events.c.carrier == parcels.c.carrier, tracking_events.c.reference == parcels.c.reference
    )
    rows = connection.execute(query.where(told.exists()).with_for_update(of=parcels)).mappings().all()
    return [wake for row in rows for wake in _follow(connection, row, at, hub, "webhook", "")]


def mark_quiet(connection: Connection, carriers: Sequence[str], before: datetime) -> int:
    """Show parcels of these carriers of which nothing was heard since then; returns how many."""
    heard = or_(parcels.c.heard_at < before, parcels.c.heard_at.is_(None) & (parcels.c.at < before))
    quiet = parcels.c.carrier.in_(carriers) & under_way() & heard & (parcels.c.attention == "")
    ids = connection.execute(select(parcels.c.id, parcels.c.order_id, parcels.c.tracking).where(quiet)).all()
    at = now(connection)
    for row in ids:
        show = update(parcels).where(parcels.c.id == row.id).values(attention="quiet", attention_at=at)
        connection.execute(show)
    entries = [history.Entry(row.order_id, "parcel.quiet", {"tracking": row.tracking}) for row in ids]
    history.record(connection, entries, at=at)
    return len(ids)


def note_refund(connection: Connection, parcel_id: int, column: str, outcome: str, at: datetime) -> None:
    """Write down how the refund of a label stands: `column` is `refund` or `return_refund`."""
    row = connection.execute(select(parcels).where(parcels.c.id == parcel_id).with_for_update()).mappings().one()
    if row[column] == outcome:
        return
    values: dict[str, object] = {column: outcome}
    if outcome == "rejected":
        values |= {"attention": "refund_rejected", "attention_at": at}
    connection.execute(update(parcels).where(parcels.c.id == parcel_id).values(**values))
    told = {"tracking": row["tracking"], "way": "back" if column == "return_refund" else "out", "outcome": outcome}
    history.record(connection, [history.Entry(row["order_id"], "label.refund", told)], at=at)


def refund_told(connection: Connection, carrier: str, reference: str, outcome: str, at: datetime) -> bool:
    """Write down what a carrier tells of a refund by itself; False for a label that is none of ours, or known so."""
    parcel = _parcel(connection, carrier, reference, "")
    if parcel is None:
        return False
    column = "return_refund" if reference == parcel["return_reference"] else "refund"
    note_refund(connection, parcel["id"], column, outcome, at)
    return bool(parcel[column] != outcome)


def _follow(
    connection: Connection, parcel: RowMapping, at: datetime, hub: str, source: str, actor: str
) -> tuple[Wakeup, ...]:
    """Make the state anew of everything that was told, and say what changed."""
    rows = connection.execute(
        select(tracking_events).where(
            tracking_events.c.carrier == parcel["carrier"], tracking_events.c.reference == parcel["reference"]
        )
    ).mappings()
    told = [TrackingEvent(ParcelState(row["state"]), row["at"], row["detail"]) for row in rows]
    stands = standing(told)
    values: dict[str, object] = {"heard_at": at}
    attention = asks_for(stands.state, refunded=parcel["voided_at"] is not None)
    if stands.state == parcel["state"]:
        # Whoever was quiet has been heard of.
        if parcel["attention"] == "quiet" and told:
            values |= {"attention": "", "attention_at": None}
        connection.execute(update(parcels).where(parcels.c.id == parcel["id"]).values(**values))
        return ()
    values |= {
        "state": stands.state,
        "state_at": stands.since or at,
        "attention": attention,
        "attention_at": at if attention else None,
        "revision": parcel["revision"] + 1,
    }
    connection.execute(update(parcels).where(parcels.c.id == parcel["id"]).values(**values))
    said = {
        "tracking": parcel["tracking"],
        "at": (stands.since or at).isoformat(timespec="seconds"),
        "by": source,
    }
    entry = history.Entry(parcel["order_id"], f"parcel.{stands.state}", said)
    history.record(connection, [entry], at=at, actor=actor)
    return (wakeup(connection, STAGE, hub), *parcel_holds.follow(connection, parcel["order_id"], hub))


def _parcel(connection: Connection, carrier: str, reference: str, tracking: str) -> RowMapping | None:
    """The parcel, or the one that this is the way back of; nobody else changes it until the commit."""
    names = [column == reference for column in (parcels.c.reference, parcels.c.return_reference) if reference]
    if tracking:
        names.append(parcels.c.tracking == tracking)
    if not names:
        return None
    query = select(parcels).where(parcels.c.carrier == carrier, or_(*names)).order_by(parcels.c.id.desc()).limit(1)
    return connection.execute(query.with_for_update()).mappings().one_or_none()


def _name_of(parcel: RowMapping, reference: str, tracking: str) -> str:
    """The word under which news are kept: that of the way back stays its own."""
    if reference and reference == parcel["return_reference"]:
        return reference
    return str(parcel["reference"])
