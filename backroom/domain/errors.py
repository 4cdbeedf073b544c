"""The errors of Backroom: each says what should happen next, and carries ids only.

Every error that leaves a function of ours is a subclass of one of the three branches below, so that whoever catches
it knows without reading the message whether to try again (`Retry`), to refuse for good (`Refuse`) or to ask a person
(`AskPerson`). Messages and attributes name ids (an order's number, a printer, a job), never a person's data: they end
in Prefect's logs and in the UI.
"""

from __future__ import annotations

from datetime import timedelta


class BackroomError(Exception):
    """The root. `cause` is a short stable word that groups the same trouble over many orders (see the breaker).

    `remedy` is one sentence in the imperative for the person who reads it.
    """

    cause: str = "error"

    def __init__(self, message: str, *, remedy: str = "", cause: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy
        if cause is not None:
            self.cause = cause

    def __str__(self) -> str:
        if not self.remedy:
            return self.message
        end = "" if self.message.endswith((".", "!", "?", ":", "…")) else "."
        return f"{self.message}{end} {self.remedy}"


class Retry(BackroomError):
    """It may work later without anybody's hand: a time-out before the request was accepted, a busy printer.

    `retry_after` is how long the other side asks to be left alone, None where it does not say: nothing is tried sooner.
    """

    cause = "later"

    def __init__(
        self, message: str, *, remedy: str = "", cause: str | None = None, retry_after: timedelta | None = None
    ) -> None:
        super().__init__(message, remedy=remedy, cause=cause)
        self.retry_after = retry_after


class Refuse(BackroomError):
    """It can never work as asked, whoever tries: a malformed message, an attribute the printer does not have."""

    cause = "refused"


class AskPerson(BackroomError):
    """Only a person can decide or mend it: an unknown outcome, a missing artwork, an address that does not exist."""

    cause = "ask"


class OutcomeUnknown(AskPerson):
    """A call was sent and its answer is lost, so it may have happened. Never repeat it blindly."""

    cause = "unknown"
