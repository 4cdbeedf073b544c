"""What the key figures need of orders, kept as facts: a row for each order, the days that are due, and reading them.

What belongs here: the queries. What does not: the rows that facts are made of (`raw_orders`), and what facts and
figures mean (`backroom.insight`, `backroom.domain.kpi`). Each function takes a connection and commits nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    RowMapping,
    Select,
    and_,
    delete,
    insert,
    select,
)

from backroom.store.batches import chunks, upsert
from backroom.store.quality.aside import COUNTED
from backroom.store.tables import (
    due_days,
    order_facts,
    stock_outs,
)

STREAMED = 20_000
# So many corrected orders of a day are named; the others are counted.
NAMED = 5


@dataclass(frozen=True, slots=True)
class Kept:
    """What tells whether facts that are kept still hold, and whose figures they are in."""

    digest: int
    accepted_day: str
    shipped_day: str


def kept(connection: Connection, order_ids: Iterable[int]) -> dict[int, Kept]:
    """What is kept of these orders already."""
    found: dict[int, Kept] = {}
    for batch in chunks(order_ids):
        query = select(
            order_facts.c.order_id, order_facts.c.digest, order_facts.c.accepted_day, order_facts.c.shipped_day
        ).where(order_facts.c.order_id.in_(batch))
        found |= {row[0]: Kept(row[1], row[2], row[3]) for row in connection.execute(query)}
    return found


def save_facts(
    connection: Connection, facts: Sequence[Mapping[str, Any]], short: Iterable[tuple[int, str, str]]
) -> None:
    """Write facts, and what was `short` (order, location, SKU), in the place of what was kept of the same orders."""
    for batch in chunks(fact["order_id"] for fact in facts):
        connection.execute(delete(order_facts).where(order_facts.c.order_id.in_(batch)))
        connection.execute(delete(stock_outs).where(stock_outs.c.order_id.in_(batch)))
    for rows in chunks(facts):
        connection.execute(insert(order_facts), rows)
    for places in chunks({"order_id": one[0], "location": one[1], "sku": one[2]} for one in short):
        connection.execute(insert(stock_outs), places)


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
    """Facts of the orders that were accepted or shipped on these days, of those that no figure counts as well."""
    return list(connection.execute(select(order_facts).where(_on(days))).mappings())


def stream_of_days(
    connection: Connection, days: Sequence[str], columns: Sequence[str]
) -> Iterator[list[tuple[Any, ...]]]:
    """The same, only these columns, some thousand orders at a time."""
    return _stream(connection, select(*(order_facts.c[name] for name in columns)).where(_on(days), COUNTED))


def left_out_of_days(connection: Connection, days: Sequence[str]) -> list[RowMapping]:
    """Facts of the orders in quarantine that were accepted or shipped on these days: no figure counts them."""
    query = select(order_facts).where(_on(days), ~COUNTED).order_by(order_facts.c.order_id)
    return list(connection.execute(query).mappings())


def stream_placed(connection: Connection, columns: Sequence[str]) -> Iterator[list[tuple[Any, ...]]]:
    """These columns of all orders that customers placed, some thousand at a time."""
    return _stream(
        connection, select(*(order_facts.c[name] for name in columns)).where(order_facts.c.replaces == 0, COUNTED)
    )


def _stream(connection: Connection, query: Select[Any]) -> Iterator[list[tuple[Any, ...]]]:
    for batch in connection.execute(query, execution_options={"yield_per": STREAMED}).partitions():
        yield [tuple(row) for row in batch]


def _on(days: Sequence[str]) -> ColumnElement[bool]:
    return order_facts.c.shipped_day.in_(days) | order_facts.c.accepted_day.in_(days)


def stock_outs_of_days(connection: Connection, days: Sequence[str]) -> list[tuple[str, str, str, str]]:
    """(day, way, location, SKU) of everything that orders accepted on these days found out of stock."""
    query = select(order_facts.c.accepted_day, order_facts.c.way, stock_outs.c.location, stock_outs.c.sku)
    query = query.join(stock_outs, stock_outs.c.order_id == order_facts.c.order_id)
    accepted = connection.execute(query.where(order_facts.c.accepted_day.in_(days), COUNTED))
    return [(row[0], row[1], row[2], row[3]) for row in accepted]


def stock_outs_of_orders(connection: Connection, order_ids: Iterable[int]) -> list[tuple[int, str, str]]:
    """(order, location, SKU) of what these orders found out of stock."""
    found: list[tuple[int, str, str]] = []
    for batch in chunks(order_ids):
        query = select(stock_outs).where(stock_outs.c.order_id.in_(batch))
        found += [(row.order_id, row.location, row.sku) for row in connection.execute(query)]
    return found


def returned_between(connection: Connection, first: str, last: str, way: str, most: int) -> list[RowMapping]:
    """Orders shipped on the days from `first` to `last` of which anything came back, those first of which most did."""
    query = select(order_facts).where(
        order_facts.c.shipped_day.between(first, last), order_facts.c.returned > 0, COUNTED
    )
    if way:
        query = query.where(order_facts.c.way == way)
    query = query.order_by(order_facts.c.returned.desc(), order_facts.c.order_id).limit(most)
    return list(connection.execute(query).mappings())


def firsts_between(
    connection: Connection, first: datetime, end: datetime, way: str, most: int
) -> list[tuple[str, str, str, datetime, str | None, datetime | None]]:
    """First orders of customers, placed from `first` until before `end`: (number, way, channel, placed at, the number
    of the customer's next order and when that was placed), oldest first."""
    earlier, following = order_facts.alias("earlier"), order_facts.alias("following")

    def is_before(one: Any, other: Any) -> ColumnElement[bool]:
        same = and_(one.c.placed_at == other.c.placed_at, one.c.order_id < other.c.order_id)
        placed = and_(one.c.replaces == 0, other.c.replaces == 0, one.c.left_out == "", other.c.left_out == "")
        return and_(placed, one.c.person_id == other.c.person_id, (one.c.placed_at < other.c.placed_at) | same)

    nearest = (
        select(following.c.order_id)
        .where(is_before(order_facts, following))
        .order_by(following.c.placed_at, following.c.order_id)
        .limit(1)
        .correlate(order_facts)
        .scalar_subquery()
    )
    after = order_facts.alias("after")
    query = (
        select(
            order_facts.c.number,
            order_facts.c.way,
            order_facts.c.channel,
            order_facts.c.placed_at,
            after.c.number.label("next_number"),
            after.c.placed_at.label("next_at"),
        )
        .select_from(order_facts)
        .outerjoin(after, after.c.order_id == nearest)
        .where(order_facts.c.placed_at >= first, order_facts.c.placed_at < end, order_facts.c.replaces == 0, COUNTED)
        .where(~select(earlier.c.order_id).where(is_before(earlier, order_facts)).exists())
        .order_by(order_facts.c.placed_at)
        .limit(most)
    )
    if way:
        query = query.where(order_facts.c.way == way)
    return [(row[0], row[1], row[2], row[3], row[4], row[5]) for row in connection.execute(query)]
