"""Looking at an event for many who ask at once.

What belongs here: sharing. What does not: what is seen (`backroom.eventpage.looking`).
"""

from __future__ import annotations

import asyncio

from backroom.eventpage import looking
from backroom.eventpage.looking import Seen
from backroom.shop.room import Room


class Looks:
    """Shares a look among all who asked before it began: however many come at once, one look runs and one waits."""

    def __init__(self) -> None:
        self._next: dict[str, asyncio.Task[Seen]] = {}
        self._one = asyncio.Lock()

    async def ask(self, room: Room, code: str) -> Seen:
        """The event as it stands after this call; NoSuchEvent where it has no page."""
        pending = self._next.get(code)
        if pending is None:
            pending = self._next[code] = asyncio.ensure_future(self._look(room, code))
        # Whoever hangs up does not take the answer from the others.
        return await asyncio.shield(pending)

    async def _look(self, room: Room, code: str) -> Seen:
        async with self._one:
            del self._next[code]
            return await asyncio.to_thread(looking.look, room, code)
