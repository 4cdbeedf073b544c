"""What is under way at locations and channels that the shop file no longer has: nobody would ever carry it on."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import ColumnElement, Connection, func, select

from backroom.domain.lifecycle import Kind, ends
from backroom.domain.model import InboxState
from backroom.store.tables import fulfilment_orders, inbox, orders


def stranded(
    connection: Connection, locations: Collection[str], channels: Collection[str]
) -> list[tuple[str, str, int]]:
    """`(location or channel, its id, how many)` for open work whose place is none of those given.

    Counted are fulfilment orders, orders, and messages that nobody has read.
    """
    open_part = fulfilment_orders.c.state.not_in(ends(Kind.FULFILMENT))
    open_order = orders.c.state.not_in(ends(Kind.ORDER))
    waits = inbox.c.state.in_((InboxState.WAITING, InboxState.QUARANTINED))
    counts: dict[tuple[str, str], int] = {}
    for kind, column, condition, known in (
        ("location", fulfilment_orders.c.location, open_part, locations),
        ("channel", orders.c.channel, open_order, channels),
        ("channel", inbox.c.channel, waits, channels),
    ):
        for id_, count in _elsewhere(connection, column, condition, known):
            counts[kind, id_] = counts.get((kind, id_), 0) + count
    return [(kind, id_, count) for (kind, id_), count in sorted(counts.items())]


def _elsewhere(
    connection: Connection, column: ColumnElement[str], condition: ColumnElement[bool], known: Collection[str]
) -> list[tuple[str, int]]:
    query = select(column, func.count()).where(condition, column.not_in(list(known))).group_by(column)
    return [(id_, count) for id_, count in connection.execute(query)]
