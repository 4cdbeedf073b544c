"""How sales of one till stand that their customers wait for, as far as the till may know: by number, nobody's name.

What belongs here: reading them. What does not: the rule (`backroom.domain.waiting_sales`).
"""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime

from sqlalchemy import Connection, select

from backroom.domain.model import FulfilmentState, OrderState
from backroom.domain.waiting_sales import PartOfSale, Wait, first_asked, wait_of
from backroom.store.inbox_door import word
from backroom.store.print_promises import OPEN
from backroom.store.tables import fulfilment_orders, orders, print_promises, tills


def waits_of(
    connection: Connection, channel: str, location: str, device: str, last: int
) -> dict[int, tuple[Wait, datetime | None]]:
    """Of the newest sales of a till up to its number `last`, those that were not handed over at once, by number, with
    the time where there is one. Empty for a till that sells at another location: its key says where."""
    here = select(tills.c.name).where(tills.c.name == word(device), tills.c.location == location)
    if connection.execute(here).first() is None:
        return {}
    numbers = {f"{device}-{seq}": seq for seq in range(first_asked(last), last + 1)}
    promised = (print_promises.c.fulfilment_order_id == fulfilment_orders.c.id) & (print_promises.c.state == OPEN)
    query = (
        select(
            orders.c.external_id,
            orders.c.state.label("order_state"),
            fulfilment_orders.c.location,
            fulfilment_orders.c.state,
            fulfilment_orders.c.made_at,
            print_promises.c.promised_at,
        )
        .outerjoin(fulfilment_orders, fulfilment_orders.c.order_id == orders.c.id)
        .outerjoin(print_promises, promised)
        .where(orders.c.channel == channel, orders.c.external_id.in_(numbers), orders.c.handed_over.is_(False))
    )
    states: dict[int, OrderState] = {}
    parts: dict[int, list[PartOfSale]] = defaultdict(list)
    for row in connection.execute(query):
        seq = numbers[row.external_id]
        states[seq] = OrderState(row.order_state)
        if row.state is not None:
            made = row.made_at is not None
            parts[seq].append(PartOfSale(row.location, FulfilmentState(row.state), made, row.promised_at))
    return {seq: wait_of(states[seq], parts[seq], location) for seq in sorted(states)}
