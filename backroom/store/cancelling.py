"""Cancelling an order at the desk: what becomes of its pieces, prints and money, and who else must cancel it first.

What belongs here: the transaction. What does not: what is owed back (`domain.cancelling`), and paying it
(`cancelled_refunds`).
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import Connection, RowMapping, select, update

from backroom.domain.lifecycle import may_cancel
from backroom.domain.model import FulfilmentState, OrderState
from backroom.domain.partner_orders import AT_WORK, PartnerOrderState
from backroom.store import cancelled_refunds, effects, history, news, partner_orders, print_jobs, stock
from backroom.store.claims import Wakeup
from backroom.store.database import now
from backroom.store.desk import NotPossibleNow, hold, locked, refuse_while_labelling
from backroom.store.moves import moving
from backroom.store.shipping import LABEL
from backroom.store.tables import fulfilment_orders, orders, reservations
from backroom.store.waiting import HEALTHY

# It waits until its partner says whether it can still be cancelled there.
CANCELLING = "cancelling_at_partner"


def cancel(
    connection: Connection,
    number: str,
    actor: str,
    reason: str,
    note: bytes | None = None,
    *,
    told: Collection[str] = (),
    keep_money: bool = False,
) -> list[Wakeup]:
    """Cancel an order that has no label yet: its pieces are free again, what was printed is taken into the stock, its
    waiting prints are dropped, and what was paid for it is owed back (`domain.cancelling`). `reason` and `note` are as
    for `hold`; `told` are the channels that are told of what is cancelled here (none, where the channel itself
    cancelled it). With `keep_money` nothing is paid back: it is entered anew, or its money was settled otherwise.

    Whoever wakes the waves that pay adds `cancelled_refunds.wakeups`; the sweep does it within a minute.

    One that a partner makes is held until the partner has cancelled it (`partner_news`). NotPossibleNow once a parcel
    is labelled or sent; BeingWorkedOn while a run is just buying the label.
    """
    history.check_code(reason)
    order, at = locked(connection, number), now(connection)
    if order["state"] == OrderState.CANCELLED:
        return []
    parts = connection.execute(
        select(fulfilment_orders.c.id, fulfilment_orders.c.state)
        .where(fulfilment_orders.c.order_id == order["id"], fulfilment_orders.c.state != FulfilmentState.CANCELLED)
        .with_for_update()
    ).all()
    states = sorted({FulfilmentState(part.state) for part in parts})
    if order["state"] == OrderState.FULFILLED or not may_cancel(states):
        raise NotPossibleNow(
            f"{number} is labelled already",
            remedy="If it has not left, take its label back on its page; else let it come back as a return.",
        )
    refuse_while_labelling(connection, order["id"], number, at)
    if effects.begun(connection, order["id"], LABEL):
        raise NotPossibleNow(f"{number} may have a label already", remedy="Look at it at the carrier first.")
    asked = _ask_partners_to_cancel(connection, order, reason, actor, note, told, keep_money=keep_money)
    if asked is not None:
        return asked
    stock.release(connection, [order["id"]])
    _restock_packed(connection, order["id"], at)
    ended = {"claim_token": None, "held_from": "", "hold_reason": "", **HEALTHY}
    for state in states:
        ending = moving(fulfilment_orders, state, FulfilmentState.CANCELLED)
        connection.execute(ending.where(fulfilment_orders.c.order_id == order["id"]).values(**ended))
    print_jobs.drop(connection, [part.id for part in parts], at)
    print_jobs.shelve(connection, [part.id for part in parts], at)
    connection.execute(
        moving(orders, OrderState(order["state"]), OrderState.CANCELLED)
        .where(orders.c.id == order["id"])
        .values(ended_at=at, **ended)
    )
    said = {"reason": reason} | ({"kept": True} if keep_money else {})
    entry = history.Entry(order["id"], "order.cancelled", said, note)
    history.record(connection, [entry], at=at, actor=actor)
    cancelled_refunds.owe(connection, order, reason, actor, at, kept=keep_money)
    return news.write_cancelled(connection, order, reason, at) if order["channel"] in told else []


def _ask_partners_to_cancel(
    connection: Connection,
    order: RowMapping,
    reason: str,
    actor: str,
    note: bytes | None,
    told: Collection[str],
    *,
    keep_money: bool,
) -> list[Wakeup] | None:
    """Have partners cancel what they have of an order, and hold it until then; None where none has anything."""
    number = order["number"]
    if partner_orders.may_be_there(connection, order["id"]):
        raise NotPossibleNow(f"{number} may be at its partner already", remedy="Retry it: then it is known.")
    there = partner_orders.under_way(connection, order["id"])
    if any(row["state"] == PartnerOrderState.SHIPPED for row in there):
        raise NotPossibleNow(f"{number} was sent by its partner already", remedy="Let it come back as a return.")
    at_work = [row for row in there if row["state"] in AT_WORK]
    if not at_work:
        return None
    wakeups = [] if order["state"] == OrderState.HELD else hold(connection, number, CANCELLING, actor, note)
    connection.execute(update(orders).where(orders.c.id == order["id"]).values(hold_reason=CANCELLING))
    # Whoever is to be told of it is told when it is cancelled.
    asked = {"reason": reason, "locations": sorted({row["location"] for row in at_work}), "told": sorted(told)}
    said: dict[str, object] = asked | ({"kept": True} if keep_money else {})
    entry = history.Entry(order["id"], "order.cancel_asked", said)
    history.record(connection, [entry], at=now(connection), actor=actor)
    places = [row["location"] for row in at_work]
    return wakeups + partner_orders.want_cancelled(connection, [row["id"] for row in at_work], places)


def _restock_packed(connection: Connection, order_id: int, at: datetime) -> None:
    """Pieces that were packed from stock go back on the shelf, once."""
    consumed = connection.execute(
        select(reservations).where(reservations.c.order_id == order_id, reservations.c.state == "consumed")
    ).all()
    for row in consumed:
        stock.receive(connection, f"unpacked:{row.id}", [(row.location, row.sku, row.quantity)], "cancelled", at)
