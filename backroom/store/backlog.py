"""The backlog: what waits where, for the sweep and for the figures of waiting."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Connection, func, or_, select, update

from backroom.domain.model import InboxState, OrderState, PrintJobState, ReservationState
from backroom.store import cancelled_refunds, history, opt_ins, stock, waiting_messages
from backroom.store import parcels as sent
from backroom.store import partner_orders as partners
from backroom.store import print_jobs as prints
from backroom.store import returns as back
from backroom.store.claims import Wakeup, raise_generation, wakeup
from backroom.store.database import now
from backroom.store.fulfilment import ADVANCING
from backroom.store.fulfilment import STAGE as FULFILMENT
from backroom.store.intake import MOVING
from backroom.store.intake import STAGE as INTAKE
from backroom.store.moves import moving
from backroom.store.tables import (
    fulfilment_orders,
    inbox,
    material_batches,
    order_lines,
    orders,
    parcels,
    print_jobs,
    returns,
    routing_decisions,
    samples,
    stock_levels,
    variants,
)
from backroom.store.waiting import is_due

# An order is decided by what lay there a moment before its decision is written; a wave is not longer.
ROUTED_WITHIN = timedelta(minutes=1)


def wake_again(connection: Connection, hub: str) -> list[Wakeup]:
    """A wake-up under a new generation for every stage and location with free, healthy, due work.

    Orders that wait for stock are due when some was freed. The generation is raised because the run that the last one
    named may be dead: its name would start nothing.
    """
    _route_again(connection, orders.c.id.in_(_stock_was_freed_for(connection)))
    _route_again(connection, orders.c.id.in_(_samples_changed_for(connection)))
    places = [(INTAKE, hub)] if _intake_waits(connection) else []
    places += [(FULFILMENT, location) for location in _fulfilment_waits(connection)]
    places += [(prints.STAGE, location) for location in _prints_wait(connection)]
    places += [(partners.STAGE, location) for location in partners.due(connection, now(connection))]
    places += [(back.STAGE, hub)] if _returns_wait(connection) else []
    places += [(cancelled_refunds.STAGE, hub)] if cancelled_refunds.waits(connection) else []
    written = waiting_messages.due(connection, now(connection)) or opt_ins.due(connection, now(connection))
    places += [(waiting_messages.STAGE, hub)] if written else []
    places += [(sent.STAGE, hub)] if _parcels_wait(connection) else []
    return [raise_generation(connection, stage, location) for stage, location in places]


def expire_reservations(connection: Connection, at: datetime) -> int:
    """Give back what was reserved for too long without being released; such an order is routed anew.

    The orders are moved first: one that is released at this very moment keeps its pieces.
    """
    expired = stock.expired_orders(connection, at)
    planned = moving(orders, OrderState.RESERVED, OrderState.ACCEPTED).where(orders.c.id.in_(expired))
    planned = planned.values(claim_token=None)
    held = (
        update(orders)
        .where(orders.c.id.in_(expired), orders.c.state == OrderState.HELD, orders.c.held_from == OrderState.RESERVED)
        .values(held_from=OrderState.ACCEPTED)
    )
    ids = [id_ for change in (planned, held) for id_ in connection.execute(change.returning(orders.c.id)).scalars()]
    stock.release(connection, ids, ReservationState.EXPIRED)
    entries = [history.Entry(id_, "reservation.expired", {"then": "routed again"}) for id_ in ids]
    history.record(connection, entries, at=at)
    return len(ids)


def _intake_waits(connection: Connection) -> bool:
    at = now(connection)
    for table, condition in ((inbox, inbox.c.state == InboxState.WAITING), (orders, orders.c.state.in_(MOVING))):
        if connection.execute(select(table.c.id).where(condition, is_due(table, at)).limit(1)).first():
            return True
    return False


def _returns_wait(connection: Connection) -> bool:
    due = select(returns.c.id).where(back.UNSETTLED, is_due(returns, now(connection))).limit(1)
    return connection.execute(due).first() is not None


def _parcels_wait(connection: Connection) -> bool:
    due = select(parcels.c.id).where(sent.UNSETTLED, is_due(parcels, now(connection))).limit(1)
    return connection.execute(due).first() is not None


def _fulfilment_waits(connection: Connection) -> list[str]:
    table = fulfilment_orders
    query = select(table.c.location).where(table.c.state.in_(ADVANCING), is_due(table, now(connection)))
    return sorted(connection.execute(query.distinct()).scalars())


def _prints_wait(connection: Connection) -> list[str]:
    """Locations with a job that may be handed out, or that is in the hands of a worker who may be dead."""
    query = (
        select(print_jobs.c.location)
        .select_from(prints.beside_owners())
        # Both in one list, or no index of states could be used.
        .where(print_jobs.c.state.in_([PrintJobState.WAITING, *prints.ACTIVE]))
        .where(or_(print_jobs.c.state != PrintJobState.WAITING, prints.wanted()))
    )
    return sorted(connection.execute(query.distinct()).scalars())


def wake_backorders(connection: Connection, skus: Sequence[str], hub: str) -> list[Wakeup]:
    """Route again the orders that wait for one of these SKUs; returns the wake-up this owes."""
    wants = (
        select(order_lines.c.id)
        .where(order_lines.c.order_id == orders.c.id, order_lines.c.sku.in_(list(skus)))
        .exists()
    )
    return [wakeup(connection, INTAKE, hub)] if _route_again(connection, wants) else []


def _stock_was_freed_for(connection: Connection) -> list[int]:
    """Backordered orders that lack something of which pieces came, or were given back, since they were last routed.

    One freeing is one more routing, so that an order that lacks something else as well is not routed every minute.
    """
    routed_at = (
        select(func.max(routing_decisions.c.at)).where(routing_decisions.c.order_id == orders.c.id).scalar_subquery()
    )
    freed = (
        select(orders.c.id, func.max(stock_levels.c.freed_at), routed_at)
        .join(order_lines, order_lines.c.order_id == orders.c.id)
        .join(stock_levels, stock_levels.c.sku == order_lines.c.sku)
        .where(
            orders.c.state == OrderState.BACKORDERED,
            stock_levels.c.on_hand > stock_levels.c.reserved,
            ~stock_levels.c.aside,
            stock_levels.c.freed_at.is_not(None),
        )
        .group_by(orders.c.id)
    )
    return [id_ for id_, at, routed in connection.execute(freed) if routed is None or at > routed - ROUTED_WITHIN]


def _samples_changed_for(connection: Connection) -> list[int]:
    """Backordered orders of something printed, since whose last routing a sample was decided on, or a batch came into
    use: whoever routed them may have looked just before."""
    changed = max(
        (
            moment
            for column in (samples.c.decided_at, material_batches.c.since)
            if (moment := connection.execute(select(func.max(column, type_=column.type))).scalar_one()) is not None
        ),
        default=None,
    )
    if changed is None:
        return []
    printed = (
        select(order_lines.c.id)
        .join(variants, variants.c.sku == order_lines.c.sku)
        .where(order_lines.c.order_id == orders.c.id, variants.c.artwork != "")
        .exists()
    )
    last = func.max(routing_decisions.c.at, type_=routing_decisions.c.at.type)
    waiting = (
        select(orders.c.id)
        .join(routing_decisions, routing_decisions.c.order_id == orders.c.id)
        .where(orders.c.state == OrderState.BACKORDERED, printed)
        .group_by(orders.c.id)
        .having(last < changed + ROUTED_WITHIN)
    )
    return list(connection.execute(waiting).scalars())


def _route_again(connection: Connection, which: ColumnElement[bool]) -> int:
    again = moving(orders, OrderState.BACKORDERED, OrderState.ACCEPTED).where(which)
    return connection.execute(again.values(next_attempt_at=None, attempts=0)).rowcount
