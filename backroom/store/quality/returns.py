"""Returns, their pieces and their refunds, as data quality looks at them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Select, Text, case, cast, func, literal, select

from backroom.domain.lifecycle import MOVES, Kind
from backroom.domain.model import OrderState
from backroom.domain.returns import Disposition, PieceState, ReturnState
from backroom.store.quality.windows import Source, holds, when
from backroom.store.refunds import DONE, OF_CANCELLED
from backroom.store.tables import (
    effects,
    fulfilment_orders,
    order_lines,
    orders,
    refunds,
    return_lines,
    returns,
    shipments,
    stock_movements,
)

ENDS = tuple(state for state, next_ in MOVES[Kind.RETURN].items() if not next_)


def _returns(_: datetime) -> Select[Any]:
    pieces = select(func.count()).where(return_lines.c.return_id == returns.c.id).scalar_subquery()
    parcel = (
        select(fulfilment_orders.c.order_id)
        .join(shipments, shipments.c.fulfilment_order_id == fulfilment_orders.c.id)
        .where(shipments.c.id == returns.c.shipment_id)
        .scalar_subquery()
    )
    paid = select(refunds.c.id).where(refunds.c.return_id == returns.c.id, refunds.c.state != DONE)
    received = returns.c.state.in_([ReturnState.RECEIVED, ReturnState.CLOSED])
    return select(
        returns.c.id.label("key"),
        func.coalesce(orders.c.number, "").label("number"),
        orders.c.id.label("order_found"),
        returns.c.state,
        returns.c.asked_at,
        returns.c.received_at,
        returns.c.ended_at,
        when(orders.c.id.is_not(None), holds(orders.c.person_id == returns.c.person_id)).label("person_right"),
        when(returns.c.shipment_id.is_not(None), holds(parcel == returns.c.order_id)).label("parcel_right"),
        when(received, pieces).label("pieces"),
        when(received, holds(returns.c.received_at.is_not(None))).label("received_there"),
        holds(returns.c.state.in_(ENDS)).label("is_ended"),
        holds(returns.c.ended_at.is_not(None)).label("has_end"),
        when(returns.c.state == ReturnState.CLOSED, holds(~paid.exists())).label("is_paid"),
    ).select_from(returns.outerjoin(orders, orders.c.id == returns.c.order_id))


def _pieces(_: datetime) -> Select[Any]:
    piece = return_lines
    # The same piece of an order comes back once, in whichever of its returns, unless it was handed back.
    twin = return_lines.alias("twin")
    again = select(twin.c.id).where(
        twin.c.order_id == piece.c.order_id,
        twin.c.line_no == piece.c.line_no,
        twin.c.piece_no == piece.c.piece_no,
        twin.c.id != piece.c.id,
        twin.c.state == PieceState.RECEIVED,
        twin.c.disposition != Disposition.HAND_BACK,
    )
    here = piece.c.state == PieceState.RECEIVED
    restocked = piece.c.disposition == Disposition.RESTOCK
    # As `stock.receive` writes it.
    moved = literal("returned:") + cast(piece.c.id, Text) + ":" + piece.c.location + ":" + piece.c.received_sku
    return select(
        piece.c.id.label("key"),
        func.coalesce(orders.c.number, "").label("number"),
        returns.c.id.label("return_found"),
        piece.c.state,
        piece.c.sku,
        piece.c.value_minor,
        when(piece.c.disposition != "", piece.c.disposition).label("disposition"),
        holds((order_lines.c.sku == piece.c.sku) & (piece.c.piece_no <= order_lines.c.quantity)).label("was_sold"),
        when(here, holds(piece.c.received_at.is_not(None))).label("received_there"),
        when(here & (piece.c.disposition != Disposition.HAND_BACK), holds(~again.exists())).label("came_once"),
        when(restocked, holds(stock_movements.c.pieces == 1)).label("is_on_shelf"),
    ).select_from(
        piece.outerjoin(returns, returns.c.id == piece.c.return_id)
        .outerjoin(orders, orders.c.id == piece.c.order_id)
        .outerjoin(
            order_lines, (order_lines.c.order_id == piece.c.order_id) & (order_lines.c.line_no == piece.c.line_no)
        )
        .outerjoin(stock_movements, stock_movements.c.key == moved)
    )


def _refunds(_: datetime) -> Select[Any]:
    done = refunds.c.state == DONE
    of_cancelled = OF_CANCELLED & (orders.c.state == OrderState.CANCELLED)
    return select(
        refunds.c.id.label("key"),
        func.coalesce(orders.c.number, "").label("number"),
        case((of_cancelled, orders.c.id), else_=returns.c.id).label("return_found"),
        refunds.c.state,
        refunds.c.currency,
        refunds.c.goods_minor,
        refunds.c.paid_minor,
        orders.c.total_minor,
        when(orders.c.id.is_not(None), holds(orders.c.currency == refunds.c.currency)).label("currency_right"),
        when(done, holds(refunds.c.paid_minor.is_not(None) & refunds.c.settled_at.is_not(None))).label("payment_there"),
        when(done, holds(effects.c.state == "done")).label("in_ledger"),
    ).select_from(
        refunds.outerjoin(returns, returns.c.id == refunds.c.return_id)
        .outerjoin(orders, orders.c.id == refunds.c.order_id)
        .outerjoin(effects, effects.c.key == refunds.c.key)
    )


RETURNS = Source(_returns, returns.c.id, returns.c.order_id.in_)
PIECES = Source(_pieces, return_lines.c.id, return_lines.c.order_id.in_)
REFUNDS = Source(_refunds, refunds.c.id, refunds.c.order_id.in_)
