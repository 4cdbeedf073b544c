"""What the scanners refused, what came back wrong, and codes that stand for two variants, for the audit.

Why a scan was refused is told again from the order's lines and not from its words: those are for people.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, func, select

from backroom.domain.model import FulfilmentState
from backroom.domain.returns import Reason, ReturnState
from backroom.store.audit_rows import ENTRIES_OF_THE_PAST
from backroom.store.batches import chunks
from backroom.store.tables import (
    fulfilment_lines,
    fulfilment_orders,
    history,
    orders,
    return_lines,
    returns,
    scans,
    variants,
)


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


@dataclass(frozen=True, slots=True)
class WrongReturn:
    """A piece that came back, or is to, because another one came than was ordered: `sku` instead of which `received`
    came, empty where nobody has seen it yet. `place` is where its order was packed."""

    at: datetime
    place: str
    number: str
    back: str
    sku: str
    received: str


def wrong_returns(connection: Connection, since: datetime) -> list[WrongReturn]:
    """Wrong items since then: by when they came in, or by when they were told; oldest first."""
    at = func.coalesce(return_lines.c.received_at, returns.c.asked_at, type_=returns.c.asked_at.type)
    packed = (
        select(fulfilment_orders.c.order_id, func.max(fulfilment_orders.c.location).label("place"))
        .where(fulfilment_orders.c.state == FulfilmentState.DONE)
        .group_by(fulfilment_orders.c.order_id)
        .subquery()
    )
    query = (
        select(
            at.label("at"),
            func.coalesce(packed.c.place, "").label("place"),
            orders.c.number,
            returns.c.number.label("back"),
            return_lines.c.sku,
            return_lines.c.received_sku,
        )
        .join(returns, returns.c.id == return_lines.c.return_id)
        .join(orders, orders.c.id == return_lines.c.order_id)
        .outerjoin(packed, packed.c.order_id == orders.c.id)
        .where(
            return_lines.c.reason == Reason.WRONG_ITEM,
            returns.c.state.not_in((ReturnState.DECLINED, ReturnState.CANCELLED)),
            at >= since,
        )
        .order_by(return_lines.c.id)
    )
    return [
        WrongReturn(row.at, row.place, row.number, row.back, row.sku, row.received_sku)
        for row in connection.execute(query)
    ]


@dataclass(frozen=True, slots=True)
class ForeignPiece:
    """A piece that came back with a return whose order it is not of."""

    at: datetime
    number: str
    back: str
    sku: str


def foreign_pieces(connection: Connection, since: datetime) -> list[ForeignPiece]:
    """Such pieces since then that were not taken in after all, as sent by mistake."""
    newest = connection.execute(select(func.max(history.c.id))).scalar() or 0
    query = (
        select(history.c.at, history.c.data, orders.c.number)
        .join(orders, orders.c.id == history.c.order_id)
        .where(
            history.c.id > newest - ENTRIES_OF_THE_PAST,
            history.c.event == "return.piece_refused",
            history.c.at >= since,
        )
        .order_by(history.c.id)
    )
    found = {(row.data["return"], row.data["sku"]): row for row in connection.execute(query) if row.data["sku"]}
    taken_in: set[tuple[str, str]] = set()
    for batch in chunks(sorted({back for back, _ in found})):
        here = (
            select(returns.c.number, return_lines.c.received_sku)
            .join(return_lines, return_lines.c.return_id == returns.c.id)
            .where(returns.c.number.in_(batch))
        )
        taken_in |= {(row[0], row[1]) for row in connection.execute(here)}
    return [
        ForeignPiece(row.at, row.number, back, sku) for (back, sku), row in found.items() if (back, sku) not in taken_in
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
