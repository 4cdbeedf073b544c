"""Stock: levels, reservations and movements. One conditional write per line and location; never below zero.

`on_hand` changes only together with a movement whose key can stand once, so that stock counts again from nothing;
`reserved` changes only together with a reservation's row. Whatever makes pieces available again, for whatever cause,
notes when (`freed_at`), and so wakes the orders that wait for them (`backroom.store.backlog`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, RowMapping, func, insert, select, true, update

from backroom.domain.model import ReservationState, StockLevel
from backroom.store.batches import chunks, insert_new
from backroom.store.database import now
from backroom.store.moves import moving
from backroom.store.tables import reservations, stock_levels, stock_movements


@dataclass(frozen=True, slots=True)
class Wish:
    """Pieces that one order wants reserved at one location.

    `local`: the order is that booth's own, and so may have what is kept there for its event.
    """

    order_id: int
    location: str
    sku: str
    quantity: int
    local: bool = True


def levels(connection: Connection) -> dict[tuple[str, str], StockLevel]:
    """Every stock level, by (location, sku)."""
    return {
        (row.location, row.sku): StockLevel(row.location, row.sku, row.on_hand, row.reserved, row.kept, row.aside)
        for row in connection.execute(select(stock_levels))
    }


def kept(levels: Iterable[StockLevel]) -> dict[str, frozenset[str]]:
    """SKUs by location that are kept there for an event."""
    found: dict[str, set[str]] = defaultdict(set)
    for level in levels:
        if level.kept:
            found[level.location].add(level.sku)
    return {location: frozenset(skus) for location, skus in found.items()}


def receive(connection: Connection, key: str, pieces: Sequence[tuple[str, str, int]], reason: str, at: datetime) -> int:
    """Add pieces `(location, sku, how many)` to the stock, once for a key; returns how many lines were new."""
    counts: dict[tuple[str, str], int] = defaultdict(int)
    for location, sku, count in pieces:
        counts[location, sku] += count
    new = 0
    for (location, sku), count in sorted(counts.items()):
        row = {
            "key": f"{key}:{location}:{sku}",
            "location": location,
            "sku": sku,
            "pieces": count,
            "reason": reason,
            "at": at,
        }
        if insert_new(connection, stock_movements, [row]):
            new += 1
            insert_new(connection, stock_levels, [{"location": location, "sku": sku, "on_hand": 0, "reserved": 0}])
            connection.execute(
                update(stock_levels)
                .where(stock_levels.c.location == location, stock_levels.c.sku == sku)
                .values(on_hand=stock_levels.c.on_hand + count, freed_at=at)
            )
    return new


def reserve(connection: Connection, wishes: Sequence[Wish], *, at: datetime, expires_at: datetime | None) -> set[int]:
    """Reserve all that each order wants, or nothing of it; returns the ids of the orders that could not be served.

    First all that is wanted of one SKU at one location in one write; where that does not fit, order by order as given.
    Rows are touched in a fixed order, so that two waves cannot wait for each other in a circle.
    """
    short: set[int] = set()
    by_place: dict[tuple[str, str], list[Wish]] = defaultdict(list)
    for wish in wishes:
        by_place[wish.location, wish.sku].append(wish)
    got: list[Wish] = []
    for place in sorted(by_place):
        group = by_place[place]
        local = all(wish.local for wish in group)
        if _take(connection, place, sum(wish.quantity for wish in group), local=local):
            got.extend(group)
            continue
        for wish in group:
            if wish.order_id not in short and _take(connection, place, wish.quantity, local=wish.local):
                got.append(wish)
            else:
                short.add(wish.order_id)
    given_back: dict[tuple[str, str], int] = defaultdict(int)
    for wish in got:
        if wish.order_id in short:
            given_back[wish.location, wish.sku] += wish.quantity
    _give_back(connection, given_back)
    rows = [
        {
            "order_id": wish.order_id,
            "location": wish.location,
            "sku": wish.sku,
            "quantity": wish.quantity,
            "state": ReservationState.HELD,
            "expires_at": expires_at,
            "at": at,
        }
        for wish in got
        if wish.order_id not in short
    ]
    if rows:
        connection.execute(insert(reservations), rows)
    return short


def release(
    connection: Connection, order_ids: Iterable[int], state: ReservationState = ReservationState.RELEASED
) -> None:
    """Give back everything these orders hold, once."""
    back: dict[tuple[str, str], int] = defaultdict(int)
    for batch in chunks(order_ids):
        for row in _settle(connection, reservations.c.order_id.in_(batch), state):
            back[row["location"], row["sku"]] += row["quantity"]
    _give_back(connection, back, freed_at=now(connection))


def release_parts(connection: Connection, part_ids: Sequence[int]) -> None:
    """Give back what these fulfilment orders hold, once; what the rest of their orders holds stays reserved."""
    back: dict[tuple[str, str], int] = defaultdict(int)
    for batch in chunks(part_ids):
        which = reservations.c.fulfilment_order_id.in_(batch)
        for row in _settle(connection, which, ReservationState.RELEASED):
            back[row["location"], row["sku"]] += row["quantity"]
    _give_back(connection, back, freed_at=now(connection))


def release_pieces(connection: Connection, reservation_id: int, pieces: int) -> None:
    """Give so many pieces of one reservation back; it ends with its last one."""
    which = (reservations.c.id == reservation_id) & (reservations.c.state == ReservationState.HELD)
    fewer = update(reservations).where(which, reservations.c.quantity > pieces)
    left = fewer.values(quantity=reservations.c.quantity - pieces).returning(
        reservations.c.location, reservations.c.sku
    )
    row = connection.execute(left).first()
    if row is not None:
        _give_back(connection, {(row.location, row.sku): pieces}, freed_at=now(connection))
        return
    for ended in _settle(connection, which, ReservationState.RELEASED):
        _give_back(connection, {(ended["location"], ended["sku"]): ended["quantity"]}, freed_at=now(connection))


def consume(connection: Connection, fulfilment_order_ids: Sequence[int], at: datetime) -> None:
    """Take the reserved pieces of these fulfilment orders out of the stock, at their own location, once."""
    taken: list[RowMapping] = []
    for batch in chunks(fulfilment_order_ids):
        taken += _settle(connection, reservations.c.fulfilment_order_id.in_(batch), ReservationState.CONSUMED)
    if not taken:
        return
    connection.execute(
        insert(stock_movements),
        [
            {
                "key": f"packed:{row['id']}",
                "location": row["location"],
                "sku": row["sku"],
                "pieces": -row["quantity"],
                "reason": "packed",
                "at": at,
            }
            for row in taken
        ],
    )
    out: dict[tuple[str, str], int] = defaultdict(int)
    for row in taken:
        out[row["location"], row["sku"]] += row["quantity"]
    for (location, sku), count in sorted(out.items()):
        connection.execute(
            update(stock_levels)
            .where(stock_levels.c.location == location, stock_levels.c.sku == sku)
            .values(on_hand=stock_levels.c.on_hand - count, reserved=stock_levels.c.reserved - count)
        )


def expired_orders(connection: Connection, at: datetime, most: int = 500) -> list[int]:
    """Orders whose reservation ran out before they were released."""
    return list(
        connection.execute(
            select(reservations.c.order_id)
            .where(reservations.c.state == ReservationState.HELD, reservations.c.expires_at <= at)
            .distinct()
            .limit(most)
        ).scalars()
    )


def _settle(connection: Connection, which: ColumnElement[bool], state: ReservationState) -> list[RowMapping]:
    """End reservations that are held; returns those that this very call ended, so that nothing is given back twice."""
    ended = (
        moving(reservations, ReservationState.HELD, state)
        .where(which)
        .values(expires_at=None)
        .returning(reservations.c.id, reservations.c.location, reservations.c.sku, reservations.c.quantity)
    )
    return list(connection.execute(ended).mappings())


def _take(connection: Connection, place: tuple[str, str], quantity: int, *, local: bool) -> bool:
    location, sku = place
    allowed = true() if local else ~stock_levels.c.kept
    taken = connection.execute(
        update(stock_levels)
        .where(
            stock_levels.c.location == location,
            stock_levels.c.sku == sku,
            stock_levels.c.on_hand - stock_levels.c.reserved >= quantity,
            ~stock_levels.c.aside,
            allowed,
        )
        .values(reserved=stock_levels.c.reserved + quantity)
    )
    return taken.rowcount == 1


def _give_back(
    connection: Connection, back: Mapping[tuple[str, str], int], *, freed_at: datetime | None = None
) -> None:
    """Lower what is reserved. Pieces that were reserved before this transaction are freed by it, at `freed_at`."""
    freed = {} if freed_at is None else {"freed_at": freed_at}
    for (location, sku), count in sorted(back.items()):
        connection.execute(
            update(stock_levels)
            .where(stock_levels.c.location == location, stock_levels.c.sku == sku)
            .values(reserved=stock_levels.c.reserved - count, **freed)
        )


def gone(
    connection: Connection, location: str, reasons: Collection[str], since: datetime, until: datetime | None = None
) -> dict[str, int]:
    """Pieces that left a location for these reasons, by SKU, less those that came back for them; until now if `until`
    is None. SKUs of which none did are left out."""
    query = (
        select(stock_movements.c.sku, func.sum(stock_movements.c.pieces).label("pieces"))
        .where(
            stock_movements.c.location == location,
            stock_movements.c.reason.in_(reasons),
            stock_movements.c.at >= since,
        )
        .group_by(stock_movements.c.sku)
    )
    if until is not None:
        query = query.where(stock_movements.c.at <= until)
    return {one.sku: -int(one.pieces) for one in connection.execute(query) if one.pieces}
