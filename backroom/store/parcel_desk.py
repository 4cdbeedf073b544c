"""What people do with parcels after their label: hand them to the courier, bring them, hand them over, take a label
back, and say that what was wrong is seen to.

Every function runs in one transaction of its caller. What a call owes in wake-ups it returns.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import Connection, RowMapping, or_, select, update

from backroom.domain.collection import MOVES, CollectState, ParcelRules, due
from backroom.domain.errors import Refuse
from backroom.domain.labels import numbers_of_code
from backroom.domain.model import OrderState
from backroom.domain.news import AFTER_LABEL
from backroom.domain.tracking import HOLDS, ParcelState, TrackingEvent
from backroom.store import desk, history
from backroom.store.claims import Wakeup, wakeup
from backroom.store.database import now
from backroom.store.parcel_news import note_events
from backroom.store.parcels import COLLECTED, SENT, STAGE, NoSuchParcel, of_order, see_to
from backroom.store.tables import fulfilment_orders, orders, parcels

CODE_DIGITS = 6
# What a courier of ours may say went wrong, as everybody sees it.
FAILED_BECAUSE = ("nobody_home", "address_wrong", "refused", "damaged", "no_time")
SCANS = (
    ParcelState.HANDED_OVER,
    ParcelState.OUT_FOR_DELIVERY,
    ParcelState.DELIVERED,
    ParcelState.FAILED,
    ParcelState.RETURNED,
)


class NotPossibleNow(Refuse):
    """The parcel has gone too far for this, or not far enough."""

    cause = "not_possible_now"


class WrongCode(Refuse):
    """The code is not the one that its customer was sent."""

    cause = "wrong_code"


def new_code() -> str:
    """A code to fetch something with; nobody guesses it while somebody looks on."""
    return f"{secrets.randbelow(10**CODE_DIGITS):0{CODE_DIGITS}d}"


def scan(
    connection: Connection,
    code: str,
    state: ParcelState,
    actor: str,
    hub: str,
    *,
    carriers: Sequence[str],
    why: str = "",
    location: str = "",
) -> tuple[RowMapping, tuple[Wakeup, ...]]:
    """Our own courier says of a parcel what its label's code names. `carriers` are the shop's own ones, by id.

    Returns the parcel as it stood. NoSuchParcel for any other code, NotPossibleNow for a parcel of somebody else.
    """
    if state not in SCANS:
        raise NotPossibleNow(f"nobody scans that a parcel is {state}")
    if state is ParcelState.FAILED and why not in FAILED_BECAUSE:
        raise NotPossibleNow("a delivery failed for a reason", remedy=f"Choose one of: {', '.join(FAILED_BECAUSE)}.")
    query = select(parcels).where(parcels.c.tracking.in_(numbers_of_code(code.upper())), parcels.c.kind == SENT)
    row = connection.execute(query.order_by(parcels.c.id.desc()).limit(1).with_for_update()).mappings().one_or_none()
    if row is None:
        raise NoSuchParcel("no parcel has this number", remedy="Scan the label of the parcel.")
    if row["carrier"] not in carriers:
        raise NotPossibleNow(f"{row['tracking']} is not carried by us", remedy="Its carrier tells where it is.")
    if row["voided_at"] is not None:
        raise NotPossibleNow(f"the label of {row['tracking']} was taken back", remedy="Do not send it.")
    at = now(connection)
    event = TrackingEvent(state, at, why)
    noted = note_events(
        connection,
        row["carrier"],
        row["reference"],
        [event],
        source="scan",
        hub=hub,
        actor=actor,
    )
    if not noted.wakeups and row["state"] != state:
        raise NotPossibleNow(f"{row['tracking']} is {row['state']}: it cannot be {state} now")
    return row, noted.wakeups


def lies_ready(connection: Connection, order_id: int) -> bool:
    """Whether something of an order lies at a counter for its customer."""
    rows = of_order(connection, order_id)
    return any(row["kind"] == COLLECTED and row["state"] == CollectState.READY for row in rows)


def collect(connection: Connection, number: str, location: str, code: str, actor: str) -> None:
    """Hand over what lies ready for an order, to whoever shows its code. WrongCode; NotPossibleNow, as for one that was
    cancelled, paid back or changed while it lay there, until a person has decided."""
    order, at = desk.locked(connection, number), now(connection)
    rows = [row for row in of_order(connection, order["id"]) if row["kind"] == COLLECTED]
    here = [row for row in rows if row["location"] == location]
    if not here:
        elsewhere = sorted({row["location"] for row in rows})
        raise NotPossibleNow(
            f"nothing of {number} lies ready at {location}",
            remedy=f"It lies at {', '.join(elsewhere)}." if elsewhere else "Look at its page.",
        )
    ready = [row for row in here if CollectState.COLLECTED in MOVES[CollectState(row["state"])]]
    if not ready:
        raise NotPossibleNow(f"{number} was fetched already")
    # One code opens all of it: its customer has one message for each.
    if not any(secrets.compare_digest(row["code"].encode(), code.encode()) for row in ready):
        history.record(connection, [history.Entry(order["id"], "collection.refused", {"location": location})], at=at)
        raise WrongCode(f"this is not the code of {number}", remedy="Look at the message that its customer got.")
    if order["state"] == OrderState.HELD and order["hold_reason"] in AFTER_LABEL:
        raise NotPossibleNow(
            f"{number} is on hold: {order['hold_reason'].replace('_', ' ')}",
            remedy="Do not hand it over before somebody has looked at its page and let it go on.",
        )
    _end(connection, [row["id"] for row in ready], CollectState.COLLECTED, at)
    entry = history.Entry(order["id"], "parcel.collected", {"location": location})
    history.record(connection, [entry], at=at, actor=actor)


def put_back(connection: Connection, number: str, actor: str) -> None:
    """Say that what nobody fetched was put aside; its pieces come back into the stock as a return."""
    order, at = desk.locked(connection, number), now(connection)
    rows = [
        row
        for row in of_order(connection, order["id"])
        if row["kind"] == COLLECTED and row["state"] == CollectState.READY
    ]
    if not rows:
        raise NotPossibleNow(f"nothing of {number} lies ready")
    _end(connection, [row["id"] for row in rows], CollectState.PUT_BACK, at)
    history.record(connection, [history.Entry(order["id"], "parcel.put_back", {})], at=at, actor=actor)


def look_at_collections(connection: Connection, rules: ParcelRules, hub: str) -> list[Wakeup]:
    """Remind of what lies ready, and show what nobody fetched; returns the wake-up this owes."""
    at = now(connection)
    shortest = min((days for days in (rules.remind_days, rules.keep_days) if days), default=0)
    if not shortest:
        return []
    query = select(parcels).where(
        parcels.c.kind == COLLECTED,
        parcels.c.state == CollectState.READY,
        parcels.c.state_at <= at - timedelta(days=shortest),
    )
    owed = False
    for row in connection.execute(query.with_for_update()).mappings().all():
        step = due(row["state_at"], at, rules, reminded=row["reminded_at"] is not None)
        mine = update(parcels).where(parcels.c.id == row["id"])
        if step == "remind":
            connection.execute(mine.values(reminded_at=at, revision=row["revision"] + 1))
            owed = True
        elif step == "uncollected" and row["attention"] != "uncollected":
            connection.execute(mine.values(attention="uncollected", attention_at=at))
            entry = history.Entry(row["order_id"], "parcel.uncollected", {"location": row["location"]})
            history.record(connection, [entry], at=at)
    return [wakeup(connection, STAGE, hub)] if owed else []


def void(connection: Connection, number: str, actor: str, hub: str) -> list[Wakeup]:
    """Take back the labels of an order's parcels that were not used; their money is asked back by the next run. Of one
    that was rejected it is asked anew: some carriers reject what is asked too soon.

    NotPossibleNow for a parcel that its carrier has, and where nothing was labelled.
    """
    order, at = desk.locked(connection, number), now(connection)
    rows = [row for row in of_order(connection, order["id"]) if row["kind"] == SENT]
    if not rows:
        raise NotPossibleNow(f"{number} has no label that could be taken back")
    to_void = [row for row in rows if row["voided_at"] is None or "rejected" in (row["refund"], row["return_refund"])]
    gone = [row for row in to_void if row["state"] not in (ParcelState.ANNOUNCED, ParcelState.CANCELLED)]
    if gone:
        raise NotPossibleNow(
            f"the parcel {gone[0]['tracking']} of {number} is on its way: it is {gone[0]['state']}",
            remedy="Let it come back as a return.",
        )
    for row in to_void:
        values = {"voided_at": at, "attention": "", "attention_at": None, "revision": row["revision"] + 1}
        values |= {name: "" for name in ("refund", "return_refund") if row[name] == "rejected"}
        connection.execute(update(parcels).where(parcels.c.id == row["id"]).values(**values))
        entry = history.Entry(order["id"], "label.voided", {"tracking": row["tracking"]})
        history.record(connection, [entry], at=at, actor=actor)
    return [wakeup(connection, STAGE, hub)] if to_void else []


def seen_to(connection: Connection, number: str, actor: str, hub: str) -> int:
    """Say that what was wrong with an order's parcels is seen to; returns of how many. A Hold for it is over."""
    order, at = desk.locked(connection, number), now(connection)
    seen = see_to(connection, order["id"], actor, at)
    if order["state"] == OrderState.HELD and order["hold_reason"] in HOLDS.values():
        # All of it has left: nothing waits to be woken.
        desk.release(connection, number, actor, hub)
    return seen


def run_sheet(connection: Connection, location: str, carriers: Sequence[str]) -> Sequence[RowMapping]:
    """The parcels at a place that our own courier has to bring, or has tried to; with number, contact and person."""
    open_ = [ParcelState.ANNOUNCED, ParcelState.HANDED_OVER, ParcelState.OUT_FOR_DELIVERY, ParcelState.FAILED]
    query = (
        select(parcels, orders.c.number, orders.c.contact, orders.c.person_id, fulfilment_orders.c.labelled_at)
        .join(orders, orders.c.id == parcels.c.order_id)
        .join(fulfilment_orders, fulfilment_orders.c.id == parcels.c.fulfilment_order_id)
        .where(
            parcels.c.location == location,
            parcels.c.kind == SENT,
            parcels.c.carrier.in_(carriers),
            parcels.c.state.in_(open_),
            parcels.c.voided_at.is_(None),
        )
        .order_by(parcels.c.at, parcels.c.id)
        .limit(500)
    )
    return connection.execute(query).mappings().all()


def ready_at(connection: Connection, location: str) -> Sequence[RowMapping]:
    """What lies ready at a place, the longest first, and what nobody fetched; without the codes."""
    columns = [column for column in parcels.c if column.name != "code"]
    query = (
        select(*columns, orders.c.number)
        .join(orders, orders.c.id == parcels.c.order_id)
        .where(
            parcels.c.location == location,
            parcels.c.kind == COLLECTED,
            or_(parcels.c.state == CollectState.READY, parcels.c.attention != ""),
        )
        .order_by(parcels.c.state_at, parcels.c.id)
        .limit(500)
    )
    return connection.execute(query).mappings().all()


def _end(connection: Connection, ids: Sequence[int], state: CollectState, at: datetime) -> None:
    values = {"state": state, "state_at": at, "attention": "", "attention_at": None}
    connection.execute(update(parcels).where(parcels.c.id.in_(ids)).values(**values))
