"""What can go wrong between us and another side; each says whether to come back, to ask a person, or what is not known.

Messages hold the other side's name, our own id of what the call was about, and a status: never an address, a login,
a body or a person.
"""

from __future__ import annotations

from datetime import timedelta

from backroom.domain.errors import AskPerson, OutcomeUnknown, Retry
from backroom.outgoing.answer import Answer


class ServiceAway(Retry):
    """The other side cannot be reached or takes nothing now; nothing happened there, or doing it again is harmless.

    `nothing_happened`: it certainly did not do what was asked; else its answer was lost, and it may have. `status` is
    what it said, 0 where it said nothing.
    """

    def __init__(
        self,
        service: str,
        message: str,
        *,
        retry_after: timedelta | None = None,
        nothing_happened: bool = False,
        status: int = 0,
    ) -> None:
        # One cause for each service: the breaker of one must not stop another's orders.
        super().__init__(message, cause=f"{_word(service)}-away", retry_after=retry_after)
        self.nothing_happened = nothing_happened
        self.status = status


class ServiceSetup(AskPerson):
    """The other side does not let us in, or its address leads elsewhere: no call can work until somebody mends it."""

    def __init__(self, service: str, message: str, *, remedy: str) -> None:
        super().__init__(message, remedy=remedy, cause=f"{_word(service)}-setup")


class ServiceRefused(AskPerson):
    """The other side understood and says no (a 4xx). `answer` holds its words, for the adapter that knows them.

    An adapter turns it into its own error; where it does not, a person is asked.
    """

    def __init__(self, service: str, message: str, answer: Answer, *, remedy: str = "") -> None:
        super().__init__(message, remedy=remedy, cause=f"{_word(service)}-refused")
        self.answer = answer


class ServiceSilent(OutcomeUnknown):
    """The call was sent, its answer is lost, and doing it again could do it twice.

    `answer` is a server error that came instead (a 5xx), for the adapter that knows whose word it is.
    """

    def __init__(self, service: str, message: str, *, remedy: str, answer: Answer | None = None) -> None:
        super().__init__(message, remedy=remedy, cause=f"{_word(service)}-unknown")
        self.answer = answer


class AnswerUnreadable(AskPerson):
    """The other side answered what its documents do not know: a page, no JSON, or more than we take."""

    def __init__(self, service: str, message: str, *, remedy: str) -> None:
        super().__init__(message, remedy=remedy, cause=f"{_word(service)}-unreadable")


def _word(service: str) -> str:
    return "-".join(service.lower().split())
