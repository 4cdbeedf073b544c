"""Shipments, labels, messages and consents, as data quality looks at them: of what is sealed only that it is there."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, literal, select

from backroom.domain.model import Delivery, FulfilmentState
from backroom.store.messages import SENT
from backroom.store.quality.aside import part_stands
from backroom.store.quality.windows import Source, holds, when
from backroom.store.shipping import BY_PARTNER
from backroom.store.tables import (
    consents,
    fulfilment_orders,
    labels,
    messages,
    orders,
    people,
    shipments,
)

part = fulfilment_orders
# A parcel is bought for what is packed, and not before.
UNPACKED = (FulfilmentState.OPEN, FulfilmentState.MAKING, FulfilmentState.MADE)
# What every message about an order is sent by (`backroom.messaging.templates`).
PURPOSE = "order_updates"


def _shipments(_: datetime) -> Select[Any]:
    def of_kind(kind: str) -> ColumnElement[int]:
        mine = select(func.count()).where(labels.c.shipment_id == shipments.c.id, labels.c.kind == kind)
        return mine.scalar_subquery()

    # A partner's parcel has no label of ours, and is known when it has left.
    ours = shipments.c.service != BY_PARTNER
    return select(
        shipments.c.id.label("key"),
        func.coalesce(orders.c.number, "").label("number"),
        part.c.id.label("part_found"),
        shipments.c.carrier,
        when(ours, shipments.c.weight_g).label("weight_g"),
        shipments.c.cost_minor,
        shipments.c.currency,
        shipments.c.at,
        when(ours, part.c.packed_at).label("packed_at"),
        func.length(shipments.c.tracking).label("tracking_length"),
        holds(shipments.c.tracking != shipments.c.return_tracking).label("numbers_differ"),
        when(ours & part.c.id.is_not(None), holds(part_stands.not_in(UNPACKED))).label("is_packed"),
        when(part.c.id.is_not(None), holds(part.c.delivery == Delivery.SHIP)).label("is_sent"),
        when(ours, of_kind("shipping")).label("shipping_labels"),
        when(ours, of_kind("return")).label("return_labels"),
    ).select_from(
        shipments.outerjoin(part, part.c.id == shipments.c.fulfilment_order_id).outerjoin(
            orders, orders.c.id == part.c.order_id
        )
    )


def _labels(_: datetime) -> Select[Any]:
    return select(
        labels.c.id.label("key"),
        func.coalesce(orders.c.number, "").label("number"),
        shipments.c.id.label("shipment_found"),
        labels.c.kind,
        when(orders.c.id.is_not(None), holds(orders.c.person_id == labels.c.person_id)).label("person_right"),
        # Retention empties those of parcels that are on their way.
        when(part.c.state != FulfilmentState.DONE, func.length(labels.c.data)).label("data_length"),
        # What the carrier has drawn is printed as it is.
        when(and_(part.c.state != FulfilmentState.DONE, labels.c.document.is_(None)), func.length(labels.c.zpl)).label(
            "zpl_length"
        ),
    ).select_from(
        labels.outerjoin(shipments, shipments.c.id == labels.c.shipment_id)
        .outerjoin(part, part.c.id == shipments.c.fulfilment_order_id)
        .outerjoin(orders, orders.c.id == part.c.order_id)
    )


def _messages(_: datetime) -> Select[Any]:
    said, later = consents.alias("said"), consents.alias("later")
    same = (said.c.person_id == messages.c.person_id) & (said.c.medium == messages.c.medium)
    withdrawn = (
        select(later.c.id)
        .where(
            later.c.person_id == messages.c.person_id,
            later.c.medium == messages.c.medium,
            later.c.purpose == PURPOSE,
            later.c.granted.is_(False),
            later.c.at >= said.c.at,
            later.c.at <= messages.c.at,
        )
        .correlate(said, messages)
    )
    granted = (
        select(said.c.id)
        .where(
            same, said.c.purpose == PURPOSE, said.c.granted.is_(True), said.c.at <= messages.c.at, ~withdrawn.exists()
        )
        .correlate(messages)
    )
    sent = messages.c.state == SENT
    return select(
        messages.c.id.label("key"),
        func.coalesce(orders.c.number, "").label("number"),
        orders.c.id.label("order_found"),
        messages.c.kind,
        messages.c.medium,
        messages.c.state,
        when(sent, holds(messages.c.sent_at.is_not(None))).label("sent_at_there"),
        when(orders.c.id.is_not(None), holds(orders.c.person_id == messages.c.person_id)).label("person_right"),
        # With whoever is forgotten, what they agreed to goes.
        when(sent & people.c.wrapped_key.is_not(None), holds(granted.exists())).label("is_consented"),
    ).select_from(
        messages.outerjoin(orders, orders.c.id == messages.c.order_id).outerjoin(
            people, people.c.id == messages.c.person_id
        )
    )


def _consents(_: datetime) -> Select[Any]:
    return select(
        consents.c.id.label("key"),
        literal("").label("number"),
        people.c.id.label("person_found"),
        consents.c.medium,
        consents.c.purpose,
        consents.c.at,
        func.length(consents.c.source).label("source_length"),
    ).select_from(consents.outerjoin(people, people.c.id == consents.c.person_id))


def _of_their_customers(order_ids: Sequence[int]) -> ColumnElement[bool]:
    return consents.c.person_id.in_(select(orders.c.person_id).where(orders.c.id.in_(order_ids)))


SHIPMENTS = Source(_shipments, shipments.c.id, part.c.order_id.in_)
LABELS = Source(_labels, labels.c.id, part.c.order_id.in_)
MESSAGES = Source(_messages, messages.c.id, messages.c.order_id.in_)
CONSENTS = Source(_consents, consents.c.id, _of_their_customers)
