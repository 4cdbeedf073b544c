"""Etsy: receipts of one shop as orders, and webhooks that say which receipt changed.

What belongs here: Etsy's words and quirks. What does not: calls (`etsy_calls`), asking and telling (`etsy_source`).
Sources: developers.etsy.com Open API v3 reference "ShopReceipt", "ShopReceiptTransaction"; "Webhooks" (order.paid and
its kin, Standard Webhooks headers, `whsec_` secret, a body that names only the receipt's address).

Texts come with HTML's entities in them. Buyers' e-mails are given to few apps, and phones to none: Etsy tells its
buyers by itself. Amounts are `{amount, divisor, currency_code}`.
"""

from __future__ import annotations

import html
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any, ClassVar

from backroom.channels.base import Contact, digest, header, only_header
from backroom.channels.contact import normalise_email
from backroom.channels.reading import LARGEST_MINOR, Reading, country, items, language, long_text, mapping, text
from backroom.domain import signatures
from backroom.domain.cards import FREE_TEXT_KEYS
from backroom.domain.channels import ChannelSpec
from backroom.domain.model import Address, Delivery, IncomingLine, IncomingOrder, PaymentStatus
from backroom.domain.money import exponent

FETCHED = "receipt.fetched"
EVENTS = ("order.paid", "order.canceled", "order.shipped", "order.delivered")

_RECEIPT = re.compile(r"/shops/([0-9]{1,20})/receipts/([0-9]{1,20})/?$")
_PAID = frozenset({"paid", "completed", "partially refunded"})
_ENDED = frozenset({"canceled", "fully refunded"})
# Etsy's own property of what a buyer typed; the others (size, colour) are in the SKU already.
_PERSONALISATION = 54


@dataclass(frozen=True, slots=True)
class EtsyChannel:
    """One Etsy shop; `account` of its api is the shop's number."""

    spec: ChannelSpec

    kind: ClassVar[str] = "etsy"
    free_text_keys: ClassVar[frozenset[str]] = FREE_TEXT_KEYS | {
        "message_from_buyer",
        "gift_message",
        "formatted_value",
    }

    def verify(self, body: bytes, headers: Mapping[str, str], secret: str) -> None:
        told = only_header(headers, "webhook-signature")
        # Its documents show the signature alone; the scheme has its version before it. Both are the same HMAC.
        told = told if "," in told or not told else f"v1,{told}"
        signatures.check_standard(
            told,
            only_header(headers, "webhook-id"),
            only_header(headers, "webhook-timestamp"),
            body,
            secret,
            time.time(),
        )

    def is_ping(self, body: bytes, headers: Mapping[str, str]) -> bool:
        return False

    def delivery_key(self, body_json: object, headers: Mapping[str, str], body_bytes: bytes) -> str:
        return header(headers, "webhook-id") or digest(body_bytes)

    def topic(self, headers: Mapping[str, str]) -> str:
        return ""

    def contact(self, body_json: object) -> Contact:
        return Contact(normalise_email(mapping(body_json).get("buyer_email")), None)

    def external_id(self, body_json: object) -> str:
        told = mapping(body_json)
        if "receipt_id" in told:
            return text(told.get("receipt_id"))
        found = _RECEIPT.search(text(told.get("resource_url")))
        # Only of our own shop: an app may stand in many, and its webhooks come from all of them.
        ours = self.spec.api is None or not found or found.group(1) == self.spec.api.account
        return found.group(2) if found and ours and text(told.get("event_type")) in EVENTS else ""

    def is_hint(self, body_json: object, topic: str) -> bool:
        return text(mapping(body_json).get("event_type")) in EVENTS

    def parse(self, body_json: object, topic: str, shop_country: str) -> IncomingOrder:
        receipt, reading = mapping(body_json), Reading()
        if "receipt_id" not in receipt:
            reading.wrong("topic", "event_type", "is a message about something else than a receipt of this shop")
        external_id = reading.identifier(receipt.get("receipt_id"), "receipt_id")
        placed_at = reading.epoch(_either(receipt, "created_timestamp", "create_timestamp"), "created_timestamp")
        updated_at = reading.epoch(_either(receipt, "updated_timestamp", "update_timestamp"), "updated_timestamp")
        status = text(receipt.get("status")).lower()
        currency = reading.currency(mapping(receipt.get("grandtotal")).get("currency_code"), "grandtotal.currency_code")
        money = _Money(reading, receipt, currency)
        stated = items(receipt.get("transactions"))
        if not stated:
            reading.wrong("no_lines", "transactions", "has no lines")
        lines = tuple(filter(None, (money.line(line, i) for i, line in enumerate(stated))))
        if stated and not lines and not reading.problems:
            reading.wrong("no_lines", "transactions", "holds nothing that can be made: downloads only")
        total, shipping, discount, added = money.sums()
        reading.settle()
        return IncomingOrder(
            channel=self.spec.id,
            external_id=external_id,
            external_name=external_id,
            placed_at=placed_at,
            updated_at=updated_at,
            currency=currency,
            total_minor=total,
            lines=lines,
            source="pattern" if receipt.get("receipt_type") == 1 else "etsy",
            cancelled=status in _ENDED,
            payment=payment_of(receipt),
            shipping_minor=shipping,
            discount_minor=discount,
            tax_added_minor=added,
            email=text(receipt.get("buyer_email")),
            address=_address(receipt, shop_country),
            delivery=Delivery.SHIP,
            location=self.spec.location,
            event=self.spec.event,
            language=language(None),
            note=_note(receipt),
            told_by_channel=True,
        )


def payment_of(receipt: dict[str, Any]) -> PaymentStatus:
    """As its status says, or its tick where the status is one that we do not know."""
    status = text(receipt.get("status")).lower()
    if status == "fully refunded":
        return PaymentStatus.REFUNDED
    paid = status in _PAID or (status not in _ENDED and receipt.get("is_paid") is True)
    return PaymentStatus.PAID if paid else PaymentStatus.PENDING


def is_cancelled(receipt: dict[str, Any]) -> bool:
    return text(receipt.get("status")).lower() in _ENDED


def minor(reading: Reading, value: object, path: str, currency: str, *, needed: bool = False) -> int:
    """An amount of Etsy's as minor units; a Problem where they cannot hold it, or it is of another currency."""
    if value is None and not needed:
        return 0
    told = mapping(value)
    amount, divisor = told.get("amount"), told.get("divisor")
    if isinstance(amount, bool) or not isinstance(amount, int) or not isinstance(divisor, int) or divisor <= 0:
        reading.wrong("missing" if value is None else "amount", path, "is no amount with a divisor")
        return 0
    if text(told.get("currency_code")).upper() != currency:
        reading.wrong("amount", path, f"is not in {currency}")
        return 0
    try:
        exact = (Decimal(amount) / Decimal(divisor)).scaleb(exponent(currency))
    except InvalidOperation:
        reading.wrong("amount", path, "is no amount with a divisor")
        return 0
    if exact != exact.to_integral_value() or abs(exact) > LARGEST_MINOR:
        reading.wrong("amount", path, f"is not an amount that {currency} can hold exactly")
        return 0
    return int(exact)


class _Money:
    """The amounts of one receipt, in minor units."""

    def __init__(self, reading: Reading, receipt: dict[str, Any], currency: str) -> None:
        self._reading, self._receipt, self._currency = reading, receipt, currency
        self._goods = self._downloads = 0

    def line(self, line: dict[str, Any], index: int) -> IncomingLine | None:
        """A line that is to be made; None for a download. What a coupon took off stands with the receipt."""
        path = f"transactions[{index}]."
        quantity = self._reading.quantity(line.get("quantity"), f"{path}quantity")
        price = minor(self._reading, line.get("price"), f"{path}price", self._currency, needed=True)
        self._goods += price * quantity
        if line.get("is_digital") is True:
            self._downloads += price * quantity
            return None
        return IncomingLine(
            external_id=self._reading.identifier(line.get("transaction_id"), f"{path}transaction_id"),
            sku=self._reading.identifier(line.get("sku"), f"{path}sku", needed=False),
            quantity=quantity,
            unit_price_minor=price,
            title=_plain(line.get("title"), 200),
            personalisation=_personalisation(line),
        )

    def sums(self) -> tuple[int, int, int, int]:
        """Total, shipping, discount, and what comes on top: sales tax, gift wrap, downloads.

        VAT is in the prices in some countries and on top in others; the total tells which.
        """
        total = self._amount("grandtotal", needed=True)
        shipping, discount = self._amount("total_shipping_cost"), self._amount("discount_amt")
        tax, vat, wrap = (self._amount(name) for name in ("total_tax_cost", "total_vat_cost", "gift_wrap_price"))
        left = total - (self._goods - discount + shipping)
        known = {tax + wrap, tax + vat + wrap, tax, tax + vat, vat + wrap, wrap}
        added = left if left in known else tax + wrap
        return total, shipping, discount, added + self._downloads

    def _amount(self, name: str, *, needed: bool = False) -> int:
        return minor(self._reading, self._receipt.get(name), name, self._currency, needed=needed)


def _either(receipt: dict[str, Any], first: str, second: str) -> object:
    """The newer of two spellings of the same field; both are given today."""
    return receipt.get(first) if receipt.get(first) is not None else receipt.get(second)


def _plain(value: object, longest: int = 500) -> str:
    return text(html.unescape(value), longest) if isinstance(value, str) else ""


def _address(receipt: dict[str, Any], shop_country: str) -> Address | None:
    first, second = _plain(receipt.get("first_line")), _plain(receipt.get("second_line"))
    if not (first or second or text(receipt.get("zip")) or text(receipt.get("city"))):
        return None
    return Address(
        name=_plain(receipt.get("name")),
        line1=first or second,
        line2=second if first else "",
        postcode=text(receipt.get("zip"), 20),
        city=_plain(receipt.get("city")),
        region=_plain(receipt.get("state")),
        country=country(receipt.get("country_iso")) or shop_country,
    )


def _personalisation(line: dict[str, Any]) -> str:
    told = (
        _plain(one.get("formatted_value"))
        for one in items(line.get("variations"))
        if one.get("property_id") == _PERSONALISATION or _plain(one.get("formatted_name")).lower() == "personalization"
    )
    return "; ".join(one for one in told if one and one.lower() != "not requested on this item.")[:500]


def _note(receipt: dict[str, Any]) -> str:
    """What the buyer wrote, and what is to stand on the gift's card."""
    message, card = (
        long_text(html.unescape(told)) if isinstance(told := receipt.get(name), str) else ""
        for name in ("message_from_buyer", "gift_message")
    )
    return "\n\n".join(filter(None, (message, f"Gift message: {card}" if card else "")))[:5_000]
