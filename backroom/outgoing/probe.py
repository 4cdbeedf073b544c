"""Whether a connection works: one harmless call, for `backroom doctor`.

What belongs here: the interface that every adapter offers beside its own. What does not: which connections a shop has
(`backroom.cli.connections`), and how what was found is shown (`backroom.cli.doctor`).

To join, an adapter gets a method `check`, and its maker one line: a channel's kind in `PROBES` of
`backroom.channels.registry`, anything else in `FINDERS` of `backroom.cli.connections`.
"""

from __future__ import annotations

from typing import Protocol


class Probe(Protocol):
    """A connection that can be tried."""

    def check(self) -> None:
        """Ask something that changes nothing and costs nothing, with the login of the real calls, and return.

        Raises the tree's errors: `Retry` where it is away and may come back, `AskPerson` with a remedy in the
        imperative where somebody must mend address, key or permissions. The message names no secret and no person.
        """
