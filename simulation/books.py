"""What the shop's books say after a night: its database, read once.

What belongs here: reading. What does not: what the rows should say (`judge`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from sqlalchemy import Connection, RowMapping, func, select

from backroom.store.refunds import OF_CANCELLED
from backroom.store.tables import (
    fulfilment_lines,
    fulfilment_orders,
    history,
    messages,
    offline_conflicts,
    order_lines,
    orders,
    print_jobs,
    print_promises,
    quarantine,
    refunds,
    reservations,
    stock_levels,
    stock_movements,
)


class Books:
    """What the database says, read once."""

    def __init__(self, connection: Connection) -> None:
        def rows(query: object) -> Sequence[RowMapping]:
            return connection.execute(query).mappings().all()  # type: ignore[call-overload, no-any-return]

        self.orders = rows(select(orders).order_by(orders.c.id))
        self.parts = by(rows(select(fulfilment_orders)), "order_id")
        self.lines = by(rows(select(order_lines)), "order_id")
        self.part_lines = by(rows(select(fulfilment_lines)), "fulfilment_order_id")
        self.messages = by(rows(select(messages)), "order_id")
        self.jobs = rows(select(print_jobs))
        self.promises = rows(select(print_promises).order_by(print_promises.c.id))
        self.refunds = {row["order_id"]: row for row in rows(select(refunds).where(OF_CANCELLED))}
        self.quarantined = rows(select(quarantine))
        self.rerouted = {row["order_id"] for row in rows(select(history).where(history.c.event == "order.rerouted"))}
        self.levels = rows(select(stock_levels))
        of = (stock_movements.c.location, stock_movements.c.sku)
        self.moved = {
            (row["location"], row["sku"]): row["pieces"]
            for row in rows(select(*of, func.sum(stock_movements.c.pieces).label("pieces")).group_by(*of))
        }
        held = select(reservations.c.location, reservations.c.sku, func.sum(reservations.c.quantity).label("pieces"))
        held = held.where(reservations.c.state == "held").group_by(reservations.c.location, reservations.c.sku)
        self.reserved = {(row["location"], row["sku"]): row["pieces"] for row in rows(held)}
        self.conflicts = rows(select(offline_conflicts))

    def told(self, order_id: int) -> set[str]:
        """The kinds of message that an order's customer was sent."""
        return {row["kind"] for row in self.messages[order_id] if row["state"] == "sent"}

    def number(self, order_id: int) -> str:
        return next((str(row["number"]) for row in self.orders if row["id"] == order_id), f"order {order_id}")


def by(rows: Sequence[RowMapping], column: str) -> Mapping[int, list[RowMapping]]:
    """Rows by a column; none for a number that no row has."""
    found: dict[int, list[RowMapping]] = defaultdict(list)
    for row in rows:
        found[row[column]].append(row)
    return found
