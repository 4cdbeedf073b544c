"""Where every order stands that has not ended, and how long those before it took, for the audit.

What belongs here: the queries. What does not: what is normal (`backroom.domain.audit`) and what to do about it
(`backroom.domain.next_action`). Each function takes a connection and commits nothing. Nothing sealed is read.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Column, ColumnElement, Connection, RowMapping, case, func, select

from backroom.domain.audit import Stage
from backroom.domain.model import FulfilmentState, InboxState, OrderState, PaymentStatus, PrintJobState
from backroom.domain.next_action import OpenPrint, Standing
from backroom.store.batches import chunks
from backroom.store.desk import RELEASED
from backroom.store.print_jobs import to_do
from backroom.store.tables import (
    fulfilment_orders,
    history,
    inbox,
    order_lines,
    orders,
    partner_orders,
    print_jobs,
    quarantine,
    routing_decisions,
    stock_levels,
)

_O, _F, _P = OrderState, FulfilmentState, PrintJobState
STAGE_OF_ORDER = {
    **dict.fromkeys((_O.ACCEPTED, _O.ROUTED, _O.RESERVED), Stage.INTAKE),
    _O.HELD: Stage.HELD,
    _O.BACKORDERED: Stage.BACKORDER,
    _O.AWAITING_RETURN_ITEMS: Stage.EXCHANGE,
}
STAGE_OF_PART = {
    **dict.fromkeys((_F.OPEN, _F.MAKING), Stage.MAKING),
    **dict.fromkeys((_F.MADE, _F.PACKED), Stage.PACKING),
    _F.LABELLED: Stage.ANNOUNCING,
    _F.HELD: Stage.HELD,
}
OPEN_ORDERS = (*STAGE_OF_ORDER, _O.RELEASED)
# A message that is a test of the channel's own is no order, and nothing was paid for it.
NO_ORDERS = frozenset({"test_order"})
# The prints that hold work up, the most hopeless first.
HOLDS_UP = (_P.UNKNOWN, _P.FAILED, _P.BLOCKED, _P.PRINTING, _P.HANDED, _P.WAITING)
_WORST_FIRST = case({state: rank for rank, state in enumerate(HOLDS_UP)}, value=print_jobs.c.state)
_HOLD_ENDS = (*RELEASED, "order.changed", "order.cancelled")

PASSAGES_OF_A_PLACE = 500
ENTRIES_OF_THE_PAST = 200_000


def standings(connection: Connection, hub: str, currency: str) -> list[Standing]:
    """Where everything stands that is paid and has not ended: messages, orders, and their work at each place.

    Amounts in another currency than the shop's count as 0.
    """
    rows, parts = _open_orders(connection), _open_parts(connection)
    holds = _latest(connection, history.c.order_id, history.c.at, history.c.event == "order.held", rows)
    decided = routing_decisions
    waits = _latest(connection, decided.c.order_id, decided.c.at, decided.c.outcome == "backorder", rows)
    found = list(_at_the_door(connection))
    for id_, row in rows.items():
        minor = row["total_minor"] if row["currency"] == currency else 0
        stage = STAGE_OF_ORDER.get(OrderState(row["state"]), Stage.NOWHERE)
        one = Standing(row["number"], stage, hub, row["accepted_at"], minor, row["ship_by"])
        if stage is Stage.HELD:
            found.append(replace(one, since=holds.get(id_, one.since), reason=row["hold_reason"]))
        elif stage is Stage.BACKORDER:
            found.append(replace(one, since=waits.get(id_, one.since), missing=_missing(connection, id_)))
        elif parts[id_]:
            found += (_of_part(one, part) for part in parts[id_])
        else:
            found.append(replace(one, **_sickness(row)))
    return _with_prints(connection, found, parts)


def _at_the_door(connection: Connection) -> Iterator[Standing]:
    """Messages that were not read, and those in quarantine, about orders that we do not have."""
    known = (orders.c.channel == inbox.c.channel) & (orders.c.external_id == inbox.c.external_id)
    refused = (quarantine.c.inbox_id == inbox.c.id) & (quarantine.c.state == "open")
    query = (
        select(
            inbox.c.id, inbox.c.channel, inbox.c.external_id, inbox.c.state, inbox.c.received_at, quarantine.c.problems
        )
        .outerjoin(quarantine, refused)
        .outerjoin(orders, known)
        .where(
            orders.c.id.is_(None),
            (inbox.c.state == InboxState.WAITING)
            | ((inbox.c.state == InboxState.QUARANTINED) & quarantine.c.id.is_not(None)),
        )
        .order_by(inbox.c.id)
    )
    for row in connection.execute(query).mappings():
        codes = sorted({problem["code"] for problem in row["problems"] or ()})
        if NO_ORDERS & set(codes):
            continue
        stage = Stage.ARRIVAL if row["state"] == InboxState.WAITING else Stage.QUARANTINE
        subject = row["external_id"] or f"message {row['id']}"
        yield Standing(subject, stage, row["channel"], row["received_at"], 0, reason=", ".join(codes))


def _open_orders(connection: Connection) -> dict[int, RowMapping]:
    columns = ("id", "number", "state", "hold_reason", "accepted_at", "ship_by", "total_minor", "currency")
    sick = ("sick_cause", "sick_reason", "breaker_id")
    query = select(*(orders.c[name] for name in (*columns, *sick))).where(
        orders.c.state.in_(OPEN_ORDERS), orders.c.payment == PaymentStatus.PAID
    )
    return {row["id"]: row for row in connection.execute(query.order_by(orders.c.id)).mappings()}


def _open_parts(connection: Connection) -> dict[int, list[RowMapping]]:
    """Work that has not ended, by its order."""
    found: dict[int, list[RowMapping]] = defaultdict(list)
    query = (
        select(fulfilment_orders, partner_orders.c.state.label("at_partner"))
        .outerjoin(partner_orders, partner_orders.c.fulfilment_order_id == fulfilment_orders.c.id)
        .where(fulfilment_orders.c.state.in_(STAGE_OF_PART))
    )
    for row in connection.execute(query.order_by(fulfilment_orders.c.id)).mappings():
        found[row["order_id"]].append(row)
    return found


def _of_part(one: Standing, part: RowMapping) -> Standing:
    stage = STAGE_OF_PART[FulfilmentState(part["state"])]
    began = {Stage.PACKING: part["made_at"], Stage.ANNOUNCING: part["labelled_at"]}.get(stage)
    reason = {"reason": part["hold_reason"]} if stage is Stage.HELD else _sickness(part)
    waiting = part["outstanding"] if part["state"] == FulfilmentState.MAKING else 0
    here = replace(one, stage=stage, place=part["location"], since=began or part["opened_at"], to_scan=waiting)
    if stage is Stage.MAKING and part["at_partner"]:
        here = replace(here, to_scan=0, partner=part["at_partner"])
    return replace(here, **reason)


def _sickness(row: RowMapping) -> dict[str, Any]:
    if not row["sick_cause"]:
        return {}
    return {"sick": True, "reason": row["sick_reason"] or row["sick_cause"], "breaker": row["breaker_id"]}


def _with_prints(
    connection: Connection, found: Sequence[Standing], parts: Mapping[int, Sequence[RowMapping]]
) -> list[Standing]:
    """What is being made, with the worst of its prints that has not ended."""
    making = {part["id"]: part["location"] for mine in parts.values() for part in mine if part["outstanding"]}
    worst: dict[tuple[str, str], OpenPrint] = {}
    query = select(print_jobs).where(print_jobs.c.state.in_(HOLDS_UP)).order_by(_WORST_FIRST, print_jobs.c.id)
    for job in connection.execute(query).mappings():
        if job["fulfilment_order_id"] in making:
            told = OpenPrint(job["id"], PrintJobState(job["state"]), job["printer"], job["reason"], to_do(job))
            worst.setdefault((job["order_number"], job["location"]), told)
    return [
        replace(one, print=worst.get((one.subject, one.place))) if one.stage is Stage.MAKING else one for one in found
    ]


def _latest(
    connection: Connection,
    order_id: Column[int],
    at: Column[datetime],
    which: ColumnElement[bool],
    order_ids: Collection[int],
) -> dict[int, datetime]:
    """When it last happened to each of these orders."""
    found: dict[int, datetime] = {}
    for batch in chunks(sorted(order_ids)):
        query = select(order_id, func.max(at, type_=at.type)).where(order_id.in_(batch), which).group_by(order_id)
        found |= {row[0]: row[1] for row in connection.execute(query)}
    return found


def _missing(connection: Connection, order_id: int) -> tuple[str, ...]:
    """SKUs of an order of which no place has enough to give."""
    free = stock_levels.c.on_hand - stock_levels.c.reserved
    most = select(stock_levels.c.sku, func.max(free).label("free")).group_by(stock_levels.c.sku).subquery()
    query = (
        select(order_lines.c.sku)
        .outerjoin(most, most.c.sku == order_lines.c.sku)
        .where(order_lines.c.order_id == order_id)
        .group_by(order_lines.c.sku)
        .having(func.sum(order_lines.c.quantity) > func.max(func.coalesce(most.c.free, 0)))
        .order_by(order_lines.c.sku)
    )
    return tuple(connection.execute(query).scalars())


@dataclass(frozen=True, slots=True)
class Passage:
    """One order's way through a stage at a place, from when to when."""

    stage: Stage
    place: str
    begin: datetime
    end: datetime


def passages(connection: Connection, places: Sequence[str], hub: str, since: datetime) -> Iterator[Passage]:
    """How those before went through each stage: the last of each place, no older than `since`."""
    for place in places:
        query = (
            select(fulfilment_orders, orders.c.accepted_at)
            .join(orders, orders.c.id == fulfilment_orders.c.order_id)
            .where(fulfilment_orders.c.state == FulfilmentState.DONE, fulfilment_orders.c.location == place)
            .order_by(fulfilment_orders.c.id.desc())
            .limit(PASSAGES_OF_A_PLACE)
        )
        for row in connection.execute(query).mappings():
            if row["done_at"] < since:
                continue
            made = row["made_at"] or row["opened_at"]
            labelled = row["labelled_at"] or made
            yield Passage(Stage.INTAKE, hub, row["accepted_at"], row["opened_at"])
            yield Passage(Stage.MAKING, place, row["opened_at"], made)
            yield Passage(Stage.PACKING, place, made, labelled)
            yield Passage(Stage.ANNOUNCING, place, labelled, row["done_at"])
    yield from _past_holds(connection, hub, since)
    yield from _past_backorders(connection, hub, since)


def _past_holds(connection: Connection, hub: str, since: datetime) -> Iterator[Passage]:
    """From each Hold to what ended it, among the youngest entries of all histories."""
    newest = connection.execute(select(func.max(history.c.id))).scalar() or 0
    query = (
        select(history.c.order_id, history.c.event, history.c.at)
        .where(
            history.c.id > newest - ENTRIES_OF_THE_PAST,
            history.c.event.in_(("order.held", *_HOLD_ENDS)),
            history.c.at >= since,
        )
        .order_by(history.c.id)
    )
    begun: dict[int, datetime] = {}
    for row in connection.execute(query):
        if row.event == "order.held":
            begun.setdefault(row.order_id, row.at)
        elif row.order_id in begun:
            yield Passage(Stage.HELD, hub, begun.pop(row.order_id), row.at)


def _past_backorders(connection: Connection, hub: str, since: datetime) -> Iterator[Passage]:
    """From each decision that an order waits for stock to the next decision about it."""
    decided = routing_decisions
    turn = decided.c.round
    following = func.lead(decided.c.at, type_=decided.c.at.type).over(partition_by=decided.c.order_id, order_by=turn)
    ranked = select(decided.c.outcome, decided.c.at, following.label("next")).where(decided.c.at >= since).subquery()
    query = select(ranked.c.at, ranked.c.next).where(ranked.c.outcome == "backorder", ranked.c.next.is_not(None))
    for row in connection.execute(query):
        yield Passage(Stage.BACKORDER, hub, row.at, row.next)
