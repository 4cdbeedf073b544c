"""What a person does with one order at the desk: hold, release, retry. Each is one transaction.

The CLI, the gateway's pages, the form in Prefect's UI and a channel's cancellation all come through here, so that the
rules are the same at every door. What a call owes in wake-ups it returns; they are sent after the commit. Cancelling
(`cancelling`) and correcting (`amending`) stand beside it.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import Connection, RowMapping, or_, select, update

from backroom.domain.errors import Refuse, Retry
from backroom.domain.lifecycle import Kind, ends, may_cancel
from backroom.domain.model import FulfilmentState, OrderState
from backroom.domain.quarantine import IN_QUARANTINE
from backroom.domain.routing import NO_TAKER
from backroom.domain.tracking import HOLDS
from backroom.store import (
    cancelled_refunds,
    ceding,
    history,
    news,
    partner_orders,
    print_jobs,
    sickness,
    stock,
    waiting_messages,
)
from backroom.store.claims import Wakeup, is_free, wakeup
from backroom.store.database import now
from backroom.store.fulfilment import BEFORE_LABEL, finish_orders, is_picked
from backroom.store.fulfilment import STAGE as FULFILMENT
from backroom.store.intake import STAGE as INTAKE
from backroom.store.moves import moving
from backroom.store.parcels import STAGE as PARCELS
from backroom.store.parcels import see_to
from backroom.store.print_jobs import STAGE as PRINT
from backroom.store.quality import aside
from backroom.store.returns import STAGE as RETURNS
from backroom.store.tables import fulfilment_orders, orders, parcels, returns

ENDED = ends(Kind.ORDER)
# Why a person held or cancelled an order, as Prefect and every list may show it; what else they say is a sealed note.
ASKED_BY_STAFF = "asked_by_staff"
CANCELLED_BY_STAFF = "cancelled_by_staff"
# What the history calls the end of a Hold, by what ended it: a person, the news that its parcel goes on, that its
# customer was silent for so long that nobody will ask any more, or that nothing keeps it in quarantine.
BY_PERSON, BY_CARRIER = "order.released_by_person", "order.released_by_carrier"
BY_RETENTION = "order.released_by_retention"
FROM_QUARANTINE = "order.released_from_quarantine"
RELEASED = (BY_PERSON, BY_CARRIER, BY_RETENTION, FROM_QUARANTINE)


class NoSuchOrder(Refuse):
    """No order has this number."""

    cause = "no_such_order"


class NotPossibleNow(Refuse):
    """The order has gone too far for this."""

    cause = "not_possible_now"


class BeingWorkedOn(Retry):
    """A run holds this order for its label at this moment; it is a matter of seconds."""

    cause = "being_worked_on"


def find(connection: Connection, number: str) -> RowMapping:
    """The order's row by its number; NoSuchOrder when there is none."""
    row = connection.execute(select(orders).where(orders.c.number == number)).mappings().one_or_none()
    if row is None:
        raise NoSuchOrder(f"there is no order {number}")
    return row


def locked(connection: Connection, number: str) -> RowMapping:
    """The order's row, which nobody else changes until the commit; NoSuchOrder when there is none."""
    row = connection.execute(select(orders).where(orders.c.number == number).with_for_update()).mappings().one_or_none()
    if row is None:
        raise NoSuchOrder(f"there is no order {number}")
    return row


def hold(connection: Connection, number: str, reason: str, actor: str, note: bytes | None = None) -> list[Wakeup]:
    """Hold an order for a person. What is labelled already goes on; what is not, waits.

    `reason` is a code, which everybody sees, Prefect included; `note` what a person wrote, sealed (`notes.seal_note`).
    Parts keep the token of a wave that has them: until that wave is over nobody else may take them, because it may be
    buying a label at this moment.
    """
    history.check_code(reason)
    order, at = locked(connection, number), now(connection)
    if order["state"] in ENDED:
        raise NotPossibleNow(f"{number} is {order['state']} already")
    if order["state"] == OrderState.HELD:
        if note is not None:
            history.record(connection, [history.Entry(order["id"], "order.noted", note=note)], at=at, actor=actor)
        return []
    connection.execute(
        moving(orders, OrderState(order["state"]), OrderState.HELD)
        .where(orders.c.id == order["id"])
        .values(held_from=order["state"], hold_reason=reason, claim_token=None)
    )
    _hold_parts(connection, order["id"], reason)
    history.record(connection, [history.Entry(order["id"], "order.held", {"reason": reason}, note)], at=at, actor=actor)
    return []


def hold_for_news(connection: Connection, number: str, reason: str) -> None:
    """Hold an order because of what its source, a parcel's carrier or a till says now, wherever it stands: one that is
    held for something else is asked about anew, and one whose parcels all left goes on from there when a person lets
    it. That one keeps its end: it has left, whatever is asked about it now."""
    history.check_code(reason)
    order, at = locked(connection, number), now(connection)
    if order["state"] == OrderState.HELD:
        if order["hold_reason"] == reason:
            return
        connection.execute(update(orders).where(orders.c.id == order["id"]).values(hold_reason=reason))
    elif order["state"] == OrderState.FULFILLED:
        connection.execute(
            moving(orders, OrderState.FULFILLED, OrderState.HELD, by_source=True)
            .where(orders.c.id == order["id"])
            .values(held_from=OrderState.RELEASED, hold_reason=reason)
        )
    else:
        hold(connection, number, reason, "")
        return
    history.record(connection, [history.Entry(order["id"], "order.held", {"reason": reason})], at=at)


def release(connection: Connection, number: str, actor: str, hub: str, *, event: str = BY_PERSON) -> list[Wakeup]:
    """Let a held order go on from where it was held; one held at intake is routed (again). One that waits for the
    goods it was exchanged for waits no longer, and one that nobody took is asked of its
    partners anew. `event` is what its history calls it, where no person did it.

    One that was held for something else and is in quarantine as well stays on hold, for that. Whoever lets one go on
    that waits for that alone says that it is right as it is. One that lost a piece to somebody else goes on only with
    another one: NotPossibleNow while there is none; held for something else it stays on hold, for that.
    """
    order, at = locked(connection, number), now(connection)
    if order["state"] not in (OrderState.HELD, OrderState.BACKORDERED, OrderState.AWAITING_RETURN_ITEMS):
        raise NotPossibleNow(f"{number} is not held: it is {order['state']}")
    if order["state"] == OrderState.HELD:
        if lacking := ceding.take_again(connection, order["id"], at):
            if order["hold_reason"] == ceding.PIECE_CARRIED_OUT:
                raise _short(number, lacking)
            _hold_for(connection, order["id"], ceding.PIECE_CARRIED_OUT, actor, at)
            return []
        if order["hold_reason"] == IN_QUARANTINE:
            aside.let_be(connection, number, actor, at)
        elif aside.keeps(connection, order):
            _hold_for(connection, order["id"], IN_QUARANTINE, actor, at)
            return []
    back = OrderState(order["held_from"] or OrderState.ACCEPTED)
    connection.execute(
        moving(orders, OrderState(order["state"]), back)
        .where(orders.c.id == order["id"])
        .values(held_from="", hold_reason="", ended_at=None, next_attempt_at=None, attempts=0)
    )
    places: list[str] = []
    held = connection.execute(
        select(fulfilment_orders).where(
            fulfilment_orders.c.order_id == order["id"], fulfilment_orders.c.state == FulfilmentState.HELD
        )
    ).mappings()
    for part in held.all():
        connection.execute(
            moving(fulfilment_orders, FulfilmentState.HELD, FulfilmentState(part["held_from"]))
            .where(fulfilment_orders.c.id == part["id"])
            .values(held_from="", hold_reason="", attempts=0)
        )
        places.append(part["location"])
    sickness.make_healthy(connection, order["id"])
    if order["hold_reason"] in HOLDS.values():
        see_to(connection, order["id"], actor, at, list(HOLDS))
    # Whoever lets it go on takes it as its partner makes it.
    partner_orders.leave(connection, order["id"])
    entries = [history.Entry(order["id"], event, {})]
    if order["hold_reason"] == NO_TAKER:
        entries.append(history.Entry(order["id"], partner_orders.ASKED_ANEW, {}))
    # What was labelled before the hold went on: the last part may have ended meanwhile.
    entries += [history.Entry(id_, "order.fulfilled") for id_ in finish_orders(connection, [order["id"]], at)]
    history.record(connection, entries, at=at, actor=actor)
    stages = [(FULFILMENT, place) for place in places] + [(PRINT, place) for place in places]
    return [wakeup(connection, stage, place) for stage, place in [(INTAKE, hub), *stages]]


def is_labelled(connection: Connection, order_id: int) -> bool:
    """Whether a parcel of the order has its label, so that it is cancelled and changed no more."""
    query = select(fulfilment_orders.c.state).where(fulfilment_orders.c.order_id == order_id)
    return not may_cancel([FulfilmentState(state) for state in connection.execute(query.distinct()).scalars()])


def refuse_while_labelling(connection: Connection, order_id: int, number: str, at: datetime) -> None:
    """BeingWorkedOn while a run has the order for its label."""
    packed = or_(
        fulfilment_orders.c.state == FulfilmentState.PACKED, fulfilment_orders.c.held_from == FulfilmentState.PACKED
    )
    busy = connection.execute(
        select(fulfilment_orders.c.id).where(
            fulfilment_orders.c.order_id == order_id, packed, ~is_free(fulfilment_orders, at)
        )
    ).first()
    if busy is not None:
        raise BeingWorkedOn(f"{number} is being labelled just now", remedy="Try again in a moment.")


def start_over(connection: Connection, order_id: int) -> bool:
    """Undo routing and reserving of an order nobody has begun to make, so that news can be applied; False if begun.

    Work that is held since before it began counts as not begun, and so does what waits for prints alone of which no
    worker has taken any: they are dropped.
    """
    at = now(connection)
    query = select(fulfilment_orders, is_free(fulfilment_orders, at).label("free")).where(
        fulfilment_orders.c.order_id == order_id, fulfilment_orders.c.state != FulfilmentState.CANCELLED
    )
    parts = connection.execute(query.with_for_update()).mappings().all()
    if any(_is_begun(connection, part) for part in parts) or partner_orders.may_be_there(connection, order_id):
        return False
    ids = [part["id"] for part in parts]
    for state in (FulfilmentState.OPEN, FulfilmentState.MAKING, FulfilmentState.HELD):
        undoing = moving(fulfilment_orders, state, FulfilmentState.CANCELLED).where(fulfilment_orders.c.id.in_(ids))
        connection.execute(undoing.values(claim_token=None, held_from="", hold_reason=""))
    print_jobs.drop(connection, ids, at, "order changed")
    stock.release(connection, [order_id])
    return True


def _is_begun(connection: Connection, part: RowMapping) -> bool:
    """Whether somebody has begun to make this part, or a wave has it in its hands."""
    stands = part["held_from"] if part["state"] == FulfilmentState.HELD else part["state"]
    if not part["free"]:
        return True
    if stands == FulfilmentState.MAKING:
        # Where pieces are scanned as well, somebody may have them in their hands.
        waits = part["outstanding"] != print_jobs.untouched(connection, part["id"])
        return bool(waits or is_picked(connection, part["id"]))
    return bool(stands != FulfilmentState.OPEN)


def retry(connection: Connection, number: str, actor: str, hub: str) -> list[Wakeup]:
    """Take the mark off a sick order, its returns and its news: the next wave carries them on from where they stand."""
    order, at = locked(connection, number), now(connection)
    sickness.make_healthy(connection, order["id"])
    history.record(connection, [history.Entry(order["id"], "order.retried", {})], at=at, actor=actor)
    locations = connection.execute(
        select(fulfilment_orders.c.location).where(fulfilment_orders.c.order_id == order["id"]).distinct()
    ).scalars()
    comes_back = connection.execute(select(returns.c.id).where(returns.c.order_id == order["id"]).limit(1)).first()
    stages = [(INTAKE, hub), *((FULFILMENT, location) for location in locations)]
    stages += [(RETURNS, hub)] if comes_back else []
    stages += [(cancelled_refunds.STAGE, hub)] if cancelled_refunds.try_again(connection, order["id"]) else []
    if channel := news.channel_of(connection, order["id"]):
        stages.append((news.STAGE, channel))
    again = waiting_messages.try_again(connection, waiting_messages.of_order(order["id"]), at)
    stages += [(waiting_messages.STAGE, hub)] if again else []
    sent = connection.execute(select(parcels.c.id).where(parcels.c.order_id == order["id"]).limit(1)).first()
    stages += [(PARCELS, hub)] if sent else []
    return [wakeup(connection, stage, location) for stage, location in stages]


def _short(number: str, lacking: Collection[ceding.Lacking]) -> NotPossibleNow:
    named = ", ".join(f"{one.pieces} of {one.sku} at {one.location}" for one in lacking)
    return NotPossibleNow(
        f"{number} lacks {named}",
        remedy="Put one there and count it, then let it go on; or send it from elsewhere; or cancel it.",
    )


def _hold_for(connection: Connection, order_id: int, reason: str, actor: str, at: datetime) -> None:
    """Keep a held order on hold, for something else than before."""
    connection.execute(update(orders).where(orders.c.id == order_id).values(hold_reason=reason))
    parts = (fulfilment_orders.c.order_id == order_id) & (fulfilment_orders.c.state == FulfilmentState.HELD)
    connection.execute(update(fulfilment_orders).where(parts).values(hold_reason=reason))
    history.record(connection, [history.Entry(order_id, "order.held", {"reason": reason})], at=at, actor=actor)


def _hold_parts(connection: Connection, order_id: int, reason: str) -> None:
    held: list[int] = []
    for state in BEFORE_LABEL:
        holding = (
            moving(fulfilment_orders, state, FulfilmentState.HELD)
            .where(fulfilment_orders.c.order_id == order_id)
            .values(held_from=state, hold_reason=reason)
        )
        held += connection.execute(holding.returning(fulfilment_orders.c.id)).scalars()
    print_jobs.take_back(connection, held)
