"""Sick orders and breakers: what leaves its wave, and what waits for one common cause to be mended.

One that fails is marked and no wave takes it again; a run of its own does. What may pass by itself is put off first,
again and again: waves try it at its next attempt. More than ten of one cause at one stage and location are one breaker
(`backroom.domain.breaker`): their rows wait for it under its reason, and go on together when it closes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Connection, RowMapping, Table, func, insert, select, update

from backroom.domain import breaker as breaker_rule
from backroom.domain.lifecycle import Kind, ends
from backroom.domain.model import FulfilmentState, OrderState
from backroom.domain.partner_orders import PartnerOrderState
from backroom.store import history
from backroom.store.batches import chunks
from backroom.store.cancelled_refunds import STAGE as REFUNDS
from backroom.store.claims import Wakeup, wakeup
from backroom.store.fulfilment import STAGE as FULFILMENT
from backroom.store.intake import STAGE as INTAKE
from backroom.store.news import STAGE as TELL
from backroom.store.parcels import STAGE as PARCELS
from backroom.store.partner_orders import STAGE as PARTNER
from backroom.store.print_trouble import CAUSES
from backroom.store.returns import STAGE as RETURNS
from backroom.store.tables import (
    breakers,
    channel_news,
    fulfilment_orders,
    orders,
    parcels,
    partner_orders,
    refunds,
    returns,
)
from backroom.store.waiting import CRASHED, HEALTHY, after_a_persons_word

# Whoever stands here waits for a person or has ended, sick or not.
RESTING = (
    OrderState.HELD,
    OrderState.CANCELLED,
    OrderState.FULFILLED,
    FulfilmentState.DONE,
    *ends(Kind.PARTNER_ORDER),
    PartnerOrderState.SHIPPED,
)
PROBE_EVERY = timedelta(minutes=2)
_OF_AN_ORDER = (
    (orders, orders.c.id),
    (fulfilment_orders, fulfilment_orders.c.order_id),
    (returns, returns.c.order_id),
    (refunds, refunds.c.order_id),
    (partner_orders, partner_orders.c.order_id),
    (channel_news, channel_news.c.order_id),
    (parcels, parcels.c.order_id),
)


@dataclass(frozen=True, slots=True)
class Sick:
    """One that failed: the row of its stage (an order at intake, a fulfilment order, a return, a refund of a cancelled
    order, a parcel, news), its order, and why.

    `may_pass` says that it may work later without anybody's hand, and `wait` for how long nothing is to be tried, where
    the other side said so.
    """

    row_id: int
    order_id: int
    number: str
    cause: str
    reason: str
    may_pass: bool = False
    wait: timedelta | None = None


def table_of(stage: str) -> Table:
    """The table whose rows wait at a stage."""
    tables = {
        INTAKE: orders,
        FULFILMENT: fulfilment_orders,
        RETURNS: returns,
        REFUNDS: refunds,
        PARTNER: partner_orders,
        PARCELS: parcels,
        TELL: channel_news,
    }
    return tables[stage]


def leave_wave(
    connection: Connection, stage: str, location: str, token: str, sick: Sequence[Sick], at: datetime, run_id: str
) -> set[int]:
    """Mark rows as sick and take them out of the wave; where an open breaker has their cause, they wait for it.

    Returns the ids of the rows that are put off: what failed may pass, it has not failed too often, and neither
    breaker nor wave has shown that it is one cause of many.
    """
    table = table_of(stage)
    open_ = {row["cause"]: row["id"] for row in open_breakers(connection, stage, location)}
    shared = {*open_, *breaker_rule.trip(Counter(one.cause for one in sick))}
    entries = []
    put_off = set()
    for one in sick:
        here = (table.c.id == one.row_id) & (table.c.claim_token == token) & table.c.state.not_in(RESTING)
        row = connection.execute(select(table.c.failures, table.c.breaker_id).where(here).with_for_update()).first()
        if row is None:
            continue
        failures = row.failures + one.may_pass
        told = {"cause": one.cause, "reason": one.reason}
        until = None
        single = row.breaker_id is None and one.cause not in shared
        if one.may_pass and single and failures < breaker_rule.MOST_FAILURES:
            until = max(
                breaker_rule.next_attempt(failures, at, one.cause, seed=one.number), at + (one.wait or timedelta(0))
            )
            put_off.add(one.row_id)
            entries.append(history.Entry(one.order_id, "order.put_off", told | {"until": until.isoformat()}))
        else:
            entries.append(history.Entry(one.order_id, "order.sick", told))
        connection.execute(
            update(table)
            .where(table.c.id == one.row_id)
            .values(
                claim_token=None,
                attempts=0,
                failures=failures,
                next_attempt_at=until,
                sick_cause=one.cause,
                sick_reason=one.reason,
                sick_since=func.coalesce(table.c.sick_since, at),
                breaker_id=open_.get(one.cause),
            )
        )
        if one.wait is not None and one.cause in open_:
            _wait_longer(connection, open_[one.cause], at + one.wait)
    history.record(connection, entries, at=at, run_id=run_id)
    return put_off


def trip(connection: Connection, stage: str, location: str, at: datetime) -> list[int]:
    """Open a breaker for every cause that more than ten rows share and none stands for; returns the new ids.

    Those that are put off count as well. What was put aside does not: a try would end one more process.
    """
    table = table_of(stage)
    ill = _ill(stage, location) & (table.c.sick_cause != CRASHED)
    query = select(table.c.sick_cause, func.count()).where(ill).group_by(table.c.sick_cause)
    opened = []
    for cause in breaker_rule.trip({row[0]: row[1] for row in connection.execute(query)}):
        standing = [row["id"] for row in open_breakers(connection, stage, location) if row["cause"] == cause]
        if not standing:
            standing = [_open(connection, stage, location, cause, at)]
            opened += standing
        behind = update(table).where(ill, table.c.sick_cause == cause)
        connection.execute(behind.values(breaker_id=standing[0], next_attempt_at=None))
    return opened


def alone(connection: Connection, stage: str, location: str) -> list[tuple[int, str, str, datetime]]:
    """Sick ones that wait for a run of their own: `(row id, order number, reason, sick since)`."""
    table = table_of(stage)
    query = select(table.c.id, orders.c.number, table.c.sick_reason, table.c.sick_since)
    if table is not orders:
        query = query.join(orders, orders.c.id == table.c.order_id)
    query = query.where(_ill(stage, location), table.c.next_attempt_at.is_(None))
    # Put in order here: to have it from SQLite in the order of ids, it would read all orders for the few that are sick.
    return sorted((row[0], row[1], row[2] or "", row[3]) for row in connection.execute(query))


def put_aside(connection: Connection, order_id: int) -> bool:
    """Whether this order, or a part of it, ended all its runs and waits for a person's word."""
    for table, column in _OF_AN_ORDER:
        if connection.execute(select(table.c.id).where(column == order_id, table.c.sick_cause == CRASHED)).first():
            return True
    return False


def open_breakers(connection: Connection, stage: str | None = None, location: str | None = None) -> list[RowMapping]:
    query = select(breakers).where(breakers.c.state == "open").order_by(breakers.c.id)
    if stage is not None:
        query = query.where(breakers.c.stage == stage)
    if location is not None:
        query = query.where(breakers.c.location == location)
    return list(connection.execute(query).mappings())


def breaker(connection: Connection, breaker_id: int) -> RowMapping | None:
    return connection.execute(select(breakers).where(breakers.c.id == breaker_id)).mappings().one_or_none()


def one_behind(connection: Connection, breaker_id: int) -> tuple[int, str] | None:
    """One order that waits for a breaker, to try with, the least tried one first: `(order id, number)`."""
    row = breaker(connection, breaker_id)
    if row is None:
        return None
    table = table_of(row["stage"])
    query = select(orders.c.id, orders.c.number)
    if table is not orders:
        query = query.join(table, table.c.order_id == orders.c.id)
    first = query.where(table.c.breaker_id == breaker_id).order_by(table.c.attempts, table.c.id).limit(1)
    found = connection.execute(first).first()
    return (found[0], found[1]) if found else None


def waiting_behind(connection: Connection, breaker_id: int) -> int:
    row = breaker(connection, breaker_id)
    if row is None:
        return 0
    table = table_of(row["stage"])
    return connection.execute(
        select(func.count()).select_from(table).where(table.c.breaker_id == breaker_id)
    ).scalar_one()


def note_probe(connection: Connection, breaker_id: int, at: datetime) -> None:
    """A try that failed: the next one comes later."""
    connection.execute(
        update(breakers)
        .where(breakers.c.id == breaker_id)
        .values(probes=breakers.c.probes + 1, next_probe_at=at + PROBE_EVERY)
    )


def close(connection: Connection, breaker_id: int, at: datetime) -> list[Wakeup]:
    """Close a breaker: all that waited for it are healthy again and go on together, in their waves."""
    row = breaker(connection, breaker_id)
    if row is None or row["state"] != "open":
        return []
    connection.execute(update(breakers).where(breakers.c.id == breaker_id).values(state="closed", closed_at=at))
    table = table_of(row["stage"])
    connection.execute(
        update(table).where(table.c.breaker_id == breaker_id).values(attempts=0, next_attempt_at=None, **HEALTHY)
    )
    return [wakeup(connection, row["stage"], row["location"])]


def make_healthy(connection: Connection, order_id: int) -> None:
    """Take an order's sickness off it, at every stage: its next claim is an ordinary one.

    What a print makes it sick of stays: only the print's own outcome, or a person's decision on it, ends that.
    """
    of_a_print = func.coalesce(fulfilment_orders.c.sick_cause, "").in_(CAUSES.values())
    under_way = orders.c.state.not_in([OrderState.FULFILLED, OrderState.CANCELLED])
    for table, which in (
        (orders, (orders.c.id == order_id) & under_way),
        (fulfilment_orders, (fulfilment_orders.c.order_id == order_id) & ~of_a_print),
        (returns, returns.c.order_id == order_id),
        (refunds, refunds.c.order_id == order_id),
        (partner_orders, (partner_orders.c.order_id == order_id) & partner_orders.c.sick_cause.is_not(None)),
        (channel_news, channel_news.c.order_id == order_id),
        (parcels, parcels.c.order_id == order_id),
    ):
        healthy = update(table).where(which).values(attempts=after_a_persons_word(table), next_attempt_at=None)
        connection.execute(healthy.values(**HEALTHY))


def of_order(connection: Connection, order_id: int) -> list[tuple[str, str]]:
    """What an order is sick of now, at intake first: `(cause, reason)`. What is only put off is not counted."""
    found: list[tuple[str, str]] = []
    for table, column in _OF_AN_ORDER:
        ill = table.c.sick_cause.is_not(None) & table.c.next_attempt_at.is_(None) & table.c.state.not_in(RESTING)
        query = select(table.c.sick_cause, table.c.sick_reason).where(column == order_id, ill).order_by(table.c.id)
        found += [(cause, reason or "") for cause, reason in connection.execute(query)]
    return found


def well(connection: Connection, numbers: Iterable[str]) -> set[str]:
    """Those of these orders that are sick nowhere, not even put off; a number that no order has is not among them."""
    parts = (
        select(table.c.id).where(table.c.order_id == orders.c.id, table.c.sick_cause.is_not(None))
        for table in (fulfilment_orders, returns, refunds, parcels, partner_orders, channel_news)
    )
    query = select(orders.c.number).where(orders.c.sick_cause.is_(None), *(~sick.exists() for sick in parts))
    found: set[str] = set()
    for batch in chunks(sorted(set(numbers))):
        found.update(connection.execute(query.where(orders.c.number.in_(batch))).scalars())
    return found


def _ill(stage: str, location: str) -> ColumnElement[bool]:
    table = table_of(stage)
    sick = table.c.sick_cause.is_not(None) & table.c.breaker_id.is_(None) & table.c.state.not_in(RESTING)
    if stage in (FULFILMENT, PARTNER):
        return sick & (table.c.location == location)
    return sick & (table.c.channel == location) if stage == TELL else sick


def _wait_longer(connection: Connection, breaker_id: int, until: datetime) -> None:
    """Let a breaker be tried no sooner than its other side asked for."""
    sooner = update(breakers).where(breakers.c.id == breaker_id, breakers.c.next_probe_at < until)
    connection.execute(sooner.values(next_probe_at=until))


def _open(connection: Connection, stage: str, location: str, cause: str, at: datetime) -> int:
    row = {"stage": stage, "location": location, "cause": cause, "state": "open", "opened_at": at, "probes": 0}
    breaker_id: int = connection.execute(
        insert(breakers).values(next_probe_at=at + PROBE_EVERY, **row).returning(breakers.c.id)
    ).scalar_one()
    return breaker_id
