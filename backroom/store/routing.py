"""Routing: an order as the rules see it, storing each decision with its reasons, and reading back where it is made."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from sqlalchemy import Connection, RowMapping, func, insert, select

from backroom.domain.geo import Postcodes, locate
from backroom.domain.model import (
    Assignment,
    Delivery,
    LineToRoute,
    OrderToRoute,
    RejectedAlternative,
    RoutingDecision,
    Variant,
)
from backroom.store.batches import chunks
from backroom.store.contacts import open_contact
from backroom.store.tables import fulfilment_orders, routing_decisions

OPEN_STATES = ("open", "making", "made", "packed", "labelled")


def order_to_route(
    row: RowMapping,
    lines: Sequence[RowMapping],
    variants: Mapping[str, Variant],
    key: bytes | None,
    postcodes: Postcodes,
    *,
    in_work: Mapping[int, int] | None = None,
    refused_at: frozenset[str] = frozenset(),
    late_at: frozenset[str] = frozenset(),
    sent_to: str = "",
) -> OrderToRoute:
    """An order's row and lines as the rules see it: where it goes, never to whom.

    `key` is its customer's, by which the address is opened; None for one who was erased, whom nobody can locate.
    `in_work` are pieces by line that are being made already: they are left out.
    """
    placed = in_work or {}
    address = open_contact(key, row["contact"]).address if key else None
    place = locate(address, postcodes) if address else None
    return OrderToRoute(
        number=row["number"],
        channel=row["channel"],
        source=row["source"],
        delivery=Delivery(row["delivery"]),
        country=row["country"],
        placed_at=row["placed_at"],
        event=row["event"],
        location=row["location"],
        latitude=place[0] if place else None,
        longitude=place[1] if place else None,
        located_by=place[2] if place else "",
        refused_at=refused_at,
        late_at=late_at,
        sent_to=sent_to,
        lines=tuple(
            LineToRoute(
                line_no=line["line_no"],
                sku=line["sku"],
                quantity=line["quantity"] - placed.get(line["line_no"], 0),
                product=variants[line["sku"]].product if line["sku"] in variants else "",
                print_process=variants[line["sku"]].print_process if line["sku"] in variants else "",
                tags=variants[line["sku"]].tags if line["sku"] in variants else (),
            )
            for line in lines
            if line["quantity"] > placed.get(line["line_no"], 0)
        ),
    )


def save_decisions(connection: Connection, decisions: Sequence[tuple[int, int, RoutingDecision]], at: datetime) -> None:
    """Store decisions: `(order id, round, decision)`; rounds count an order's decisions from 1."""
    if not decisions:
        return
    connection.execute(
        insert(routing_decisions),
        [
            {
                "order_id": order_id,
                "round": round_,
                "outcome": decision.outcome,
                "rule": decision.rule,
                "distance_km": decision.distance_km,
                "assignments": [_plain(assignment) for assignment in decision.assignments],
                "reasons": list(decision.reasons),
                "rejected": [_plain(alternative) for alternative in decision.rejected],
                "short": [list(place) for place in decision.short] or None,
                "at": at,
            }
            for order_id, round_, decision in decisions
        ],
    )


def _plain(value: Assignment | RejectedAlternative) -> dict[str, object]:
    return {name: getattr(value, name) for name in value.__slots__}


def latest_assignments(connection: Connection, order_ids: Iterable[int]) -> dict[int, list[Assignment]]:
    """The assignments of each order's latest decision."""
    found: dict[int, list[Assignment]] = {}
    for batch in chunks(sorted(set(order_ids))):
        latest = (
            select(routing_decisions.c.order_id, func.max(routing_decisions.c.round).label("round"))
            .where(routing_decisions.c.order_id.in_(batch))
            .group_by(routing_decisions.c.order_id)
            .subquery()
        )
        query = select(routing_decisions.c.order_id, routing_decisions.c.assignments).join(
            latest,
            (latest.c.order_id == routing_decisions.c.order_id) & (latest.c.round == routing_decisions.c.round),
        )
        for row in connection.execute(query):
            found[row.order_id] = [Assignment(**assignment) for assignment in row.assignments]
    return found


def decision_from_row(row: object) -> RoutingDecision:
    """A stored decision as the domain's value, for explaining it."""
    return RoutingDecision(
        outcome=row.outcome,  # type: ignore[attr-defined]
        rule=row.rule,  # type: ignore[attr-defined]
        assignments=tuple(Assignment(**a) for a in row.assignments),  # type: ignore[attr-defined]
        reasons=tuple(row.reasons),  # type: ignore[attr-defined]
        rejected=tuple(RejectedAlternative(**r) for r in row.rejected),  # type: ignore[attr-defined]
        distance_km=row.distance_km,  # type: ignore[attr-defined]
        short=tuple((location, sku) for location, sku in row.short or ()),  # type: ignore[attr-defined]
    )


def open_load(connection: Connection) -> dict[str, int]:
    """Open fulfilment orders by location: how much a place has to do."""
    query = (
        select(fulfilment_orders.c.location, func.count())
        .where(fulfilment_orders.c.state.in_(OPEN_STATES))
        .group_by(fulfilment_orders.c.location)
    )
    return {row[0]: row[1] for row in connection.execute(query)}
