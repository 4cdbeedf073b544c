"""Looking at an event for many who ask at once.

What belongs here: sharing. What does not: what is seen (`backroom.eventpage.looking`).
"""

from __future__ import annotations

import asyncio

from backroom.eventpage import looking
from backroom.eventpage.looking import Seen
from backroom.shop.room import Room
from backroom.store.events import NoSuchEvent


class Looks:
    """Shares a look among all who asked before it began: however many come at once, one look runs and one waits.

    Codes that nobody published are answered beside that, from one list that all who ask then share: however many are
    tried, nobody who looks at an event waits for them.
    """

    def __init__(self) -> None:
        self._next: dict[str, asyncio.Task[Seen]] = {}
        self._one = asyncio.Lock()
        # Codes that were seen, which need no list.
        self._known: set[str] = set()
        self._listing: asyncio.Task[frozenset[str]] | None = None
        self._one_list = asyncio.Lock()

    async def ask(self, room: Room, code: str) -> Seen:
        """The event as it stands after this call; NoSuchEvent where it has no page."""
        if code not in self._known and code not in await self._codes(room):
            raise NoSuchEvent("there is no such event")
        pending = self._next.get(code)
        if pending is None:
            pending = self._next[code] = asyncio.ensure_future(self._look(room, code))
        # Whoever hangs up does not take the answer from the others.
        return await asyncio.shield(pending)

    async def _look(self, room: Room, code: str) -> Seen:
        async with self._one:
            del self._next[code]
            try:
                seen = await asyncio.to_thread(looking.look, room, code)
            except NoSuchEvent:
                self._known.discard(code)
                raise
            self._known.add(code)
            return seen

    async def _codes(self, room: Room) -> frozenset[str]:
        if self._listing is None:
            self._listing = asyncio.ensure_future(self._list(room))
        return await asyncio.shield(self._listing)

    async def _list(self, room: Room) -> frozenset[str]:
        async with self._one_list:
            self._listing = None
            return await asyncio.to_thread(looking.codes, room)
