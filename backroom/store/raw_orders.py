"""What became of orders, as their rows and those that hang on them say it: what facts of orders are made of.

What belongs here: whose history grew, and reading them. What does not: the facts themselves (`order_facts`), and what
they mean (`backroom.insight`, `backroom.domain.kpi`). Each function takes a connection and commits nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    RowMapping,
    Select,
    and_,
    case,
    func,
    select,
    union_all,
)

from backroom.domain.message_reports import Report
from backroom.domain.model import FulfilmentState
from backroom.domain.partner_orders import PartnerOrderState
from backroom.domain.returns import Lane
from backroom.store import effects as ledger
from backroom.store.batches import chunks, upsert
from backroom.store.messages import FAILED as GIVEN_UP
from backroom.store.messages import SENT
from backroom.store.quality import aside
from backroom.store.sku_returns import came_back
from backroom.store.tables import (
    counters,
    effects,
    fulfilment_lines,
    fulfilment_orders,
    history,
    messages,
    orders,
    partner_orders,
    print_jobs,
    print_rejects,
    refunds,
    return_lines,
    returns,
    routing_decisions,
    shipments,
)

_L = fulfilment_lines.c
MARK = "kpi.history"
# Entries of a transaction that is still open may have lower numbers than those we see: younger ones come next time.
SETTLED_AFTER = timedelta(minutes=2)
ENTRIES_AT_ONCE = 40_000


@dataclass(frozen=True, slots=True)
class Changes:
    """The orders about which something was written up to the history entry `upto`; `more` says that there are more."""

    order_ids: Sequence[int]
    upto: int
    more: bool


@dataclass(frozen=True, slots=True)
class RawOrder:
    """One order's row and what was counted over the rows that hang on it.

    `parts` leaves out cancelled ones; `short` is each (location, sku) that its first routing found out of stock;
    `left_out` is the check that keeps it in quarantine, empty where none does.
    """

    order: RowMapping
    parts: list[RowMapping] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    short: list[tuple[str, str]] = field(default_factory=list)
    left_out: str = ""


def changes(connection: Connection, at: datetime, mark: int | None = None) -> Changes:
    """Whose history grew since the key figures' mark (or the entry that `mark` names), as far as it is settled."""
    if mark is None:
        mark = connection.execute(select(counters.c.value).where(counters.c.name == MARK)).scalar_one_or_none() or 0
    young = (history.c.at > at - SETTLED_AFTER).label("young")
    query = select(history.c.id, history.c.order_id, young).where(history.c.id > mark)
    upto, ids, seen = mark, dict[int, None](), 0
    for id_, order_id, is_young in connection.execute(query.order_by(history.c.id).limit(ENTRIES_AT_ONCE)):
        seen += 1
        if is_young:
            return Changes(list(ids), upto, more=False)
        upto = id_
        ids[order_id] = None
    return Changes(list(ids), upto, more=seen == ENTRIES_AT_ONCE)


def set_mark(connection: Connection, upto: int) -> None:
    upsert(connection, counters, [{"name": MARK, "value": upto}], ["name"])


def read_orders(connection: Connection, order_ids: Iterable[int]) -> dict[int, RawOrder]:
    """Orders with their parts and counts, by id."""
    found: dict[int, RawOrder] = {}
    for batch in chunks(order_ids):
        rows = connection.execute(_orders().where(orders.c.id.in_(batch))).mappings().all()
        kept_aside = aside.left_out(connection, [row["number"] for row in rows])
        for row in rows:
            found[row["id"]] = RawOrder(row, left_out=kept_aside.get(row["number"], ""))
        for row in connection.execute(_parts(batch)).mappings():
            found[row["order_id"]].parts.append(row)
        for query in _counts(batch):
            _, *names = query.selected_columns.keys()
            for order_id, *counts in connection.execute(query):
                found[order_id].counts.update(zip(names, counts, strict=True))
        for order_id, outcome, short in connection.execute(_first_decisions(batch)):
            found[order_id].counts["oversold"] = int(outcome == "backorder")
            found[order_id].short.extend((location, sku) for location, sku in short or ())
    return found


def _parts(order_ids: Sequence[int]) -> Select[Any]:
    return select(
        fulfilment_orders.c.order_id,
        fulfilment_orders.c.location,
        fulfilment_orders.c.opened_at,
        fulfilment_orders.c.made_at,
        fulfilment_orders.c.labelled_at,
    ).where(fulfilment_orders.c.order_id.in_(order_ids), fulfilment_orders.c.state != FulfilmentState.CANCELLED)


def _orders() -> Select[Any]:
    return select(
        orders.c.id,
        orders.c.number,
        orders.c.channel,
        orders.c.event,
        orders.c.state,
        orders.c.person_id,
        orders.c.return_id,
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
            # What a partner sends to the customer passes through nobody's hands here, and what it makes is not printed.
            _sum_of(fulfilment_lines.c.from_stock + fulfilment_lines.c.to_print, ~_shipped_by_partner()).label(
                "pieces"
            ),
            _sum_of(_L.to_print, partner_orders.c.id.is_(None)).label("printed"),
        )
        .join(fulfilment_lines, fulfilment_lines.c.fulfilment_order_id == fulfilment_orders.c.id)
        .outerjoin(partner_orders, partner_orders.c.fulfilment_order_id == fulfilment_orders.c.id)
        .where(parts)
        .group_by(of_order)
    )
    yield (
        select(of_order, func.count().label("parcels"), func.sum(shipments.c.cost_minor).label("label_minor"))
        .join(shipments, shipments.c.fulfilment_order_id == fulfilment_orders.c.id)
        .outerjoin(partner_orders, partner_orders.c.fulfilment_order_id == fulfilment_orders.c.id)
        .where(parts, ~_shipped_by_partner())
        .group_by(of_order)
    )
    # Cancelled work as well: a partner may charge for what it began.
    yield (
        select(partner_orders.c.order_id, func.sum(partner_orders.c.cost_minor).label("partner_minor"))
        .where(partner_orders.c.order_id.in_(order_ids))
        .group_by(partner_orders.c.order_id)
    )
    # After somebody looked at a try, each one that follows prints the bad pieces alone, until another one is bad.
    following = func.lead(print_rejects.c.attempt).over(
        partition_by=print_rejects.c.print_job_id, order_by=print_rejects.c.attempt
    )
    bad = select(
        print_rejects.c.print_job_id, print_rejects.c.attempt, print_rejects.c.pieces, following.label("until")
    ).subquery()
    tries = func.coalesce(bad.c.until, print_jobs.c.attempt) - bad.c.attempt
    good = (
        select(bad.c.print_job_id.label("job"), func.sum((print_jobs.c.copies - bad.c.pieces) * tries).label("pieces"))
        .join(print_jobs, print_jobs.c.id == bad.c.print_job_id)
        .group_by(bad.c.print_job_id)
        .subquery()
    )
    kept = func.coalesce(good.c.pieces, 0)
    yield (
        select(
            of_order,
            func.sum(print_jobs.c.attempt * print_jobs.c.copies - kept).label("print_tries"),
            func.sum((print_jobs.c.attempt - 1) * print_jobs.c.copies - kept).label("print_rejects"),
        )
        .join(print_jobs, print_jobs.c.fulfilment_order_id == fulfilment_orders.c.id)
        .outerjoin(good, good.c.job == print_jobs.c.id)
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
    lost = (effects.c.kind == "message") & effects.c.state.in_([ledger.FAILED, ledger.UNKNOWN])
    is_lost = select(effects.c.id).where(effects.c.key == messages.c.key, lost).exists()
    # One that waited for its hour and was given up may never have been tried; each message counts once.
    given_up = (messages.c.state == GIVEN_UP) | (messages.c.delivery == Report.UNDELIVERED)
    failed = union_all(
        select(effects.c.order_id).where(effects.c.order_id.in_(order_ids), lost),
        select(messages.c.order_id).where(messages.c.order_id.in_(order_ids), given_up, ~is_lost),
    ).subquery()
    yield select(failed.c.order_id, func.count().label("messages_failed")).group_by(failed.c.order_id)
    yield (
        select(return_lines.c.order_id, func.count().label("returned"))
        .where(return_lines.c.order_id.in_(order_ids), came_back())
        .group_by(return_lines.c.order_id)
    )
    yield (
        select(returns.c.order_id, func.count().label("return_parcels"))
        .where(returns.c.order_id.in_(order_ids), returns.c.lane == Lane.LABEL, returns.c.received_at.is_not(None))
        .group_by(returns.c.order_id)
    )
    yield (
        select(refunds.c.order_id, func.sum(refunds.c.paid_minor).label("refunded_minor"))
        .where(refunds.c.order_id.in_(order_ids))
        .group_by(refunds.c.order_id)
    )


def _first_decisions(order_ids: Sequence[int]) -> Select[Any]:
    """The first of each order alone: what is routed again after stock arrived was short all the same."""
    first = routing_decisions.c.order_id.in_(order_ids) & (routing_decisions.c.round == 1)
    return select(routing_decisions.c.order_id, routing_decisions.c.outcome, routing_decisions.c.short).where(first)


def _shipped_by_partner() -> ColumnElement[bool]:
    """Of a part, joined with what it is at a partner: whether the partner sends it to the customer itself."""
    return func.coalesce(partner_orders.c.state, "") == PartnerOrderState.SHIPPED


def _sum_of(value: ColumnElement[Any], condition: ColumnElement[bool]) -> ColumnElement[int]:
    return func.sum(case((condition, value), else_=0))


def _sum_where(*conditions: ColumnElement[bool]) -> ColumnElement[int]:
    return func.sum(case((and_(*conditions), 1), else_=0))
