"""Pieces that were sold and pieces that came back: by month and way, and by SKU.

What belongs here: the sums, from facts of orders and the pieces of returns. What does not: rates and their intervals
(`backroom.insight.returned`).
"""

from __future__ import annotations

from collections import defaultdict

from sqlalchemy import ColumnElement, Connection, func, select

from backroom.domain.kpi import Way
from backroom.domain.model import FulfilmentState
from backroom.domain.partner_orders import PartnerOrderState
from backroom.domain.returns import PieceState, Word
from backroom.store.quality.aside import COUNTED
from backroom.store.tables import fulfilment_lines, fulfilment_orders, order_facts, partner_orders, return_lines


def came_back() -> ColumnElement[bool]:
    """Whether a return's piece is here, and did not stay its customer's."""
    return (return_lines.c.state == PieceState.RECEIVED) & (return_lines.c.word != Word.DECLINED)


def by_month(connection: Connection) -> list[tuple[str, str, int, int]]:
    """(month as 2026-11, way, pieces shipped in it, how many of them came back)."""
    month = func.substr(order_facts.c.shipped_day, 1, 7)
    query = select(month, order_facts.c.way, func.sum(order_facts.c.pieces), func.sum(order_facts.c.returned))
    query = query.where(order_facts.c.shipped_day != "", COUNTED).group_by(month, order_facts.c.way)
    # Facts count what passed through hands here; what a partner sent was sold as well, and may come back.
    sent = (
        select(month, order_facts.c.way, func.sum(fulfilment_lines.c.from_stock + fulfilment_lines.c.to_print))
        .select_from(partner_orders)
        .join(fulfilment_orders, fulfilment_orders.c.id == partner_orders.c.fulfilment_order_id)
        .join(fulfilment_lines, fulfilment_lines.c.fulfilment_order_id == fulfilment_orders.c.id)
        .join(order_facts, order_facts.c.order_id == fulfilment_orders.c.order_id)
        .where(partner_orders.c.state == PartnerOrderState.SHIPPED, order_facts.c.shipped_day != "", COUNTED)
        .where(fulfilment_orders.c.state != FulfilmentState.CANCELLED)
        .group_by(month, order_facts.c.way)
    )
    more = {(row[0], row[1]): row[2] for row in connection.execute(sent)}
    return [(row[0], row[1], row[2] + more.get((row[0], row[1]), 0), row[3]) for row in connection.execute(query)]


def by_sku(connection: Connection, first: str, last: str) -> list[tuple[str, bool, int, int]]:
    """(SKU, whether by orders of events, pieces shipped from `first` to `last`, how many of them came back)."""
    shipped = order_facts.c.shipped_day.between(first, last) & COUNTED
    of_event = (order_facts.c.way == Way.EVENT).label("of_event")
    sold = (
        select(fulfilment_lines.c.sku, of_event, func.sum(fulfilment_lines.c.from_stock + fulfilment_lines.c.to_print))
        .join(fulfilment_orders, fulfilment_orders.c.id == fulfilment_lines.c.fulfilment_order_id)
        .join(order_facts, order_facts.c.order_id == fulfilment_orders.c.order_id)
        .where(shipped, fulfilment_orders.c.state != FulfilmentState.CANCELLED)
        .group_by(fulfilment_lines.c.sku, of_event)
    )
    back = (
        select(return_lines.c.sku, of_event, func.count())
        .join(order_facts, order_facts.c.order_id == return_lines.c.order_id)
        .where(shipped, came_back())
        .group_by(return_lines.c.sku, of_event)
    )
    returned: dict[tuple[str, bool], int] = defaultdict(int)
    for sku, event, count in connection.execute(back):
        returned[sku, bool(event)] += count
    return [(sku, bool(event), count, returned[sku, bool(event)]) for sku, event, count in connection.execute(sold)]
