"""The bell: who waits at a long poll for work at a location, and how they are told.

This process's own commits ring it; commits of other processes are seen by one look at the database on behalf of all
who wait, so that a hundred waiting booths cost one small query four times a second, and none cost nothing.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping

from sqlalchemy.exc import SQLAlchemyError

from backroom.store.booth_wakes import BoothWork

LOOK_SECONDS = 0.25

log = logging.getLogger(__name__)


class Bell:
    """Used in one event loop; only `ring` may be called from any thread. `stopping` ends all waiting."""

    def __init__(self, look: Callable[[], Mapping[str, BoothWork]], stopping: Callable[[], bool]) -> None:
        self._look = look
        self._stopping = stopping
        self._loop: asyncio.AbstractEventLoop | None = None
        self._told = asyncio.Condition()
        self._seen: Mapping[str, BoothWork] = {}
        self._rung = asyncio.Event()
        self._waiting = 0
        self._looker: asyncio.Task[None] | None = None

    def ring(self, location: str) -> None:
        """There is new work at a location: look now rather than at the next turn."""
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._rung.set)

    async def wait(self, location: str, after: int, seconds: float) -> int:
        """The generation of a location's claims: once it is past `after` or work waits there, or after `seconds`."""
        self._loop = asyncio.get_running_loop()
        self._waiting += 1
        if self._looker is None:
            self._rung.clear()
            self._looker = self._loop.create_task(self._look_while_somebody_waits())
        try:
            async with asyncio.timeout(seconds), self._told:
                # The first look is always a fresh one: what was seen before we came may be old.
                await self._told.wait()
                while not self._due(location, after):
                    await self._told.wait()
        except TimeoutError:
            pass
        finally:
            self._waiting -= 1
        return self._seen.get(location, BoothWork()).generation

    def _due(self, location: str, after: int) -> bool:
        work = self._seen.get(location, BoothWork())
        return work.waiting or work.generation > after or self._stopping()

    async def _look_while_somebody_waits(self) -> None:
        try:
            while self._waiting:
                try:
                    self._seen = await asyncio.to_thread(self._look)
                except SQLAlchemyError:
                    log.exception("the bell could not look at the database; it looks again")
                async with self._told:
                    self._told.notify_all()
                try:
                    await asyncio.wait_for(self._rung.wait(), LOOK_SECONDS)
                except TimeoutError:
                    continue
                self._rung.clear()
        finally:
            self._looker = None
