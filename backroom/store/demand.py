"""Reading what was wanted and what was picked: for checks that ask how predictable and how busy a shop is.

What belongs here: the queries. What does not: what follows from them (`backroom.insight`). No names, no addresses.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, select

from backroom.domain.model import FulfilmentState, OrderState
from backroom.store.tables import fulfilment_lines, fulfilment_orders, inbox, order_lines, orders, scans


def wanted(connection: Connection, since: datetime) -> list[tuple[datetime, str, int]]:
    """(when it was ordered, SKU, pieces) of every line since then, but for cancelled orders."""
    query = (
        select(orders.c.placed_at, order_lines.c.sku, order_lines.c.quantity)
        .join(order_lines, order_lines.c.order_id == orders.c.id)
        .where(orders.c.placed_at >= since, orders.c.state != OrderState.CANCELLED)
    )
    return [(row[0], row[1], row[2]) for row in connection.execute(query)]


def picked(connection: Connection, since: datetime) -> list[tuple[datetime, str, str, int]]:
    """(when it was made, location, SKU, pieces from the shelf) of every line since then that was picked at all."""
    part = fulfilment_orders.c
    query = (
        select(part.made_at, part.location, fulfilment_lines.c.sku, fulfilment_lines.c.from_stock)
        .join(fulfilment_lines, fulfilment_lines.c.fulfilment_order_id == part.id)
        .where(part.made_at >= since, part.state != FulfilmentState.CANCELLED, fulfilment_lines.c.from_stock > 0)
    )
    return [(row[0], row[1], row[2], row[3]) for row in connection.execute(query)]


def scanned(connection: Connection, since: datetime) -> list[tuple[str, str, datetime]]:
    """(location, who, when) of every accepted scan since then; each person's in order."""
    query = (
        select(fulfilment_orders.c.location, scans.c.actor, scans.c.at)
        .join(fulfilment_orders, fulfilment_orders.c.id == scans.c.fulfilment_order_id)
        .where(scans.c.at >= since, scans.c.accepted)
        .order_by(fulfilment_orders.c.location, scans.c.actor, scans.c.at)
    )
    return [(row[0], row[1], row[2]) for row in connection.execute(query)]


def arrived(connection: Connection, since: datetime) -> list[datetime]:
    """When every message came in at the front door since then, in order."""
    query = select(inbox.c.received_at).where(inbox.c.received_at >= since).order_by(inbox.c.received_at)
    return list(connection.execute(query).scalars())
