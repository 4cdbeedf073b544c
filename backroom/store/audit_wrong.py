"""What the scanners refused, and codes that stand for two variants, for the audit.

Why a scan was refused is told again from the order's lines and not from its words: those are for people.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, func, select

from backroom.store.batches import chunks
from backroom.store.tables import fulfilment_lines, fulfilment_orders, orders, scans, variants


@dataclass(frozen=True, slots=True)
class RefusedScan:
    """A scan that was refused. `sku` is what was scanned, empty where the catalogue has no such code; `wanted` are the
    SKUs of the work it was scanned for."""

    at: datetime
    place: str
    number: str
    code: str
    sku: str
    wanted: tuple[str, ...]


def refused_scans(connection: Connection, since: datetime) -> list[RefusedScan]:
    """Scans that were refused since then, oldest first."""
    query = (
        select(scans.c.at, scans.c.code, scans.c.fulfilment_order_id, fulfilment_orders.c.location, orders.c.number)
        .join(fulfilment_orders, fulfilment_orders.c.id == scans.c.fulfilment_order_id)
        .join(orders, orders.c.id == fulfilment_orders.c.order_id)
        .where(scans.c.accepted.is_(False), scans.c.at >= since)
        .order_by(scans.c.id)
    )
    rows = connection.execute(query).all()
    skus = _skus_of(connection, {row.code for row in rows})
    wanted = _wanted(connection, {row.fulfilment_order_id for row in rows})
    return [
        RefusedScan(row.at, row.location, row.number, row.code, skus.get(row.code, ""), wanted[row.fulfilment_order_id])
        for row in rows
    ]


def accepted_scans(connection: Connection, since: datetime) -> int:
    """How many pieces were scanned right since then."""
    query = select(func.count()).select_from(scans).where(scans.c.accepted.is_(True), scans.c.at >= since)
    return connection.execute(query).scalar_one()


def shared_codes(connection: Connection) -> list[tuple[str, tuple[str, ...]]]:
    """GTINs that stand for several variants, each with their SKUs: a scanner cannot tell them apart."""
    twice = select(variants.c.gtin).where(variants.c.gtin != "").group_by(variants.c.gtin).having(func.count() > 1)
    query = select(variants.c.gtin, variants.c.sku).where(variants.c.gtin.in_(twice)).order_by(variants.c.sku)
    found: dict[str, list[str]] = defaultdict(list)
    for row in connection.execute(query):
        found[row.gtin].append(row.sku)
    return [(gtin, tuple(skus)) for gtin, skus in sorted(found.items())]


def _skus_of(connection: Connection, codes: Iterable[str]) -> dict[str, str]:
    """SKUs by scanned code, which is a SKU or a GTIN."""
    found: dict[str, str] = {}
    for batch in chunks(sorted(codes)):
        query = select(variants.c.sku, variants.c.gtin).where(variants.c.sku.in_(batch) | variants.c.gtin.in_(batch))
        for row in connection.execute(query.order_by(variants.c.sku)):
            found[row.sku] = row.sku
            if row.gtin:
                found.setdefault(row.gtin, row.sku)
    return found


def _wanted(connection: Connection, part_ids: Iterable[int]) -> dict[int, tuple[str, ...]]:
    found: dict[int, list[str]] = defaultdict(list)
    lines = fulfilment_lines
    for batch in chunks(sorted(part_ids)):
        query = select(lines.c.fulfilment_order_id, lines.c.sku).where(lines.c.fulfilment_order_id.in_(batch))
        for row in connection.execute(query.order_by(lines.c.fulfilment_order_id, lines.c.line_no)):
            found[row.fulfilment_order_id].append(row.sku)
    return defaultdict(tuple, {id_: tuple(dict.fromkeys(skus)) for id_, skus in found.items()})
