"""What every messenger shares: the message, the proof of sending, the interface and its errors.

What belongs here: what the notify step needs to know of any medium. What does not: one provider's protocol
(`mailfolder`, `smtp`, `smsgateway`), words (`templates`), consent (`backroom.domain.consent`).

Errors name the message's key, never its recipient or text. Each tells whether the trouble is this message's alone or
the provider's: trouble of the provider ends a wave early, so that 500 messages do not wait for 500 time-outs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from backroom.domain.consent import Medium
from backroom.domain.errors import AskPerson, BackroomError, OutcomeUnknown, Refuse, Retry

LOST_CALLS_IN_A_ROW = 2


@dataclass(frozen=True, slots=True)
class OutgoingMessage:
    """One message to one person. `key` is the effect's key; the personal parts stay out of its `repr`.

    `recipient` is an e-mail address or an E.164 number; `sender` is an address, `Shop <post@shop.example>`, or an SMS
    sender; `subject` is for e-mail. `unsubscribe_url` belongs to marketing and becomes the List-Unsubscribe header.
    """

    key: str
    medium: Medium
    recipient: str = field(repr=False)
    subject: str | None = field(repr=False)
    body: str = field(repr=False)
    sender: str
    unsubscribe_url: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Sent:
    """The provider took the message: its own id for it, and when (UTC)."""

    provider: str
    provider_id: str
    at: datetime


class Messenger(Protocol):
    """Sends messages of one medium. Connections live within one call, so a messenger may be kept.

    `idempotent` says whether sending the same key again is safe because the other side knows it.
    """

    @property
    def medium(self) -> Medium: ...

    @property
    def idempotent(self) -> bool: ...

    def send(self, message: OutgoingMessage) -> Sent:
        """Send one message; raises a `BackroomError` that says what to do next."""
        ...

    def send_many(self, messages: Sequence[OutgoingMessage]) -> list[Sent | BackroomError]:
        """Send a wave over one connection: one outcome for each message, in order; it raises for none of them."""
        ...

    def find(self, message: OutgoingMessage, age: timedelta) -> Sent | None:
        """Whether this message went out; raises `OutcomeUnknown` where the provider cannot say.

        `age` is how long ago its sending was begun, at the most.
        """
        ...


class MessageRefused(Refuse):
    """The provider will never take this message as it is."""

    cause = "message-refused"


class RecipientRefused(AskPerson):
    """The provider says that it cannot reach this recipient."""

    cause = "recipient-refused"


class OptedOut(Refuse):
    """The provider knows that this recipient wrote STOP: nobody may write to them until they take it back.

    `provider` and `code`, the provider's own for it, are the proof that is kept.
    """

    cause = "recipient-opted-out"

    def __init__(self, key: str, provider: str, code: str) -> None:
        super().__init__(f"The recipient of message {key} has told {provider} to stop ({code}).")
        self.provider = provider
        self.code = code


class MessageDelayed(Retry):
    """The provider asks to come back later with this message."""

    cause = "message-delayed"


class ConnectionLost(Retry):
    """The connection broke before this message was handed over."""

    cause = "messenger-connection"


class ProviderDown(Retry):
    """The provider could not be reached, or takes nothing at present from anybody."""

    cause = "messenger-down"


class SetupBroken(AskPerson):
    """The login, the certificate or a setting of the provider is wrong: no message can go until it is mended."""

    cause = "messenger-setup"


class SendingUnknown(OutcomeUnknown):
    """The message was handed over and the answer is lost."""

    cause = "message-unknown"


def sending_unknown(key: str, provider: str) -> SendingUnknown:
    """The error for a call that was made and never answered."""
    return SendingUnknown(
        f"{provider} got message {key} and its answer is lost.",
        remedy="Look it up in the provider's log, then say whether it was sent.",
    )


def cannot_say(key: str, provider: str) -> SendingUnknown:
    """The error of a `find` that has nobody to ask."""
    return SendingUnknown(
        f"{provider} cannot say whether message {key} was sent.",
        remedy="Look it up in the provider's log, then say whether it was sent.",
    )


def send_each(
    messages: Iterable[OutgoingMessage], send: Callable[[OutgoingMessage], Sent]
) -> list[Sent | BackroomError]:
    """Send one after the other and give each its outcome; once the provider is at fault the rest is not tried.

    A broken set-up, an unreachable provider, or two lost connections in a row end the wave: what is left was never
    sent and says so.
    """
    outcomes: list[Sent | BackroomError] = []
    stopped_by: BackroomError | None = None
    lost_in_a_row = 0
    for message in messages:
        if stopped_by is not None:
            outcomes.append(_not_tried(message.key, stopped_by))
            continue
        try:
            outcomes.append(send(message))
        except BackroomError as error:
            outcomes.append(error)
            lost_in_a_row = lost_in_a_row + 1 if isinstance(error, ConnectionLost | SendingUnknown) else 0
            if isinstance(error, ProviderDown | SetupBroken) or lost_in_a_row == LOST_CALLS_IN_A_ROW:
                stopped_by = error
        else:
            lost_in_a_row = 0
    return outcomes


def single(outcomes: list[Sent | BackroomError]) -> Sent:
    """The outcome of a wave of one, raised where it is an error."""
    [outcome] = outcomes
    if isinstance(outcome, BackroomError):
        raise outcome
    return outcome


def _not_tried(key: str, stopped_by: BackroomError) -> BackroomError:
    if isinstance(stopped_by, SetupBroken):
        return SetupBroken(f"Message {key} was not tried. {stopped_by.message}", remedy=stopped_by.remedy)
    return ProviderDown(
        f"Message {key} was not tried. {stopped_by.message}",
        retry_after=stopped_by.retry_after if isinstance(stopped_by, Retry) else None,
    )
