"""Taking work back from a place that nobody has begun there, so that it is routed anew.

What belongs here: whether somebody has a hand on it, and the taking back. What does not: why (an event is over:
`event_closing`; a promise would break: `print_promises`), and where it goes instead, which routing decides.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, RowMapping, select, update

from backroom.domain.model import FulfilmentState, OrderState, PrintJobState
from backroom.store import history, print_jobs, stock
from backroom.store.claims import is_free
from backroom.store.fulfilment import is_picked
from backroom.store.moves import moving
from backroom.store.tables import fulfilment_orders, orders
from backroom.store.tables import print_jobs as jobs
from backroom.store.waiting import HEALTHY

# A job that stands here was never at a printer, except a blocked one that was started.
UNBEGUN = (PrintJobState.WAITING, PrintJobState.HANDED, PrintJobState.BLOCKED, PrintJobState.CANCELLED)


def parts_of(connection: Connection, order_id: int) -> Sequence[RowMapping]:
    """The work on an order that is not cancelled, locked."""
    query = select(fulfilment_orders).where(
        fulfilment_orders.c.order_id == order_id, fulfilment_orders.c.state != FulfilmentState.CANCELLED
    )
    return connection.execute(query.order_by(fulfilment_orders.c.id).with_for_update()).mappings().all()


def in_hand(connection: Connection, part: RowMapping, at: datetime) -> bool:
    """Whether all of it is made, or a run is at it at this moment."""
    if FulfilmentState(part["held_from"] or part["state"]) not in (FulfilmentState.OPEN, FulfilmentState.MAKING):
        return True
    free = select(fulfilment_orders.c.id).where(fulfilment_orders.c.id == part["id"], is_free(fulfilment_orders, at))
    return connection.execute(free).first() is None


def begun(connection: Connection, part: RowMapping, at: datetime) -> bool:
    """Whether somebody has a hand on it, or has made a piece of it."""
    if in_hand(connection, part, at):
        return True
    started = jobs.c.state.not_in(UNBEGUN) | ((jobs.c.state == PrintJobState.BLOCKED) & jobs.c.started_at.is_not(None))
    # Of one that is printed anew, the other pieces are there.
    begun = select(jobs.c.id).where(jobs.c.fulfilment_order_id == part["id"], started | (jobs.c.remake > 0))
    return connection.execute(begun.limit(1)).first() is not None or is_picked(connection, part["id"])


def send_elsewhere(
    connection: Connection,
    order: RowMapping,
    parts: Sequence[RowMapping],
    why: dict[str, str],
    words: str,
    at: datetime,
    run_id: str,
) -> None:
    """Undo its work wherever it was to be, and let it be routed again; a held order once a person lets it go on.

    `why` goes into its history, `words` onto its print jobs.
    """
    ids = [part["id"] for part in parts]
    ended = {"claim_token": None, "held_from": "", "hold_reason": "", **HEALTHY}
    for state in sorted({FulfilmentState(part["state"]) for part in parts}):
        undoing = moving(fulfilment_orders, state, FulfilmentState.CANCELLED)
        connection.execute(undoing.where(fulfilment_orders.c.id.in_(ids)).values(**ended))
    print_jobs.drop(connection, ids, at, words)
    stock.release(connection, [order["id"]])
    if order["state"] == OrderState.HELD:
        connection.execute(update(orders).where(orders.c.id == order["id"]).values(held_from=OrderState.ACCEPTED))
    else:
        again = moving(orders, OrderState(order["state"]), OrderState.ACCEPTED).where(orders.c.id == order["id"])
        connection.execute(again.values(claim_token=None, next_attempt_at=None, attempts=0, **HEALTHY))
    history.record(connection, [history.Entry(order["id"], "order.rerouted", why)], at=at, run_id=run_id)
