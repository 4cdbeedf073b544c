"""Two years of orders with all rows that figures are made of: copies of three days' orders, each bent another way.

What belongs here: copying them (`benchmarks.backroom_past`) and bending them, so that ways, times, states, bills,
prints, messages and returns differ, and many are such that a careless count is wrong: orders of two parts and of none,
times out of order, tries after tries. What does not: what their figures are (`tests.kpi_by_sql`). Nothing here is by
chance: all of it follows from ids.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection, Select, case, insert, literal, select, text

from backroom.shop.room import Room
from backroom.store.database import now
from backroom.store.tables import (
    consents,
    fulfilment_orders,
    history,
    inbox,
    labels,
    order_lines,
    orders,
    partner_orders,
    person_lookups,
    print_jobs,
    print_rejects,
    reservations,
    sheets,
    stock_movements,
)
from benchmarks.backroom_past import add_past

# No figure is made of them; of the history one entry an order is enough.
LEFT_OUT = (
    *(person_lookups, consents, inbox, order_lines, reservations, sheets, labels, stock_movements),
    history,
)


def invent_past(room: Room, count: int) -> int:
    """Add at least so many orders to those that are there, and bend them all; returns how many there are."""
    there = add_past(room, count, LEFT_OUT)
    room.database.write(lambda connection: _bend(connection, count))
    room.database.write(_speak_of_all)
    return there


def _bend(connection: Connection, count: int) -> None:
    for statement in _statements(connection, count):
        connection.execute(text(statement))
    for table, rows in ((partner_orders, _at_partners()), *((print_rejects, _found_bad(n)) for n in (1, 2))):
        connection.execute(insert(table).from_select(list(rows.selected_columns.keys()), rows))


def _statements(connection: Connection, count: int) -> Iterator[str]:
    def later(column: str, seconds: str) -> str:
        if connection.dialect.name == "sqlite":
            modifier = f"printf('%+.3f seconds', {seconds})"
            return f"{column} = strftime('%Y-%m-%dT%H:%M:%f', {column}, {modifier}) || '000Z'"
        return f"{column} = {column} + ({seconds}) * interval '1 second'"

    # Which way it goes, and what became of it.
    yield "UPDATE orders SET event = 'nachtmarkt' WHERE id % 13 = 0"
    yield "UPDATE fulfilment_orders SET location = 'local-hub' WHERE order_id % 7 = 0"
    yield "UPDATE fulfilment_orders SET location = 'booth-a' WHERE id % 17 = 0"
    yield "UPDATE fulfilment_orders SET order_id = order_id - 1 WHERE order_id % 29 = 0"
    yield "UPDATE fulfilment_orders SET state = 'cancelled' WHERE id % 61 = 0 OR order_id % 53 = 0"
    yield "UPDATE orders SET state = 'cancelled' WHERE id % 53 = 0"
    yield "UPDATE orders SET state = 'released', ended_at = NULL WHERE id % 41 = 0"
    yield "UPDATE orders SET state = 'held' WHERE id % 43 = 0"
    yield "UPDATE orders SET return_id = 1 WHERE id % 23 = 0"
    # How long each stage took: to the millisecond, and some out of order.
    yield f"UPDATE orders SET {later('placed_at', '-(id * 7919 % 5000) - (id % 1000) * 0.001')}"
    yield f"UPDATE orders SET {later('ended_at', 'id * 4729 % 40000 + (id % 997) * 0.001')} WHERE ended_at IS NOT NULL"
    for column, seconds in (("made_at", "id * 31 % 3000 - 500"), ("labelled_at", "id * 37 % 2000 - 100.5")):
        yield f"UPDATE fulfilment_orders SET {later(column, seconds)} WHERE {column} IS NOT NULL"
    yield "UPDATE fulfilment_orders SET labelled_at = NULL WHERE id % 47 = 0"
    yield "UPDATE orders SET ship_by = NULL WHERE id % 19 = 0"
    yield f"UPDATE orders SET {later('ship_by', 'id * 17 % 30000 * 1.0')} WHERE ship_by IS NOT NULL"
    # Whose they are: about three orders a customer, days or months apart.
    whose = f"SELECT p.person_id FROM orders p WHERE p.id = orders.id % {max(count // 3, 1)} + 1"
    yield f"UPDATE orders SET person_id = ({whose}) WHERE id % 2 = 0 AND EXISTS ({whose})"
    # What they cost, and what went wrong.
    yield "UPDATE shipments SET cost_minor = 300 + id % 400"
    yield "UPDATE print_jobs SET attempt = attempt + id % 4"
    yield "UPDATE messages SET delivery = 'undelivered' WHERE id % 97 = 0"
    yield "UPDATE messages SET state = 'failed' WHERE id % 89 = 0"
    yield "UPDATE effects SET state = 'failed' WHERE kind = 'message' AND id % 71 = 0"
    yield "UPDATE effects SET state = 'unknown' WHERE kind = 'message' AND id % 73 = 0"
    yield "UPDATE returns SET lane = 'drop_off' WHERE id % 3 = 0"
    yield "UPDATE returns SET received_at = NULL WHERE id % 5 = 0"
    yield "UPDATE return_lines SET state = 'expected' WHERE id % 4 = 0"
    yield "UPDATE return_lines SET word = 'declined' WHERE id % 6 = 1"
    yield "UPDATE refunds SET paid_minor = CASE WHEN id % 7 = 0 THEN NULL ELSE 1000 + id % 3000 END"
    # What was short when it was routed first.
    yield "UPDATE routing_decisions SET outcome = 'backorder' WHERE order_id % 31 = 0"
    places = '\'[["main-hub", "S-\' || (id % 7) || \'"], ["booth-a", "S-\' || (id % 5) || \'"]]\''
    short = places if connection.dialect.name == "sqlite" else f"CAST({places} AS JSONB)"
    yield f"UPDATE routing_decisions SET short = {short} WHERE id % 9 = 0"


def _at_partners() -> Select[Any]:
    """Some parts are a partner's: shipped by it, made by it and packed here, or cancelled after it had begun."""
    part = fulfilment_orders.c
    state = case((part.id % 3 == 0, "shipped"), (part.id % 3 == 1, "made"), else_="cancelled")
    return select(
        part.id.label("fulfilment_order_id"),
        part.order_id,
        part.location,
        part.key.label("reference"),
        literal("P").label("partner_id"),
        state.label("state"),
        *(literal([], partner_orders.c[name].type).label(name) for name in ("lines", "differences", "parcels")),
        (900 + part.id % 500).label("cost_minor"),
        part.opened_at.label("submitted_at"),
    ).where(part.id % 37 == 0)


def _found_bad(attempt: int) -> Select[Any]:
    """Of some prints one piece was bad at this try, where there was another one after it."""
    job = print_jobs.c
    known = select(print_rejects.c.id).where(print_rejects.c.print_job_id == job.id, print_rejects.c.attempt == attempt)
    words = ("artwork", "fabric", "colourway", "process", "kind", "fabric_batch", "ink_batch", "actor")
    return select(
        job.id.label("print_job_id"),
        literal(attempt).label("attempt"),
        job.location,
        job.printer,
        *(literal("").label(name) for name in words),
        job.copies.label("printed"),
        literal(1).label("pieces"),
        literal("smeared").label("fault"),
        job.created_at.label("at"),
    ).where(job.id % (5 * attempt) == 0, job.attempt > attempt, ~known.exists())


def _speak_of_all(connection: Connection) -> None:
    """What the figures read again is what something was written about."""
    at = now(connection) - timedelta(hours=1)
    said = {"event": "order.noted", "data": {}, "actor": "", "run_id": "", "at": at}
    rows = select(orders.c.id, *(literal(value, history.c[name].type).label(name) for name, value in said.items()))
    connection.execute(insert(history).from_select(["order_id", *said], rows))
