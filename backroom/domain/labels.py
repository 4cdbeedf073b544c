"""What a parcel's labels say: addresses, the request to a carrier, what was bought, and tracking numbers.

What belongs here: the values, their JSON, and the scheme of our own tracking numbers. What does not: buying
(`backroom.carriers`), drawing (`backroom.carriers.sheets`, `backroom.carriers.zpl`), sealing (`backroom.store`).

Names and addresses stand in `LabelData`, so its JSON is sealed wherever it is stored. `Purchase.answer()` is what may
stand in clear, in the effects ledger: numbers and money, and nothing of the person.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, TypeAlias

LabelKind: TypeAlias = Literal["shipping", "return"]

# What stands for carrier and service where the way back was not bought: its code opens the return all the same.
SLIP_CARRIER, SLIP_SERVICE = "Return slip", "postage not paid"

_PREFIX: Mapping[LabelKind, str] = {"shipping": "BS", "return": "BR"}
_TRACKING = re.compile(r"B[SR][0-9]{18}")


@dataclass(frozen=True, slots=True)
class PostalAddress:
    """Where a parcel goes or comes from. `lines` are the street lines, `country` is ISO 3166-1 alpha-2."""

    name: str
    company: str | None
    lines: tuple[str, ...]
    postcode: str
    city: str
    region: str | None
    country: str
    phone: str | None


@dataclass(frozen=True, slots=True)
class ParcelSpec:
    """The parcel as it stands on the scale: grams, and millimetres where somebody measured."""

    weight_g: int
    length_mm: int | None = None
    width_mm: int | None = None
    height_mm: int | None = None


@dataclass(frozen=True, slots=True)
class LabelRequest:
    """One parcel for a carrier. `key` is the effect's key in the ledger, `date` the day it is sent (ISO 8601).

    `rate` is the carrier's own word for the rate that is bought, where it gave one (`backroom.domain.rates`).
    """

    key: str
    order_number: str
    sender: PostalAddress
    recipient: PostalAddress
    parcel: ParcelSpec
    service: str
    date: str
    rate: str = ""


@dataclass(frozen=True, slots=True)
class LabelData:
    """All that one label says. `routing_code` sorts the parcel on its way; `return_code` names the return (RMA)."""

    kind: LabelKind
    carrier: str
    service: str
    tracking: str
    order_number: str
    sender: PostalAddress
    recipient: PostalAddress
    weight_g: int
    routing_code: str
    date: str
    return_code: str = ""

    def to_json(self) -> str:
        return _to_json(plain(self))

    @classmethod
    def from_json(cls, text: str | bytes) -> LabelData:
        """The inverse of `to_json`; KeyError or TypeError where the text is not a label's."""
        fields = json.loads(text)
        for party in ("sender", "recipient"):
            address = fields[party]
            fields[party] = PostalAddress(**{**address, "lines": tuple(address["lines"])})
        return cls(**fields)


@dataclass(frozen=True, slots=True)
class LabelDocument:
    """A label as its carrier drew it: `application/pdf` or `image/png`, and its ZPL where that was asked for."""

    media_type: str
    content: bytes = field(repr=False)
    zpl: str = field(default="", repr=False)

    def to_json(self) -> str:
        """The picture; its ZPL stands in a column of its own."""
        return _to_json({"media_type": self.media_type, "content": base64.b64encode(self.content).decode()})

    @classmethod
    def from_json(cls, text: str | bytes) -> LabelDocument:
        fields = json.loads(text)
        return cls(fields["media_type"], base64.b64decode(fields["content"]))


@dataclass(frozen=True, slots=True)
class Purchase:
    """A parcel bought from a carrier, with both of its labels. `cost_minor` in minor units of `currency` (ISO 4217).

    `reference` and `return_reference` are the carrier's own words for the parcel and for its way back, by which it
    shows the labels again, tells where they are, and takes them back; empty for a carrier that needs none.
    """

    tracking: str
    return_tracking: str
    cost_minor: int
    currency: str
    shipping: LabelData
    return_: LabelData
    reference: str = ""
    return_reference: str = ""

    def answer(self) -> dict[str, Any]:
        """What the ledger keeps of it: small, JSON, without any personal data, a postcode included."""
        return {
            "tracking": self.tracking,
            "return_tracking": self.return_tracking,
            "cost_minor": self.cost_minor,
            "currency": self.currency,
            "carrier": self.shipping.carrier,
            "return_code": self.return_.return_code,
        } | ({"reference": self.reference, "return_reference": self.return_reference} if self.reference else {})

    @classmethod
    def from_answer(cls, request: LabelRequest, answer: Mapping[str, Any]) -> Purchase:
        """The purchase again, from the request and what the ledger kept: for a crash between buying and storing."""
        shipping = LabelData(
            kind="shipping",
            carrier=answer["carrier"],
            service=request.service,
            tracking=answer["tracking"],
            order_number=request.order_number,
            sender=request.sender,
            recipient=request.recipient,
            weight_g=request.parcel.weight_g,
            routing_code=routing_code(request.recipient),
            date=request.date,
        )
        return_ = replace(
            shipping,
            kind="return",
            tracking=answer["return_tracking"],
            sender=request.recipient,
            recipient=request.sender,
            routing_code=routing_code(request.sender),
            return_code=answer["return_code"],
        )
        if answer.get("reference") and not answer.get("return_reference"):
            return_ = replace(return_, carrier=SLIP_CARRIER, service=SLIP_SERVICE)
        return cls(
            tracking=answer["tracking"],
            return_tracking=answer["return_tracking"],
            cost_minor=answer["cost_minor"],
            currency=answer["currency"],
            shipping=shipping,
            return_=return_,
            reference=answer.get("reference", ""),
            return_reference=answer.get("return_reference", ""),
        )


def plain(value: LabelData | LabelRequest) -> dict[str, Any]:
    """Its fields as JSON takes them. `dataclasses.asdict` copies every word of them, and was a tenth of a label."""
    fields = _fields(value)
    for name, inner in fields.items():
        if isinstance(inner, PostalAddress | ParcelSpec):
            fields[name] = _fields(inner)
    return fields


def _fields(value: Any) -> dict[str, Any]:
    return {name: getattr(value, name) for name in value.__slots__}


_to_json = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def routing_code(address: PostalAddress) -> str:
    """What sorts a parcel on its way there: country and postcode, or the town where posts know no postcode."""
    return f"{address.country} {address.postcode or address.city}".upper()


def tracking_number(kind: LabelKind, key: str) -> str:
    """The local courier's number for the ledger's key: the same key always gives the same number.

    `BS` (shipping) or `BR` (return), sixteen digits of SHA-256 over kind and key, and two check digits by ISO 7064
    MOD 97-10 over all of it, as in an LEI (ISO 17442). Two letters and an even count of digits pack well into
    Code 128, and twenty characters fill the smallest QR code. It is deliberately not the UPU's S10, whose numbers
    belong to the posts. Among a million parcels, the chance that any two share a number is 1 in 20,000; the store's
    unique columns catch it.
    """
    number = int.from_bytes(hashlib.sha256(f"{kind}:{key}".encode()).digest(), "big") % 10**16
    body = f"{_PREFIX[kind]}{number:016d}"
    return f"{body}{98 - _as_number(body + '00') % 97:02d}"


def return_code(order_number: str, return_tracking: str) -> str:
    """The return's number (RMA) as its label says it: two parcels of one order differ in the tracking number's end."""
    return f"R-{order_number}-{return_tracking[-4:]}"


def numbers_of_code(code: str) -> tuple[str, ...]:
    """The tracking numbers that a scanned code may stand for.

    Posts put the postcode before it: `420`, five or nine digits of it, then the number (GS1 General Specifications,
    application identifier 420; USPS Publication 199). A letter from a scanner's group separator is left out.
    """
    plain_code = "".join(character for character in code if character.isprintable()).strip()
    postal = re.fullmatch(r"420([0-9]{5}|[0-9]{9})([0-9]{20,34})", plain_code)
    found = [plain_code]
    if postal:
        digits = plain_code[3:]
        found += [digits[5:], digits[9:]]
    return tuple(dict.fromkeys(found))


def valid_tracking(number: str) -> bool:
    """Whether this is a number of the local courier: its shape and its check digits."""
    return _TRACKING.fullmatch(number) is not None and _as_number(number) % 97 == 1


def _as_number(text: str) -> int:
    """Digits stay, letters become 10 to 35 (ISO 7064)."""
    return int("".join(str(int(character, 36)) for character in text))
