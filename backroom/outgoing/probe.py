"""Whether a connection works: one harmless call, for `backroom doctor`.

What belongs here: the interface that every adapter offers beside its own, and what no answer to a try may be. What does
not: which connections a shop has (`backroom.cli.connections`), and how what was found is shown (`backroom.cli.doctor`).

To join, an adapter gets a method `check`, and its maker one line: a channel's kind in `PROBES` of
`backroom.channels.registry`, anything else in `FINDERS` of `backroom.cli.connections`.
"""

from __future__ import annotations

from typing import Protocol

from backroom.outgoing.answer import Answer
from backroom.outgoing.errors import AnswerUnreadable


class Probe(Protocol):
    """A connection that can be tried."""

    def check(self) -> None:
        """Ask something that changes nothing and costs nothing, with the login of the real calls, and return.

        Raises the tree's errors: `Retry` where it is away and may come back, `AskPerson` with a remedy in the
        imperative where somebody must mend address, key or permissions. The message names no secret and no person.
        """


def is_theirs(service: str, answer: Answer, *names: str) -> None:
    """Raise AnswerUnreadable unless a try was answered by JSON, an object with these names where there are any.

    Whatever stands at a wrong address answers 200 as well: a login page, a hosting company, a captive portal.
    """
    said = answer.json()
    if said is None or (names and not (isinstance(said, dict) and said.keys() >= set(names))):
        raise AnswerUnreadable(
            service,
            f"{service} answers something else than it documents.",
            remedy="Check its url: does it lead to the interface, and does nothing stand before it?",
        )
