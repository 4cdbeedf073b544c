"""Stripe Checkout: events that say which session changed, and sessions read as orders.

What belongs here: Stripe's words and quirks. What does not: asking it (`stripe_source`), refunds (`stripe_refunds`).
Sources: docs.stripe.com API reference "Checkout Session", "Line item", "Charge", "Refund", version 2026-10-28; "Fulfill
orders" (which events), "Webhook signatures".

An event of a session has no lines and one of a refund has no session, so both are hints. What is fetched for them is
`{"session", "line_items"}`, the session with its payment and refunds, less what is the card's. A session has no time of
its last change: what it went through (unpaid, paid, paid back) tells states of one second apart.
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, ClassVar

from backroom.channels.base import Contact, digest, only_header
from backroom.channels.consenting import state
from backroom.channels.contact import normalise_email, normalise_phone
from backroom.channels.reading import Reading, country, first_text, items, language, mapping, place_id, text
from backroom.channels.stripe_amounts import read_minor
from backroom.domain import signatures
from backroom.domain.cards import FREE_TEXT_KEYS
from backroom.domain.channels import ChannelSpec
from backroom.domain.model import Address, Delivery, IncomingLine, IncomingOrder, PaymentStatus, StatedConsent

SIGNATURE = "Stripe-Signature"
FETCHED = "checkout.session.fetched"
SESSION_EVENTS = (
    "checkout.session.completed",
    "checkout.session.async_payment_succeeded",
    "checkout.session.async_payment_failed",
)
# Of a charge or a refund; both name the payment that they are of.
REFUND_EVENTS = ("charge.refunded", "refund.created", "refund.updated", "refund.failed")

_PAID = frozenset({"paid", "no_payment_required"})
_FAILED = frozenset({"requires_payment_method", "canceled"})
_PICKUP = re.compile(r"\b(pick[ _-]?up|click (and|&) collect|abholung|collect)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class StripeChannel:
    """One webhook endpoint of a Stripe account; `secret` is its `whsec_…`."""

    spec: ChannelSpec

    kind: ClassVar[str] = "stripe"
    free_text_keys: ClassVar[frozenset[str]] = FREE_TEXT_KEYS | {"value"}

    def verify(self, body: bytes, headers: Mapping[str, str], secret: str) -> None:
        signatures.check_stripe(only_header(headers, SIGNATURE), body, secret, time.time())

    def is_ping(self, body: bytes, headers: Mapping[str, str]) -> bool:
        return False

    def delivery_key(self, body_json: object, headers: Mapping[str, str], body_bytes: bytes) -> str:
        return text(mapping(body_json).get("id")) or digest(body_bytes)

    def topic(self, headers: Mapping[str, str]) -> str:
        return ""

    def contact(self, body_json: object) -> Contact:
        session = _session(body_json) or _about(body_json)
        who = mapping(session.get("customer_details")) or mapping(session.get("billing_details"))
        home = mapping(who.get("address")).get("country")
        return Contact(normalise_email(who.get("email")), normalise_phone(who.get("phone"), country(home)))

    def external_id(self, body_json: object) -> str:
        if session := _session(body_json):
            return text(session.get("id"))
        kind, about = text(mapping(body_json).get("type")), _about(body_json)
        if kind in SESSION_EVENTS:
            return text(about.get("id"))
        return payment_intent_of(about) if kind in REFUND_EVENTS else ""

    def is_hint(self, body_json: object, topic: str) -> bool:
        return text(mapping(body_json).get("type")) in (*SESSION_EVENTS, *REFUND_EVENTS)

    def parse(self, body_json: object, topic: str, shop_country: str) -> IncomingOrder:
        session, reading = _session(body_json), Reading()
        if not session:
            reading.wrong("topic", "type", "is a message about something else than a checkout")
        external_id = reading.identifier(session.get("id"), "session.id")
        placed_at = reading.epoch(session.get("created"), "session.created")
        currency = reading.currency(session.get("currency"), "session.currency")
        total = read_minor(reading, session, "amount_total", "session.", currency, needed=True)
        stated = items(mapping(body_json).get("line_items"))
        if not stated:
            reading.wrong("no_lines", "line_items", "has no lines")
        lines = tuple(_line(reading, line, f"line_items[{i}].", currency) for i, line in enumerate(stated))
        shipping = _shipping(reading, session, currency)
        reading.settle()
        payment, cancelled = standing(session)
        who = mapping(session.get("customer_details"))
        delivery, place = _delivery(session)
        meta = mapping(session.get("metadata"))
        return IncomingOrder(
            channel=self.spec.id,
            external_id=external_id,
            external_name=(text(session.get("client_reference_id")) or external_id[-8:])[:60],
            placed_at=placed_at,
            updated_at=changed_at(session),
            currency=currency,
            total_minor=total,
            lines=lines,
            source="payment-link" if text(session.get("payment_link")) else "checkout",
            cancelled=cancelled,
            payment=payment,
            payment_token=payment_intent_of(session)[:100],
            shipping_minor=shipping,
            email=text(who.get("email")) or text(session.get("customer_email")),
            phone=text(who.get("phone")),
            address=_address(session, shop_country) if delivery is Delivery.SHIP else None,
            delivery=delivery,
            location=place or self.spec.location,
            event=text(meta.get("event"), 100) or self.spec.event,
            language=language(session.get("locale")),
            note="\n".join(_custom_fields(session))[:5_000],
            consents=_consents(self.spec, session, who, placed_at),
        )


def standing(session: dict[str, Any]) -> tuple[PaymentStatus, bool]:
    """How it is paid, and whether it is not to be made: paid back whole, or a payment that failed after all."""
    intent = mapping(session.get("payment_intent"))
    if mapping(intent.get("latest_charge")).get("refunded") is True:
        return PaymentStatus.REFUNDED, True
    if text(session.get("payment_status")) in _PAID:
        return PaymentStatus.PAID, False
    return PaymentStatus.PENDING, text(intent.get("status")) in _FAILED


def changed_at(session: dict[str, Any]) -> datetime:
    """The newest moment that the session, its charge and its refunds name, and within it how far the session went.

    Events are of a later moment, which the session never names: whoever lists one by an event takes this time as well.
    """
    charge = mapping(mapping(session.get("payment_intent")).get("latest_charge"))
    refunds = items(mapping(charge.get("refunds")).get("data"))
    quiet = Reading()
    newest = max(quiet.epoch(one.get("created"), "") for one in (session, charge, *refunds))
    return newest + _stage(*standing(session))


def payment_intent_of(about: dict[str, Any]) -> str:
    """The id of the payment that a session, a charge or a refund names, expanded or not."""
    told = about.get("payment_intent")
    return text(told.get("id")) if isinstance(told, dict) else text(told)


def _stage(payment: PaymentStatus, cancelled: bool) -> timedelta:
    # Stripe tells seconds, and a payment may fail or come through in the one in which it was asked for.
    if cancelled or payment is PaymentStatus.REFUNDED:
        return timedelta(microseconds=2)
    return timedelta(microseconds=1 if payment is PaymentStatus.PAID else 0)


def _session(body_json: object) -> dict[str, Any]:
    return mapping(mapping(body_json).get("session"))


def _about(body_json: object) -> dict[str, Any]:
    """The object that an event is about."""
    return mapping(mapping(mapping(body_json).get("data")).get("object"))


def _line(reading: Reading, line: dict[str, Any], path: str, currency: str) -> IncomingLine:
    """What a line cost has its discounts and taxes in it."""
    quantity = reading.quantity(line.get("quantity"), f"{path}quantity")
    paid = read_minor(reading, line, "amount_total", path, currency, needed=True)
    off = read_minor(reading, line, "amount_discount", path, currency, needed=False)
    price = -(-(paid + off) // quantity)
    priced = mapping(line.get("price"))
    holders = (line, priced, mapping(priced.get("product")))
    return IncomingLine(
        external_id=reading.identifier(line.get("id"), f"{path}id"),
        sku=reading.identifier(
            first_text(*(mapping(one.get("metadata")).get("sku") for one in holders)), f"{path}sku", needed=False
        ),
        quantity=quantity,
        unit_price_minor=price,
        title=text(line.get("description"), 200),
        discount_minor=price * quantity - paid,
    )


def _shipping(reading: Reading, session: dict[str, Any], currency: str) -> int:
    """What was paid for shipping, with its tax where that is told."""
    cost = mapping(session.get("shipping_cost"))
    if cost:
        return read_minor(reading, cost, "amount_total", "session.shipping_cost.", currency, needed=True)
    sums = mapping(session.get("total_details"))
    return read_minor(reading, sums, "amount_shipping", "session.total_details.", currency, needed=False)


def _delivery(session: dict[str, Any]) -> tuple[Delivery, str]:
    """As the session's own metadata say, else by the name of its shipping rate: a checkout knows no other way."""
    meta = mapping(session.get("metadata"))
    rate = mapping(mapping(session.get("shipping_cost")).get("shipping_rate"))
    place = place_id(meta.get("location")) or place_id(mapping(rate.get("metadata")).get("location"))
    told = text(meta.get("delivery")).lower()
    if told in set(Delivery):
        return Delivery(told), place
    if _PICKUP.search(text(rate.get("display_name"))):
        return Delivery.COLLECT, place
    return Delivery.SHIP, ""


def _address(session: dict[str, Any], shop_country: str) -> Address | None:
    """Where it goes; the payer's own address where no other was asked for."""
    shipping = mapping(mapping(session.get("collected_information")).get("shipping_details")) or mapping(
        session.get("shipping_details")
    )
    for block in (shipping, mapping(session.get("customer_details"))):
        told = mapping(block.get("address"))
        street = first_text(told.get("line1"), told.get("line2"))
        # Of some payments a postcode and a country are all that was asked for: no parcel goes there.
        if street or text(told.get("city")):
            return Address(
                name=text(block.get("name")),
                line1=street,
                line2=text(told.get("line2")) if text(told.get("line1")) else "",
                postcode=text(told.get("postal_code"), 20),
                city=text(told.get("city")),
                region=text(told.get("state")),
                country=country(told.get("country")) or shop_country,
            )
    return None


def _custom_fields(session: dict[str, Any]) -> list[str]:
    """What was typed into the checkout's own fields."""
    told = []
    for one in items(session.get("custom_fields")):
        value = text(mapping(one.get(text(one.get("type")))).get("value"))
        if value:
            told.append(f"{first_text(mapping(one.get('label')).get('custom'), one.get('key'))}: {value}")
    return told


def _consents(
    spec: ChannelSpec, session: dict[str, Any], who: dict[str, Any], placed_at: datetime
) -> tuple[StatedConsent, ...]:
    """An e-mail at the checkout is for the order's mails; `consent.promotions` is the tick for more."""
    stated: list[StatedConsent] = []
    if text(who.get("email")):
        wording = "e-mail given at the checkout"
        stated.append(
            StatedConsent("email", "order_updates", True, "stripe customer_details.email", wording, placed_at)
        )
    granted = {"opt_in": True, "opt_out": False}.get(text(mapping(session.get("consent")).get("promotions")))
    if granted is not None:
        source = "stripe consent.promotions"
        stated += state(spec, "email", "marketing", granted, source, placed_at)
    return tuple(stated)
