"""What is still open at a booth whose event is over: routed elsewhere where nobody has begun it, with the reason.

What belongs here: taking work back from a booth. What does not: when (`backroom.store.event_desk`), and where it goes
instead, which routing decides.

Work that is begun (a print was started, a piece was scanned, a parcel is packed) comes to its end at the booth; where
it does not, because pieces are lacking and nobody makes them any more, it is held for a person (`unfinished`). What a
customer collects or carries out there can be made nowhere else: it is held for a person. A sale that was carried out
already is only booked, and goes on. A job in a worker's hands that was never started is dropped: the worker prints only
after the gateway has written that it may.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, RowMapping, exists, func, select

from backroom.domain.lifecycle import Kind, is_end
from backroom.domain.model import Delivery, FulfilmentState, OrderState
from backroom.domain.routing import NO_EVENT
from backroom.store import desk, history, routing, stock
from backroom.store.moves import moving
from backroom.store.rerouting import begun, parts_of, send_elsewhere
from backroom.store.tables import fulfilment_lines, fulfilment_orders, orders
from backroom.store.unfinished import LEFT_UNFINISHED, is_left
from backroom.store.waiting import HEALTHY

_PLANNED = (OrderState.ROUTED, OrderState.RESERVED)


@dataclass(slots=True)
class Cleared:
    """What became of the open work of a booth: numbers of orders."""

    rerouted: list[str] = field(default_factory=list)
    held: list[str] = field(default_factory=list)
    finishing: list[str] = field(default_factory=list)


def clear_booth(
    connection: Connection, location: str, code: str, closed_at: datetime, at: datetime, run_id: str
) -> Cleared:
    """Take from a booth what can be made elsewhere. Safe to do again: it finds what came in late, and what was left."""
    cleared = Cleared()
    for order in _with_work_at(connection, location):
        parts = parts_of(connection, order["id"])
        here = [part for part in parts if part["location"] == location and not _ended(part)]
        if not here or _only_booked(connection, order, here):
            continue
        number = order["number"]
        if any(begun(connection, part, at) for part in here):
            if order["state"] != OrderState.HELD and any(is_left(connection, part, closed_at, at) for part in here):
                desk.hold(connection, number, LEFT_UNFINISHED, "")
                cleared.held.append(number)
            else:
                cleared.finishing.append(number)
        elif order["delivery"] == Delivery.SHIP and not any(begun(connection, part, at) for part in parts):
            send_elsewhere(connection, order, parts, {"event": code, "from": location}, "its event is over", at, run_id)
            cleared.rerouted.append(number)
        elif order["state"] != OrderState.HELD:
            desk.hold(connection, number, NO_EVENT, "")
            cleared.held.append(number)
    cleared.rerouted += _plan_anew(connection, location, code, at, run_id)
    return cleared


def open_at(connection: Connection, location: str) -> list[RowMapping]:
    """Work at a booth that has not ended: the order's number, its state there, how it is handed over."""
    query = (
        select(orders.c.number, fulfilment_orders.c.state, fulfilment_orders.c.delivery, fulfilment_orders.c.opened_at)
        .join(orders, orders.c.id == fulfilment_orders.c.order_id)
        .where(fulfilment_orders.c.location == location, _is_open())
        .order_by(fulfilment_orders.c.id)
    )
    return list(connection.execute(query).mappings())


def let_in(connection: Connection, location: str, at: datetime, run_id: str) -> list[str]:
    """Route again the orders that waited for this booth to open; returns their numbers."""
    waiting = moving(orders, OrderState.HELD, OrderState.ACCEPTED).where(
        orders.c.location == location, orders.c.hold_reason == NO_EVENT, orders.c.held_from == ""
    )
    let = connection.execute(
        waiting.values(hold_reason="", next_attempt_at=None, attempts=0, **HEALTHY).returning(
            orders.c.id, orders.c.number
        )
    ).all()
    entries = [history.Entry(row.id, "event.opened", {"location": location}) for row in let]
    history.record(connection, entries, at=at, run_id=run_id)
    return [row.number for row in let]


def _with_work_at(connection: Connection, location: str) -> list[RowMapping]:
    """Orders with open work at a booth, locked in the order of their ids."""
    here = exists().where(
        fulfilment_orders.c.order_id == orders.c.id, fulfilment_orders.c.location == location, _is_open()
    )
    query = select(orders).where(here, orders.c.state.in_((OrderState.RELEASED, OrderState.HELD)))
    return list(connection.execute(query.order_by(orders.c.id).with_for_update()).mappings())


def _is_open() -> ColumnElement[bool]:
    ended = [state for state in FulfilmentState if is_end(Kind.FULFILMENT, state)]
    return fulfilment_orders.c.state.not_in(ended)


def _ended(part: RowMapping) -> bool:
    return is_end(Kind.FULFILMENT, FulfilmentState(part["state"]))


def _only_booked(connection: Connection, order: RowMapping, parts: Sequence[RowMapping]) -> bool:
    """Whether the customer carried all of it out already: nothing is left to be made."""
    if order["delivery"] != Delivery.CARRY_OUT:
        return False
    to_print = select(func.sum(fulfilment_lines.c.to_print)).where(
        fulfilment_lines.c.fulfilment_order_id.in_([part["id"] for part in parts])
    )
    return not connection.execute(to_print).scalar_one()


def _plan_anew(connection: Connection, location: str, code: str, at: datetime, run_id: str) -> list[str]:
    """Orders that are routed to the booth and not yet released: what they have reserved is given back."""
    planned = (
        select(orders.c.id, orders.c.number, orders.c.state)
        .where(orders.c.state.in_(_PLANNED), orders.c.delivery == Delivery.SHIP)
        .order_by(orders.c.id)
        .with_for_update()
    )
    rows = connection.execute(planned).all()
    assigned = routing.latest_assignments(connection, (row.id for row in rows))
    rows = [row for row in rows if any(one.location == location for one in assigned.get(row.id, ()))]
    for state in _PLANNED:
        ids = [row.id for row in rows if row.state == state]
        back = moving(orders, state, OrderState.ACCEPTED).where(orders.c.id.in_(ids))
        connection.execute(back.values(claim_token=None, next_attempt_at=None, attempts=0, **HEALTHY))
    stock.release(connection, [row.id for row in rows])
    entries = [history.Entry(row.id, "order.rerouted", {"event": code, "from": location}) for row in rows]
    history.record(connection, entries, at=at, run_id=run_id)
    return [row.number for row in rows]
