"""A past: orders that were fulfilled long ago, with all their rows, made from those that are there.

Each copy has the same sealed words as its original, under a person of its own whose key is the original's; ids, keys,
numbers and times are its own, and the stock stays as it is. What lies in folders (sheets, mails) is not copied. The
database copies its own rows, a few hundred copies in one statement a table: no row passes through this process.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import timedelta
from functools import partial
from typing import Any

from sqlalchemy import (
    CTE,
    Column,
    ColumnElement,
    Connection,
    Table,
    Text,
    cast,
    func,
    insert,
    literal,
    select,
    text,
    type_coerce,
)

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
    print_jobs,
    print_rejects,
    refunds,
    reservations,
    return_lines,
    returns,
    routing_decisions,
    sheets,
    shipments,
    stock_movements,
)
from backroom.store.tables.base import Utc

# In the order of their foreign keys: each table with the columns that name a row of which table, and its unique words.
TABLES: Mapping[Table, tuple[Mapping[str, Table], tuple[str, ...]]] = {
    people: ({}, ()),
    person_lookups: ({"person_id": people}, ("digest",)),
    consents: ({"person_id": people}, ()),
    orders: ({"person_id": people, "return_id": returns}, ("external_id",)),
    inbox: ({"person_id": people, "order_id": orders}, ("delivery_key", "external_id")),
    order_lines: ({"order_id": orders}, ()),
    routing_decisions: ({"order_id": orders}, ()),
    history: ({"order_id": orders}, ()),
    fulfilment_orders: ({"order_id": orders}, ("key",)),
    fulfilment_lines: ({"fulfilment_order_id": fulfilment_orders}, ()),
    reservations: ({"order_id": orders, "fulfilment_order_id": fulfilment_orders}, ()),
    print_jobs: ({"fulfilment_order_id": fulfilment_orders}, ()),
    print_rejects: ({"print_job_id": print_jobs}, ()),
    sheets: ({}, ("key",)),
    shipments: ({"fulfilment_order_id": fulfilment_orders, "sheet_id": sheets}, ("tracking", "return_tracking")),
    labels: ({"shipment_id": shipments, "person_id": people}, ()),
    returns: ({"order_id": orders, "person_id": people, "shipment_id": shipments}, ("number", "key")),
    return_lines: ({"return_id": returns, "order_id": orders, "replacement_id": orders}, ()),
    refunds: ({"return_id": returns, "order_id": orders}, ("key",)),
    messages: (
        {"fulfilment_order_id": fulfilment_orders, "return_id": returns, "order_id": orders, "person_id": people},
        ("key",),
    ),
    effects: ({"order_id": orders}, ("key",)),
    stock_movements: ({}, ("key",)),
}
BACK = timedelta(days=730)
# So many orders share a commit.
TOGETHER = 20_000


def add_past(room: Room, count: int, leave_out: Collection[Table] = ()) -> int:
    """Add at least so many orders with all that belongs to them, whole copies over two years; returns how many."""
    tables = [table for table in TABLES if table not in leave_out]
    with room.database.read() as connection:
        there = connection.execute(select(func.count()).select_from(orders)).scalar_one()
        # By how much the ids of a copy are higher than those of the one before.
        steps = {
            table: connection.execute(select(func.coalesce(func.max(table.c.id), 0))).scalar_one()
            for table in tables
            if "id" in table.c
        }
    copies = -(-count // there)
    at_once = max(TOGETHER // there, 1)
    for first in range(1, copies + 1, at_once):
        block = range(first, min(first + at_once, copies + 1))
        room.database.write(
            partial(
                _add_copies,
                tables=tables,
                steps=steps,
                block=block,
                seconds=int(BACK.total_seconds()) // copies,
                prefix=f"{room.shop.owner.order_prefix}-P",
            )
        )
    room.database.write(partial(_as_if_grown, steps=steps))
    return copies * there


def _add_copies(
    connection: Connection,
    tables: Collection[Table],
    steps: Mapping[Table, int],
    block: range,
    seconds: int,
    prefix: str,
) -> None:
    for table in tables:
        references, words = TABLES[table]
        copies = _numbers(block)
        values = {
            column.name: _copied(connection, column, copies.c.n, steps.get(table, 0), seconds) for column in table.c
        }
        values |= {name: table.c[name] + copies.c.n * steps[of] for name, of in references.items() if of in steps}
        values |= {word: table.c[word] + literal("~") + cast(copies.c.n, Text) for word in words}
        if table is orders:
            values["number"] = literal(prefix) + cast(copies.c.n, Text) + literal("-") + cast(table.c.id, Text)
        rows = (
            select(*values.values()).select_from(table).join(copies, literal(value=True)).where(_original(table, steps))
        )
        connection.execute(insert(table).from_select(list(values), rows))


def _numbers(block: range) -> CTE:
    numbers = select(literal(block.start).label("n")).cte("copies", recursive=True)
    return numbers.union_all(select(numbers.c.n + 1).where(numbers.c.n < block.stop - 1))


def _original(table: Table, steps: Mapping[Table, int]) -> ColumnElement[bool]:
    if table is stock_movements:
        return (table.c.id <= steps[table]) & (table.c.reason == "packed")
    return table.c.id <= steps[table] if "id" in table.c else table.c.person_id <= steps[people]


def _copied(
    connection: Connection, column: Column[Any], copy: ColumnElement[int], step: int, seconds: int
) -> ColumnElement[Any]:
    if column.name == "id":
        return column + copy * step
    if not isinstance(column.type, Utc):
        return column
    if connection.dialect.name == "sqlite":
        # Its own clock knows milliseconds; what is stored has microseconds.
        earlier = literal("-") + cast(copy * seconds, Text) + literal(" seconds")
        return func.strftime("%Y-%m-%dT%H:%M:%f", type_coerce(column, Text), earlier) + literal("000Z")
    return column - func.make_interval(0, 0, 0, 0, 0, 0, copy * seconds)


def _as_if_grown(connection: Connection, steps: Mapping[Table, int]) -> None:
    """PostgreSQL numbers by counters of its own, and would have looked at its tables by itself since."""
    if connection.dialect.name == "sqlite":
        return
    for table in steps:
        newest = select(func.max(table.c.id)).scalar_subquery()
        connection.execute(select(func.setval(func.pg_get_serial_sequence(table.name, "id"), newest)))
    connection.execute(text("ANALYZE"))
