"""A past: orders that were fulfilled long ago, with all their rows, made from those of the warm-up in bulk.

Each copy has the same sealed words as its original, under a person of its own whose key is the original's; ids, keys,
numbers and times are its own, and the stock stays as it is. What lies in folders (sheets, mails) is not copied.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from sqlalchemy import Connection, Table, func, insert, select, text

from backroom.shop.room import Room
from backroom.store.tables import (
    consents,
    effects,
    fulfilment_lines,
    fulfilment_orders,
    history,
    inbox,
    labels,
    messages,
    order_lines,
    orders,
    people,
    person_lookups,
    reservations,
    routing_decisions,
    sheets,
    shipments,
    stock_movements,
)

# In the order of their foreign keys: each table with the columns that name a row of which table, and its unique words.
TABLES: Mapping[Table, tuple[Mapping[str, Table], tuple[str, ...]]] = {
    people: ({}, ()),
    person_lookups: ({"person_id": people}, ("digest",)),
    consents: ({"person_id": people}, ()),
    orders: ({"person_id": people}, ("external_id",)),
    inbox: ({"person_id": people, "order_id": orders}, ("delivery_key", "external_id")),
    order_lines: ({"order_id": orders}, ()),
    routing_decisions: ({"order_id": orders}, ()),
    history: ({"order_id": orders}, ()),
    fulfilment_orders: ({"order_id": orders}, ("key",)),
    fulfilment_lines: ({"fulfilment_order_id": fulfilment_orders}, ()),
    reservations: ({"order_id": orders, "fulfilment_order_id": fulfilment_orders}, ()),
    sheets: ({}, ("key",)),
    shipments: ({"fulfilment_order_id": fulfilment_orders, "sheet_id": sheets}, ("tracking", "return_tracking")),
    labels: ({"shipment_id": shipments, "person_id": people}, ()),
    messages: ({"fulfilment_order_id": fulfilment_orders, "order_id": orders, "person_id": people}, ()),
    effects: ({"order_id": orders}, ("key",)),
    stock_movements: ({}, ("key",)),
}
EARLIER = timedelta(hours=6)


def add_past(room: Room, count: int) -> int:
    """Add at least so many fulfilled orders with all that belongs to them, whole copies; returns how many."""
    with room.database.read() as connection:
        originals = {table: _rows(connection, table) for table in TABLES}
    copies = -(-count // len(originals[orders]))
    for copy in range(1, copies + 1):
        room.database.write(
            partial(_add_copy, originals=originals, copy=copy, prefix=f"{room.shop.owner.order_prefix}-P")
        )
    room.database.write(_as_if_grown)
    return copies * len(originals[orders])


def _rows(connection: Connection, table: Table) -> list[dict[str, Any]]:
    query = select(table)
    if table is stock_movements:
        query = query.where(stock_movements.c.reason == "packed")
    return [dict(row) for row in connection.execute(query).mappings()]


def _add_copy(connection: Connection, originals: Mapping[Table, list[dict[str, Any]]], copy: int, prefix: str) -> None:
    steps = {table: max((row.get("id") or 0 for row in rows), default=0) * copy for table, rows in originals.items()}
    for table, (references, words) in TABLES.items():
        rows = [
            _copied(row, copy, steps.get(table, 0), {n: steps[t] for n, t in references.items()}, words)
            for row in originals[table]
        ]
        if table is orders:
            rows = [row | {"number": f"{prefix}{copy}-{place}"} for place, row in enumerate(rows)]
        if rows:
            connection.execute(insert(table), rows)


def _copied(
    row: Mapping[str, Any], copy: int, step: int, references: Mapping[str, int], words: Collection[str]
) -> dict[str, Any]:
    new: dict[str, Any] = {
        name: value - copy * EARLIER if isinstance(value, datetime) else value for name, value in row.items()
    }
    if "id" in new:
        new["id"] += step
    for name, by in references.items():
        if new[name] is not None:
            new[name] += by
    return new | {word: f"{new[word]}~{copy}" for word in words}


def _as_if_grown(connection: Connection) -> None:
    """PostgreSQL numbers by counters of its own, and would have looked at its tables by itself since."""
    if connection.dialect.name == "sqlite":
        return
    for table in TABLES:
        if "id" in table.c:
            newest = select(func.max(table.c.id)).scalar_subquery()
            connection.execute(select(func.setval(func.pg_get_serial_sequence(table.name, "id"), newest)))
    connection.execute(text("ANALYZE"))
