"""What must hold of every order at every moment, whatever was done to it: that it says for what it waits, and that its
label stands in no cancelled order.

What belongs here: reading all orders at once and judging them. What does not: sums of money (`money`), and of stock and
effects (`tests.shops`).
"""

from __future__ import annotations

from sqlalchemy import select

from backroom.domain.holds import WHAT_TO_DO
from backroom.domain.model import OrderState
from backroom.store.returns import ENDED
from backroom.store.tables import fulfilment_orders, orders, returns, routing_decisions, shipments
from tests.shops import Floor


def check_reasons(floor: Floor) -> None:
    """What is on hold says why, in words that somebody knows what to do about; so does what is sick, what waits
    for stock, and what waits for goods that it was exchanged for."""
    with floor.room.database.read() as connection:
        all_ = connection.execute(select(orders)).mappings().all()
        parts = connection.execute(select(fulfilment_orders)).mappings().all()
        decisions = connection.execute(select(routing_decisions).order_by(routing_decisions.c.round)).all()
        states = dict(connection.execute(select(returns.c.id, returns.c.state)).tuples().all())
    for row in (*all_, *parts):
        if row["state"] == "held":
            assert row["hold_reason"] in WHAT_TO_DO, f"on hold for {row['hold_reason']!r}"
        else:
            assert row["hold_reason"] == "", f"{row['state']}, and on hold as well"
        assert bool(row["sick_cause"]) == bool(row["sick_reason"])
    latest = {decision.order_id: decision for decision in decisions}
    for order in all_:
        if order["state"] == OrderState.BACKORDERED:
            assert latest[order["id"]].outcome == "backorder"
            assert latest[order["id"]].reasons, f"{order['number']} waits for stock, and says not which"
        if order["state"] == OrderState.AWAITING_RETURN_ITEMS:
            assert states[order["return_id"]] not in ENDED, f"{order['number']} waits for a return that is over"


def check_labels(floor: Floor) -> None:
    """A cancelled order has no label, and its work is cancelled; a fulfilled one has all that it waited for."""
    with floor.room.database.read() as connection:
        states = dict(connection.execute(select(orders.c.id, orders.c.state)).tuples().all())
        parts = connection.execute(select(fulfilment_orders.c.order_id, fulfilment_orders.c.state)).tuples().all()
        of_order = select(fulfilment_orders.c.order_id)
        labelled = of_order.join(shipments, shipments.c.fulfilment_order_id == fulfilment_orders.c.id)
        with_label = set(connection.execute(labelled).scalars())
    for id_, state in states.items():
        mine = {part for order_id, part in parts if order_id == id_}
        if state == "cancelled":
            assert mine <= {"cancelled"}
            assert id_ not in with_label
        if state == "fulfilled":
            assert mine <= {"cancelled", "done"}
            assert "done" in mine
