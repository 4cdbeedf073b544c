"""Shopify: order webhooks in the shape of the REST order resource.

What belongs here: Shopify's words and quirks. What does not: any other source's; whether the totals add up.
Sources: shopify.dev "Order" (REST Admin API), "Webhooks" (topics, headers), "Customer" (consent states).

What was removed or refunded is not made; of an order that is cancelled, or of which nothing is left, the original is
read (see `shopify_amounts`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar

from backroom.channels.base import Contact, OrderDeleted, digest, header, only_header
from backroom.channels.consenting import state
from backroom.channels.contact import normalise_email, normalise_phone
from backroom.channels.reading import (
    EPOCH,
    Reading,
    country,
    degrees,
    first_text,
    items,
    language,
    long_text,
    mapping,
    place_id,
    text,
)
from backroom.channels.shopify_amounts import Amounts
from backroom.channels.signing import SHOPIFY_HEADER, check
from backroom.domain.cards import FREE_TEXT_KEYS
from backroom.domain.channels import ChannelSpec
from backroom.domain.model import Address, Delivery, IncomingOrder, PaymentStatus, StatedConsent

# Its body is the id alone; when it was is told by a header.
DELETED = "orders/delete"
TOPICS = frozenset(
    f"orders/{event}" for event in ("create", "updated", "paid", "cancelled", "fulfilled", "partially_fulfilled")
)

# Authorized counts as paid: the money is set aside, and orders from Facebook and Instagram are captured only once
# they are fulfilled (help.shopify.com, "Processing orders from Checkout on Facebook and Instagram").
_PAID = frozenset({"paid", "partially_refunded", "authorized"})
_REFUNDED = frozenset({"refunded", "voided"})

_CONSENT_STATES = {"subscribed": True, "unsubscribed": False, "redacted": False, "invalid": False}
# What its own apps are called beside the protected names: an app that sells gives its id as the source.
# Meta's one app sells on Facebook and on Instagram, and Shopify does not say on which.
_SOURCES = {
    "": "web",
    "www": "web",
    "checkout_next": "web",
    "580111": "web",
    "129785": "pos",
    "2329312": "facebook_instagram",
}
_PICKUP = re.compile(r"\b(pick[ _-]?up|click (and|&) collect|abholung)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class ShopifyChannel:
    """One Shopify shop."""

    spec: ChannelSpec

    kind: ClassVar[str] = "shopify"
    free_text_keys: ClassVar[frozenset[str]] = FREE_TEXT_KEYS

    def verify(self, body: bytes, headers: Mapping[str, str], secret: str) -> None:
        check(body, only_header(headers, SHOPIFY_HEADER), secret)

    def is_ping(self, body: bytes, headers: Mapping[str, str]) -> bool:
        return False

    def delivery_key(self, body_json: object, headers: Mapping[str, str], body_bytes: bytes) -> str:
        # One action in the shop may send several topics under one event id: they are different messages.
        event = header(headers, "X-Shopify-Event-Id") or header(headers, "X-Shopify-Webhook-Id")
        return f"{self.topic(headers)}:{event or digest(body_bytes)}"

    def topic(self, headers: Mapping[str, str]) -> str:
        return header(headers, "X-Shopify-Topic")

    def said_at(self, headers: Mapping[str, str]) -> datetime | None:
        reading = Reading()
        told = reading.time(header(headers, "X-Shopify-Triggered-At"), "")
        return None if reading.problems else told

    def contact(self, body_json: object) -> Contact:
        order = mapping(body_json)
        return Contact(normalise_email(_email(order)), normalise_phone(_phone(order), country(_country(order))))

    def external_id(self, body_json: object) -> str:
        return text(mapping(body_json).get("id"))

    def is_hint(self, body_json: object, topic: str) -> bool:
        return False

    def parse(self, body_json: object, topic: str, shop_country: str) -> IncomingOrder:
        order, reading = mapping(body_json), Reading()
        if topic == DELETED and text(order.get("id")):
            raise OrderDeleted
        if topic and topic not in TOPICS:
            reading.wrong("topic", "", "is a message about something else than an order")
        if order.get("test") is True:
            reading.wrong("test_order", "test", "is a test order, nothing is to be made")
        external_id = reading.identifier(order.get("id"), "id")
        placed_at = reading.time(order.get("created_at"), "created_at")
        updated_at = reading.time(order.get("updated_at"), "updated_at")
        currency = reading.currency(order.get("currency"), "currency")
        stated = items(order.get("line_items"))
        if not stated:
            reading.wrong("no_lines", "line_items", "has no lines")
        cancelled = topic == "orders/cancelled" or order.get("cancelled_at") is not None
        emptied = bool(stated) and all(line.get("current_quantity") == 0 for line in stated)
        money = Amounts(reading, order, currency, as_placed=cancelled or emptied, pictured=self.spec.artwork_field)
        lines = tuple(filter(None, (money.line(line, i) for i, line in enumerate(stated))))
        if stated and not lines and not reading.problems:
            reading.wrong("no_lines", "line_items", "holds nothing that can be made: gift cards and tips only")
        total, shipping, added = money.total(), money.shipping(), money.added()
        reading.settle()
        address = _address(order, shop_country)
        attributes = _attributes(order)
        delivery, place = _delivery(order, attributes)
        return IncomingOrder(
            channel=self.spec.id,
            external_id=external_id,
            external_name=text(order.get("name"), 60),
            placed_at=placed_at,
            updated_at=updated_at,
            currency=currency,
            total_minor=total,
            lines=lines,
            source=_source(order),
            cancelled=cancelled or emptied,
            payment=_payment(order),
            payment_token=text(order.get("checkout_token"), 100),
            shipping_minor=shipping,
            discount_minor=money.uneven(lines),
            tax_added_minor=added,
            email=_email(order),
            phone=_phone(order),
            address=address,
            delivery=delivery,
            location=place or self.spec.location,
            event=attributes.get("event", "") or self.spec.event,
            language=language(order.get("customer_locale")),
            note=long_text(order.get("note")),
            consents=_consents(self.spec, order, placed_at),
        )


def _address(order: dict[str, Any], shop_country: str) -> Address | None:
    told = mapping(order.get("shipping_address"))
    street = first_text(told.get("address1"), told.get("address2"))
    if not (street or text(told.get("zip")) or text(told.get("city"))):
        return None
    parts = (text(told.get("first_name")), text(told.get("last_name")))
    return Address(
        name=text(told.get("name")) or " ".join(filter(None, parts)),
        company=text(told.get("company")),
        line1=street,
        line2=text(told.get("address2")) if text(told.get("address1")) else "",
        postcode=text(told.get("zip"), 20),
        city=text(told.get("city")),
        region=first_text(told.get("province_code"), told.get("province")),
        country=country(told.get("country_code")) or country(told.get("country")) or shop_country,
        latitude=degrees(told.get("latitude"), 90),
        longitude=degrees(told.get("longitude"), 180),
    )


def _country(order: dict[str, Any]) -> object:
    addresses = (mapping(order.get(name)) for name in ("shipping_address", "billing_address"))
    return first_text(*(address.get("country_code") for address in addresses))


def _email(order: dict[str, Any]) -> str:
    return first_text(order.get("email"), order.get("contact_email"), mapping(order.get("customer")).get("email"))


def _phone(order: dict[str, Any]) -> str:
    nested = (mapping(order.get(name)).get("phone") for name in ("shipping_address", "billing_address", "customer"))
    return first_text(order.get("phone"), *nested)


def _source(order: dict[str, Any]) -> str:
    """web, pos, instagram, facebook_instagram …, or the id of the app that sold; Shopify's protected names are kept."""
    name = text(order.get("source_name"), 60).lower()
    return _SOURCES.get(name, name)


def _payment(order: dict[str, Any]) -> PaymentStatus:
    status = text(order.get("financial_status")).lower()
    if status in _REFUNDED:
        return PaymentStatus.REFUNDED
    return PaymentStatus.PAID if status in _PAID else PaymentStatus.PENDING


def _attributes(order: dict[str, Any]) -> dict[str, str]:
    """The cart's attributes by name, in lower case with dashes."""
    return {
        re.sub(r"[\s_]+", "-", text(one.get("name")).lower()): text(one.get("value"), 100)
        for one in items(order.get("note_attributes"))
    }


def _delivery(order: dict[str, Any], attributes: dict[str, str]) -> tuple[Delivery, str]:
    """How the goods reach the customer and, where it is said, at which place.

    Shopify marks local pickup by no field of its own (community.shopify.com 117153): its shipping line is named after
    the place, and there is no address to ship to. Pickup apps set the cart attribute `Checkout-Method`. What a till
    sold and nobody ships is carried out.
    """
    place = place_id(attributes.get("pickup-location-id") or attributes.get("pickup-location"))
    method = attributes.get("checkout-method") or attributes.get("delivery-method", "")
    if method:
        collected = _PICKUP.search(method) or method.lower() == "collect"
        return (Delivery.COLLECT, place) if collected else (Delivery.SHIP, "")
    lines = items(order.get("shipping_lines"))
    told = (text(line.get(key)) for line in lines for key in ("code", "title", "delivery_category"))
    if any(_PICKUP.search(word) for word in told):
        return Delivery.COLLECT, place
    if mapping(order.get("shipping_address")):
        return Delivery.SHIP, ""
    if lines:
        return Delivery.COLLECT, place or place_id(lines[0].get("code"))
    return (Delivery.CARRY_OUT if _source(order) == "pos" else Delivery.SHIP), ""


def _consents(spec: ChannelSpec, order: dict[str, Any], placed_at: datetime) -> tuple[StatedConsent, ...]:
    """What the documented fields say, never more: silence (`not_subscribed`, `pending`) is no statement. Shopify tells
    of a tick for marketing, and how often it was confirmed; the words beside it are the shop's.

    `phone` of the order is "the customer's phone number for receiving SMS notifications"; a phone in an address is not.
    """
    stated = []
    if text(order.get("phone")):
        stated.append(("sms", "order_updates", True, "order.phone", "phone given for SMS notifications", placed_at))
    if first_text(order.get("email"), order.get("contact_email")):
        stated.append(("email", "order_updates", True, "order.email", "e-mail given for order updates", placed_at))
    if order.get("buyer_accepts_marketing") is True:
        stated.append(("email", "marketing", True, "order.buyer_accepts_marketing", "", placed_at))
    customer = mapping(order.get("customer"))
    for medium in ("email", "sms"):
        told = mapping(customer.get(f"{medium}_marketing_consent"))
        granted = _CONSENT_STATES.get(text(told.get("state")).lower())
        if granted is not None:
            quiet = Reading()
            at = quiet.time(told.get("consent_updated_at"), "")
            level = text(told.get("opt_in_level"), 40)
            source = f"customer.{medium}_marketing_consent {level}".strip()
            stated.append((medium, "marketing", granted, source, "", placed_at if at == EPOCH else at))
    return tuple(
        consent
        for medium, purpose, granted, source, described, at in stated
        for consent in state(spec, medium, purpose, granted, f"shopify {source}", at, described=described)
    )
