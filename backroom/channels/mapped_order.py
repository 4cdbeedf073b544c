"""One order of a mapped shop, in the words we share: each field from where the mapping says it stands.

What belongs here: what an order is made of. What does not: reading one field (`mapped_fields`), the message around it
and its signature (`mapped`, `mapped_signing`).

Every value that is wrong becomes a Problem that names its place in the message: `order.lines[2].quantity`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from backroom.channels.mapped_address import read_address
from backroom.channels.mapped_fields import FieldReader, joined
from backroom.channels.mapped_refunds import read_refunds
from backroom.channels.reading import LONGEST_URL, language, place_id, yes_or_no
from backroom.domain.channels import ChannelSpec
from backroom.domain.json_path import Found, Source, find, read, said
from backroom.domain.mapping import EndedMapping, ShopMapping
from backroom.domain.model import Delivery, IncomingLine, IncomingOrder, PaymentStatus, StatedConsent
from backroom.domain.part_refunds import left_of

# The topic of an order that we asked for: no message of the shop's stands around it.
FETCHED = "backroom.fetched"


def root_of(mapping: ShopMapping, body_json: object) -> Found:
    """The order in a message, with its place; an empty object where there is none."""
    found = find(body_json, mapping.order)
    return found[0] if found and isinstance(found[0].value, dict) else Found({}, mapping.order.text)


def topic_of(mapping: ShopMapping, body_json: object, told: str) -> str:
    """What happened, in small letters: what the header told, else what the message says."""
    if told or mapping.message.topic is None:
        return told.strip().lower()
    found = read(body_json, mapping.message.topic)
    return said(found.value).lower() if found else ""


class Head(NamedTuple):
    """What a list of orders has to say of each."""

    external_id: str
    name: str
    updated_at: datetime
    payment: PaymentStatus
    cancelled: bool
    fulfilled: bool
    placed_at: datetime | None
    total_minor: int
    currency: str


class OrderReader(FieldReader):
    """An order being read."""

    def check_topic(self, topic: str) -> None:
        takes = self.mapping.message.takes
        if takes and topic != FETCHED and topic not in takes:
            self.reading.wrong("topic", "", "is a message about something else than an order")

    def order(self, spec: ChannelSpec, shop_country: str) -> IncomingOrder:
        """The order, with harmless values where `reading` has a Problem."""
        mapping, reading = self.mapping, self.reading
        if not self.root.value:
            place = self.root.path or "the message"
            reading.wrong("no_order", self.root.path, f"{place} holds no order" if self.root.path else "holds no order")
        external_id = self.identifier("external_id", mapping.id)
        placed_at = self.time("placed_at", mapping.placed_at)
        updated_at = self.time("updated_at", mapping.updated_at)
        code, place = self.value(mapping.currency)
        currency = reading.currency(code, place)
        self.trace("currency", currency, place)
        gross = self._gross()
        lines = self._lines(currency)
        total = self.money("total_minor", mapping.total, currency, needed=True)
        shipping = self.money("shipping_minor", mapping.shipping, currency)
        discount = abs(self.money("discount_minor", mapping.discount, currency))
        added = 0 if gross else self.money("tax_added_minor", mapping.tax, currency)
        fees = self.money("fees", mapping.fees, currency)
        payment, cancelled = self._payment(), self._ended("cancelled", mapping.cancelled)
        back = read_refunds(self, currency)
        delivery = self._delivery()
        order = IncomingOrder(
            channel=spec.id,
            external_id=external_id,
            external_name=(self.text("external_name", mapping.number) or external_id)[:60],
            placed_at=placed_at,
            updated_at=updated_at,
            currency=currency,
            total_minor=total,
            lines=lines,
            source=self.text("source", mapping.source, 60).lower() or "web",
            cancelled=cancelled,
            payment=payment,
            payment_token=self.text("payment_token", mapping.payment_reference, 100),
            shipping_minor=shipping,
            # A fee below zero is a discount.
            discount_minor=discount + max(0, -fees),
            tax_added_minor=added + max(0, fees),
            email=self.text("email", mapping.email),
            phone=self.text("phone", mapping.phone, 60),
            address=read_address(self, shop_country),
            delivery=delivery,
            location=place_id(self.text("location", mapping.location, 100)) or spec.location,
            event=self.text("event", mapping.event, 100) or spec.event,
            language=language(self.text("language", mapping.language)),
            note=self.long_text("note", mapping.note),
            consents=self._consents(placed_at),
        )
        if cancelled:
            # Many shops empty an order that they cancel: what is left of it need not be an order any more.
            self._only_needed()
            return order
        return left_of(order, back.minor, self._known(back.pieces, lines))

    def _known(self, pieces: Mapping[str, int], lines: Sequence[IncomingLine]) -> Mapping[str, int]:
        """Pieces of lines that the order has, as many as it has of them; any other is a Problem."""
        had = Counter[str]()
        for line in lines:
            had[line.external_id] += line.quantity
        refunds = self.mapping.refunds
        for id_, count in pieces.items():
            if refunds is not None and count > had[id_]:
                detail = f"takes {count} pieces of {id_} back, of {had[id_]}"
                self.reading.wrong("refund", joined(self.root.path, refunds.at.text), detail)
        return pieces

    def _only_needed(self) -> None:
        """Of a cancelled order only which one it is, and when that was said, has to be right."""
        root, mapping = self.root, self.mapping
        needed = {mapping.id, mapping.placed_at, mapping.updated_at}
        places = {self.value(source)[1] for source in needed} | {"", root.path}
        self.reading.problems[:] = [one for one in self.reading.problems if one.field in places]

    def head(self) -> Head:
        """As much of the order as says whether we have to know it."""
        payment = self._payment()
        told = self.value(self.mapping.currency)[0] if self.has(self.mapping.total) else None
        code = self.reading.currency(told, self.mapping.currency.text) if told is not None else ""
        total = self.money("total_minor", self.mapping.total, code) if code else 0
        if payment is PaymentStatus.PAID and 0 < total <= read_refunds(self, code).minor:
            payment = PaymentStatus.REFUNDED
        return Head(
            total_minor=total,
            currency=code,
            placed_at=self.time("placed_at", self.mapping.placed_at) if self.has(self.mapping.placed_at) else None,
            external_id=self.identifier("external_id", self.mapping.id),
            name=self.text("external_name", self.mapping.number)[:60],
            updated_at=self.time("updated_at", self.mapping.updated_at),
            payment=payment,
            cancelled=self._ended("cancelled", self.mapping.cancelled),
            fulfilled=self._ended("fulfilled", self.mapping.fulfilled),
        )

    def _gross(self) -> bool:
        """Whether the amounts have the tax in them."""
        source = self.mapping.tax_included
        if source is None:
            return self.mapping.prices == "gross"
        value, place = self.value(source)
        told = yes_or_no(said(value))
        if told is None:
            self.reading.wrong("tax_included", place, "is neither yes nor no")
        self.trace("tax included", bool(told), place)
        return bool(told)

    def _lines(self, currency: str) -> tuple[IncomingLine, ...]:
        found = [one for one in find(self.root.value, self.mapping.lines) if one.value is not None]
        lines = []
        for number, one in enumerate(found, 1):
            here = Found(one.value, joined(self.root.path, one.path))
            if isinstance(one.value, dict):
                lines += self._line(here, f"line {number} ", currency)
            else:
                self.reading.wrong("line", here.path, "is not an object")
        if not lines:
            self.reading.wrong("no_lines", joined(self.root.path, self.mapping.lines.text), "has no lines")
        return tuple(lines)

    def _line(self, here: Found, name: str, currency: str) -> list[IncomingLine]:
        """The line; none where it has no pieces (any more), as shops leave behind what was taken off an order."""
        line = self.mapping.line
        value, place = self.value(line.quantity, here)
        if said(value) == "0":
            return []
        quantity = self.reading.quantity(value, place)
        self.trace(f"{name}quantity", quantity, place)
        each = self.money(f"{name}unit_price_minor", line.unit_price, currency, needed=not line.total, below=here)
        if line.total:
            paid = self.money(f"{name}paid", line.total, currency, needed=True, below=here)
            # What was paid may not divide evenly, and a surcharge makes it more than the price says.
            price = max(each, -(-paid // quantity))
            discount = price * quantity - paid
        else:
            price = each
            discount = abs(self.money(f"{name}discount_minor", line.discount, currency, below=here))
        return [
            IncomingLine(
                external_id=self.identifier(f"{name}external_id", line.id, below=here),
                sku=self.identifier(f"{name}sku", line.sku, needed=False, below=here),
                quantity=quantity,
                unit_price_minor=price,
                title=self.text(f"{name}title", line.title, 200, here),
                discount_minor=discount,
                personalisation=self.text(f"{name}personalisation", line.personalisation, 500, here),
                artwork_url=self.text(f"{name}artwork", line.artwork, LONGEST_URL, here),
            )
        ]

    def _word(self, name: str, source: Source) -> tuple[str, str]:
        value, place = self.value(source)
        word = said(value).lower()
        self.trace(name, word, place)
        return word, place

    def _payment(self) -> PaymentStatus:
        payment = self.mapping.payment
        word, place = self._word("payment", payment.field)
        for status, words in (
            (PaymentStatus.PAID, payment.paid),
            (PaymentStatus.PENDING, payment.pending),
            (PaymentStatus.REFUNDED, payment.refunded),
        ):
            if word in words:
                return status
        cancelled = self.mapping.cancelled
        if cancelled is None or word not in cancelled.words:
            detail = "says a word of payment that the mapping does not know" if word else "is missing"
            self.reading.wrong("payment", place, detail)
        return PaymentStatus.PENDING

    def _ended(self, name: str, ended: EndedMapping | None) -> bool:
        if ended is None:
            return False
        value, place = self.value(ended.field)
        if ended.words:
            yes = said(value).lower() in ended.words
        else:
            # A date of cancellation says so by being there.
            yes = value is not None and yes_or_no(said(value)) is not False
        self.trace(name, yes, place)
        return yes

    def _delivery(self) -> Delivery:
        delivery = self.mapping.delivery
        if delivery is None:
            return Delivery.SHIP
        word, place = self._word("delivery", delivery.field)
        if word in delivery.collect:
            return Delivery.COLLECT
        if word in delivery.carry_out:
            return Delivery.CARRY_OUT
        if delivery.ship and word not in delivery.ship:
            self.reading.wrong("delivery", place, "says a word of delivery that the mapping does not know")
        return Delivery.SHIP

    def _consents(self, at: datetime) -> tuple[StatedConsent, ...]:
        stated = []
        for consent in self.mapping.consents:
            value, place = self.value(consent.granted)
            granted = yes_or_no(said(value))
            if granted is None:
                if value is not None:
                    self.reading.wrong("consent", place, "is neither yes nor no")
                continue
            self.trace(f"consent to {consent.medium}, {consent.purpose}", granted, place)
            source = f"mapped {consent.granted.text}"[:200]
            stated.append(StatedConsent(consent.medium, consent.purpose, granted, source, consent.wording, at))
        return tuple(stated)
