"""Fulfilment orders, their lines and their print jobs, as data quality looks at them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, Text, and_, case, cast, func, literal, or_, select

from backroom.domain.model import Delivery, FulfilmentState, PrintJobState, ReservationState
from backroom.store.effects import DONE
from backroom.store.offline_conflicts import ConflictKind
from backroom.store.print_jobs import ACTIVE
from backroom.store.quality.aside import part_stands
from backroom.store.quality.windows import Source, holds, when
from backroom.store.tables import (
    effects,
    fulfilment_lines,
    fulfilment_orders,
    offline_conflicts,
    order_lines,
    orders,
    partner_orders,
    print_jobs,
    reservations,
    shipments,
    transfer_lines,
    transfers,
)

part = fulfilment_orders
_F = FulfilmentState
# The ways behind each moment: whoever stands there has passed it.
AFTER_MADE = (_F.MADE, _F.PACKED, _F.LABELLED, _F.DONE)
AFTER_PACKED = (_F.PACKED, _F.LABELLED, _F.DONE)
AFTER_LABELLED = (_F.LABELLED, _F.DONE)


def _parts(_: datetime) -> Select[Any]:
    lines = select(func.count()).where(fulfilment_lines.c.fulfilment_order_id == part.c.id).scalar_subquery()
    parcels = select(func.count()).where(shipments.c.fulfilment_order_id == part.c.id).scalar_subquery()
    printing = (
        select(func.count())
        .where(
            print_jobs.c.fulfilment_order_id == part.c.id,
            print_jobs.c.state.not_in([PrintJobState.DONE, PrintJobState.CANCELLED]),
        )
        .scalar_subquery()
    )
    at_partner = _at_partner(part.c.id)
    making, sent = part_stands == _F.MAKING, part_stands.in_(AFTER_LABELLED)
    return select(
        part.c.id.label("key"),
        func.coalesce(orders.c.number, "").label("number"),
        orders.c.id.label("order_found"),
        part.c.location,
        part.c.state,
        part.c.delivery,
        part.c.opened_at,
        part.c.made_at,
        part.c.packed_at,
        part.c.labelled_at,
        part.c.done_at,
        lines.label("lines"),
        when(part.c.state == _F.HELD, func.length(part.c.hold_reason)).label("hold_reason_length"),
        when(part_stands.in_(AFTER_MADE), holds(_passed())).label("moments_there"),
        when(making, part.c.outstanding).label("waits_for"),
        # What a partner makes is waited for by one report, and printed by nobody here.
        when(making, case((at_partner, part.c.outstanding), else_=printing)).label("prints_to_come"),
        when(part_stands.in_(AFTER_MADE), part.c.outstanding).label("waits_still"),
        when(sent & (part.c.delivery == Delivery.SHIP), parcels).label("parcels"),
        when(part.c.delivery != Delivery.SHIP, parcels).label("parcels_unasked"),
    ).select_from(part.outerjoin(orders, orders.c.id == part.c.order_id))


def _at_partner(part_id: ColumnElement[int]) -> ColumnElement[bool]:
    """Whether this work is a partner's."""
    return select(partner_orders.c.id).where(partner_orders.c.fulfilment_order_id == part_id).exists()


def _passed() -> ColumnElement[bool]:
    """Whether every moment that the state has passed is written down."""
    return and_(
        part.c.made_at.is_not(None),
        or_(part_stands.not_in(AFTER_PACKED), part.c.packed_at.is_not(None)),
        or_(part_stands.not_in(AFTER_LABELLED), part.c.labelled_at.is_not(None)),
        or_(part_stands != _F.DONE, part.c.done_at.is_not(None)),
    )


def _part_lines(_: datetime) -> Select[Any]:
    line = fulfilment_lines
    # Two lines may want the same piece: what was reserved is compared with what all of them take from the stock.
    twin = fulfilment_lines.alias("twin")
    wanted = (
        select(func.sum(twin.c.from_stock))
        .where(twin.c.fulfilment_order_id == line.c.fulfilment_order_id, twin.c.sku == line.c.sku)
        .scalar_subquery()
    )
    reserved = (
        select(func.coalesce(func.sum(reservations.c.quantity), 0))
        .where(
            reservations.c.fulfilment_order_id == line.c.fulfilment_order_id,
            reservations.c.sku == line.c.sku,
            reservations.c.state.in_([ReservationState.HELD, ReservationState.CONSUMED]),
        )
        .scalar_subquery()
    )
    job = select(print_jobs.c.id).where(
        print_jobs.c.fulfilment_order_id == line.c.fulfilment_order_id, print_jobs.c.line_no == line.c.line_no
    )
    live, made = part_stands != _F.CANCELLED, part_stands.in_(AFTER_MADE)
    # What lost a piece to a customer is on hold, whatever for, and goes on only with another (`ceding`).
    lost = select(offline_conflicts.c.id).where(
        offline_conflicts.c.order_id == part.c.order_id,
        offline_conflicts.c.sku == line.c.sku,
        offline_conflicts.c.kind == ConflictKind.DISPLACED,
    )
    ceded = (part.c.state == _F.HELD) & (reserved < wanted) & lost.exists()
    begun = part_stands.in_((_F.MAKING, *AFTER_MADE))
    ours = ~_at_partner(line.c.fulfilment_order_id)
    return select(
        line.c.id.label("key"),
        func.coalesce(orders.c.number, "").label("number"),
        part.c.id.label("part_found"),
        line.c.line_no,
        line.c.sku,
        line.c.from_stock,
        line.c.to_print,
        line.c.picked,
        (line.c.from_stock + line.c.to_print).label("pieces"),
        when(live, holds(order_lines.c.id.is_not(None))).label("line_found"),
        when(live & order_lines.c.id.is_not(None), holds(order_lines.c.sku == line.c.sku)).label("sku_right"),
        when(live & ~ceded, wanted).label("from_stock_of_sku"),
        when(live & ~ceded, reserved).label("reserved_of_sku"),
        when(begun & ours & (line.c.to_print > 0), holds(job.exists())).label("has_job"),
        when(made & ours, line.c.to_print).label("to_print_by_now"),
        when(made & ours, line.c.printed).label("printed_by_now"),
    ).select_from(
        line.outerjoin(part, part.c.id == line.c.fulfilment_order_id)
        .outerjoin(orders, orders.c.id == part.c.order_id)
        .outerjoin(order_lines, (order_lines.c.order_id == part.c.order_id) & (order_lines.c.line_no == line.c.line_no))
    )


def _print_jobs(_: datetime) -> Select[Any]:
    job, line = print_jobs, fulfilment_lines
    # As `backroom.store.print_jobs.job_key` writes it.
    key = (
        literal("print-") + job.c.order_number + "-" + job.c.part_key + "-" + cast(job.c.line_no, Text) + "-"
        + cast(job.c.attempt, Text)
    )  # fmt: skip
    done = job.c.state == PrintJobState.DONE
    right = (job.c.part_key == part.c.key) & (job.c.location == part.c.location)
    right &= job.c.order_number == orders.c.number
    # What is printed to stock is for a transfer, and one of its lines has its SKU.
    to_stock = job.c.transfer_id.is_not(None)
    right_to_stock = (job.c.location == transfers.c.from_location) & (job.c.order_number == transfers.c.number)
    lines = (transfer_lines.c.transfer_id == job.c.transfer_id) & (transfer_lines.c.sku == job.c.sku)
    in_transfer = select(transfer_lines.c.id).where(lines).exists()
    return select(
        job.c.id.label("key"),
        job.c.order_number.label("number"),
        func.coalesce(part.c.id, transfers.c.id).label("part_found"),
        job.c.location,
        job.c.sku,
        job.c.copies,
        job.c.attempt,
        job.c.state,
        job.c.created_at,
        job.c.started_at,
        job.c.ended_at,
        case((part.c.id.is_not(None), holds(right)), (to_stock, holds(right_to_stock))).label("names_right"),
        line.c.to_print,
        case((line.c.id.is_not(None), holds(line.c.sku == job.c.sku)), (to_stock, holds(in_transfer))).label(
            "sku_right"
        ),
        when(job.c.state.in_(ACTIVE), func.length(job.c.holder)).label("holder_length"),
        when(done, holds(job.c.ended_at.is_not(None))).label("end_there"),
        when(done, holds(effects.c.state == DONE)).label("in_ledger"),
    ).select_from(
        job.outerjoin(part, part.c.id == job.c.fulfilment_order_id)
        .outerjoin(orders, orders.c.id == part.c.order_id)
        .outerjoin(line, (line.c.fulfilment_order_id == job.c.fulfilment_order_id) & (line.c.line_no == job.c.line_no))
        .outerjoin(transfers, transfers.c.id == job.c.transfer_id)
        .outerjoin(effects, effects.c.key == key)
    )


PARTS = Source(_parts, part.c.id, part.c.order_id.in_)
PART_LINES = Source(_part_lines, fulfilment_lines.c.id, part.c.order_id.in_)
PRINT_JOBS = Source(_print_jobs, print_jobs.c.id, part.c.order_id.in_)
