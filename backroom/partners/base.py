"""What every partner offers, and the ways in which one says no.

What belongs here: the interface and its errors. What does not: any one partner's words.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from backroom.domain.errors import AskPerson
from backroom.domain.partner_orders import PartnerRequest, PartnerStatus
from backroom.outgoing.errors import AnswerUnreadable, ServiceRefused

# Longer is no id of anybody's.
LONGEST_NAME = 200


class PartnerRefusesOrder(AskPerson):
    """The partner does not take the order as it is asked (a 4xx): nothing is made there."""

    cause = "partner_refuses_order"


class NotTaken(PartnerRefusesOrder):
    """The partner says plainly that it does not make this order, and has nothing of it: it goes elsewhere, as one does
    that was taken and rejected. `reason` is what somebody there wrote: it may name people, and is sealed. `words` are
    codes and names of fields."""

    cause = "partner_does_not_make_it"

    def __init__(self, message: str, *, words: str = "", reason: str = "") -> None:
        super().__init__(message, remedy="It is routed again without this partner.")
        self.words, self.reason = words, reason


class TooLate(AskPerson):
    """The partner does not cancel it any more. `status` is how it stands."""

    cause = "partner_too_late"

    def __init__(self, message: str, status: PartnerStatus | None = None) -> None:
        super().__init__(message, remedy="Let it go on; what comes of it comes back as a return.")
        self.status = status


@dataclass(frozen=True, slots=True)
class News:
    """What a message says. `names` are the orders it is about, by our reference or the partner's id.

    `status` is there only where the message is signed and says all; else the partner is asked.
    """

    names: tuple[str, ...]
    status: PartnerStatus | None = None
    told: Mapping[str, Any] = field(default_factory=dict, repr=False)


class Partner(Protocol):
    """One configured partner. Made for one task, and not shared between threads. Errors are those of
    `backroom.outgoing`, and the ones above."""

    @property
    def idempotent(self) -> bool:
        """Whether placing the same order again under its reference is one order over there."""

    def submit(self, request: PartnerRequest) -> PartnerStatus:
        """Place an order, whole. One that is there already under its reference is taken as it is. It may come back as a
        draft, which waits to be confirmed."""

    def find(self, reference: str) -> PartnerStatus | None:
        """The order of this reference; None where there certainly is none."""

    def status(self, reference: str, partner_id: str) -> PartnerStatus:
        """How an order stands that was placed."""

    def confirm(self, reference: str, partner_id: str) -> PartnerStatus:
        """Have a draft made, which was found to be as it was asked; one that may not be confirmed now is a draft still.
        What is no draft is as it should be."""

    def cancel(self, reference: str, partner_id: str) -> PartnerStatus:
        """Take an order back; TooLate where it goes on all the same. One that is cancelled already is taken as such."""

    def check(self) -> None:
        """See `backroom.outgoing.probe`."""

    def close(self) -> None: ...


def refused(error: ServiceRefused, reference: str, words: str = "") -> PartnerRefusesOrder:
    """A partner's no to an order. `words` are codes and names of fields, never what it says of a person."""
    said = f" ({words})" if words else ""
    return PartnerRefusesOrder(
        f"{reference} is refused: status {error.answer.status}{said}.",
        remedy="Correct the product's code in the shop file or the address, then retry.",
    )


def not_taken(error: ServiceRefused, reference: str, words: str, reason: str) -> NotTaken:
    """A partner's plain no: its documents say that nothing was taken, and it was asked whether anything is there."""
    said = f"status {error.answer.status}" + (f", {words}" if words else "")
    return NotTaken(f"{reference} is not made there ({said}).", words=said, reason=reason[:1000])


def unreadable(service: str, reference: str, what: str) -> AnswerUnreadable:
    return AnswerUnreadable(
        service, f"{service} answers {reference} without a readable {what}.", remedy="Ask them what changed."
    )
