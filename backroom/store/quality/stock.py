"""Stock, its movements and the catalogue, as data quality looks at them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, func, literal, select, union

from backroom.domain.model import ReservationState
from backroom.store.batches import chunks
from backroom.store.quality.windows import Rows, Source, holds, when
from backroom.store.tables import reservations, stock_levels, stock_movements, variants


def _places(_: datetime) -> Select[Any]:
    """Every place that has a level, moved pieces or held ones: each with what its level says and what it adds up to."""
    moved = (
        select(
            stock_movements.c.location, stock_movements.c.sku, func.sum(stock_movements.c.pieces).label("pieces")
        ).group_by(stock_movements.c.location, stock_movements.c.sku)
    ).subquery("moved")
    held = (
        select(reservations.c.location, reservations.c.sku, func.sum(reservations.c.quantity).label("pieces"))
        .where(reservations.c.state == ReservationState.HELD)
        .group_by(reservations.c.location, reservations.c.sku)
    ).subquery("held")
    level = stock_levels
    place = union(
        select(level.c.location, level.c.sku),
        select(moved.c.location, moved.c.sku),
        select(held.c.location, held.c.sku),
    ).subquery("place")
    return select(
        (place.c.location + literal("/") + place.c.sku).label("key"),
        literal("").label("number"),
        place.c.location,
        place.c.sku,
        level.c.on_hand,
        level.c.reserved,
        func.coalesce(moved.c.pieces, 0).label("moved"),
        func.coalesce(held.c.pieces, 0).label("held"),
        variants.c.sku.label("variant_found"),
    ).select_from(
        place.outerjoin(level, (level.c.location == place.c.location) & (level.c.sku == place.c.sku))
        .outerjoin(moved, (moved.c.location == place.c.location) & (moved.c.sku == place.c.sku))
        .outerjoin(held, (held.c.location == place.c.location) & (held.c.sku == place.c.sku))
        .outerjoin(variants, variants.c.sku == place.c.sku)
    )


def _movements(_: datetime) -> Select[Any]:
    move = stock_movements
    return select(
        move.c.id.label("key"),
        literal("").label("number"),
        move.c.location,
        move.c.sku,
        move.c.pieces,
        move.c.at,
        when(move.c.reason == "packed", move.c.key).label("packed_key"),
    )


def _find_reservations(connection: Connection, rows: Rows) -> None:
    """Say of each movement that says "packed" whether a reservation was consumed for it: its key names which one."""
    named = {row["packed_key"]: row["packed_key"].removeprefix("packed:") for row in rows if row["packed_key"]}
    consumed: dict[str, tuple[str, str, int]] = {}
    for batch in chunks(int(id_) for id_ in named.values() if id_.isdecimal()):
        query = select(reservations).where(
            reservations.c.id.in_(batch), reservations.c.state == ReservationState.CONSUMED
        )
        for one in connection.execute(query):
            consumed[f"packed:{one.id}"] = (one.location, one.sku, -one.quantity)
    for row in rows:
        key = row.pop("packed_key")
        right = consumed.get(key) == (row["location"], row["sku"], row["pieces"])
        row["reservation_right"] = int(right) if key else None


def _variants(_: datetime) -> Select[Any]:
    printable = variants.c.artwork != ""
    complete = (variants.c.print_process != "") & (variants.c.printed_width_mm > 0)
    return select(
        variants.c.sku.label("key"),
        literal("").label("number"),
        variants.c.price_minor,
        variants.c.currency,
        variants.c.weight_g,
        when(variants.c.gtin != "", variants.c.gtin).label("gtin"),
        when(printable, holds(complete)).label("print_complete"),
    )


STOCK = Source(_places)
MOVEMENTS = Source(_movements, stock_movements.c.id, complete=_find_reservations)
CATALOGUE = Source(_variants)
