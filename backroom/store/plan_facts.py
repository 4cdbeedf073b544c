"""What the plan of the first 30 days asks of the shop's rows: how orders were routed, what was sold, which events were
held. Counts only, nobody's data."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, func, select

from backroom.domain.kpi import Way
from backroom.domain.model import OrderState
from backroom.store.quality.aside import COUNTED
from backroom.store.tables import fulfilment_orders, order_facts, order_lines, orders, routing_decisions

_NO_RULE = ("no_rule", "no_place")


def first_order(connection: Connection) -> tuple[int, datetime | None]:
    """How many orders there are, and when the first was accepted."""
    accepted = orders.c.accepted_at
    row = connection.execute(select(func.count(), func.min(accepted, type_=accepted.type))).one()
    return row[0], row[1]


def routed(connection: Connection, since: datetime) -> dict[str, int]:
    """Orders that a rule sent somewhere since then, by rule."""
    decided = routing_decisions
    query = (
        select(decided.c.rule, func.count(decided.c.order_id.distinct()))
        .where(decided.c.at >= since, decided.c.outcome == "assigned")
        .group_by(decided.c.rule)
    )
    return {row[0]: row[1] for row in connection.execute(query)}


def used(connection: Connection, since: datetime) -> dict[str, int]:
    """Pieces of work opened since then, by location."""
    query = (
        select(fulfilment_orders.c.location, func.count())
        .where(fulfilment_orders.c.opened_at >= since)
        .group_by(fulfilment_orders.c.location)
    )
    return {row[0]: row[1] for row in connection.execute(query)}


def without_rule(connection: Connection) -> int:
    """Orders that are on hold because no rule fits them."""
    query = select(func.count()).where(orders.c.state == OrderState.HELD, orders.c.hold_reason.in_(_NO_RULE))
    return connection.execute(query).scalar_one()


def sold(connection: Connection, since: datetime) -> list[int]:
    """Pieces ordered since then, a number a SKU."""
    query = (
        select(func.sum(order_lines.c.quantity))
        .join(orders, orders.c.id == order_lines.c.order_id)
        .where(orders.c.accepted_at >= since, orders.c.state != OrderState.CANCELLED)
        .group_by(order_lines.c.sku)
    )
    return [int(row[0]) for row in connection.execute(query)]


@dataclass(frozen=True, slots=True)
class Served:
    """Orders of events that were shipped on a day: seconds of each, and tries at prints, all and failed."""

    seconds: list[int]
    tries: int
    rejects: int


def served_at_events(connection: Connection) -> dict[str, Served]:
    """By day of the shop's own calendar."""
    query = select(
        order_facts.c.shipped_day, order_facts.c.ship_s, order_facts.c.print_tries, order_facts.c.print_rejects
    ).where(order_facts.c.way == Way.EVENT, order_facts.c.shipped_day != "", COUNTED)
    rows = defaultdict(list)
    for row in connection.execute(query):
        rows[row.shipped_day].append(row)
    return {
        day: Served(
            [row.ship_s for row in mine], sum(row.print_tries for row in mine), sum(row.print_rejects for row in mine)
        )
        for day, mine in rows.items()
    }


def shipped_since(connection: Connection, first: str) -> tuple[list[int], int, int]:
    """Of orders shipped since a day: the seconds of each, how many had a promise, and how many of those were late."""
    query = select(order_facts.c.ship_s, order_facts.c.on_time).where(order_facts.c.shipped_day >= first, COUNTED)
    rows = connection.execute(query).all()
    promised = [row.on_time for row in rows if row.on_time is not None]
    return [row.ship_s for row in rows], len(promised), promised.count(0)


def days_with_figures(connection: Connection, after: str, before: str) -> int:
    """How many days after one and before another orders were shipped on."""
    day = order_facts.c.shipped_day
    query = select(func.count(day.distinct())).where(day > after, day < before)
    return connection.execute(query).scalar_one()
