"""Holds for parcels that did not arrive: made, changed and ended with what carriers tell of them.

What belongs here: which orders are held for their parcels, and until when. What does not: what carriers tell
(`backroom.store.parcel_news`), and what a Hold asks of a person (`backroom.domain.holds`).

Only an order all of whose parcels left is held: what is still being made of it goes on, and the Hold comes when that
has left too. A Hold ends by itself when its parcel goes on, by a person's word at any door, and is made anew only by
what is told later.
"""

from __future__ import annotations

from sqlalchemy import Connection, select

from backroom.domain.lifecycle import Kind, ends
from backroom.domain.model import OrderState
from backroom.domain.tracking import HOLDS, hold_for
from backroom.store import desk
from backroom.store.claims import Wakeup
from backroom.store.tables import fulfilment_orders, orders, parcels


def follow(connection: Connection, order_id: int, hub: str) -> list[Wakeup]:
    """Hold an order for what its parcels ask, or let it go on where they ask nothing any more; returns the wake-ups
    this owes. The same again changes nothing."""
    order = (
        connection.execute(select(orders).where(orders.c.id == order_id).with_for_update(of=orders)).mappings().one()
    )
    asked = connection.execute(select(parcels.c.attention).where(parcels.c.order_id == order_id)).scalars()
    reason = hold_for(asked)
    for_a_parcel = order["state"] == OrderState.HELD and order["hold_reason"] in HOLDS.values()
    if reason and (order["state"] == OrderState.FULFILLED or for_a_parcel):
        desk.hold_for_news(connection, order["number"], reason)
    elif for_a_parcel and not reason:
        return desk.release(connection, order["number"], "", hub, event=desk.BY_CARRIER)
    return []


def look(connection: Connection, hub: str, most: int) -> int:
    """Hold orders whose last part left after one of their parcels had failed; returns how many."""
    asks = select(parcels.c.id).where(parcels.c.order_id == orders.c.id, parcels.c.attention.in_(HOLDS))
    open_part = select(fulfilment_orders.c.id).where(
        fulfilment_orders.c.order_id == orders.c.id, fulfilment_orders.c.state.not_in(ends(Kind.FULFILMENT))
    )
    query = select(orders.c.id).where(orders.c.state == OrderState.FULFILLED, asks.exists(), ~open_part.exists())
    found = connection.execute(query.order_by(orders.c.id).limit(most)).scalars().all()
    for order_id in found:
        follow(connection, order_id, hub)
    return len(found)
