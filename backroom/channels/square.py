"""Square: events that say which order changed, and orders in the shape of its Orders API.

What belongs here: Square's words and quirks. What does not: asking it (`square_source`) and telling it (`square_news`).
Sources: developer.squareup.com "Webhooks" (event envelope, `x-square-hmacsha256-signature`), "Orders API"; the models
of its own SDK, against which the samples are held.

An event carries no order, so it is a hint. What is fetched for it is `{"order", "skus", "payments"}`: a line names a
catalogue object and no SKU, and what was paid back stands with the payment. Amounts are minor units; those of a line
have its discounts and taxes in them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar

from backroom.channels.base import Contact, digest, only_header
from backroom.channels.contact import normalise_email, normalise_phone
from backroom.channels.reading import Reading, country, first_text, items, language, long_text, mapping, place_id, text
from backroom.domain import signatures
from backroom.domain.cards import FREE_TEXT_KEYS
from backroom.domain.channels import ChannelSpec
from backroom.domain.model import Address, Delivery, IncomingLine, IncomingOrder, PaymentStatus, StatedConsent

SIGNATURE = "x-square-hmacsha256-signature"
# What an order that was fetched goes by; events have their own types.
FETCHED = "order.fetched"

# Where each event keeps the id of the order that it is about.
_ORDER_OF = {
    "order.created": "order_created",
    "order.updated": "order_updated",
    "order.fulfillment.updated": "order_fulfillment_updated",
    "payment.created": "payment",
    "payment.updated": "payment",
    "refund.created": "refund",
    "refund.updated": "refund",
}
_DETAILS = {"SHIPMENT": "shipment_details", "DELIVERY": "delivery_details", "PICKUP": "pickup_details"}
_REFUSED = frozenset({"REJECTED", "FAILED"})
_CAPTURED = frozenset({"APPROVED", "COMPLETED"})
_SHIPPING = re.compile(r"shipping|delivery|postage|versand|porto|lieferung", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class SquareChannel:
    """One Square account, by the notification URL of its webhook subscription."""

    spec: ChannelSpec

    kind: ClassVar[str] = "square"
    free_text_keys: ClassVar[frozenset[str]] = FREE_TEXT_KEYS | {"shipping_note", "pickup_note"}

    def verify(self, body: bytes, headers: Mapping[str, str], secret: str) -> None:
        # Over the URL as Square has it: what a proxy makes of it on the way to us is nothing that was signed.
        signatures.check_square(only_header(headers, SIGNATURE), self.spec.notification_url, body, secret)

    def is_ping(self, body: bytes, headers: Mapping[str, str]) -> bool:
        return False

    def delivery_key(self, body_json: object, headers: Mapping[str, str], body_bytes: bytes) -> str:
        return text(mapping(body_json).get("event_id")) or digest(body_bytes)

    def topic(self, headers: Mapping[str, str]) -> str:
        return ""

    def contact(self, body_json: object) -> Contact:
        who = recipient(_order(body_json))
        home = mapping(who.get("address")).get("country")
        return Contact(
            normalise_email(who.get("email_address")), normalise_phone(who.get("phone_number"), country(home))
        )

    def external_id(self, body_json: object) -> str:
        order = _order(body_json)
        if order:
            return text(order.get("id"))
        event = mapping(body_json)
        about = mapping(mapping(event.get("data")).get("object"))
        return text(mapping(about.get(_ORDER_OF.get(text(event.get("type")), ""))).get("order_id"))

    def is_hint(self, body_json: object, topic: str) -> bool:
        return text(mapping(body_json).get("type")) in _ORDER_OF

    def parse(self, body_json: object, topic: str, shop_country: str) -> IncomingOrder:
        order, reading = _order(body_json), Reading()
        if not order:
            reading.wrong("topic", "type", "is a message about something else than an order")
        external_id = reading.identifier(order.get("id"), "order.id")
        placed_at = reading.time(order.get("created_at"), "order.created_at")
        reading.time(order.get("updated_at"), "order.updated_at")
        money = _Money(reading, order)
        skus = mapping(mapping(body_json).get("skus"))
        stated = items(order.get("line_items"))
        if not stated:
            reading.wrong("no_lines", "order.line_items", "has no lines")
        lines = tuple(filter(None, (money.line(line, i, skus) for i, line in enumerate(stated))))
        if stated and not lines and not reading.problems:
            reading.wrong("no_lines", "order.line_items", "holds nothing that can be made: gift cards only")
        shipping, added, discount = money.rest()
        reading.settle()
        payments = items(mapping(body_json).get("payments"))
        refunded = 0 < money.total <= refunded_minor(order, payments)
        who, delivery = recipient(order), delivery_of(order)
        return IncomingOrder(
            channel=self.spec.id,
            external_id=external_id,
            external_name=first_text(order.get("reference_id"), order.get("ticket_name"), order.get("id"))[:60],
            placed_at=placed_at,
            updated_at=changed_at(order, payments),
            currency=money.currency,
            total_minor=money.total,
            lines=lines,
            source=place_id(mapping(order.get("source")).get("name")) or "square",
            cancelled=refunded or is_cancelled(order),
            payment=PaymentStatus.REFUNDED if refunded else payment_of(order, payments),
            payment_token=next((text(one.get("id"), 100) for one in payments), ""),
            shipping_minor=shipping,
            discount_minor=discount,
            tax_added_minor=added,
            email=text(who.get("email_address")),
            phone=text(who.get("phone_number")),
            address=_address(who, shop_country) if delivery is Delivery.SHIP else None,
            delivery=delivery,
            location=self.spec.location,
            event=self.spec.event,
            language=language(None),
            note=_note(order),
            consents=_consents(who, placed_at),
        )


class _Money:
    """The amounts of one order, in minor units."""

    def __init__(self, reading: Reading, order: dict[str, Any]) -> None:
        self._reading, self._order = reading, order
        total = mapping(order.get("total_money"))
        self.currency = reading.currency(total.get("currency"), "order.total_money.currency")
        self.total = self._amount(order, "total_money", "order.", needed=True)
        self._lines = self._gift_cards = self._apportioned = 0

    def line(self, line: dict[str, Any], index: int, skus: Mapping[str, Any]) -> IncomingLine | None:
        """A line that is to be made; None for a gift card. What it cost has taxes and apportioned charges in it."""
        path = f"order.line_items[{index}]."
        paid = self._amount(line, "total_money", path, needed=True)
        off = self._amount(line, "total_discount_money", path)
        self._lines += paid
        self._apportioned += self._amount(line, "total_service_charge_money", path)
        if text(line.get("item_type")) == "GIFT_CARD":
            self._gift_cards += paid
            return None
        quantity = self._reading.quantity(line.get("quantity"), f"{path}quantity")
        price = -(-(paid + off) // quantity)
        object_id = text(line.get("catalog_object_id"))
        return IncomingLine(
            external_id=self._reading.identifier(line.get("uid"), f"{path}uid"),
            # Without a catalogue object nobody knows what it is: a person says which SKU it was.
            sku=self._reading.identifier(skus.get(object_id), f"skus.{object_id}", needed=False),
            quantity=quantity,
            unit_price_minor=price,
            title=" ".join(filter(None, (text(line.get("name"), 120), text(line.get("variation_name"), 80)))),
            discount_minor=price * quantity - paid,
            personalisation=_personalisation(line),
        )

    def rest(self) -> tuple[int, int, int]:
        """Shipping, what else comes on top of the lines, and what comes off; together they make up the total.

        Service charges stand beside the lines or, apportioned, in them; a tip is in the total or not, by how it was
        paid; cash is rounded. What none of that explains is left to the check of the sums.
        """
        charges = items(self._order.get("service_charges"))
        amounts = [self._amount(one, "total_money", f"order.service_charges[{i}].") for i, one in enumerate(charges)]
        named = [
            amount for one, amount in zip(charges, amounts, strict=True) if _SHIPPING.search(text(one.get("name")))
        ]
        tip = self._amount(self._order, "total_tip_money", "order.")
        rounding = self._amount(mapping(self._order.get("rounding_adjustment")), "amount_money", "order.rounding.")
        beside = sum(amounts) - self._apportioned
        difference = self.total - self._lines
        known = {base + rounding + extra for base in (beside, sum(amounts)) for extra in (0, tip)}
        if difference not in known:
            difference = beside + rounding
        shipping = min(max(sum(named), 0), max(difference, 0))
        left = difference - shipping + self._gift_cards
        return shipping, max(left, 0), max(-left, 0)

    def _amount(self, holder: dict[str, Any], name: str, path: str, *, needed: bool = False) -> int:
        return self._reading.minor(mapping(holder.get(name)).get("amount"), f"{path}{name}.amount", needed=needed)


def is_cart(order: dict[str, Any]) -> bool:
    """Whether nobody has paid anything for it yet: a draft, an open ticket, a payment link that nobody followed."""
    owes = mapping(order.get("total_money")).get("amount") != 0
    return text(order.get("state")) == "DRAFT" or (owes and not items(order.get("tenders")))


def is_cancelled(order: dict[str, Any]) -> bool:
    """Whether it is not to be made, by its own state or because all that was to be sent was called off."""
    ways = items(order.get("fulfillments"))
    return text(order.get("state")) == "CANCELED" or (
        bool(ways) and all(text(one.get("state")) in ("CANCELED", "FAILED") for one in ways)
    )


def payment_of(order: dict[str, Any], payments: list[dict[str, Any]]) -> PaymentStatus:
    """Paid when nothing is due; a payment that was only authorised is money that is set aside."""
    due = mapping(order.get("net_amount_due_money")).get("amount")
    if isinstance(due, int):
        return PaymentStatus.PENDING if due > 0 else PaymentStatus.PAID
    total = _int(mapping(order.get("total_money")).get("amount"))
    paid = sum(
        _int(mapping(one.get("total_money")).get("amount")) for one in payments if text(one.get("status")) in _CAPTURED
    )
    tendered = sum(_int(mapping(one.get("amount_money")).get("amount")) for one in items(order.get("tenders")))
    return PaymentStatus.PAID if max(paid, tendered) >= total else PaymentStatus.PENDING


def refunded_minor(order: dict[str, Any], payments: list[dict[str, Any]]) -> int:
    """What was paid back of it, as its payments say, or the order itself where they are not told."""
    by_payments = sum(_int(mapping(one.get("refunded_money")).get("amount")) for one in payments)
    by_order = sum(
        _int(mapping(one.get("amount_money")).get("amount"))
        for one in items(order.get("refunds"))
        if text(one.get("status")) not in _REFUSED
    )
    return max(by_payments, by_order)


def changed_at(order: dict[str, Any], payments: list[dict[str, Any]]) -> datetime:
    """When the order changed, or a payment of it that was paid back: a refund need not change the order."""
    back = (one for one in payments if _int(mapping(one.get("refunded_money")).get("amount")) > 0)
    quiet = Reading()
    return max(quiet.time(one.get("updated_at"), "") for one in (order, *back))


def delivery_of(order: dict[str, Any]) -> Delivery:
    """What a counter sold, and nobody is to bring or fetch, was carried out."""
    kinds = {text(one.get("type")) for one in items(order.get("fulfillments"))}
    if kinds & {"SHIPMENT", "DELIVERY"}:
        return Delivery.SHIP
    return Delivery.COLLECT if "PICKUP" in kinds else Delivery.CARRY_OUT


def recipient(order: dict[str, Any]) -> dict[str, Any]:
    """Whom it is for, of the first fulfilment that says so."""
    for details in _details(order):
        if found := mapping(details.get("recipient")):
            return found
    return {}


def _order(body_json: object) -> dict[str, Any]:
    return mapping(mapping(body_json).get("order"))


def _details(order: dict[str, Any]) -> list[dict[str, Any]]:
    return [mapping(one.get(_DETAILS.get(text(one.get("type")), ""))) for one in items(order.get("fulfillments"))]


def _address(who: dict[str, Any], shop_country: str) -> Address | None:
    told = mapping(who.get("address"))
    street = first_text(told.get("address_line_1"), told.get("address_line_2"))
    if not (street or text(told.get("postal_code")) or text(told.get("locality"))):
        return None
    parts = (text(told.get("first_name")), text(told.get("last_name")))
    second = (
        text(told.get("address_line_2")) if text(told.get("address_line_1")) else "",
        text(told.get("address_line_3")),
    )
    return Address(
        name=text(who.get("display_name")) or " ".join(filter(None, parts)),
        line1=street,
        line2=", ".join(filter(None, second)),
        postcode=text(told.get("postal_code"), 20),
        city=text(told.get("locality")),
        region=text(told.get("administrative_district_level_1")),
        country=country(told.get("country")) or shop_country,
    )


def _personalisation(line: dict[str, Any]) -> str:
    """What was chosen or typed for this piece: its modifiers, and the note on the line."""
    chosen = [text(one.get("name")) for one in items(line.get("modifiers"))]
    return "; ".join(filter(None, [*chosen, text(line.get("note"))]))[:500]


def _note(order: dict[str, Any]) -> str:
    told = (details.get("shipping_note") or details.get("note") for details in _details(order))
    return next((found for found in map(long_text, told) if found), "")


def _consents(who: dict[str, Any], placed_at: datetime) -> tuple[StatedConsent, ...]:
    """Square asks for no consent: an e-mail for the delivery is for the delivery's mails."""
    if not text(who.get("email_address")):
        return ()
    wording = "e-mail given for the delivery"
    return (StatedConsent("email", "order_updates", True, "square recipient.email_address", wording, placed_at),)


def _int(value: object) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) else 0
