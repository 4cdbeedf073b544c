"""Moving from state to state: every UPDATE that moves an order, its work, a print job, a reservation, a return or an
event begins here.

What belongs here: that statement, conditional on the state it leaves and held against the life cycles. What does not:
which moves there are (`backroom.domain.lifecycle`), and who makes them (the modules beside this one).
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from sqlalchemy import Table, Update, update

from backroom.domain.lifecycle import Kind, check_move
from backroom.store.tables import (
    events,
    fulfilment_orders,
    orders,
    partner_orders,
    print_jobs,
    reservations,
    returns,
    samples,
    transfers,
)

_KINDS: Mapping[str, Kind] = {
    orders.name: Kind.ORDER,
    fulfilment_orders.name: Kind.FULFILMENT,
    print_jobs.name: Kind.PRINT_JOB,
    reservations.name: Kind.RESERVATION,
    returns.name: Kind.RETURN,
    events.name: Kind.EVENT,
    transfers.name: Kind.TRANSFER,
    partner_orders.name: Kind.PARTNER_ORDER,
    samples.name: Kind.SAMPLE,
}


def moving(table: Table, old: StrEnum, new: StrEnum, *, by_person: bool = False, by_source: bool = False) -> Update:
    """The UPDATE of all rows of `table` from `old` to `new`, to be narrowed; IllegalMove where no life cycle has it.

    A row that stands elsewhere by the time it runs is left alone: count or return what moved.
    """
    check_move(_KINDS[table.name], old, new, by_person=by_person, by_source=by_source)
    return update(table).where(table.c.state == old).values(state=new)
