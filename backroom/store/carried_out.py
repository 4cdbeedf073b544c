"""Pieces that customers carried out before we heard of it: whatever the books say, they are gone from the booth.

What belongs here: making the books agree before such a sale is routed. What does not: routing and reserving it, which
then go as for any other sale.

The rule: **the piece in the customer's hand wins.** What is free at the booth is taken first. Then what other orders
have reserved there and nobody has begun, the newest first: those orders are routed anew, or held where nothing can make
them. Then what orders that were begun have reserved and nobody has scanned for them: it is printed for them where they
are being made (`print_instead`), or they are on hold for a person (`ceding`). What is lacking then was never in the
books: it is put in by a movement that says so, so that nothing is ever below zero. Each of them is listed for a person
(`offline_conflicts`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, RowMapping, select

from backroom.domain.model import Delivery, OrderState, ReservationState
from backroom.domain.shop import Shop
from backroom.store import ceding, desk, rerouting, stock
from backroom.store.ceding import PIECE_CARRIED_OUT
from backroom.store.claims import Wakeup
from backroom.store.offline_conflicts import Conflict, ConflictKind, note
from backroom.store.print_instead import print_instead
from backroom.store.tables import orders, reservations, stock_levels

CORRECTION = "carried out, and the books had none"
# States in which an order's reservation can be undone without anybody's hand having been on it.
_MOVABLE = (OrderState.RESERVED, OrderState.RELEASED, OrderState.HELD)


@dataclass(frozen=True, slots=True)
class CarriedOut:
    """A sale whose pieces are with their customer: how many of which SKU left which location. `round_` is its routing's
    number: one that is routed again, because its pieces were taken in between, is made room for again."""

    order_id: int
    number: str
    round_: int
    location: str
    pieces: Mapping[str, int]


def make_room(
    connection: Connection, shop: Shop, sales: Sequence[CarriedOut], token: str, at: datetime, run_id: str
) -> list[Wakeup]:
    """Make the books have what these sales carried out, in the claim of this token; returns whom to wake.

    To be called with all sales of a wave: what is free counts for the first of them only.
    """
    wakeups: list[Wakeup] = []
    taken: dict[tuple[str, str], int] = defaultdict(int)
    for sale in sorted(sales, key=lambda one: one.order_id):
        for sku, count in sorted(sale.pieces.items()):
            place = (sale.location, sku)
            taken[place] += count
            # A sale that was reserved for already needs no room of its own.
            lacking = taken[place] - _free(connection, place)
            if lacking > 0:
                _displace(connection, sale, sku, lacking, at, run_id)
                lacking = taken[place] - _free(connection, place)
            if lacking > 0:
                wakeups += _cut_short(connection, shop, sale, sku, lacking, token, at)
                lacking = taken[place] - _free(connection, place)
            if lacking > 0:
                _correct(connection, sale, sku, lacking, at)
    return wakeups


def _free(connection: Connection, place: tuple[str, str]) -> int:
    query = select(stock_levels.c.on_hand - stock_levels.c.reserved).where(
        stock_levels.c.location == place[0], stock_levels.c.sku == place[1]
    )
    return int(connection.execute(query).scalar() or 0)


def _displace(connection: Connection, sale: CarriedOut, sku: str, lacking: int, at: datetime, run_id: str) -> None:
    """Take reserved pieces from orders that can be made elsewhere, until so many are free."""
    for row in _holders(connection, sale.location, sku):
        if lacking <= 0:
            break
        found = _order(connection, row["order_id"])
        parts = rerouting.parts_of(connection, found["id"])
        if found["state"] not in _MOVABLE or any(rerouting.begun(connection, part, at) for part in parts):
            continue
        why = {"event": found["event"], "from": sale.location, "because": "carried_out"}
        rerouting.send_elsewhere(connection, found, parts, why, "carried out by another customer", at, run_id)
        _list_displaced(connection, found, sale, sku, min(row["pieces"], lacking), at)
        lacking -= row["pieces"]


def _cut_short(
    connection: Connection, shop: Shop, sale: CarriedOut, sku: str, lacking: int, token: str, at: datetime
) -> list[Wakeup]:
    """Take what nobody has scanned from orders that were begun there, until so many are free, and print it for them or
    hold them. One that is on hold already stays so for its own reason; it goes on only with another piece."""
    wakeups: list[Wakeup] = []
    for row in _holders(connection, sale.location, sku):
        if lacking <= 0:
            break
        found = _order(connection, row["order_id"])
        part = next((one for one in rerouting.parts_of(connection, found["id"]) if one["id"] == row["part"]), None)
        if found["state"] not in _MOVABLE or part is None or rerouting.in_hand(connection, part, at):
            continue
        ceded = ceding.cede(connection, part["id"], sku, lacking)
        if not ceded:
            continue
        if found["state"] != OrderState.HELD:
            printing = print_instead(connection, shop, found, part, ceded, token, at)
            wakeups += printing
            if not printing:
                desk.hold(connection, found["number"], PIECE_CARRIED_OUT, "")
        _list_displaced(connection, found, sale, sku, sum(ceded.values()), at)
        lacking -= sum(ceded.values())
    return wakeups


def _order(connection: Connection, order_id: int) -> RowMapping:
    return connection.execute(select(orders).where(orders.c.id == order_id).with_for_update()).mappings().one()


def _list_displaced(
    connection: Connection, order: RowMapping, sale: CarriedOut, sku: str, pieces: int, at: datetime
) -> None:
    conflict = Conflict(
        key=f"displaced:{order['id']}:{sale.order_id}:{sku}",
        kind=ConflictKind.DISPLACED,
        location=sale.location,
        sku=sku,
        pieces=pieces,
        order_id=order["id"],
        data={"carried_out_by": sale.number},
    )
    note(connection, conflict, at)


def _holders(connection: Connection, location: str, sku: str) -> Sequence[RowMapping]:
    """Who has pieces reserved there and is not a customer who has them already; the newest order first."""
    query = (
        select(
            reservations.c.order_id,
            reservations.c.fulfilment_order_id.label("part"),
            reservations.c.quantity.label("pieces"),
        )
        .join(orders, orders.c.id == reservations.c.order_id)
        .where(
            reservations.c.location == location,
            reservations.c.sku == sku,
            reservations.c.state == ReservationState.HELD,
            orders.c.delivery != Delivery.CARRY_OUT,
        )
        .order_by(reservations.c.order_id.desc())
    )
    return connection.execute(query).mappings().all()


def _correct(connection: Connection, sale: CarriedOut, sku: str, lacking: int, at: datetime) -> None:
    key = f"carried out:{sale.order_id}:{sale.round_}"
    if not stock.receive(connection, key, [(sale.location, sku, lacking)], CORRECTION, at):
        return
    conflict = Conflict(
        key=f"{key}:{sku}",
        kind=ConflictKind.NOT_IN_BOOKS,
        location=sale.location,
        sku=sku,
        pieces=lacking,
        order_id=sale.order_id,
        data={"sale": sale.number},
    )
    note(connection, conflict, at)
