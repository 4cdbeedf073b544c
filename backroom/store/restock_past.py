"""What was asked for before: at past events, by SKU, and online. For the forecast; no names, only sums.

What belongs here: the queries. What does not: what is made of them (`backroom.domain.forecast`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Connection, RowMapping, func, select

from backroom.domain.events import Event, EventState
from backroom.domain.forecast import Outing
from backroom.domain.model import OrderState
from backroom.domain.shop import Shop
from backroom.store.events import event_of
from backroom.store.tables import events, order_lines, orders, stock_leases, variants

ONLINE_WEEKS = 8.0
# More than these nobody remembers, and the shop was another one then.
EVENTS_MOST = 30


def past_events(connection: Connection, shop: Shop, printable: Collection[str]) -> list[Outing]:
    """The events that are over, oldest first: their hours, and what was asked for there.

    `printable` are the SKUs that a booth prints: they are to be had until its end. Of the others, where pieces were
    leased to the event at all, what was not brought was not on sale, and what sold out was so until its last piece.
    """
    over = events.c.state.in_([EventState.CLOSED, EventState.SETTLED])
    query = select(events).where(over, events.c.opened_at.is_not(None)).order_by(events.c.starts_at.desc())
    rows = connection.execute(query.limit(EVENTS_MOST)).mappings().all()
    return [_outing(connection, shop, row, printable) for row in reversed(rows)]


def asked_at(connection: Connection, shop: Shop, event: Event) -> dict[str, int]:
    """Pieces that an event's customers asked for so far, by SKU; what was cancelled is left out."""
    query = (
        select(order_lines.c.sku, func.sum(order_lines.c.quantity))
        .join(orders, orders.c.id == order_lines.c.order_id)
        .where(_at_event(shop, event))
        .group_by(order_lines.c.sku)
    )
    return {sku: int(pieces) for sku, pieces in connection.execute(query)}


def asked_online(connection: Connection, shop: Shop, at: datetime) -> dict[str, int]:
    """Pieces that all but the booths' own customers asked for in the last `ONLINE_WEEKS` weeks, by SKU."""
    booths = [location for location in shop.locations if location.kind == "booth"]
    query = (
        select(order_lines.c.sku, func.sum(order_lines.c.quantity))
        .join(orders, orders.c.id == order_lines.c.order_id)
        .where(
            orders.c.placed_at >= at - timedelta(weeks=ONLINE_WEEKS),
            orders.c.state != OrderState.CANCELLED,
            orders.c.event == "",
            orders.c.location.not_in([booth.id for booth in booths]),
        )
        .group_by(order_lines.c.sku)
    )
    return {sku: int(pieces) for sku, pieces in connection.execute(query)}


def open_hours(event: Event, until: datetime | None = None) -> float:
    """Hours that a booth is open, until a moment if one is given."""
    total = 0.0
    for session in event.sessions:
        closes = session.closes if until is None else min(session.closes, until)
        total += max(0.0, (closes - session.opens).total_seconds() / 3600)
    return total


def _outing(connection: Connection, shop: Shop, row: RowMapping, printable: Collection[str]) -> Outing:
    event = event_of(row)
    # One that was closed early was open so long.
    hours = open_hours(event, row["closed_at"])
    asked = asked_at(connection, shop, event)
    leased = _leased(connection, row["id"])
    had: dict[str, float] = {}
    if leased and hours > 0:
        for sku, last in _last_sales(connection, shop, event).items():
            if sku not in printable and asked[sku] >= leased.get(sku, 0):
                had[sku] = min(1.0, open_hours(event, last) / hours)
        had |= dict.fromkeys(_all_skus(connection) - set(asked) - set(leased) - set(printable), 0.0)
    return Outing(hours, asked, had)


def _at_event(shop: Shop, event: Event) -> ColumnElement[bool]:
    """Orders of an event: of its booth or its name, from its opening to its close."""
    name = shop.location(event.location).event if event.location in shop.location_names else ""
    of_booth = orders.c.location == event.location
    return (
        (of_booth | (orders.c.event == name) if name else of_booth)
        & (orders.c.placed_at >= event.starts_at)
        & (orders.c.placed_at < event.ends_at)
        & (orders.c.state != OrderState.CANCELLED)
    )


def _last_sales(connection: Connection, shop: Shop, event: Event) -> Mapping[str, datetime]:
    query = (
        # SQLAlchemy does not know that the newest of times is one as well.
        select(order_lines.c.sku, func.max(orders.c.placed_at, type_=orders.c.placed_at.type))
        .join(orders, orders.c.id == order_lines.c.order_id)
        .where(_at_event(shop, event))
        .group_by(order_lines.c.sku)
    )
    return {row[0]: row[1] for row in connection.execute(query)}


def _leased(connection: Connection, event_id: int) -> dict[str, int]:
    found: dict[str, int] = defaultdict(int)
    query = select(stock_leases.c.sku, stock_leases.c.pieces).where(stock_leases.c.event_id == event_id)
    for sku, pieces in connection.execute(query):
        found[sku] += pieces
    return found


def _all_skus(connection: Connection) -> set[str]:
    return set(connection.execute(select(variants.c.sku)).scalars())
