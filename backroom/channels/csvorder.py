"""One order of a CSV file, in the words we share. The file's form and columns are described in `csvfile`.

What belongs here: what the cells mean. What does not: encodings, separators and headers.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from backroom.channels.base import BadSignature, Contact, digest
from backroom.channels.consenting import state
from backroom.channels.contact import normalise_email, normalise_phone
from backroom.channels.csvfile import ORDER_COLUMNS
from backroom.channels.reading import (
    LONGEST_URL,
    Reading,
    country,
    first_text,
    items,
    language,
    long_text,
    mapping,
    text,
    yes_or_no,
)
from backroom.domain.cards import FREE_TEXT_KEYS
from backroom.domain.channels import ChannelSpec
from backroom.domain.model import Address, Delivery, IncomingLine, IncomingOrder, PaymentStatus, StatedConsent
from backroom.domain.money import exponent

TOPIC = "csv.order"
_CANCELLED = ("cancelled", "canceled")
_PAYMENT = {
    **dict.fromkeys(("", "paid"), PaymentStatus.PAID),
    **dict.fromkeys(("pending", "unpaid", *_CANCELLED), PaymentStatus.PENDING),
    "refunded": PaymentStatus.REFUNDED,
}
_GROUPED = re.compile(r"[+-]?\d{1,3}(?:[.,]\d{3})+")


@dataclass(frozen=True, slots=True)
class CsvChannel:
    """One folder of CSV files."""

    spec: ChannelSpec

    kind: ClassVar[str] = "csv"
    free_text_keys: ClassVar[frozenset[str]] = FREE_TEXT_KEYS

    def verify(self, body: bytes, headers: Mapping[str, str], secret: str) -> None:
        raise BadSignature("a file comes from the folder of its channel, not by a webhook")

    def is_ping(self, body: bytes, headers: Mapping[str, str]) -> bool:
        return False

    def delivery_key(self, body_json: object, headers: Mapping[str, str], body_bytes: bytes) -> str:
        # What the rows say, wherever they stand: a file that grew brings the orders it had before again.
        rows = [{k: v for k, v in row.items() if k != "row"} for row in items(mapping(body_json).get("rows"))]
        return digest(json.dumps([self.external_id(body_json), rows], sort_keys=True, default=str).encode())

    def topic(self, headers: Mapping[str, str]) -> str:
        return TOPIC

    def contact(self, body_json: object) -> Contact:
        rows = items(mapping(body_json).get("rows"))
        email, phone, home = (first_text(*(row.get(key) for row in rows)) for key in ("email", "phone", "country"))
        return Contact(normalise_email(email), normalise_phone(phone, country(home)))

    def external_id(self, body_json: object) -> str:
        return text(mapping(body_json).get("order_id"))

    def is_hint(self, body_json: object, topic: str) -> bool:
        return False

    def parse(self, body_json: object, topic: str, shop_country: str) -> IncomingOrder:
        body = mapping(body_json)
        rows = _Rows(Reading(), text(body.get("file")), items(body.get("rows")))
        reading = rows.reading
        external_id = reading.identifier(body.get("order_id"), "order_id")
        rows.check()
        said = {column: rows.agreed(column) for column in ORDER_COLUMNS}
        placed_at = reading.time(said["placed_at"], rows.place("placed_at"), utc=True)
        updated_at = placed_at
        if said["updated_at"]:
            updated_at = reading.time(said["updated_at"], rows.place("updated_at"), utc=True)
        currency = reading.currency(said["currency"], rows.place("currency"))
        lines = tuple(rows.line(i, row, currency) for i, row in enumerate(rows.rows))
        total = rows.money(said["total"], rows.place("total"), currency)
        shipping = rows.money(said["shipping"] or "0", rows.place("shipping"), currency)
        told = said["delivery"].lower() or Delivery.SHIP
        if told not in set(Delivery):
            reading.wrong("delivery", rows.place("delivery"), f"is none of {', '.join(Delivery)}")
        status = said["status"].lower()
        if status not in _PAYMENT:
            reading.wrong("status", rows.place("status"), "is none of paid, pending, cancelled, refunded")
        consents: list[StatedConsent] = []
        for medium in ("sms", "email"):
            granted = yes_or_no(said[f"consent_{medium}"])
            if granted is not None:
                source = f"csv consent_{medium}"
                described = "ticked in the list"
                consents += state(self.spec, medium, "order_updates", granted, source, placed_at, described=described)
            elif said[f"consent_{medium}"]:
                reading.wrong("consent", rows.place(f"consent_{medium}"), "is neither yes nor no")
        reading.settle()
        return IncomingOrder(
            channel=self.spec.id,
            external_id=external_id,
            external_name=external_id[:60],
            placed_at=placed_at,
            updated_at=updated_at,
            currency=currency,
            total_minor=total,
            lines=lines,
            source="csv",
            cancelled=status in (*_CANCELLED, "refunded"),
            payment=_PAYMENT[status],
            shipping_minor=shipping,
            email=said["email"],
            phone=said["phone"],
            address=_address(said, shop_country),
            delivery=Delivery(told),
            location=self.spec.location,
            event=self.spec.event,
            language=language(said["language"]),
            note=said["note"],
            consents=tuple(consents),
        )


@dataclass(frozen=True, slots=True)
class _Rows:
    """The rows of one order, and places in them that a person finds again."""

    reading: Reading
    file: str
    rows: list[dict[str, Any]]

    def place(self, column: str, row: Mapping[str, object] | None = None) -> str:
        """`orders.csv row 3 quantity`; the first row that says something, where none is given."""
        if row is None:
            row = next((one for one in self.rows if text(one.get(column))), self.rows[0] if self.rows else {})
        return " ".join(filter(None, (self.file, f"row {text(row.get('row')) or '?'}", column)))

    def check(self) -> None:
        if not self.rows:
            self.reading.wrong("no_lines", self.file, "has no rows for this order")
        for row in self.rows:
            if row.get("defect"):
                self.reading.wrong("row", self.place("", row), text(row.get("defect")))

    def agreed(self, column: str) -> str:
        """What the rows say of the whole order; a Problem when they say different things."""
        said = [long_text(row.get(column)) if column == "note" else text(row.get(column)) for row in self.rows]
        values = [value for value in said if value]
        for row, value in zip(self.rows, said, strict=True):
            if value and value != values[0]:
                self.reading.wrong("disagree", self.place(column, row), "differs from another row of this order")
        return values[0] if values else ""

    def line(self, index: int, row: dict[str, Any], currency: str) -> IncomingLine:
        return IncomingLine(
            external_id=str(index + 1),
            sku=self.reading.identifier(row.get("sku"), self.place("sku", row)),
            quantity=self.reading.quantity(row.get("quantity"), self.place("quantity", row)),
            unit_price_minor=self.money(row.get("unit_price"), self.place("unit_price", row), currency),
            artwork_url=text(row.get("artwork"), LONGEST_URL),
        )

    def money(self, value: object, place: str, currency: str) -> int:
        said = text(value).replace("\u00a0", "").replace("\u202f", "").replace(" ", "").replace("'", "")
        plain = _plain_number(said, exponent(currency))
        if plain is None:
            self.reading.wrong("amount", place, "could be read in two ways; write it like 1234.50")
            return 0
        return self.reading.money(plain, place, currency)


def _plain_number(said: str, decimals: int) -> str | None:
    """`1.234,50`, `1,234.50`, `29,00` and `29.00` as plain numbers; None for `1,234` and `1.234`, which may be either.

    Of two kinds of marks the last one is the decimal mark. One mark before exactly three digits is nobody's to decide,
    unless a 0 leads or the currency has three `decimals`.
    """
    marks = [mark for mark in said if mark in ",."]
    if not marks:
        return said
    decimal = marks[-1]
    if marks.count(decimal) > 1:
        return None
    whole, _, fraction = said.rpartition(decimal)
    if len(marks) == 1 and len(fraction) == 3 and decimals < 3 and whole.lstrip("+-") not in ("", "0"):
        return None
    if len(marks) > 1 and not _GROUPED.fullmatch(whole):
        return None
    return f"{whole.replace(',', '').replace('.', '')}.{fraction}"


def _address(said: Mapping[str, str], shop_country: str) -> Address | None:
    if not (said["line1"] or said["postcode"] or said["city"]):
        return None
    return Address(
        name=said["name"],
        line1=said["line1"],
        line2=said["line2"],
        postcode=said["postcode"][:20],
        city=said["city"],
        country=country(said["country"]) or shop_country,
    )
