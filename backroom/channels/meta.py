"""Instagram and Facebook checkout: orders of Meta's commerce order API.

What belongs here: Meta's words and quirks. What does not: calls (`meta_calls`), asking and telling (`meta_source`,
`meta_news`). Source: developers.facebook.com "Order API Reference", "Order Lifecycle" (February 2026).

Only asked: its documents know no webhook for orders. Amounts are decimal strings in major units. The e-mail is a relay
of Meta's. An order that was cancelled whole comes without address and buyer.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from backroom.channels.base import BadSignature, Contact, digest
from backroom.channels.contact import normalise_email
from backroom.channels.reading import Reading, country, first_text, items, language, mapping, text
from backroom.domain.cards import FREE_TEXT_KEYS
from backroom.domain.channels import ChannelSpec
from backroom.domain.model import Address, Delivery, IncomingLine, IncomingOrder, PaymentStatus

FETCHED = "commerce_order.fetched"
# Meta still checks the payment: nothing can be done with it, and it may never become an order.
PROCESSING = "FB_PROCESSING"
CREATED, IN_PROGRESS, COMPLETED = "CREATED", "IN_PROGRESS", "COMPLETED"
OURS = (CREATED, IN_PROGRESS, COMPLETED)


@dataclass(frozen=True, slots=True)
class MetaChannel:
    """One seller's settings at Meta; `account` of its api is their number, the CMS id."""

    spec: ChannelSpec

    kind: ClassVar[str] = "meta"
    free_text_keys: ClassVar[frozenset[str]] = FREE_TEXT_KEYS | {"customization"}

    def verify(self, body: bytes, headers: Mapping[str, str], secret: str) -> None:
        raise BadSignature("Meta is asked for its orders, and sends none by webhook")

    def is_ping(self, body: bytes, headers: Mapping[str, str]) -> bool:
        return False

    def delivery_key(self, body_json: object, headers: Mapping[str, str], body_bytes: bytes) -> str:
        return digest(body_bytes)

    def topic(self, headers: Mapping[str, str]) -> str:
        return FETCHED

    def contact(self, body_json: object) -> Contact:
        return Contact(normalise_email(mapping(mapping(body_json).get("buyer_details")).get("email")), None)

    def external_id(self, body_json: object) -> str:
        return text(mapping(body_json).get("id"))

    def is_hint(self, body_json: object, topic: str) -> bool:
        return False

    def parse(self, body_json: object, topic: str, shop_country: str) -> IncomingOrder:
        order, reading = mapping(body_json), Reading()
        external_id = reading.identifier(order.get("id"), "id")
        placed_at = reading.time(order.get("created"), "created")
        updated_at = reading.time(order.get("last_updated"), "last_updated")
        state = state_of(order)
        if state not in OURS:
            reading.wrong("state", "order_status.state", "is no state in which an order is made")
        if order.get("is_test_order") is True:
            reading.wrong("test", "is_test_order", "is a test order")
        paid = mapping(order.get("estimated_payment_details"))
        currency = reading.currency(
            mapping(paid.get("total_amount")).get("currency"), "estimated_payment_details.total_amount.currency"
        )
        money = _Money(reading, paid, currency)
        off = cancelled_pieces(order)
        stated = items(mapping(order.get("items")).get("data"))
        if not stated:
            reading.wrong("no_lines", "items", "has no lines")
        lines = [money.line(line, i, off) for i, line in enumerate(stated)]
        total, shipping, discount, added = money.sums()
        reading.settle()
        kept = tuple(line for line, left in lines if left)
        buyer = mapping(order.get("buyer_details"))
        return IncomingOrder(
            channel=self.spec.id,
            external_id=external_id,
            external_name=external_id,
            placed_at=placed_at,
            updated_at=updated_at,
            currency=currency,
            total_minor=total,
            lines=kept or tuple(line for line, _ in lines),
            source=first_text(order.get("channel"), "meta").lower(),
            cancelled=not kept,
            payment=PaymentStatus.PAID,
            shipping_minor=shipping,
            discount_minor=discount,
            tax_added_minor=added,
            email=text(buyer.get("email")),
            address=_address(mapping(order.get("shipping_address")), text(buyer.get("name")), shop_country),
            delivery=Delivery.SHIP,
            location=self.spec.location,
            event=self.spec.event,
            language=language(None),
        )


def state_of(order: dict[str, Any]) -> str:
    return text(mapping(order.get("order_status")).get("state")).upper()


def cancelled_pieces(order: dict[str, Any]) -> dict[str, int]:
    """How many pieces of each item were cancelled, by the item's id."""
    off: dict[str, int] = {}
    for one in items(mapping(order.get("cancellations")).get("data")):
        for item in items(mapping(one.get("items")).get("data")):
            count = item.get("quantity")
            if isinstance(count, int) and not isinstance(count, bool) and count > 0:
                id_ = text(item.get("id"))
                off[id_] = off.get(id_, 0) + count
    return off


def is_cancelled(order: dict[str, Any]) -> bool:
    """Whether every piece of it was cancelled."""
    off, stated = cancelled_pieces(order), items(mapping(order.get("items")).get("data"))
    return bool(stated) and all(off.get(text(one.get("id")), 0) >= _pieces(one) for one in stated)


def _pieces(item: dict[str, Any]) -> int:
    count = item.get("quantity")
    return count if isinstance(count, int) and count > 0 else 1


class _Money:
    """The amounts of one order, in minor units."""

    def __init__(self, reading: Reading, paid: dict[str, Any], currency: str) -> None:
        self._reading, self._paid, self._currency = reading, paid, currency
        # What all items cost, and what those cost that were cancelled: Meta's sums are of the order as it was placed.
        self._goods = self._off = 0

    def line(self, line: dict[str, Any], index: int, off: dict[str, int]) -> tuple[IncomingLine, int]:
        """A line as it is to be made, and how many pieces of it are left; a line without any keeps all of them."""
        path = f"items[{index}]."
        quantity = self._reading.quantity(line.get("quantity"), f"{path}quantity")
        price = self.amount(line.get("price_per_unit"), f"{path}price_per_unit")
        id_ = self._reading.identifier(line.get("id"), f"{path}id")
        left = max(quantity - off.get(id_, 0), 0)
        self._goods += price * quantity
        self._off += price * (quantity - left)
        made = IncomingLine(
            external_id=id_,
            sku=self._reading.identifier(line.get("retailer_id"), f"{path}retailer_id", needed=False),
            quantity=left or quantity,
            unit_price_minor=price,
            title=text(line.get("product_name"), 200),
            personalisation=text(line.get("customization")),
        )
        return made, left

    def sums(self) -> tuple[int, int, int, int]:
        """Total, shipping, discount, and tax that comes on top, of what is left of the order.

        Prices of items may be before an offer, and hold their tax or not: the sums tell which.
        """
        subtotal = mapping(self._paid.get("subtotal"))
        path = "estimated_payment_details."
        total = self.amount(self._paid.get("total_amount"), f"{path}total_amount")
        shipping = self.amount(subtotal.get("shipping"), f"{path}subtotal.shipping", needed=False)
        tax = self.amount(self._paid.get("tax"), f"{path}tax", needed=False)
        stated = subtotal.get("items")
        goods = self._goods if stated is None else self.amount(stated, f"{path}subtotal.items")
        discount = max(self._goods - goods, 0)
        added = 0 if total == self._goods - discount + shipping else tax
        if self._off >= self._goods:
            return total, shipping, discount, added
        return total - self._off, shipping, discount, added

    def amount(self, value: object, path: str, *, needed: bool = True) -> int:
        told = mapping(value)
        found = self._reading.money(told.get("amount"), path, self._currency, needed=needed)
        if told and text(told.get("currency")).upper() != self._currency:
            self._reading.wrong("amount", path, f"is not in {self._currency}")
        return found


def _address(told: dict[str, Any], buyer: str, shop_country: str) -> Address | None:
    first, second = text(told.get("street1")), text(told.get("street2"))
    if not (first or second or text(told.get("postal_code")) or text(told.get("city"))):
        return None
    both = " ".join(filter(None, (text(told.get("first_name")), text(told.get("last_name")))))
    return Address(
        name=first_text(told.get("name"), both, buyer),
        line1=first or second,
        line2=second if first else "",
        postcode=text(told.get("postal_code"), 20),
        city=text(told.get("city")),
        region=text(told.get("state")),
        country=country(told.get("country")) or shop_country,
    )
