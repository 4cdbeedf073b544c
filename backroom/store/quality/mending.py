"""Repairs that are certain: each brings a figure back to the rows that it is the sum of, or ends what has ended.

Each is one conditional change in the caller's transaction and says whether it changed anything; none guesses. What
belongs here: those changes. What does not: which finding is repaired by which (`backroom.quality.repairing`).
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, func, select, update

from backroom.domain.model import FulfilmentState, OrderState, ReservationState
from backroom.store import history, order_facts, stock
from backroom.store.fulfilment import finish_orders
from backroom.store.tables import fulfilment_orders, orders, reservations, stock_levels, stock_movements
from backroom.store.tables import history as entries

# The entry of an order's history that ended it.
ENDS = {OrderState.FULFILLED: "order.fulfilled", OrderState.CANCELLED: "order.cancelled"}


def recount_reserved(connection: Connection, location: str, sku: str) -> bool:
    """What is reserved at a place becomes the sum of its open reservations, unless there are fewer pieces than that."""
    here = (stock_levels.c.location == location) & (stock_levels.c.sku == sku)
    held = (
        select(func.coalesce(func.sum(reservations.c.quantity), 0))
        .where(
            reservations.c.location == location,
            reservations.c.sku == sku,
            reservations.c.state == ReservationState.HELD,
        )
        .scalar_subquery()
    )
    wrong = here & (stock_levels.c.reserved != held) & (stock_levels.c.on_hand >= held)
    return connection.execute(update(stock_levels).where(wrong).values(reserved=held)).rowcount == 1


def recount_on_hand(connection: Connection, location: str, sku: str) -> bool:
    """What is on hand at a place becomes the sum of its movements, unless more than that is promised already."""
    here = (stock_levels.c.location == location) & (stock_levels.c.sku == sku)
    moved = (
        select(func.coalesce(func.sum(stock_movements.c.pieces), 0))
        .where(stock_movements.c.location == location, stock_movements.c.sku == sku)
        .scalar_subquery()
    )
    wrong = here & (stock_levels.c.on_hand != moved) & (stock_levels.c.reserved <= moved)
    return connection.execute(update(stock_levels).where(wrong).values(on_hand=moved)).rowcount == 1


def finish_order(connection: Connection, order_id: int, at: datetime, actor: str) -> bool:
    """A released order all of whose parcels are on the way becomes fulfilled, as the last one's announcement makes it.

    One without any parcel is left alone: nobody sent anything.
    """
    sent = select(fulfilment_orders.c.id).where(
        fulfilment_orders.c.order_id == order_id, fulfilment_orders.c.state == FulfilmentState.DONE
    )
    if connection.execute(sent.limit(1)).first() is None:
        return False
    finished = finish_orders(connection, [order_id], at)
    history.record(connection, [history.Entry(id_, "order.fulfilled") for id_ in finished], at=at, actor=actor)
    return bool(finished)


def end_by_history(connection: Connection, order_id: int) -> bool:
    """An order that has ended without a time gets that of the entry that ended it; one that has not ended loses it."""
    state = connection.execute(select(orders.c.state).where(orders.c.id == order_id)).scalar_one_or_none()
    at: datetime | None = None
    if state in ENDS:
        ended = select(func.max(entries.c.at, type_=entries.c.at.type)).where(
            entries.c.order_id == order_id, entries.c.event == ENDS[OrderState(state)]
        )
        at = connection.execute(ended).scalar_one()
        if at is None:
            return False
    changed = update(orders).where(orders.c.id == order_id, orders.c.state == state).values(ended_at=at)
    return connection.execute(changed).rowcount == 1


def free_pieces(connection: Connection, order_id: int) -> bool:
    """A cancelled order gives back the pieces that it still keeps. One that was fulfilled may have sent them."""
    query = select(orders.c.state).where(orders.c.id == order_id).with_for_update()
    if connection.execute(query).scalar_one_or_none() != OrderState.CANCELLED:
        return False
    held = select(reservations.c.location, reservations.c.sku).where(
        reservations.c.order_id == order_id, reservations.c.state == ReservationState.HELD
    )
    # What is given back is taken off the sum, which therefore has to be right before.
    for location, sku in connection.execute(held.distinct()).all():
        recount_reserved(connection, location, sku)
    stock.release(connection, [order_id])
    return True


def day_is_due(connection: Connection, day: str) -> bool:
    """The key figures of a day are computed again when the flow kpi next looks."""
    order_facts.mark_due(connection, {day: []})
    return True
