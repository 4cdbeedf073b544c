"""Pieces that a transfer takes from the hub's shelf or puts back, each with its movement, so that stock counts again.

What belongs here: that one change. What does not: when it is due (`transfers`, `stock_prints`).
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, insert, update

from backroom.store.batches import insert_new
from backroom.store.tables import stock_levels, stock_movements


def change(
    connection: Connection, place: tuple[str, str], pieces: int, *, key: str, reason: str, at: datetime, free: bool
) -> None:
    """Change what is on hand of `place` (location, SKU); `key` happens once. `free` says that pieces which came are
    anybody's: what is taken away again in the same commit never was."""
    location, sku = place
    connection.execute(
        insert(stock_movements).values(key=key, location=location, sku=sku, pieces=pieces, reason=reason, at=at)
    )
    insert_new(connection, stock_levels, [{"location": location, "sku": sku, "on_hand": 0, "reserved": 0}])
    freed = {"freed_at": at} if free and pieces > 0 else {}
    connection.execute(
        update(stock_levels)
        .where(stock_levels.c.location == location, stock_levels.c.sku == sku)
        .values(on_hand=stock_levels.c.on_hand + pieces, **freed)
    )
