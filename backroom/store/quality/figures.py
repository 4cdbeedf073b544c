"""Key figures, the facts they are made of, and the traffic of the shop, as data quality looks at them."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, func, literal, select

from backroom.domain.kpi import ALL
from backroom.domain.model import InboxState, OrderState
from backroom.store.quality.aside import COUNTED
from backroom.store.quality.orders import COUNTED_AFTER
from backroom.store.quality.windows import Source, holds, when
from backroom.store.raw_orders import MARK
from backroom.store.tables import counters, due_days, history, inbox, kpi_figures, order_facts, orders


def _figures(_: datetime) -> Select[Any]:
    """Figures; of how many orders were shipped, also how many facts there are, unless its day is to be computed yet."""
    figure, fact = kpi_figures, order_facts
    shipped = (fact.c.shipped_day == figure.c.day) & COUNTED & _way(fact.c.way)
    facts = select(func.count()).where(shipped).scalar_subquery()
    due = select(due_days.c.day).where(due_days.c.day == figure.c.day)
    counts = (figure.c.name == "orders") & ~due.exists()
    return select(
        (figure.c.day + literal("/") + figure.c.way + literal("/") + figure.c.name).label("key"),
        literal("").label("number"),
        figure.c.day,
        figure.c.way,
        figure.c.name,
        figure.c.value,
        figure.c.orders,
        figure.c.provisional,
        figure.c.computed_at,
        when(counts, figure.c.value).label("shipped"),
        when(counts, facts).label("shipped_by_facts"),
    )


def _way(way: ColumnElement[str]) -> ColumnElement[bool]:
    return (kpi_figures.c.way == ALL) | (way == kpi_figures.c.way)


def _facts(at: datetime) -> Select[Any]:
    """Facts; whether one says "shipped" is compared with its order, unless that changed too lately to be read."""
    fact = order_facts
    lately = orders.c.ended_at.is_not(None) & (orders.c.ended_at >= at - COUNTED_AFTER)
    settled = orders.c.id.is_not(None) & ~lately
    shipped = fact.c.shipped_day != ""
    # One whose parcels left keeps its end while a person is asked about it.
    left = (orders.c.state != OrderState.CANCELLED) & orders.c.ended_at.is_not(None)
    return select(
        fact.c.order_id.label("key"),
        fact.c.number,
        orders.c.id.label("order_found"),
        when(settled, holds(shipped)).label("is_shipped"),
        when(settled, holds(left)).label("is_fulfilled"),
        fact.c.ship_s,
        fact.c.pieces,
        fact.c.parcels,
        fact.c.label_minor,
    ).select_from(fact.outerjoin(orders, orders.c.id == fact.c.order_id))


def accepted_by_day(connection: Connection, first: str, last: str) -> dict[str, dict[str, int]]:
    """How many orders were accepted, by channel and day of the shop's own calendar (ISO 8601), both ends included."""
    fact = order_facts
    query = select(fact.c.channel, fact.c.accepted_day, func.count()).where(fact.c.accepted_day.between(first, last))
    found: dict[str, dict[str, int]] = defaultdict(dict)
    for channel, day, count in connection.execute(query.group_by(fact.c.channel, fact.c.accepted_day)):
        found[channel][day] = count
    return found


def unread_since(connection: Connection) -> datetime | None:
    """Since when the oldest message waits at the front door; None where none does."""
    query = select(inbox.c.received_at).where(inbox.c.state == InboxState.WAITING).order_by(inbox.c.received_at)
    return connection.execute(query.limit(1)).scalar_one_or_none()


def uncounted_since(connection: Connection) -> datetime | None:
    """Since when the key figures have not read what was written; None where they have read it all, or never began."""
    mark = connection.execute(select(counters.c.value).where(counters.c.name == MARK)).scalar_one_or_none()
    if mark is None:
        return None
    query = select(history.c.at).where(history.c.id > mark).order_by(history.c.id)
    return connection.execute(query.limit(1)).scalar_one_or_none()


FIGURES = Source(_figures)
FACTS = Source(_facts, order_facts.c.order_id, order_facts.c.order_id.in_)
