"""Picking confirmed by scan: the right piece counts, a wrong one is refused and counted too."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, insert, select, update

from backroom.domain.model import FulfilmentState
from backroom.store import history
from backroom.store.catalogue import sku_of_code
from backroom.store.claims import Wakeup
from backroom.store.database import now
from backroom.store.fulfilment import piece_done
from backroom.store.tables import fulfilment_lines, fulfilment_orders, orders, scans


@dataclass(frozen=True, slots=True)
class ScanResult:
    """`left` is how many pieces still have to be scanned for this parcel; `reason` says why one was refused."""

    accepted: bool
    reason: str
    left: int
    wakeups: tuple[Wakeup, ...] = ()


def scan(connection: Connection, location: str, order_number: str, code: str, actor: str) -> ScanResult:
    """Scan one piece (its SKU or GTIN) into the parcel of an order at a location."""
    at = now(connection)
    part = connection.execute(
        select(fulfilment_orders.c.id, fulfilment_orders.c.order_id, fulfilment_orders.c.state)
        .join(orders, orders.c.id == fulfilment_orders.c.order_id)
        .where(
            orders.c.number == order_number,
            fulfilment_orders.c.location == location,
            fulfilment_orders.c.state != FulfilmentState.CANCELLED,
        )
        # One scan of a parcel at a time, or two scanners could both count the last piece.
        .with_for_update(of=fulfilment_orders)
    ).first()
    if part is None:
        return ScanResult(False, f"{order_number} is not picked at {location}", 0)
    left = _left(connection, part.id)
    if part.state != FulfilmentState.MAKING:
        return ScanResult(False, f"{order_number} does not wait for a scan: it is {part.state}", left)
    sku = sku_of_code(connection, code)
    counted = None
    if sku is not None:
        counted = connection.execute(
            update(fulfilment_lines)
            .where(
                fulfilment_lines.c.id.in_(
                    select(fulfilment_lines.c.id)
                    .where(
                        fulfilment_lines.c.fulfilment_order_id == part.id,
                        fulfilment_lines.c.sku == sku,
                        fulfilment_lines.c.picked < fulfilment_lines.c.from_stock,
                    )
                    .order_by(fulfilment_lines.c.line_no)
                    .limit(1)
                )
            )
            .values(picked=fulfilment_lines.c.picked + 1)
            .returning(fulfilment_lines.c.id)
        ).first()
    reason = "" if counted else _why_not(connection, part.id, sku)
    connection.execute(
        insert(scans).values(
            fulfilment_order_id=part.id,
            code=code[:64],
            accepted=counted is not None,
            reason=reason,
            actor=actor,
            data={},
            at=at,
        )
    )
    event = "piece.scanned" if counted else "scan.refused"
    history.record(
        connection, [history.Entry(part.order_id, event, {"sku": sku or "", "reason": reason})], at=at, actor=actor
    )
    if counted is None:
        return ScanResult(False, reason, left)
    return ScanResult(True, "", left - 1, tuple(piece_done(connection, part.id, at)))


def _left(connection: Connection, part_id: int) -> int:
    rows = connection.execute(
        select(fulfilment_lines.c.from_stock, fulfilment_lines.c.picked).where(
            fulfilment_lines.c.fulfilment_order_id == part_id
        )
    )
    return sum(row.from_stock - row.picked for row in rows)


def _why_not(connection: Connection, part_id: int, sku: str | None) -> str:
    if sku is None:
        return "this code is not in the catalogue"
    wanted = (
        connection.execute(
            select(fulfilment_lines.c.from_stock).where(
                fulfilment_lines.c.fulfilment_order_id == part_id, fulfilment_lines.c.sku == sku
            )
        )
        .scalars()
        .all()
    )
    if not wanted:
        return f"wrong piece: {sku} is not in this order"
    return f"all pieces of {sku} are scanned already" if sum(wanted) else f"{sku} is printed for this order, not picked"
