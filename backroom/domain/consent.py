"""Consent: whether a person may be sent a message of one kind by one medium, and why.

What belongs here: the rule over a person's own statements (`backroom.domain.model.StatedConsent`). What does not:
where they are stored (`backroom.store`), and how a message is sent (`backroom.messaging`).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from backroom.domain.model import StatedConsent

Medium = Literal["sms", "email", "push"]
Purpose = Literal["order_updates", "marketing"]

MEDIA: tuple[Medium, ...] = ("sms", "email")
# Push messages go where a shop set them up; the other two are weighed for every message.
ALL_MEDIA: tuple[Medium, ...] = (*MEDIA, "push")
PURPOSES: tuple[Purpose, ...] = ("order_updates", "marketing")


@dataclass(frozen=True, slots=True)
class ConsentDecision:
    """The answer and its reason, a sentence without personal data that may stand in an order's history."""

    allowed: bool
    reason: str


def decide(consents: Iterable[StatedConsent], medium: Medium, purpose: Purpose, now: datetime) -> ConsentDecision:
    """Whether the latest statement for exactly this medium and purpose grants it; silence means no.

    Every doubt goes the person's way: of two statements of the same instant the refusal wins, and a clock that runs
    ahead delays a grant until its time has come but never a withdrawal.
    """
    heard = [
        consent
        for consent in consents
        if (consent.medium, consent.purpose) == (medium, purpose) and (consent.at <= now or not consent.granted)
    ]
    if not heard:
        return ConsentDecision(False, f"no consent to {purpose} by {medium} was ever stated")
    latest = max(heard, key=lambda consent: (consent.at, not consent.granted))
    verb = "granted" if latest.granted else "refused"
    return ConsentDecision(
        latest.granted, f"{purpose} by {medium} was {verb} on {latest.at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
    )


def may_send(consents: Iterable[StatedConsent], medium: Medium, purpose: Purpose, now: datetime) -> bool:
    """The answer of `decide` alone."""
    return decide(consents, medium, purpose, now).allowed
