"""The till at the booth: our own format, `POST /pos/sales`.

What belongs here: a till's batch, and one sale of it as an order. What does not: who may send one (the gateway).

    {"device": "till-1",
     "sales": [{"seq": 17, "sold_at": "2026-11-20T14:03:00+01:00", "currency": "EUR",
                "lines": [{"sku": "MOTH-BLK-M", "quantity": 1, "unit_price": "29.00",
                           "discount": "0.00", "title": "…", "personalisation": "…"}],
                "shipping": "0.00", "total": "29.00",
                "delivery": "carry_out" | "collect" | "ship", "handed_over": true,
                "payment_token": "…", "email": "…", "phone": "…", "language": "de", "note": "…",
                "address": {"name", "line1", "line2", "company", "postcode", "city", "region", "country"},
                "consents": [{"medium": "sms" | "email", "purpose": "order_updates" | "marketing",
                              "granted": true, "wording": "what the customer was asked"}]}]}

Needed are device, seq, sold_at, currency, total, and of each line sku, quantity and unit_price. Amounts are text in
major units, taxes included; what a line's discount takes off is for the whole line. A sale counts as paid.
`handed_over` says of a sale that is carried out that the customer has its pieces already, from the rack: they are gone
from the booth whatever the books say. What is printed first is not.
`seq` counts up for ever: a till that starts again at 1 takes a new device name.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar

from backroom.channels.base import BadSignature, Contact, NotAnOrder, digest
from backroom.channels.consenting import state
from backroom.channels.contact import normalise_email, normalise_phone
from backroom.channels.reading import Reading, country, items, language, long_text, mapping, text
from backroom.domain.cards import FREE_TEXT_KEYS
from backroom.domain.channels import ChannelSpec
from backroom.domain.consent import MEDIA, PURPOSES
from backroom.domain.model import Address, Delivery, IncomingLine, IncomingOrder, Problem, StatedConsent

MOST_SALES = 500
TOPIC = "pos.sale"


def split_batch(body: object) -> list[tuple[int | None, dict[str, Any]]]:
    """A parsed batch as `(seq, message)`, each message one sale with its device, to be stored and parsed by itself.

    What is wrong with a sale is found when it is parsed, so a sale without a usable `seq` is there too, with None.
    Raises NotAnOrder when the body is no batch at all.
    """
    batch = mapping(body)
    problems = []
    device = text(batch.get("device"), 60)
    if not device:
        problems.append(Problem("missing", "device", "is missing"))
    sales = batch.get("sales")
    if not isinstance(sales, list) or not 1 <= len(sales) <= MOST_SALES:
        problems.append(Problem("sales", "sales", f"is not a list of 1 to {MOST_SALES} sales"))
    if problems or not isinstance(sales, list):
        raise NotAnOrder(problems)
    messages = ({**sale, "device": device} if isinstance(sale, dict) else {"device": device} for sale in sales)
    return [(_seq(message), message) for message in messages]


@dataclass(frozen=True, slots=True)
class PosChannel:
    """The tills of one place, or of all."""

    spec: ChannelSpec

    kind: ClassVar[str] = "pos"
    free_text_keys: ClassVar[frozenset[str]] = FREE_TEXT_KEYS | {"title", "wording"}

    def verify(self, body: bytes, headers: Mapping[str, str], secret: str) -> None:
        raise BadSignature("a till comes with its key, not with a signature", remedy="Send sales to /pos/sales.")

    def is_ping(self, body: bytes, headers: Mapping[str, str]) -> bool:
        return False

    def delivery_key(self, body_json: object, headers: Mapping[str, str], body_bytes: bytes) -> str:
        sale = mapping(body_json)
        seq = _seq(sale)
        return digest(body_bytes) if seq is None else f"{text(sale.get('device'), 60)}:{seq}"

    def topic(self, headers: Mapping[str, str]) -> str:
        return TOPIC

    def contact(self, body_json: object) -> Contact:
        sale = mapping(body_json)
        home = country(mapping(sale.get("address")).get("country"))
        return Contact(normalise_email(sale.get("email")), normalise_phone(sale.get("phone"), home))

    def external_id(self, body_json: object) -> str:
        sale = mapping(body_json)
        seq = _seq(sale)
        return "" if seq is None else f"{text(sale.get('device'), 60)}-{seq}"

    def is_hint(self, body_json: object, topic: str) -> bool:
        return False

    def parse(self, body_json: object, topic: str, shop_country: str) -> IncomingOrder:
        sale, reading = mapping(body_json), Reading()
        if not text(sale.get("device")):
            reading.wrong("missing", "device", "is missing")
        if _seq(sale) is None:
            reading.wrong("seq", "seq", "is not a whole number from 0 up")
        sold_at = reading.time(sale.get("sold_at"), "sold_at")
        currency = reading.currency(sale.get("currency"), "currency")
        lines = tuple(_line(reading, line, i, currency) for i, line in enumerate(items(sale.get("lines"))))
        if not lines or len(lines) != len(sale["lines"]):
            reading.wrong("lines", "lines", "is not a list of lines")
        total = reading.money(sale.get("total"), "total", currency)
        shipping = reading.money(sale.get("shipping"), "shipping", currency, needed=False)
        delivery = _delivery(reading, sale)
        consents = _consents(reading, self.spec, sale, sold_at)
        reading.settle()
        return IncomingOrder(
            channel=self.spec.id,
            external_id=self.external_id(sale),
            external_name=self.external_id(sale),
            placed_at=sold_at,
            updated_at=sold_at,
            currency=currency,
            total_minor=total,
            lines=lines,
            source="pos",
            payment_token=text(sale.get("payment_token"), 100),
            shipping_minor=shipping,
            email=text(sale.get("email")),
            phone=text(sale.get("phone")),
            address=_address(sale, shop_country),
            delivery=delivery,
            handed_over=delivery is Delivery.CARRY_OUT and sale.get("handed_over") is True,
            location=self.spec.location,
            event=self.spec.event,
            language=language(sale.get("language")),
            note=long_text(sale.get("note")),
            consents=consents,
        )


def _seq(sale: dict[str, Any]) -> int | None:
    seq = sale.get("seq")
    return seq if isinstance(seq, int) and not isinstance(seq, bool) and 0 <= seq < 10**15 else None


def _line(reading: Reading, line: dict[str, Any], index: int, currency: str) -> IncomingLine:
    path = f"lines[{index}]"
    return IncomingLine(
        external_id=str(index + 1),
        sku=reading.identifier(line.get("sku"), f"{path}.sku"),
        quantity=reading.quantity(line.get("quantity"), f"{path}.quantity"),
        unit_price_minor=reading.money(line.get("unit_price"), f"{path}.unit_price", currency),
        title=text(line.get("title"), 200),
        discount_minor=reading.money(line.get("discount"), f"{path}.discount", currency, needed=False),
        personalisation=text(line.get("personalisation")),
    )


def _delivery(reading: Reading, sale: dict[str, Any]) -> Delivery:
    told = text(sale.get("delivery")) or Delivery.CARRY_OUT
    if told in set(Delivery):
        return Delivery(told)
    reading.wrong("delivery", "delivery", f"is none of {', '.join(Delivery)}")
    return Delivery.CARRY_OUT


def _address(sale: dict[str, Any], shop_country: str) -> Address | None:
    told = mapping(sale.get("address"))
    if not any(text(told.get(name)) for name in ("line1", "postcode", "city")):
        return None
    return Address(
        name=text(told.get("name")),
        company=text(told.get("company")),
        line1=text(told.get("line1")),
        line2=text(told.get("line2")),
        postcode=text(told.get("postcode"), 20),
        city=text(told.get("city")),
        region=text(told.get("region")),
        country=country(told.get("country")) or shop_country,
    )


def _consents(
    reading: Reading, spec: ChannelSpec, sale: dict[str, Any], sold_at: datetime
) -> tuple[StatedConsent, ...]:
    stated: list[StatedConsent] = []
    for i, told in enumerate(items(sale.get("consents"))):
        medium, purpose, granted = text(told.get("medium")), text(told.get("purpose")), told.get("granted")
        if medium in MEDIA and purpose in PURPOSES and isinstance(granted, bool):
            stated += state(spec, medium, purpose, granted, "till", sold_at, wording=text(told.get("wording")))
        else:
            reading.wrong("consent", f"consents[{i}]", "does not say medium, purpose and granted as documented")
    return tuple(stated)
