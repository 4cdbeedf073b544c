"""Reading the past for a replay: orders as routing saw them, what stock there was to promise, and the work of others.

What belongs here: the queries. What does not: going through it (`backroom.domain.replay`). It takes a connection and
changes nothing. Addresses are opened for their coordinates alone, as routing does it; nothing else of them leaves.

What might be promised at an instant is counted again from nothing: every movement until then, but for what was packed,
less every reservation until then that was not given back. An order that was changed, held and let go, or sent away
from a booth that closed, comes anew: routing sees it as it is known today from the first decision after that.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, RowMapping, func, select

from backroom.domain.geo import Postcodes
from backroom.domain.model import Delivery, FulfilmentState, OrderState, ReservationState, Variant
from backroom.domain.replay import Past, PastOrder, PastWork, StockChange, StockPlace
from backroom.store import people, routing
from backroom.store.batches import chunks
from backroom.store.catalogue import variants_by_sku
from backroom.store.diverting import SentOn, sent_elsewhere
from backroom.store.orders import lines_of
from backroom.store.seals import Seals
from backroom.store.tables import (
    events,
    fulfilment_lines,
    fulfilment_orders,
    history,
    orders,
    reservations,
    routing_decisions,
    stock_leases,
    stock_movements,
    variants,
)
from backroom.store.tables import people as people_table

PACKED, BOUGHT = "packed", "received"
# How a decision says of a place that it was shut (`backroom.domain.routing`).
SHUT = "shut: "
# After one of these an order is another one to routing than it was before.
_ANEW = (
    "order.changed",
    "order.amended",
    "order.released_by_person",
    "order.released_from_quarantine",
    "order.rerouted",
    "event.opened",
)
_STANDING = (ReservationState.HELD, ReservationState.CONSUMED)


@dataclass(frozen=True, slots=True)
class PastRead:
    """The past, the catalogue, and the numbers of orders left out, because their customers were erased."""

    past: Past
    variants: Mapping[str, Variant]
    left_out: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class WorkTime:
    """How long finished work at a location took, in seconds: until made, until labelled, until announced."""

    location: str
    prints: bool
    making: float
    packing: float
    announcing: float

    @property
    def total(self) -> float:
        return self.making + self.packing + self.announcing


def read_past(connection: Connection, seals: Seals, postcodes: Postcodes, since: datetime, until: datetime) -> PastRead:
    """Every order that was routed in the span and whose story is known, and the shop around it."""
    came = _when_they_came(connection, since)
    rows = _rows(connection, came)
    lines = lines_of(connection, came)
    erased = _erased(connection, {row["person_id"] for row in rows})
    # What one channel brought of a person may be emptied, and the person still be known.
    unknown = {row["id"] for row in rows if row["person_id"] in erased or not row["contact"]}
    replayed = [row for row in rows if row["id"] not in unknown or row["delivery"] != Delivery.SHIP]
    keys = people.load(connection, seals, {row["person_id"] for row in replayed} - erased)
    catalogue = variants_by_sku(connection, connection.execute(select(variants.c.sku)).scalars())
    decisions = _last_decisions(connection, [row["id"] for row in replayed])
    work = _work(connection, since)
    sent_on = sent_elsewhere(connection, [row["id"] for row in replayed])
    past_orders = []
    for row in replayed:
        key = None if row["id"] in unknown else keys[row["person_id"]].key
        cancelled = row["state"] == OrderState.CANCELLED
        past_orders.append(
            PastOrder(
                id=row["id"],
                priority=row["priority"],
                routed_at=came[row["id"]],
                order=routing.order_to_route(
                    row,
                    lines[row["id"]],
                    catalogue,
                    key,
                    postcodes,
                    # What a booth sent on goes where it sent it, whatever the rules are then.
                    late_at=sent_on.get(row["id"], SentOn()).late_at,
                    sent_to=sent_on.get(row["id"], SentOn()).to,
                ),
                decision=routing.decision_from_row(decisions[row["id"]]),
                decided_at=decisions[row["id"]].at,
                work=tuple(work.pop(row["id"], ())),
                cancelled_at=row["ended_at"] if cancelled else None,
                ended_at=None if cancelled else row["ended_at"],
            )
        )
    ids = {order.id for order in past_orders}
    available, changes = _stock(connection, since, ids)
    others = tuple(one for id_, mine in work.items() if id_ not in ids for one in mine)
    past = Past(
        since, until, available, tuple(changes), others, tuple(past_orders), _shut(connection, since), _kept(connection)
    )
    return PastRead(past, catalogue, tuple(row["number"] for row in rows if row["id"] not in ids))


def work_times(connection: Connection, since: datetime, most: int = 20_000) -> list[WorkTime]:
    """How long the last finished works took, newest first. Clocks of other machines may run ahead: none is below 0."""
    part = fulfilment_orders.c
    printed = (
        select(func.sum(fulfilment_lines.c.to_print))
        .where(fulfilment_lines.c.fulfilment_order_id == part.id)
        .scalar_subquery()
    )
    query = (
        select(part.location, part.opened_at, part.made_at, part.labelled_at, part.done_at, printed.label("printed"))
        .where(part.state == FulfilmentState.DONE, part.done_at >= since)
        .order_by(part.done_at.desc())
        .limit(most)
    )
    found = []
    for row in connection.execute(query):
        made = max(row.made_at or row.opened_at, row.opened_at)
        labelled = max(row.labelled_at or made, made)
        found.append(
            WorkTime(
                row.location,
                bool(row.printed),
                (made - row.opened_at).total_seconds(),
                (labelled - made).total_seconds(),
                max(0.0, (row.done_at - labelled).total_seconds()),
            )
        )
    return found


def _when_they_came(connection: Connection, since: datetime) -> dict[int, datetime]:
    """Orders that came to be routed in the span, each with when: the first decision about what it is today."""
    recent = select(routing_decisions.c.order_id).where(routing_decisions.c.at >= since).distinct()
    anew: dict[int, datetime] = dict(
        connection.execute(
            select(history.c.order_id, func.max(history.c.at, type_=history.c.at.type))
            .where(history.c.event.in_(_ANEW), history.c.order_id.in_(recent))
            .group_by(history.c.order_id)
        )
        .tuples()
        .all()
    )
    decided: dict[int, list[datetime]] = defaultdict(list)
    query = select(routing_decisions.c.order_id, routing_decisions.c.at).where(routing_decisions.c.order_id.in_(recent))
    for row in connection.execute(query.order_by(routing_decisions.c.order_id, routing_decisions.c.round)):
        decided[row.order_id].append(row.at)
    came = {}
    for id_, moments in decided.items():
        later = [at for at in moments if id_ in anew and at >= anew[id_]]
        came[id_] = (later or moments)[0]
    return {id_: at for id_, at in came.items() if at >= since}


def _rows(connection: Connection, ids: Collection[int]) -> list[RowMapping]:
    return [
        row
        for batch in chunks(sorted(ids))
        for row in connection.execute(select(orders).where(orders.c.id.in_(batch)).order_by(orders.c.id)).mappings()
    ]


def _erased(connection: Connection, ids: Collection[int]) -> set[int]:
    erased: set[int] = set()
    for batch in chunks(sorted(ids)):
        gone = select(people_table.c.id).where(people_table.c.id.in_(batch), people_table.c.wrapped_key.is_(None))
        erased.update(connection.execute(gone).scalars())
    return erased


def _last_decisions(connection: Connection, ids: Sequence[int]) -> dict[int, Any]:
    """Of each order the row of its latest decision."""
    last: dict[int, Any] = {}
    for batch in chunks(ids):
        query = select(routing_decisions).where(routing_decisions.c.order_id.in_(batch))
        for row in connection.execute(query.order_by(routing_decisions.c.round)):
            last[row.order_id] = row
    return last


def _work(connection: Connection, since: datetime) -> dict[int, list[PastWork]]:
    """The work that was open at some time of the span, by order."""
    part = fulfilment_orders.c
    query = select(part.order_id, part.location, part.opened_at, part.done_at).where(
        part.state != FulfilmentState.CANCELLED, part.done_at.is_(None) | (part.done_at >= since)
    )
    found: dict[int, list[PastWork]] = defaultdict(list)
    for row in connection.execute(query.order_by(part.id)):
        found[row.order_id].append(PastWork(row.location, row.opened_at, row.done_at))
    return found


def _shut(connection: Connection, since: datetime) -> dict[str, tuple[tuple[datetime, str], ...]]:
    """When booths were shut, as the decisions of the time say of them: nobody else wrote it down moment by moment."""
    decision = routing_decisions.c
    query = select(decision.at, decision.assignments, decision.rejected).where(decision.at >= since)
    told: dict[str, list[tuple[datetime, str]]] = defaultdict(list)
    for row in connection.execute(query.order_by(decision.at, decision.id)):
        seen = {one["location"]: "" for one in row.assignments}
        for one in row.rejected:
            seen.setdefault(one["location"], one["reason"].removeprefix(SHUT) if one["reason"].startswith(SHUT) else "")
        for location, why in seen.items():
            if not told[location] or told[location][-1][1] != why:
                told[location].append((row.at, why))
    return {location: tuple(moments) for location, moments in told.items() if any(why for _, why in moments)}


def _kept(connection: Connection) -> dict[str, frozenset[str]]:
    """What was ever lent to a booth for its own orders alone; what it was not, the web shop may have."""
    query = select(events.c.location, stock_leases.c.sku).where(
        events.c.id == stock_leases.c.event_id, ~stock_leases.c.shared
    )
    found: dict[str, set[str]] = defaultdict(set)
    for location, sku in connection.execute(query.distinct()):
        found[location].add(sku)
    return {location: frozenset(skus) for location, skus in found.items()}


def _stock(
    connection: Connection, since: datetime, replayed: Collection[int]
) -> tuple[dict[StockPlace, int], list[StockChange]]:
    """What might be promised at the beginning, and what changed it since, but for what the replayed orders took.

    Of what was before, the database sums: no replayed order holds or gave back anything of then.
    """
    available: dict[StockPlace, int] = defaultdict(int)
    for table, which, sign in (
        (stock_movements, stock_movements.c.reason != PACKED, 1),
        (reservations, reservations.c.state.in_(_STANDING), -1),
    ):
        pieces = table.c.pieces if table is stock_movements else table.c.quantity
        query = select(table.c.location, table.c.sku, func.sum(pieces)).where(which, table.c.at < since)
        for location, sku, total in connection.execute(query.group_by(table.c.location, table.c.sku)):
            available[location, sku] += sign * int(total)
    changes = [*_movements(connection, since, replayed), *_promises(connection, since, replayed)]
    return dict(available), sorted(changes, key=lambda change: change.at)


def _movements(connection: Connection, since: datetime, replayed: Collection[int]) -> Iterator[StockChange]:
    """All that came or went, but for packing, and for what a replayed order gave back when it was cancelled."""
    given_back = {
        f"unpacked:{id_}:{location}:{sku}"
        for id_, order_id, location, sku in connection.execute(
            select(reservations.c.id, reservations.c.order_id, reservations.c.location, reservations.c.sku)
            .join(orders, orders.c.id == reservations.c.order_id)
            .where(orders.c.state == OrderState.CANCELLED, reservations.c.state == ReservationState.CONSUMED)
        )
        if order_id in replayed
    }
    query = select(stock_movements).where(stock_movements.c.reason != PACKED, stock_movements.c.at >= since)
    for row in connection.execute(query.order_by(stock_movements.c.id)):
        if row.key not in given_back:
            yield StockChange(row.at, row.location, row.sku, row.pieces, bought=row.reason == BOUGHT)


def _promises(connection: Connection, since: datetime, replayed: Collection[int]) -> Iterator[StockChange]:
    """What orders that are not replayed took."""
    query = select(reservations).where(reservations.c.state.in_(_STANDING), reservations.c.at >= since)
    for row in connection.execute(query.order_by(reservations.c.id)):
        if row.order_id not in replayed:
            yield StockChange(row.at, row.location, row.sku, -row.quantity)
