"""What left a booth with the customers of an event, counted by what its stock says.

What belongs here: that count, and since when it is the event's. What does not: what was ordered there, wherever it came
from (`restock_past.asked_at`), and the settlement (`leases`).
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, RowMapping, func, select

from backroom.store.stock import gone
from backroom.store.tables import stock_leases

# What leaves a booth with customers, and what of it comes back because its order was cancelled.
SOLD_BY = ("packed", "cancelled")


def sold_at(connection: Connection, row: RowMapping) -> dict[str, int]:
    """Pieces that left an event's booth with customers, by SKU: since the first lease (or the opening, where that came
    first), until it was settled."""
    return gone(connection, row["location"], SOLD_BY, begun_at(connection, row), row["settled_at"])


def begun_at(connection: Connection, row: RowMapping) -> datetime:
    """Since when what leaves a booth is its event's: the first lease, or the opening, where that came first."""
    first = connection.execute(
        select(func.min(stock_leases.c.at)).where(stock_leases.c.event_id == row["id"])
    ).scalar_one()
    begun: datetime = min((at for at in (first, row["opened_at"]) if at is not None), default=row["starts_at"])
    return begun
