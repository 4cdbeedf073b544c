"""The backlog: what waits where, for the sweep and for the figures of waiting."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, insert, or_, select, update

from backroom.domain.model import InboxState, OrderState, PrintJobState, ReservationState
from backroom.store import print_jobs as prints
from backroom.store import stock
from backroom.store.claims import Wakeup, is_free, wakeup
from backroom.store.database import now
from backroom.store.fulfilment import ADVANCING
from backroom.store.fulfilment import STAGE as FULFILMENT
from backroom.store.intake import MOVING
from backroom.store.intake import STAGE as INTAKE
from backroom.store.tables import fulfilment_orders, generations, inbox, order_lines, orders, print_jobs


def wake_again(connection: Connection, hub: str) -> list[Wakeup]:
    """A wake-up under a new generation for every stage and location with free, healthy, due work.

    The generation is raised because the run that the last one named may be dead: its name would start nothing.
    """
    places = [(INTAKE, hub)] if _intake_waits(connection) else []
    places += [(FULFILMENT, location) for location in _fulfilment_waits(connection)]
    places += [(prints.STAGE, location) for location in _prints_wait(connection)]
    return [raise_generation(connection, stage, location) for stage, location in places]


def raise_generation(connection: Connection, stage: str, location: str) -> Wakeup:
    """Raise a generation without claiming anything."""
    at = now(connection)
    number = connection.execute(
        update(generations)
        .where(generations.c.stage == stage, generations.c.location == location)
        .values(number=generations.c.number + 1, at=at)
        .returning(generations.c.number)
    ).scalar_one_or_none()
    if number is None:
        connection.execute(insert(generations).values(stage=stage, location=location, number=1, at=at))
    return Wakeup(stage, location, number or 1)


def expire_reservations(connection: Connection, at: datetime) -> int:
    """Give back what was reserved for too long without being released; such an order is routed anew."""
    expired = stock.expired_orders(connection, at)
    stock.release(connection, expired, ReservationState.EXPIRED)
    connection.execute(
        update(orders)
        .where(orders.c.id.in_(expired), orders.c.state == OrderState.RESERVED)
        .values(state=OrderState.ACCEPTED, claim_token=None)
    )
    connection.execute(
        update(orders)
        .where(orders.c.id.in_(expired), orders.c.state == OrderState.HELD, orders.c.held_from == OrderState.RESERVED)
        .values(held_from=OrderState.ACCEPTED)
    )
    return len(expired)


def _intake_waits(connection: Connection) -> bool:
    at = now(connection)
    for table, condition in ((inbox, inbox.c.state == InboxState.WAITING), (orders, orders.c.state.in_(MOVING))):
        due = or_(table.c.next_attempt_at.is_(None), table.c.next_attempt_at <= at)
        healthy = table.c.sick_cause.is_(None) & table.c.breaker_id.is_(None)
        if connection.execute(select(table.c.id).where(condition, due, healthy, is_free(table, at)).limit(1)).first():
            return True
    return False


def _fulfilment_waits(connection: Connection) -> list[str]:
    at = now(connection)
    table = fulfilment_orders
    query = select(table.c.location).where(
        table.c.state.in_(ADVANCING),
        table.c.sick_cause.is_(None),
        table.c.breaker_id.is_(None),
        or_(table.c.next_attempt_at.is_(None), table.c.next_attempt_at <= at),
        is_free(table, at),
    )
    return sorted(connection.execute(query.distinct()).scalars())


def _prints_wait(connection: Connection) -> list[str]:
    open_ = (PrintJobState.WAITING, *prints.ACTIVE)
    query = select(print_jobs.c.location).where(print_jobs.c.state.in_(open_)).distinct()
    return sorted(connection.execute(query).scalars())


def wake_backorders(connection: Connection, skus: Sequence[str], hub: str) -> list[Wakeup]:
    """Route again the orders that wait for one of these SKUs; returns the wake-up this owes."""
    wants = (
        select(order_lines.c.id)
        .where(order_lines.c.order_id == orders.c.id, order_lines.c.sku.in_(list(skus)))
        .exists()
    )
    moved = connection.execute(
        update(orders)
        .where(orders.c.state == OrderState.BACKORDERED, wants)
        .values(state=OrderState.ACCEPTED, next_attempt_at=None, attempts=0)
    )
    return [wakeup(connection, INTAKE, hub)] if moved.rowcount else []
