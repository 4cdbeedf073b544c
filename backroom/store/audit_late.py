"""Orders that were shipped after their promise, with the times of their stages and where each was spent.

What belongs here: the queries, over the facts of orders. What does not: how much of a delay a stage carries
(`backroom.insight.audit.slow`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, RowMapping, func, select

from backroom.domain.kpi import STAGES
from backroom.domain.model import FulfilmentState, PrintJobState
from backroom.store.batches import chunks
from backroom.store.tables import fulfilment_orders, order_facts, orders, print_jobs

_SECONDS = tuple(f"{stage}_s" for stage in STAGES)


@dataclass(frozen=True, slots=True)
class LateOrder:
    """An order shipped late: `late_s` after its promise, its stages' seconds, and the place of each stage.

    `printer` is the one whose print came last at the place where it was made last; empty where nothing was printed.
    """

    number: str
    channel: str
    way: str
    ended_at: datetime
    late_s: float
    stages: dict[str, float]
    places: dict[str, str]
    printer: str


def late_orders(connection: Connection, first: str, last: str, hub: str) -> list[LateOrder]:
    """Those shipped on the days from `first` to `last` (ISO 8601), the latest first."""
    query = (
        select(order_facts, orders.c.ended_at, orders.c.ship_by)
        .join(orders, orders.c.id == order_facts.c.order_id)
        .where(order_facts.c.shipped_day.between(first, last), order_facts.c.on_time == 0)
    )
    rows = list(connection.execute(query).mappings())
    ids = [row["order_id"] for row in rows]
    parts, printers = _last_parts(connection, ids), _last_printers(connection, ids)
    found = [_late(row, parts.get(row["order_id"], {}), printers, hub) for row in rows]
    return sorted(found, key=lambda one: -one.late_s)


def shipped(connection: Connection, first: str, last: str) -> int:
    """How many orders with a promise were shipped on these days."""
    query = select(func.count()).where(
        order_facts.c.shipped_day.between(first, last), order_facts.c.on_time.is_not(None)
    )
    return connection.execute(query).scalar_one()


def stage_times(connection: Connection, first: str, last: str) -> list[tuple[Any, ...]]:
    """(way, then seconds of each stage) of the orders shipped in time on these days."""
    query = select(order_facts.c.way, *(order_facts.c[name] for name in _SECONDS)).where(
        order_facts.c.shipped_day.between(first, last), order_facts.c.on_time == 1
    )
    return [tuple(row) for row in connection.execute(query)]


def _late(row: RowMapping, parts: dict[str, str], printers: dict[tuple[int, str], str], hub: str) -> LateOrder:
    # Until it is accepted here an order is with its channel; then at the hub, until it is sent to a place.
    places = {"waiting": row["channel"], "intake": hub} | parts
    return LateOrder(
        number=row["number"],
        channel=row["channel"],
        way=row["way"],
        ended_at=row["ended_at"],
        late_s=max(0.0, (row["ended_at"] - row["ship_by"]).total_seconds()),
        stages={stage: float(row[f"{stage}_s"] or 0) for stage in STAGES},
        places={stage: places.get(stage, hub) for stage in STAGES},
        printer=printers.get((row["order_id"], places.get("making", "")), ""),
    )


def _last_parts(connection: Connection, order_ids: Sequence[int]) -> dict[int, dict[str, str]]:
    """For each order the place whose work ended each stage last."""
    ends = {"making": "made_at", "packing": "labelled_at", "announcing": "done_at"}
    last: dict[int, dict[str, tuple[datetime, str]]] = {}
    for batch in chunks(order_ids):
        query = select(fulfilment_orders).where(
            fulfilment_orders.c.order_id.in_(batch), fulfilment_orders.c.state == FulfilmentState.DONE
        )
        for part in connection.execute(query.order_by(fulfilment_orders.c.id)).mappings():
            mine = last.setdefault(part["order_id"], {})
            for stage, end in ends.items():
                reached = (part[end] or part["opened_at"], part["location"])
                mine[stage] = max(mine.get(stage, reached), reached)
    return {id_: {stage: place for stage, (_, place) in mine.items()} for id_, mine in last.items()}


def _last_printers(connection: Connection, order_ids: Sequence[int]) -> dict[tuple[int, str], str]:
    """The printer of the last print, by order and place."""
    found: dict[tuple[int, str], str] = {}
    for batch in chunks(order_ids):
        query = (
            select(fulfilment_orders.c.order_id, print_jobs.c.location, print_jobs.c.printer)
            .join(fulfilment_orders, fulfilment_orders.c.id == print_jobs.c.fulfilment_order_id)
            .where(fulfilment_orders.c.order_id.in_(batch), print_jobs.c.state == PrintJobState.DONE)
            .order_by(print_jobs.c.ended_at)
        )
        found |= {(row[0], row[1]): row[2] for row in connection.execute(query)}
    return found
