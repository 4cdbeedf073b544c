"""Paying back at a channel: what is asked, what comes back, and the ways in which it fails.

What belongs here: the interface and its errors. What does not: any one channel's words (`woocommerce_refunds`), and
when something is owed (`backroom.store.refunds`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from backroom.domain.errors import AskPerson, Retry


class RefundRefused(AskPerson):
    """The channel does not pay this back by itself; nothing was paid."""

    cause = "refund-refused"


class RefundSetupBroken(AskPerson):
    """The channel does not let us in."""

    cause = "refund-setup"


class ChannelAway(Retry):
    """The channel cannot be reached, or takes nothing now; nothing was paid."""

    cause = "channel-away"


@dataclass(frozen=True, slots=True)
class RefundRequest:
    """What is paid back: so much of the channel's own order. `key` is the effect's key in the ledger."""

    key: str
    external_id: str
    amount_minor: int
    currency: str


@dataclass(frozen=True, slots=True)
class Refunded:
    """What was paid back, and the channel's own id of it."""

    reference: str
    amount_minor: int


class Refunds(Protocol):
    """A channel that pays back. Errors are BackroomErrors, with ids only."""

    def refund(self, request: RefundRequest) -> Refunded:
        """Pay it back. OutcomeUnknown where nobody can tell whether it was."""

    def find(self, request: RefundRequest) -> Refunded | None:
        """What was paid back under the request's key, None if nothing was."""

    def check(self) -> None:
        """One harmless call with the same login, for `backroom doctor` (`backroom.outgoing.probe`)."""
