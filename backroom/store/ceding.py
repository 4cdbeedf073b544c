"""A begun order loses pieces that nobody scanned for it, and gets others before it goes on.

What belongs here: giving up reserved pieces of work that was begun, and reserving them anew. What does not: who carried
them out (`carried_out`), and what a person does with such an order (`desk`, `unfinished`).

While it lacks them it is on hold, so that no press, scan or label goes on with a parcel that would be a piece short.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, func, select, update

from backroom.domain.model import FulfilmentState, ReservationState
from backroom.store import stock
from backroom.store.tables import fulfilment_lines, fulfilment_orders, reservations

PIECE_CARRIED_OUT = "piece_carried_out"


@dataclass(frozen=True, slots=True)
class Lacking:
    """Pieces of one SKU that a fulfilment order takes from the stock of its location and has not reserved."""

    part_id: int
    location: str
    sku: str
    pieces: int


def cede(connection: Connection, part_id: int, sku: str, most: int) -> dict[int, int]:
    """Give up to `most` reserved pieces of a fulfilment order back that nobody has scanned; returns how many of each of
    its lines, by the line's id, the last line first. What it gave up before it cannot give up again."""
    of_line = select(fulfilment_lines.c.id, fulfilment_lines.c.from_stock, fulfilment_lines.c.picked)
    mine = (fulfilment_lines.c.fulfilment_order_id == part_id) & (fulfilment_lines.c.sku == sku)
    lines = connection.execute(of_line.where(mine).order_by(fulfilment_lines.c.line_no.desc())).all()
    held = (
        select(reservations.c.id, reservations.c.quantity)
        .where(
            reservations.c.fulfilment_order_id == part_id,
            reservations.c.sku == sku,
            reservations.c.state == ReservationState.HELD,
        )
        .order_by(reservations.c.id)
        .with_for_update()
    )
    rows = connection.execute(held).all()
    left = min(most, sum(row.quantity for row in rows) - sum(line.picked for line in lines))
    ceded: dict[int, int] = {}
    for line in lines:
        pieces = min(line.from_stock - line.picked, left)
        if pieces > 0:
            ceded[line.id] = pieces
            left -= pieces
    back = sum(ceded.values())
    for row in rows:
        pieces = min(row.quantity, back)
        if pieces > 0:
            stock.release_pieces(connection, row.id, pieces)
            back -= pieces
    return ceded


def lacking(connection: Connection, order_id: int) -> list[Lacking]:
    """What an order's held work takes from the stock and has not reserved."""
    part, line = fulfilment_orders, fulfilment_lines
    reserved = (
        select(func.coalesce(func.sum(reservations.c.quantity), 0))
        .where(
            reservations.c.fulfilment_order_id == part.c.id,
            reservations.c.sku == line.c.sku,
            reservations.c.state.in_((ReservationState.HELD, ReservationState.CONSUMED)),
        )
        .scalar_subquery()
    )
    query = (
        select(part.c.id, part.c.location, line.c.sku, (func.sum(line.c.from_stock) - reserved).label("pieces"))
        .join(line, line.c.fulfilment_order_id == part.c.id)
        .where(part.c.order_id == order_id, part.c.state == FulfilmentState.HELD)
        .group_by(part.c.id, part.c.location, line.c.sku)
        .order_by(part.c.location, line.c.sku)
    )
    rows = connection.execute(query).all()
    return [Lacking(row.id, row.location, row.sku, row.pieces) for row in rows if row.pieces > 0]


def take_again(connection: Connection, order_id: int, at: datetime) -> list[Lacking]:
    """Reserve what an order's held work lacks, all of it or nothing; returns what is lacking still."""
    wanted = lacking(connection, order_id)
    wishes = [stock.Wish(order_id, one.location, one.sku, one.pieces) for one in wanted]
    if stock.reserve(connection, wishes, at=at, expires_at=None):
        return wanted
    for one in wanted:
        mine = (reservations.c.order_id == order_id) & reservations.c.fulfilment_order_id.is_(None)
        mine &= (reservations.c.location == one.location) & (reservations.c.sku == one.sku)
        mine &= reservations.c.state == ReservationState.HELD
        connection.execute(update(reservations).where(mine).values(fulfilment_order_id=one.part_id))
    return []
