"""Blanks: what is printed on. Where they are counted, each print takes one out of the stock of its location.

What belongs here: that. What does not: which blank becomes what (`backroom.domain.blanks`). A place that counts none
of a blank prints on it all the same: then nobody counts it.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, RowMapping, insert, select, update

from backroom.domain.blanks import becomes, is_blank
from backroom.domain.model import Variant
from backroom.store.catalogue import variants_by_sku
from backroom.store.print_jobs import pieces_of
from backroom.store.stock import gone
from backroom.store.tables import stock_levels, stock_movements, variants

PRINTED_ON = "printed on"


def use_blanks(connection: Connection, job: RowMapping, at: datetime) -> None:
    """Take the blanks of a print job that was printed out of the stock of its location, as far as it counts so many."""
    printed = variants_by_sku(connection, [job["sku"]]).get(job["sku"])
    if printed is None:
        return
    here = (
        select(variants)
        .join(stock_levels, stock_levels.c.sku == variants.c.sku)
        .where(
            stock_levels.c.location == job["location"],
            stock_levels.c.on_hand > stock_levels.c.reserved,
            variants.c.artwork == "",
            variants.c.colourway == printed.colourway,
            variants.c.size == printed.size,
        )
        .order_by(variants.c.sku)
    )
    for row in connection.execute(here).mappings():
        one = Variant(**(dict(row) | {"tags": tuple(row["tags"])}))
        if is_blank(one) and becomes(one, printed):
            _take(connection, job, one.sku, at)
            return


def used_at(connection: Connection, location: str, since: datetime, until: datetime | None = None) -> dict[str, int]:
    """Blanks that were printed on at a location, by their SKU, what came out bad included; until now if `until` is
    None."""
    return gone(connection, location, (PRINTED_ON,), since, until)


def _take(connection: Connection, job: RowMapping, sku: str, at: datetime) -> None:
    place = (stock_levels.c.location == job["location"]) & (stock_levels.c.sku == sku)
    level = connection.execute(select(stock_levels).where(place).with_for_update()).mappings().one()
    count = min(pieces_of(job), level["on_hand"] - level["reserved"])
    if count > 0:
        connection.execute(update(stock_levels).where(place).values(on_hand=stock_levels.c.on_hand - count))
        key = f"printed:{job['id']}:{job['attempt']}:{sku}"
        connection.execute(
            insert(stock_movements).values(
                key=key, location=job["location"], sku=sku, pieces=-count, reason=PRINTED_ON, at=at
            )
        )
