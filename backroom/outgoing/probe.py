"""Whether a connection works: one harmless call, for `backroom doctor`.

What belongs here: the interface that every adapter offers beside its own, and what no answer to a try may be. What does
not: which connections a shop has (`backroom.cli.connections`), and how what was found is shown (`backroom.cli.doctor`).

To join, an adapter gets a method `check`, a method `wide` where something is known of its key's rights, and its maker
one line: a channel's kind in `PROBES` of `backroom.channels.registry`, anything else in `FINDERS` of
`backroom.cli.connections`.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from backroom.domain.errors import BackroomError
from backroom.outgoing.answer import Answer
from backroom.outgoing.errors import AnswerUnreadable

MOST_NAMED = 5


class Probe(Protocol):
    """A connection that can be tried."""

    def check(self) -> None:
        """Ask something that changes nothing and costs nothing, with the login of the real calls, and return.

        Raises the tree's errors: `Retry` where it is away and may come back, `AskPerson` with a remedy in the
        imperative where somebody must mend address, key or permissions. The message names no secret and no person.
        """


@dataclass(frozen=True, slots=True)
class Wide:
    """A key that works and may more than we need: so may whoever steals it. In plain words, with what to do."""

    message: str
    remedy: str


@runtime_checkable
class KnowsRights(Protocol):
    """A connection whose key says, or whose other side tells, what it may do."""

    def wide(self) -> Wide | None:
        """What the key may beyond what it is for; None where it may no more, or that is not told.

        Asked after `check`; may raise the tree's errors.
        """


def wide_of(probe: object) -> Wide | None:
    """What is to be said of its key, once it was tried."""
    if not isinstance(probe, KnowsRights):
        return None
    try:
        return probe.wide()
    except BackroomError:
        # The connection works; that it does not tell what its key may is no fault of it, and stands in the log.
        return None


def beyond(what: str, has: Collection[str], needs: Collection[str], remedy: str) -> Wide | None:
    """The rights among `has` that are not among `needs`, named; `what` is whose key it is."""
    more = sorted(set(has) - set(needs))
    if not more:
        return None
    named = ", ".join(more[:MOST_NAMED]) + (f" and {len(more) - MOST_NAMED} more" if len(more) > MOST_NAMED else "")
    return Wide(f"{what} may more than it is used for: {named}.", remedy)


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
