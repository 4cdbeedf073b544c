"""EasyPost's events: whether one is theirs, and what it tells of a parcel.

The signature is `X-Hmac-Signature: hmac-sha256-hex=…` over the body as it came, keyed with the webhook's secret in the
form NFKD and UTF-8 (its webhooks guide; `validate_webhook` of its client libraries). It carries no time: a replay tells
what was told, which changes nothing.
"""

from __future__ import annotations

import hashlib
import hmac
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from backroom.carriers.base import RefundOutcome
from backroom.carriers.easypost_reading import events_of, is_id, word
from backroom.domain.errors import Refuse
from backroom.domain.tracking import TrackingEvent

HEADER = "x-hmac-signature"
_SCHEME = "hmac-sha256-hex="
_REFUNDS: Mapping[str, RefundOutcome] = {
    "submitted": "submitted",
    "refunded": "refunded",
    "rejected": "rejected",
    "not_applicable": "not_applicable",
}


class BadSignature(Refuse):
    """Nobody who knows the webhook's secret sent this."""

    cause = "bad_signature"


@dataclass(frozen=True, slots=True)
class Told:
    """What an event tells: of which shipment, what happened to its parcel, or how its refund stands."""

    reference: str
    tracking: str
    events: tuple[TrackingEvent, ...] = ()
    refund: RefundOutcome | None = None


def verify(body: bytes, headers: Mapping[str, str], secret: str) -> None:
    """Raise BadSignature unless the body was signed with the secret."""
    given = headers.get(HEADER, "")
    key = unicodedata.normalize("NFKD", secret).encode()
    right = _SCHEME + hmac.new(key, body, hashlib.sha256).hexdigest()
    if not secret or not hmac.compare_digest(given.encode("utf-8", "surrogateescape"), right.encode()):
        raise BadSignature("the signature does not match")


def read(event: Any, mode: str) -> Told | None:
    """What an event tells; None for one that is about nothing of ours: another kind, or the key's other mode."""
    if not isinstance(event, dict) or event.get("mode") != mode:
        return None
    result, about = event.get("result"), word(event.get("description"))
    if not isinstance(result, dict):
        return None
    named = result.get("shipment_id")
    reference = str(named) if is_id(named, "shp") else ""
    tracking = word(result.get("tracking_code"))
    if not reference and not tracking:
        return None
    if about.startswith("tracker."):
        return Told(reference, tracking, tuple(events_of(result)))
    if about.startswith("refund."):
        outcome = _REFUNDS.get(word(result.get("status")))
        return Told(reference, tracking, refund=outcome) if outcome else None
    return None
