"""WooCommerce: order webhooks in the shape of the REST API v3's order.

What belongs here: WooCommerce's words and quirks. What does not: any other source's; whether the totals add up.
Sources: woocommerce-rest-api-docs v3 "Orders", WC_Webhook (signature, delivery id, ping).

All amounts of lines, shipping and fees are without taxes, whatever the shop's prices include; each has its tax beside
it. Where `prices_include_tax`, the customer saw both as one price, and so do we; elsewhere taxes come on top. The
prices of single pieces are quotients, so a line's amounts are read and divided here. A partial refund changes neither
lines nor total of the message; how many pieces it took back is not said.
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
    Reading,
    country,
    first_text,
    is_named,
    items,
    language,
    long_text,
    mapping,
    named_address,
    place_id,
    text,
    yes_or_no,
)
from backroom.channels.signing import WOOCOMMERCE_HEADER, check
from backroom.domain.cards import FREE_TEXT_KEYS
from backroom.domain.channels import ChannelSpec
from backroom.domain.model import Address, Delivery, IncomingLine, IncomingOrder, PaymentStatus, StatedConsent

TOPICS = frozenset({"order.created", "order.updated", "order.restored"})
# Also when it is put into the bin; its body is the id alone.
DELETED = "order.deleted"

PAYMENT = {
    "processing": PaymentStatus.PAID,
    "completed": PaymentStatus.PAID,
    "pending": PaymentStatus.PENDING,
    "on-hold": PaymentStatus.PENDING,
    "failed": PaymentStatus.PENDING,
    "checkout-draft": PaymentStatus.PENDING,
    "auto-draft": PaymentStatus.PENDING,
    "cancelled": PaymentStatus.PENDING,
    "trash": PaymentStatus.PENDING,
    "refunded": PaymentStatus.REFUNDED,
}
_ENDED = frozenset({"cancelled", "refunded", "trash"})
_PICKUP_METHODS = frozenset({"local_pickup", "pickup_location"})
# What a meta datum calls itself: to plug-ins, and to whoever reads it.
_NAMED_BY = ("key", "display_key")
_PING = re.compile(rb"webhook_id=[0-9]{1,20}")

# SkyVerge's Twilio SMS plug-in and Mailchimp's: the ticks at the checkout, as they leave them with the order.
_CONSENT_META = {
    "_wc_twilio_sms_optin": ("sms", "order_updates"),
    "mailchimp_woocommerce_is_subscribed": ("email", "marketing"),
}


@dataclass(frozen=True, slots=True)
class WooCommerceChannel:
    """One WooCommerce shop."""

    spec: ChannelSpec

    kind: ClassVar[str] = "woocommerce"
    free_text_keys: ClassVar[frozenset[str]] = FREE_TEXT_KEYS

    def verify(self, body: bytes, headers: Mapping[str, str], secret: str) -> None:
        check(body, only_header(headers, WOOCOMMERCE_HEADER), secret)

    def is_ping(self, body: bytes, headers: Mapping[str, str]) -> bool:
        """Saving a webhook in the shop sends `webhook_id=N` as a form, unsigned."""
        return _PING.fullmatch(body) is not None

    def delivery_key(self, body_json: object, headers: Mapping[str, str], body_bytes: bytes) -> str:
        # The delivery id is a hash of the webhook's id and the second (get_new_delivery_id): two orders of one second
        # share it, so the body must have its say.
        return f"{header(headers, 'X-WC-Webhook-Delivery-ID')}:{digest(body_bytes)}"

    def topic(self, headers: Mapping[str, str]) -> str:
        return header(headers, "X-WC-Webhook-Topic")

    def contact(self, body_json: object) -> Contact:
        billing = mapping(mapping(body_json).get("billing"))
        phone = normalise_phone(_phone(mapping(body_json)), country(billing.get("country")))
        return Contact(normalise_email(billing.get("email")), phone)

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
        external_id = reading.identifier(order.get("id"), "id")
        status = status_of(order)
        if status not in PAYMENT:
            reading.wrong("status", "status", "is no status that WooCommerce documents")
        placed_at = reading.time(*_dated(order, "date_created"), utc=True)
        updated_at = reading.time(*_dated(order, "date_modified"), utc=True)
        currency = reading.currency(order.get("currency"), "currency")
        money = _Money(reading, currency, gross=order.get("prices_include_tax") is True)
        pictured = self.spec.artwork_field
        stated = items(order.get("line_items"))
        lines = tuple(_line(money, line, f"line_items[{i}]", pictured) for i, line in enumerate(stated))
        if not lines:
            reading.wrong("no_lines", "line_items", "has no lines")
        sums = _sums(money, order, lines)
        reading.settle()
        delivery, place = _delivery(order)
        return IncomingOrder(
            channel=self.spec.id,
            external_id=external_id,
            external_name=first_text(order.get("number"), order.get("id"))[:60],
            placed_at=placed_at,
            updated_at=updated_at,
            currency=currency,
            total_minor=sums.total,
            lines=lines,
            source=text(order.get("created_via"), 60).lower() or "web",
            cancelled=status in _ENDED,
            payment=PAYMENT[status],
            payment_token=text(order.get("transaction_id"), 100),
            shipping_minor=sums.shipping,
            discount_minor=sums.discount,
            tax_added_minor=sums.added,
            email=text(mapping(order.get("billing")).get("email")),
            phone=_phone(order),
            address=_address(order, shop_country),
            delivery=delivery,
            location=place or self.spec.location,
            event=_meta(order).get("event", "") or self.spec.event,
            language=language(_meta(order).get("wpml_language")),
            note=long_text(order.get("customer_note")),
            consents=_consents(self.spec, order, placed_at),
        )


def status_of(order: dict[str, Any]) -> str:
    """The order's status, which plug-ins also write as the database does, `wc-processing`."""
    return text(order.get("status")).lower().removeprefix("wc-")


@dataclass(frozen=True, slots=True)
class _Sums:
    total: int
    shipping: int
    discount: int
    added: int


@dataclass(frozen=True, slots=True)
class _Money:
    """Amounts as the customer saw them: `gross` with the tax that stands beside each, else without."""

    reading: Reading
    currency: str
    gross: bool

    def amount(self, holder: dict[str, Any], net: str, tax: str, path: str, *, needed: bool = True) -> int:
        found = self.reading.rounded_money(holder.get(net), f"{path}{net}", self.currency, needed=needed)
        return found + (self._tax(holder, tax, path) if self.gross else 0)

    def taxes(self, order: dict[str, Any]) -> int:
        """How much of the order's taxes its amounts have in them."""
        if not self.gross:
            return 0
        holders = [*items(order.get("line_items")), *items(order.get("fee_lines"))]
        return self._tax(order, "shipping_tax", "") + sum(self._tax(holder, "total_tax", "") for holder in holders)

    def _tax(self, holder: dict[str, Any], key: str, path: str) -> int:
        return self.reading.rounded_money(holder.get(key), f"{path}{key}", self.currency, needed=False)


def _dated(order: dict[str, Any], name: str) -> tuple[object, str]:
    """The UTC date `name_gmt`. The one beside it is the shop's wall clock, of a zone that is not told."""
    return order.get(f"{name}_gmt"), f"{name}_gmt"


def _line(money: _Money, line: dict[str, Any], path: str, pictured: str) -> IncomingLine:
    reading = money.reading
    quantity = reading.quantity(line.get("quantity"), f"{path}.quantity")
    paid = money.amount(line, "total", "total_tax", f"{path}.")
    # Before discounts; a line's price of one piece is that divided, and may not divide evenly.
    full = max(paid, money.amount(line, "subtotal", "subtotal_tax", f"{path}.", needed=False))
    price = -(-full // quantity)
    return IncomingLine(
        external_id=reading.identifier(line.get("id"), f"{path}.id"),
        sku=reading.identifier(line.get("sku"), f"{path}.sku", needed=False),
        quantity=quantity,
        unit_price_minor=price,
        title=text(line.get("name"), 200),
        discount_minor=price * quantity - paid,
        personalisation=_personalisation(line, pictured),
        artwork_url=named_address(line.get("meta_data"), pictured, *_NAMED_BY),
    )


def _sums(money: _Money, order: dict[str, Any], lines: tuple[IncomingLine, ...]) -> _Sums:
    """The order's own sums; fees come on top like taxes, and a negative fee is a discount."""
    total = money.reading.money(order.get("total"), "total", money.currency)
    shipping = money.amount(order, "shipping_total", "shipping_tax", "", needed=False)
    fees = [
        money.amount(fee, "total", "total_tax", f"fee_lines[{i}].")
        for i, fee in enumerate(items(order.get("fee_lines")))
    ]
    tax = money.reading.rounded_money(order.get("total_tax"), "total_tax", money.currency, needed=False)
    discount = -sum(fee for fee in fees if fee < 0)
    added = max(0, tax - money.taxes(order)) + sum(fee for fee in fees if fee > 0)
    goods = sum(line.quantity * line.unit_price_minor - line.discount_minor for line in lines)
    # WooCommerce rounds every amount of a message by itself, but adds them up unrounded: at most half a cent each.
    rounding = total - (goods + shipping - discount + added)
    if 2 * abs(rounding) <= (len(lines) + len(fees) + 1) * (2 if money.gross else 1) + 1:
        added += max(rounding, 0)
        discount += max(-rounding, 0)
    return _Sums(total, shipping, discount, added)


def _address(order: dict[str, Any], shop_country: str) -> Address | None:
    """The shipping block; WooCommerce leaves it empty when the parcel goes to the billing address."""
    for block in (mapping(order.get("shipping")), mapping(order.get("billing"))):
        street = first_text(block.get("address_1"), block.get("address_2"))
        if street or text(block.get("postcode")) or text(block.get("city")):
            parts = (text(block.get("first_name")), text(block.get("last_name")))
            return Address(
                name=" ".join(filter(None, parts)),
                company=text(block.get("company")),
                line1=street,
                line2=text(block.get("address_2")) if text(block.get("address_1")) else "",
                postcode=text(block.get("postcode"), 20),
                city=text(block.get("city")),
                region=text(block.get("state")),
                country=country(block.get("country")) or shop_country,
            )
    return None


def _phone(order: dict[str, Any]) -> str:
    return first_text(*(mapping(order.get(block)).get("phone") for block in ("billing", "shipping")))


def _meta(holder: dict[str, Any]) -> dict[str, str]:
    """Meta data with plain values, by key; what plug-ins store as objects is not ours to read."""
    return {text(one.get("key")): text(one.get("value"), 100) for one in items(holder.get("meta_data"))}


def _delivery(order: dict[str, Any]) -> tuple[Delivery, str]:
    """Collected where the shipping method is a local pickup, and where: the block checkout names the place."""
    for line in items(order.get("shipping_lines")):
        if text(line.get("method_id")).split(":")[0] in _PICKUP_METHODS:
            return Delivery.COLLECT, place_id(_meta(line).get("pickup_location"))
    return Delivery.SHIP, ""


def _personalisation(line: dict[str, Any], pictured: str) -> str:
    """What the customer typed for this piece. Keys with an underscore are hidden ones of plug-ins.

    An uploaded picture's address is meta data as well, under whatever key the upload's plug-in has for it.
    """
    told = (
        (first_text(one.get("display_key"), one.get("key")), first_text(one.get("display_value"), one.get("value")))
        for one in items(line.get("meta_data"))
        if not text(one.get("key")).startswith(("_", "pa_")) and not is_named(one, pictured, *_NAMED_BY)
    )
    return "; ".join(f"{name}: {value}" for name, value in told if name and value)[:500]


def _consents(spec: ChannelSpec, order: dict[str, Any], placed_at: datetime) -> tuple[StatedConsent, ...]:
    """WooCommerce has no consent of its own: an e-mail at checkout is for the order's mails, ticks are plug-ins'."""
    stated: list[StatedConsent] = []
    if text(mapping(order.get("billing")).get("email")):
        wording = "e-mail given for order updates"
        stated.append(StatedConsent("email", "order_updates", True, "woocommerce billing.email", wording, placed_at))
    meta = _meta(order)
    for key, (medium, purpose) in _CONSENT_META.items():
        granted = yes_or_no(meta.get(key))
        if granted is not None:
            source = f"woocommerce meta_data {key}"
            described = "tick at the checkout" if purpose == "order_updates" else ""
            stated += state(spec, medium, purpose, granted, source, placed_at, described=described)
    return tuple(stated)
