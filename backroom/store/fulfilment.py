"""Fulfilment orders: opening them from assignments, claiming them, and moving them on.

A wave moves only rows that still carry its token and stand in the state it read: a person's hold or cancel in between
takes the row away from it.
"""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, RowMapping, func, insert, literal, select, update

from backroom.domain.lifecycle import Kind, ends
from backroom.domain.model import Assignment, FulfilmentState, OrderState
from backroom.store.batches import chunks, insert_each
from backroom.store.claim_rows import Work, claim_of_order, claim_wave
from backroom.store.claims import Claim, Wakeup, wakeup
from backroom.store.moves import moving
from backroom.store.tables import fulfilment_lines, fulfilment_orders, orders, reservations
from backroom.store.waiting import HEALTHY

STAGE = "fulfilment"
ADVANCING = (FulfilmentState.OPEN, FulfilmentState.MADE, FulfilmentState.PACKED, FulfilmentState.LABELLED)
BEFORE_LABEL = (FulfilmentState.OPEN, FulfilmentState.MAKING, FulfilmentState.MADE, FulfilmentState.PACKED)


@dataclass(frozen=True, slots=True)
class ToOpen:
    """An order about to be released: where its pieces are made, and how they reach the customer."""

    order_id: int
    delivery: str
    priority: int
    assignments: Sequence[Assignment]


def open_parts(connection: Connection, released: Sequence[ToOpen], at: datetime) -> set[str]:
    """Open one fulfilment order for each order and location, with its lines; returns the locations that have work."""
    rows: list[dict[str, Any]] = []
    lines: list[list[Assignment]] = []
    for order in released:
        by_location: dict[str, list[Assignment]] = defaultdict(list)
        for assignment in order.assignments:
            by_location[assignment.location].append(assignment)
        for location, assigned in by_location.items():
            rows.append(
                {
                    "key": uuid.uuid4().hex[:12],
                    "order_id": order.order_id,
                    "location": location,
                    "delivery": order.delivery,
                    "state": FulfilmentState.OPEN,
                    "priority": order.priority,
                    "opened_at": at,
                }
            )
            lines.append(assigned)
    if not rows:
        return set()
    ids = insert_each(connection, fulfilment_orders, rows, "key")
    connection.execute(
        insert(fulfilment_lines),
        [
            {
                "fulfilment_order_id": id_,
                "line_no": assignment.line_no,
                "sku": assignment.sku,
                "from_stock": assignment.from_stock,
                "to_print": assignment.to_print,
            }
            for id_, assigned in zip(ids, lines, strict=True)
            for assignment in assigned
        ],
    )
    part = (
        select(func.max(fulfilment_orders.c.id))
        .where(
            fulfilment_orders.c.order_id == reservations.c.order_id,
            fulfilment_orders.c.location == reservations.c.location,
            fulfilment_orders.c.state == FulfilmentState.OPEN,
        )
        .scalar_subquery()
    )
    for batch in chunks(order.order_id for order in released):
        connection.execute(
            update(reservations)
            # What belongs to work that goes on beside it (another part of the order was refused) stays with it.
            .where(
                reservations.c.order_id.in_(batch),
                reservations.c.state == "held",
                reservations.c.fulfilment_order_id.is_(None),
            )
            .values(fulfilment_order_id=part, expires_at=None)
        )
    return {row["location"] for row in rows}


def claim_waiting(
    connection: Connection, *, location: str, instance: str, run_id: str, most: int
) -> tuple[Claim, int] | None:
    """Claim what can advance at this location; None when nothing waits. Returns the claim and how many it holds."""
    return claim_wave(connection, _work(location), instance=instance, run_id=run_id, most=most)


def claim_order(
    connection: Connection, order_id: int, *, location: str, instance: str, run_id: str
) -> tuple[Claim, int] | None:
    """Claim one order's work at one location, sick or not; None when it cannot advance or another run holds it."""
    return claim_of_order(connection, _work(location), order_id, instance=instance, run_id=run_id)


def locations_of(connection: Connection, order_id: int) -> list[str]:
    """The locations where an order is made."""
    query = select(fulfilment_orders.c.location).where(
        fulfilment_orders.c.order_id == order_id, fulfilment_orders.c.state != FulfilmentState.CANCELLED
    )
    return sorted(set(connection.execute(query).scalars()))


def claimed(connection: Connection, token: str, state: FulfilmentState) -> list[RowMapping]:
    """The wave's fulfilment orders in one state, each with its order's number, person, contact and channel."""
    query = (
        select(
            fulfilment_orders,
            orders.c.number,
            orders.c.person_id,
            orders.c.contact,
            orders.c.channel,
            orders.c.language,
            orders.c.currency,
            orders.c.ship_by,
            orders.c.handed_over,
        )
        .join(orders, orders.c.id == fulfilment_orders.c.order_id)
        .where(fulfilment_orders.c.claim_token == token, fulfilment_orders.c.state == state)
        .order_by(fulfilment_orders.c.priority, fulfilment_orders.c.id)
    )
    return list(connection.execute(query).mappings())


def lines_of(connection: Connection, part_ids: Iterable[int]) -> dict[int, list[RowMapping]]:
    """Lines by fulfilment order id."""
    found: dict[int, list[RowMapping]] = defaultdict(list)
    for batch in chunks(sorted(set(part_ids))):
        query = (
            select(fulfilment_lines)
            .where(fulfilment_lines.c.fulfilment_order_id.in_(batch))
            .order_by(fulfilment_lines.c.line_no)
        )
        for row in connection.execute(query).mappings():
            found[row["fulfilment_order_id"]].append(row)
    return found


def in_work(connection: Connection, order_ids: Iterable[int]) -> dict[int, dict[int, int]]:
    """Pieces by line of each order that some work has which is not cancelled: they are not to be routed again."""
    found: dict[int, dict[int, int]] = defaultdict(dict)
    for batch in chunks(sorted(set(order_ids))):
        query = (
            select(
                fulfilment_orders.c.order_id,
                fulfilment_lines.c.line_no,
                func.sum(fulfilment_lines.c.from_stock + fulfilment_lines.c.to_print),
            )
            .join(fulfilment_lines, fulfilment_lines.c.fulfilment_order_id == fulfilment_orders.c.id)
            .where(fulfilment_orders.c.order_id.in_(batch), fulfilment_orders.c.state != FulfilmentState.CANCELLED)
            .group_by(fulfilment_orders.c.order_id, fulfilment_lines.c.line_no)
        )
        for order_id, line_no, pieces in connection.execute(query):
            found[order_id][line_no] = int(pieces)
    return found


def move(
    connection: Connection,
    token: str,
    ids: Iterable[int],
    old: FulfilmentState,
    new: FulfilmentState,
    *,
    keep_claim: bool = True,
    **values: object,
) -> list[int]:
    """Move the wave's rows from one state to the next; returns those that moved, the others were taken away."""
    changes: dict[str, object] = {
        "attempts": 1 if keep_claim else 0,
        "next_attempt_at": None,
        **HEALTHY,
    } | values
    if not keep_claim:
        changes["claim_token"] = None
    moved: list[int] = []
    for batch in chunks(ids):
        wanted = moving(fulfilment_orders, old, new).where(
            fulfilment_orders.c.id.in_(batch), fulfilment_orders.c.claim_token == token
        )
        moved.extend(connection.execute(wanted.values(**changes).returning(fulfilment_orders.c.id)).scalars())
    return moved


def begin_making(connection: Connection, token: str, outstanding: Mapping[int, int]) -> list[int]:
    """OPEN → MAKING with the number of prints and scans each one waits for; the claim ends here."""
    moved: list[int] = []
    by_count: dict[int, list[int]] = defaultdict(list)
    for id_, count in outstanding.items():
        by_count[count].append(id_)
    for count, ids in by_count.items():
        moved += move(
            connection,
            token,
            ids,
            FulfilmentState.OPEN,
            FulfilmentState.MAKING,
            keep_claim=False,
            outstanding=count,
        )
    return moved


def piece_done(connection: Connection, part_id: int, at: datetime) -> list[Wakeup]:
    """One print or scan fewer to wait for; the last one makes the fulfilment order MADE and owes a wake-up."""
    row = connection.execute(
        update(fulfilment_orders)
        .where(fulfilment_orders.c.id == part_id, fulfilment_orders.c.outstanding > 0)
        .values(outstanding=fulfilment_orders.c.outstanding - 1)
        .returning(fulfilment_orders.c.outstanding, fulfilment_orders.c.location)
    ).one_or_none()
    if row is None or row.outstanding > 0:
        return []
    made = connection.execute(
        moving(fulfilment_orders, FulfilmentState.MAKING, FulfilmentState.MADE)
        .where(fulfilment_orders.c.id == part_id)
        .values(made_at=at, attempts=0)
    )
    # A held one goes on from MADE when a person releases it.
    connection.execute(
        update(fulfilment_orders)
        .where(
            fulfilment_orders.c.id == part_id,
            fulfilment_orders.c.state == FulfilmentState.HELD,
            fulfilment_orders.c.held_from == FulfilmentState.MAKING,
        )
        .values(held_from=FulfilmentState.MADE, made_at=at)
    )
    return [wakeup(connection, STAGE, row.location)] if made.rowcount else []


def is_picked(connection: Connection, part_id: int) -> bool:
    """Whether somebody has scanned a piece into it."""
    query = select(fulfilment_lines.c.id).where(
        fulfilment_lines.c.fulfilment_order_id == part_id, fulfilment_lines.c.picked > 0
    )
    return connection.execute(query.limit(1)).first() is not None


def finish_orders(connection: Connection, order_ids: Iterable[int], at: datetime) -> list[int]:
    """Orders all of whose fulfilment orders are DONE (or cancelled) become FULFILLED; returns those that did.

    They ended when their last part did, however long they were on hold after that. They are locked first: of two waves
    that each end one part of an order, the later one sees the other's.
    """
    finished: list[int] = []
    for batch in chunks(sorted(set(order_ids))):
        connection.execute(select(orders.c.id).where(orders.c.id.in_(batch)).order_by(orders.c.id).with_for_update())
        open_part = (
            select(fulfilment_orders.c.id)
            .where(
                fulfilment_orders.c.order_id == orders.c.id,
                fulfilment_orders.c.state.not_in(ends(Kind.FULFILMENT)),
            )
            .exists()
        )
        last = (
            select(func.max(fulfilment_orders.c.done_at, type_=fulfilment_orders.c.done_at.type))
            .where(fulfilment_orders.c.order_id == orders.c.id)
            .scalar_subquery()
        )
        statement = (
            moving(orders, OrderState.RELEASED, OrderState.FULFILLED)
            .where(orders.c.id.in_(batch), ~open_part)
            .values(ended_at=func.coalesce(last, literal(at, orders.c.ended_at.type)))
            .returning(orders.c.id)
        )
        finished.extend(connection.execute(statement).scalars())
    return finished


def _work(location: str) -> Work:
    here = (fulfilment_orders.c.location == location) & fulfilment_orders.c.state.in_(ADVANCING)
    return Work(fulfilment_orders, here, STAGE, location)
