"""A new order as the rows that it is kept in: its own, its lines, what its customer agreed to.

What belongs here: which word of the source stands in which column, and which of them are sealed. What does not: writing
them (`orders`).
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any

from backroom.domain.model import IncomingOrder, OrderState
from backroom.domain.own_artwork import is_own
from backroom.store.contacts import Contact, seal_contact
from backroom.store.seals import seal

ARTWORK_CONTEXT = "order_lines.artwork_url"
TOKEN_CONTEXT = "orders.payment_token"  # noqa: S105 - what is sealed, not what it is sealed with


@dataclass(frozen=True, slots=True)
class NewOrder:
    """An order about to be written. A `hold_reason` makes it a Hold from the start."""

    incoming: IncomingOrder
    contact: Contact
    person_id: int
    key: bytes
    priority: int
    ship_by: datetime
    fingerprint: str
    hold_reason: str = ""


def held_for(order: NewOrder, reason: str) -> NewOrder:
    """The same order as a Hold for that reason."""
    return replace(order, hold_reason=reason)


def order_row(order: NewOrder, number: str, token: str, at: datetime) -> dict[str, Any]:
    """Its row in `orders`, in the hands of the wave with that token unless it is cancelled or held."""
    incoming = order.incoming
    if incoming.cancelled:
        state = OrderState.CANCELLED
    else:
        state = OrderState.HELD if order.hold_reason else OrderState.ACCEPTED
    return {
        "number": number,
        "channel": incoming.channel,
        "external_id": incoming.external_id,
        "source": incoming.source,
        "state": state,
        "hold_reason": order.hold_reason,
        "delivery": incoming.delivery,
        "handed_over": incoming.handed_over,
        "location": incoming.location,
        "event": incoming.event,
        "country": incoming.address.country if incoming.address else "",
        "language": incoming.language,
        "currency": incoming.currency,
        "total_minor": incoming.total_minor,
        "shipping_minor": incoming.shipping_minor,
        "discount_minor": incoming.discount_minor,
        "tax_added_minor": incoming.tax_added_minor,
        "payment": incoming.payment,
        "payment_token": seal_token(order.key, incoming),
        "person_id": order.person_id,
        "contact": seal_contact(order.key, order.contact),
        "fingerprint": order.fingerprint,
        "priority": order.priority,
        "placed_at": incoming.placed_at,
        "source_at": incoming.updated_at,
        "accepted_at": at,
        "ship_by": order.ship_by,
        "ended_at": at if state is OrderState.CANCELLED else None,
        "claim_token": token if state is OrderState.ACCEPTED else None,
        "attempts": 1 if state is OrderState.ACCEPTED else 0,
    }


def seal_token(key: bytes, incoming: IncomingOrder) -> bytes | None:
    """The channel's word for the payment, sealed with the person's key; None where there is none."""
    return seal(key, incoming.payment_token.encode(), TOKEN_CONTEXT) if incoming.payment_token else None


def line_rows(order_id: int, order: NewOrder) -> list[dict[str, Any]]:
    """Its rows in `order_lines`, numbered from 1."""
    return [
        {
            "order_id": order_id,
            "line_no": number,
            "external_id": line.external_id,
            "sku": line.sku,
            "quantity": line.quantity,
            "unit_price_minor": line.unit_price_minor,
            "discount_minor": line.discount_minor,
            "personalised": bool(line.personalisation.strip() or line.artwork_url or is_own(line.sku)),
            "artwork_url": seal(order.key, line.artwork_url.encode(), ARTWORK_CONTEXT) if line.artwork_url else None,
        }
        for number, line in enumerate(order.incoming.lines, start=1)
    ]


def consent_rows(person_id: int, incoming: IncomingOrder) -> list[dict[str, Any]]:
    """What the customer agreed to with this order, as rows in `consents`."""
    return [asdict(consent) | {"person_id": person_id} for consent in incoming.consents]
