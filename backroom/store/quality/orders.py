"""Orders, their lines and their reservations, as data quality looks at them."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Select, Text, cast, func, literal, select

from backroom.domain.lifecycle import Kind, ends
from backroom.domain.model import FulfilmentState, OrderState, ReservationState
from backroom.store.desk import RELEASED
from backroom.store.quality.aside import order_stands
from backroom.store.quality.windows import Source, holds, when
from backroom.store.raw_orders import MARK
from backroom.store.tables import (
    counters,
    fulfilment_lines,
    fulfilment_orders,
    history,
    order_facts,
    order_lines,
    orders,
    people,
    reservations,
    stock_movements,
    variants,
)

ENDED = ends(Kind.ORDER)
# From here on every piece of an order is known to the catalogue: before, it may be what a Hold waits for.
PLANNED = (OrderState.ROUTED, OrderState.RESERVED, OrderState.RELEASED, OrderState.FULFILLED)
MADE_HERE = (OrderState.RELEASED, OrderState.FULFILLED)
OF_HOLDS = ("order.put_in_quarantine", "order.left_quarantine", "order.held", "order.left_on_hold", *RELEASED)
# Key figures are computed every hour, from what is older than two minutes.
COUNTED_AFTER = timedelta(hours=3)


def _orders(at: datetime) -> Select[Any]:
    mine = fulfilment_orders.c.order_id == orders.c.id
    live = select(func.count()).where(mine, fulfilment_orders.c.state != FulfilmentState.CANCELLED).scalar_subquery()
    unfinished = (
        select(func.count()).where(mine, fulfilment_orders.c.state.not_in(ends(Kind.FULFILMENT))).scalar_subquery()
    )
    lines = select(func.count()).where(order_lines.c.order_id == orders.c.id).scalar_subquery()
    held = reservations.c.state == ReservationState.HELD
    # What the quarantine writes itself, and the end of its Hold, is no history of an order that lost its own.
    entries = select(history.c.id).where(history.c.order_id == orders.c.id, history.c.event.not_in(OF_HOLDS)).exists()
    holding = (
        select(func.coalesce(func.sum(reservations.c.quantity), 0))
        .where(reservations.c.order_id == orders.c.id, held)
        .scalar_subquery()
    )
    counted = select(order_facts.c.order_id).where(
        order_facts.c.order_id == orders.c.id, order_facts.c.shipped_day != ""
    )
    newest = select(func.max(history.c.id)).where(history.c.order_id == orders.c.id).scalar_subquery()
    mark = select(counters.c.value).where(counters.c.name == MARK).scalar_subquery()
    is_held = orders.c.state == OrderState.HELD
    # All of it had left when somebody was asked about it: it keeps its end (`desk.hold_for_news`).
    left_before = is_held & orders.c.ended_at.is_not(None) & (live > 0) & (unfinished == 0)
    # Whether the figures have read what was last written about it.
    read = (orders.c.state == OrderState.FULFILLED) & (newest <= mark)
    return select(
        orders.c.id.label("key"),
        orders.c.number,
        orders.c.state,
        orders.c.delivery,
        orders.c.payment,
        orders.c.currency,
        orders.c.country,
        orders.c.total_minor,
        orders.c.placed_at,
        orders.c.accepted_at,
        orders.c.ended_at,
        people.c.id.label("person"),
        when(orders.c.state != OrderState.CANCELLED, lines).label("lines"),
        holds(entries).label("has_history"),
        when(is_held, func.length(orders.c.hold_reason)).label("hold_reason_length"),
        holds(orders.c.state.in_(ENDED) | left_before).label("is_ended"),
        holds(orders.c.ended_at.is_not(None)).label("has_end"),
        when(order_stands.in_(MADE_HERE), live).label("parts"),
        when((order_stands == OrderState.RELEASED) & (live > 0), unfinished).label("parts_to_do"),
        when(orders.c.state.in_(ENDED), unfinished).label("parts_left"),
        when(orders.c.state.in_(ENDED), holding).label("pieces_held"),
        when(read & (orders.c.ended_at < at - COUNTED_AFTER), holds(counted.exists())).label("is_counted"),
    ).select_from(orders.outerjoin(people, people.c.id == orders.c.person_id))


def _lines(_: datetime) -> Select[Any]:
    assigned = (
        select(func.coalesce(func.sum(fulfilment_lines.c.from_stock + fulfilment_lines.c.to_print), 0))
        .select_from(
            fulfilment_orders.join(fulfilment_lines, fulfilment_lines.c.fulfilment_order_id == fulfilment_orders.c.id)
        )
        .where(
            fulfilment_orders.c.order_id == order_lines.c.order_id,
            fulfilment_orders.c.state != FulfilmentState.CANCELLED,
            fulfilment_lines.c.line_no == order_lines.c.line_no,
        )
        .scalar_subquery()
    )
    return select(
        order_lines.c.id.label("key"),
        func.coalesce(orders.c.number, "").label("number"),
        orders.c.id.label("order_found"),
        order_lines.c.line_no,
        order_lines.c.sku,
        order_lines.c.quantity,
        order_lines.c.unit_price_minor,
        order_lines.c.discount_minor,
        (order_lines.c.quantity * order_lines.c.unit_price_minor).label("gross_minor"),
        when(order_stands.in_(PLANNED), holds(variants.c.sku.is_not(None))).label("sku_known"),
        when(order_stands.in_(MADE_HERE), assigned).label("assigned"),
    ).select_from(
        order_lines.outerjoin(orders, orders.c.id == order_lines.c.order_id).outerjoin(
            variants, variants.c.sku == order_lines.c.sku
        )
    )


def _reservations(_: datetime) -> Select[Any]:
    part = fulfilment_orders
    live = reservations.c.state.in_([ReservationState.HELD, ReservationState.CONSUMED])
    ordered = select(order_lines.c.id).where(
        order_lines.c.order_id == reservations.c.order_id, order_lines.c.sku == reservations.c.sku
    )
    of_part = (part.c.order_id == reservations.c.order_id) & (part.c.location == reservations.c.location)
    packed = literal("packed:") + cast(reservations.c.id, Text)
    waits = (reservations.c.state == ReservationState.HELD) & reservations.c.fulfilment_order_id.is_(None)
    consumed = reservations.c.state == ReservationState.CONSUMED
    return select(
        reservations.c.id.label("key"),
        func.coalesce(orders.c.number, "").label("number"),
        reservations.c.location,
        reservations.c.sku,
        reservations.c.quantity,
        reservations.c.state,
        when(reservations.c.fulfilment_order_id.is_not(None), holds(of_part)).label("part_right"),
        when(live & (orders.c.state != OrderState.CANCELLED), holds(ordered.exists())).label("is_ordered"),
        when(waits, holds(reservations.c.expires_at.is_not(None))).label("expires"),
        when(consumed, reservations.c.quantity).label("packed_pieces"),
        when(consumed, func.coalesce(-stock_movements.c.pieces, 0)).label("moved_pieces"),
    ).select_from(
        reservations.outerjoin(orders, orders.c.id == reservations.c.order_id)
        .outerjoin(part, part.c.id == reservations.c.fulfilment_order_id)
        .outerjoin(stock_movements, stock_movements.c.key == packed)
    )


ORDERS = Source(_orders, orders.c.id, orders.c.id.in_)
LINES = Source(_lines, order_lines.c.id, order_lines.c.order_id.in_)
RESERVATIONS = Source(_reservations, reservations.c.id, reservations.c.order_id.in_)
