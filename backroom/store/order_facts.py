"""What the key figures need of orders: reading it from their rows, keeping it as facts, and reading the facts.

What belongs here: the queries. What does not: what facts and figures mean (`backroom.insight`, `backroom.domain.kpi`).
Each function takes a connection and commits nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, RowMapping, Select, and_, case, delete, func, insert, select

from backroom.domain.model import FulfilmentState
from backroom.store import effects as ledger
from backroom.store.batches import chunks, upsert
from backroom.store.messages import SENT
from backroom.store.tables import (
    counters,
    due_days,
    effects,
    fulfilment_lines,
    fulfilment_orders,
    history,
    messages,
    order_facts,
    orders,
    print_jobs,
    routing_decisions,
    shipments,
)

MARK = "kpi.history"
# Entries of a transaction that is still open may have lower numbers than those we see: younger ones come next time.
SETTLED_AFTER = timedelta(minutes=2)
ENTRIES_AT_ONCE = 40_000
# So many corrected orders of a day are named; the others are counted.
NAMED = 5


@dataclass(frozen=True, slots=True)
class Changes:
    """The orders about which something was written up to the history entry `upto`; `more` says that there are more."""

    order_ids: Sequence[int]
    upto: int
    more: bool


@dataclass(frozen=True, slots=True)
class Kept:
    """What tells whether facts that are kept still hold, and whose figures they are in."""

    digest: int
    accepted_day: str
    shipped_day: str


@dataclass(frozen=True, slots=True)
class RawOrder:
    """One order's row and what was counted over the rows that hang on it. `parts` leaves out cancelled ones."""

    order: RowMapping
    parts: list[RowMapping] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)


def changes(connection: Connection, at: datetime) -> Changes:
    """Whose history grew since the mark, as far as it is settled."""
    mark = connection.execute(select(counters.c.value).where(counters.c.name == MARK)).scalar_one_or_none() or 0
    query = select(history.c.id, history.c.order_id, history.c.at).where(history.c.id > mark)
    upto, ids, seen = mark, dict[int, None](), 0
    for row in connection.execute(query.order_by(history.c.id).limit(ENTRIES_AT_ONCE)):
        seen += 1
        if row.at > at - SETTLED_AFTER:
            return Changes(list(ids), upto, more=False)
        upto = row.id
        ids[row.order_id] = None
    return Changes(list(ids), upto, more=seen == ENTRIES_AT_ONCE)


def set_mark(connection: Connection, upto: int) -> None:
    upsert(connection, counters, [{"name": MARK, "value": upto}], ["name"])


def read_orders(connection: Connection, order_ids: Iterable[int]) -> dict[int, RawOrder]:
    """Orders with their parts and counts, by id."""
    found: dict[int, RawOrder] = {}
    for batch in chunks(order_ids):
        for row in connection.execute(_orders().where(orders.c.id.in_(batch))).mappings():
            found[row["id"]] = RawOrder(row)
        live = fulfilment_orders.c.state != FulfilmentState.CANCELLED
        parts = select(fulfilment_orders).where(fulfilment_orders.c.order_id.in_(batch), live)
        for row in connection.execute(parts).mappings():
            found[row["order_id"]].parts.append(row)
        for query in _counts(batch):
            for row in connection.execute(query).mappings():
                found[row["order_id"]].counts.update({k: int(v or 0) for k, v in row.items() if k != "order_id"})
    return found


def _orders() -> Select[Any]:
    return select(
        orders.c.id,
        orders.c.number,
        orders.c.channel,
        orders.c.event,
        orders.c.state,
        orders.c.person_id,
        orders.c.placed_at,
        orders.c.accepted_at,
        orders.c.ship_by,
        orders.c.ended_at,
    )


def _counts(order_ids: Sequence[int]) -> Iterator[Select[Any]]:
    """One query a table that hangs on orders, each a row an order."""
    of_order = fulfilment_orders.c.order_id
    parts = (of_order.in_(order_ids)) & (fulfilment_orders.c.state != FulfilmentState.CANCELLED)
    yield (
        select(
            of_order,
            func.sum(fulfilment_lines.c.from_stock + fulfilment_lines.c.to_print).label("pieces"),
            func.sum(fulfilment_lines.c.to_print).label("printed"),
        )
        .join(fulfilment_lines, fulfilment_lines.c.fulfilment_order_id == fulfilment_orders.c.id)
        .where(parts)
        .group_by(of_order)
    )
    yield (
        select(of_order, func.count().label("parcels"), func.sum(shipments.c.cost_minor).label("label_minor"))
        .join(shipments, shipments.c.fulfilment_order_id == fulfilment_orders.c.id)
        .where(parts)
        .group_by(of_order)
    )
    yield (
        select(
            of_order,
            func.sum(print_jobs.c.attempt * print_jobs.c.copies).label("print_tries"),
            func.sum((print_jobs.c.attempt - 1) * print_jobs.c.copies).label("print_rejects"),
        )
        .join(print_jobs, print_jobs.c.fulfilment_order_id == fulfilment_orders.c.id)
        .where(parts)
        .group_by(of_order)
    )
    yield (
        select(
            messages.c.order_id,
            _sum_where(messages.c.medium == "email", messages.c.state == SENT).label("emails"),
            _sum_where(messages.c.medium == "sms", messages.c.state == SENT).label("texts"),
        )
        .where(messages.c.order_id.in_(order_ids))
        .group_by(messages.c.order_id)
    )
    lost = effects.c.state.in_([ledger.FAILED, ledger.UNKNOWN])
    yield (
        select(effects.c.order_id, func.count().label("messages_failed"))
        .where(effects.c.order_id.in_(order_ids), effects.c.kind == "message", lost)
        .group_by(effects.c.order_id)
    )
    # The first decision alone: what is routed again after stock arrived was short all the same.
    yield (
        select(routing_decisions.c.order_id, _sum_where(routing_decisions.c.outcome == "backorder").label("oversold"))
        .where(routing_decisions.c.order_id.in_(order_ids), routing_decisions.c.round == 1)
        .group_by(routing_decisions.c.order_id)
    )


def _sum_where(*conditions: ColumnElement[bool]) -> ColumnElement[int]:
    return func.sum(case((and_(*conditions), 1), else_=0))


def kept(connection: Connection, order_ids: Iterable[int]) -> dict[int, Kept]:
    """What is kept of these orders already."""
    found: dict[int, Kept] = {}
    for batch in chunks(order_ids):
        query = select(
            order_facts.c.order_id, order_facts.c.digest, order_facts.c.accepted_day, order_facts.c.shipped_day
        ).where(order_facts.c.order_id.in_(batch))
        found |= {row[0]: Kept(row[1], row[2], row[3]) for row in connection.execute(query)}
    return found


def save_facts(connection: Connection, facts: Sequence[Mapping[str, Any]]) -> None:
    """Write facts, in the place of those that were kept of the same orders."""
    for batch in chunks(fact["order_id"] for fact in facts):
        connection.execute(delete(order_facts).where(order_facts.c.order_id.in_(batch)))
    for rows in chunks(facts):
        connection.execute(insert(order_facts), rows)


def mark_due(connection: Connection, corrected: Mapping[str, Sequence[str]]) -> None:
    """Days whose figures are to be computed, each with the orders that corrected it after it was over."""
    known = {row.day: row for row in connection.execute(select(due_days).where(due_days.c.day.in_(list(corrected))))}
    rows = []
    for day, numbers in corrected.items():
        named = known[day].corrected if day in known else []
        rows.append(
            {
                "day": day,
                "corrected": [*named, *numbers][:NAMED],
                "corrections": (known[day].corrections if day in known else 0) + len(numbers),
            }
        )
    upsert(connection, due_days, rows, ["day"])


def days_due(connection: Connection, most: int) -> dict[str, str]:
    """The next days whose figures are due, oldest first, each with why a figure of it may have changed."""
    query = select(due_days).order_by(due_days.c.day).limit(most)
    return {row.day: _why(row.corrected, row.corrections) for row in connection.execute(query)}


def _why(named: Sequence[str], count: int) -> str:
    if not count:
        return ""
    rest = f" and {count - len(named)} more" if count > len(named) else ""
    return f"{count} {'order' if count == 1 else 'orders'} changed: {', '.join(named)}{rest}"


def settle_days(connection: Connection, days: Iterable[str]) -> None:
    connection.execute(delete(due_days).where(due_days.c.day.in_(list(days))))


def facts_of_days(connection: Connection, days: Sequence[str]) -> list[RowMapping]:
    """Facts of the orders that were accepted or shipped on these days."""
    on_them = order_facts.c.shipped_day.in_(days) | order_facts.c.accepted_day.in_(days)
    return list(connection.execute(select(order_facts).where(on_them)).mappings())


def first_and_next(connection: Connection) -> list[tuple[datetime, str, datetime | None]]:
    """Of each customer: when the first order was placed, which way it went, and when the next one was; no names."""
    by_time = (order_facts.c.placed_at, order_facts.c.order_id)
    ranked = select(
        order_facts.c.placed_at,
        order_facts.c.way,
        func.row_number().over(partition_by=order_facts.c.person_id, order_by=by_time).label("turn"),
        # SQLAlchemy does not know that what follows a time is one as well.
        func.lead(order_facts.c.placed_at, type_=order_facts.c.placed_at.type)
        .over(partition_by=order_facts.c.person_id, order_by=by_time)
        .label("next"),
    ).subquery()
    query = select(ranked.c.placed_at, ranked.c.way, ranked.c.next).where(ranked.c.turn == 1)
    return [(row[0], row[1], row[2]) for row in connection.execute(query)]


def orders_behind(connection: Connection, day: str, way: str, most: int) -> list[RowMapping]:
    """The orders that a day's figures are made of, slowest first."""
    query = select(order_facts).where(order_facts.c.shipped_day == day).order_by(order_facts.c.ship_s.desc())
    if way:
        query = query.where(order_facts.c.way == way)
    return list(connection.execute(query.limit(most)).mappings())
