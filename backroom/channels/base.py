"""What every channel offers, and the ways in which its messages are refused.

What belongs here: the interface and its errors. What does not: any one channel's words.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, runtime_checkable

from backroom.domain.errors import Refuse
from backroom.domain.model import IncomingOrder, Problem
from backroom.domain.signatures import BadSignature

__all__ = ["BadSignature", "Channel", "Contact", "NotAnOrder", "digest", "header", "only_header"]


class NotAnOrder(Refuse):
    """The message cannot be read as an order. `problems` holds every reason, never only the first."""

    cause = "not_an_order"

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        reasons = "; ".join(f"{p.field}: {p.detail}" if p.field else p.detail for p in self.problems)
        super().__init__(f"this message is not an order: {reasons}", remedy="Mend it at its source and send it again.")


class OrderDeleted(NotAnOrder):
    """The message tells that an order was deleted at its source, by its id and nothing else."""

    cause = "order_deleted"

    def __init__(self) -> None:
        super().__init__([Problem("order_deleted", "", "tells of a deleted order by its id only")])


@dataclass(frozen=True, slots=True)
class Contact:
    """Whom a message is about, normalised as `backroom.channels.contact` does it; None where nothing usable is said."""

    email: str | None
    phone: str | None


class Channel(Protocol):
    """One configured channel. Every method but `verify` and `parse` takes any JSON value and never raises."""

    @property
    def kind(self) -> str:
        """shopify, woocommerce, pos or csv."""

    @property
    def free_text_keys(self) -> frozenset[str]:
        """The JSON keys below which people write freely: there card numbers are masked before anything is stored."""

    def verify(self, body: bytes, headers: Mapping[str, str], secret: str) -> None:
        """Raise BadSignature unless the raw bytes carry the signature of `secret`; nothing is parsed before."""

    def is_ping(self, body: bytes, headers: Mapping[str, str]) -> bool:
        """Whether the source only asks if somebody is here; such a call carries no signature and no order."""

    def delivery_key(self, body_json: object, headers: Mapping[str, str], body_bytes: bytes) -> str:
        """What two deliveries of the same message share, and no other message has."""

    def topic(self, headers: Mapping[str, str]) -> str:
        """What happened, in the channel's words; empty where it does not say."""

    def contact(self, body_json: object) -> Contact:
        """The person a message is about, read quickly, for sealing it under that person's key."""

    def external_id(self, body_json: object) -> str:
        """The source's id of the order; empty when there is none."""

    def is_hint(self, body_json: object, topic: str) -> bool:
        """Whether the message carries no order, and only says that the order `external_id` is to be fetched.

        Such a message is stored like any other; intake fetches the order by the channel's `OrderSource`, where it may
        stand under another id, and what comes back goes through the same door.
        """

    def parse(self, body_json: object, topic: str, shop_country: str) -> IncomingOrder:
        """The order in the words we share; NotAnOrder with every reason when it is none, OrderDeleted where it is gone.

        `shop_country` (ISO 3166) is assumed where the message names no country.
        """


@runtime_checkable
class DatesMessages(Protocol):
    """A channel whose messages say beside their body when that happened of which they tell: a deletion has no other."""

    def said_at(self, headers: Mapping[str, str]) -> datetime | None:
        """That moment of the source's clock; None where it is not told or cannot be read. Nobody signed it."""


def header(headers: Mapping[str, str], name: str) -> str:
    """A header's value whatever its spelling (RFC 9110 section 5.1); empty when it is missing."""
    wanted = name.lower()
    return next((value for key, value in headers.items() if key.lower() == wanted), "")


def only_header(headers: Mapping[str, str], name: str) -> str:
    """As `header`, for one that a signature stands in: BadSignature where it comes twice, since two would disagree."""
    wanted = name.lower()
    found = [value for key, value in headers.items() if key.lower() == wanted]
    if len(found) > 1:
        raise BadSignature(f"the header {name} comes twice", remedy="Look at what stands between.")
    return found[0] if found else ""


def digest(body: bytes) -> str:
    """SHA-256 in hex: what makes a repeated delivery the same where the channel has no id for it."""
    return hashlib.sha256(body).hexdigest()
