"""Figures about the whole shop for its metrics: counts by state, and how long the oldest has waited. No ids."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Column, ColumnElement, Connection, Table, func, select

from backroom.domain.model import FulfilmentState, InboxState, OrderState, PrintJobState
from backroom.store import effects as ledger
from backroom.store.batches import upsert
from backroom.store.database import now
from backroom.store.news import UNTOLD
from backroom.store.refunds import WAITING
from backroom.store.returns import ENDED
from backroom.store.tables import (
    breakers,
    channel_news,
    channel_stock,
    counters,
    effects,
    fulfilment_orders,
    inbox,
    messages,
    orders,
    print_jobs,
    print_rejects,
    quarantine,
    refunds,
    returns,
    samples,
)

Counts = dict[tuple[str, ...], int]


@dataclass(frozen=True, slots=True)
class Figures:
    """Counts keyed by label values, and ages in seconds keyed by queue."""

    inbox: Counts
    orders: Counts
    parts: Counts
    prints: Counts
    returns: Counts
    sent: Counts
    samples: Counts
    rejects: Counts
    sick: Counts
    oldest: dict[tuple[str, ...], float]
    effects_unknown: int
    quarantined: int
    breakers_open: int


def read_figures(connection: Connection) -> Figures:
    """Everything in one snapshot."""
    at = now(connection)
    moving = orders.c.state.in_([OrderState.ACCEPTED, OrderState.ROUTED, OrderState.RESERVED])
    working = fulfilment_orders.c.state.not_in([FulfilmentState.DONE, FulfilmentState.CANCELLED, FulfilmentState.HELD])
    # What is put off goes on by itself.
    sick_part = fulfilment_orders.c.sick_cause.is_not(None) & fulfilment_orders.c.next_attempt_at.is_(None)
    sick_return = returns.c.sick_cause.is_not(None) & returns.c.next_attempt_at.is_(None)
    sick_refund = refunds.c.sick_cause.is_not(None) & refunds.c.next_attempt_at.is_(None)
    sick_news = UNTOLD & channel_news.c.sick_cause.is_not(None) & channel_news.c.next_attempt_at.is_(None)
    # What is printed to stock waits for whole evenings, behind every order: that is no trouble.
    print_waits = (print_jobs.c.state == PrintJobState.WAITING) & print_jobs.c.transfer_id.is_(None)
    return Figures(
        inbox=_by(connection, inbox.c.channel, inbox.c.state),
        orders=_by(connection, orders.c.channel, orders.c.state),
        parts=_by(connection, fulfilment_orders.c.location, fulfilment_orders.c.state),
        prints=_by(connection, print_jobs.c.location, print_jobs.c.state),
        returns=_by(connection, returns.c.lane, returns.c.state, returns.c.state.not_in(ENDED)),
        sent=_by(connection, messages.c.medium, messages.c.state),
        samples=_by(connection, samples.c.location, samples.c.state),
        rejects={
            (row.location, row.printer): int(row.pieces)
            for row in connection.execute(
                select(
                    print_rejects.c.location, print_rejects.c.printer, func.sum(print_rejects.c.pieces).label("pieces")
                ).group_by(print_rejects.c.location, print_rejects.c.printer)
            )
        },
        sick={
            ("intake",): _count(connection, orders, orders.c.sick_cause.is_not(None)),
            ("fulfilment",): _count(connection, fulfilment_orders, sick_part),
            ("returns",): _count(connection, returns, sick_return),
            ("refunds",): _count(connection, refunds, sick_refund),
            ("tell",): _count(connection, channel_news, sick_news),
        },
        oldest={
            ("inbox",): _age(connection, inbox.c.received_at, inbox.c.state == InboxState.WAITING, at),
            ("intake",): _age(connection, orders.c.accepted_at, moving, at),
            ("held",): _age(connection, orders.c.accepted_at, orders.c.state == OrderState.HELD, at),
            ("fulfilment",): _age(connection, fulfilment_orders.c.opened_at, working, at),
            ("print",): _age(connection, print_jobs.c.created_at, print_waits, at),
            ("refund",): _age(connection, refunds.c.planned_at, refunds.c.state == WAITING, at),
            ("tell",): _age(connection, channel_news.c.at, UNTOLD, at),
            ("stock",): _age(connection, channel_stock.c.failing_since, channel_stock.c.cause != "", at),
        },
        effects_unknown=_count(connection, effects, effects.c.state == ledger.UNKNOWN),
        quarantined=_count(connection, quarantine, quarantine.c.state == "open"),
        breakers_open=_count(connection, breakers, breakers.c.state == "open"),
    )


def _by(
    connection: Connection, first: Column[str], second: Column[str], which: ColumnElement[bool] | None = None
) -> Counts:
    # States first, as the indexes have them: by channels first, SQLite looks up every row there ever was.
    query = select(first, second, func.count()).group_by(second, first)
    rows = connection.execute(query if which is None else query.where(which))
    return {(row[0], row[1]): row[2] for row in rows}


def _count(connection: Connection, table: Table, which: ColumnElement[bool]) -> int:
    return connection.execute(select(func.count()).select_from(table).where(which)).scalar_one()


def _age(connection: Connection, since: Column[datetime], which: ColumnElement[bool], at: datetime) -> float:
    oldest = connection.execute(select(func.min(since, type_=since.type)).where(which)).scalar()
    return 0.0 if oldest is None else (at - oldest).total_seconds()


def prove_writable(connection: Connection, seconds: int) -> None:
    """Write one small row, so that a full or read-only disk is noticed before an order is refused."""
    upsert(connection, counters, [{"name": "health", "value": seconds}], ["name"])
