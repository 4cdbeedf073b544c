"""Bringing what the spool holds into the shop's database, and taking it out of the spool again.

What belongs here: what was acknowledged out of the spool, until the shop's database has it; what a process left there
that did not live to do it. What does not: when a delivery is kept there (`spooling`).

A delivery is known by its key, so twice does no harm: two gateways may bring in the same one.
"""

from __future__ import annotations

import asyncio
import logging
import sqlite3
import time
from collections import Counter
from collections.abc import Callable, Coroutine, Iterable
from datetime import UTC, datetime
from typing import Any, TypeVar

from sqlalchemy.exc import OperationalError, SQLAlchemyError

from backroom.domain.errors import Retry
from backroom.gateway.committing import accepted
from backroom.shop.room import Room
from backroom.store.claims import Wakeup
from backroom.store.inbox_door import Receipt
from backroom.store.spool import Spool, Spooled

# What the database does not take is brought again after the first, at last after the second.
AGAIN_SECONDS, AGAIN_MOST_SECONDS = 1.0, 60.0
# So many are brought side by side.
AT_ONCE = 50
# When the spool has been empty for so long, what was dropped is scrubbed from its log.
QUIET_SECONDS = 1.0
# At the end, what is under way has so long; the rest is the next start's.
END_SECONDS = 5.0

# What a database may raise; and what of that is about all that is brought, and not about one of them.
DATABASE_TROUBLE = (SQLAlchemyError, Retry, TimeoutError)
_TROUBLE_OF_ALL = (OperationalError, Retry, TimeoutError)

T = TypeVar("T")

log = logging.getLogger(__name__)


class BringingIn:
    """One gateway's way out of the spool, in one event loop. `send` wakes who has work by what came in."""

    def __init__(self, room: Room, spool: Spool, send: Callable[[Iterable[Wakeup]], None]) -> None:
        self._room, self._spool, self._send = room, spool, send
        # By number, since when each has been kept, on this process's monotonic clock; those that do not open; and those
        # that are not in the database yet and failed once.
        self._kept: dict[int, float] = {}
        self._closed: set[int] = set()
        self._left: dict[int, Spooled] = {}
        self._to_drop: list[int] = []
        self._under_way: set[asyncio.Task[Any]] = set()
        self._bringing = self._dropping = self._ending = False
        self._quiet: asyncio.TimerHandle | None = None

    def __len__(self) -> int:
        """How many lie in the spool."""
        return len(self._kept)

    def oldest_seconds(self) -> float:
        """For how long the oldest of them has. Any thread may ask."""
        heard = [*self._kept.values()]
        return time.monotonic() - min(heard) if heard else 0.0

    def begin(self) -> None:
        """Take over what was left by a process that did not live to do it."""
        self.spawn(self._take_over())

    def see_in(self, row: Spooled, taking: asyncio.Task[Receipt]) -> None:
        """A delivery that is kept from now on, and on its way into the database already."""
        self._kept[row.number] = time.monotonic()
        self.spawn(self._see_in(row, taking))

    def spawn(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """Do it in the background, whoever waits for it or not; the end does."""
        task = asyncio.create_task(work)
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)
        return task

    async def end(self) -> None:
        """Let what is under way end. What is not brought in by then is the next start's."""
        self._ending = True
        if self._quiet is not None:
            self._quiet.cancel()
        deadline = time.monotonic() + END_SECONDS
        # Some of them begin others.
        while self._under_way and (rest := deadline - time.monotonic()) > 0:
            await asyncio.wait(self._under_way, timeout=rest)
        late = list(self._under_way)
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)
        await self._scrub()

    async def _take_over(self) -> None:
        again = AGAIN_SECONDS
        while True:
            try:
                rows = await asyncio.to_thread(self._spool.waiting)
                break
            except DATABASE_TROUBLE as error:
                log.warning("the spool cannot be read, and is looked at again: %s", type(error).__name__)
            again = await _pause(again)
        for row in rows:
            if row.number in self._kept:
                continue
            age = (datetime.now(UTC) - row.heard_at).total_seconds()
            self._kept[row.number] = time.monotonic() - max(0.0, age)
            if row.delivery is None:
                self._closed.add(row.number)
                log.error("delivery %d of the spool does not open: `backroom doctor` says what to do", row.number)
            else:
                self._left[row.number] = row
        self._go_on()
        self._rest()

    async def _see_in(self, row: Spooled, taking: asyncio.Task[Receipt]) -> None:
        await asyncio.wait({taking})
        if taking.cancelled() or taking.exception() is not None:
            self._left[row.number] = row
            self._go_on()
        else:
            self._is_in(row.number, taking.result())

    def _is_in(self, number: int, receipt: Receipt) -> None:
        if receipt.wakeup is not None:
            self._send([receipt.wakeup])
        self._to_drop.append(number)
        if not self._dropping:
            self._dropping = True
            self.spawn(self._drop())

    def _go_on(self) -> None:
        if self._left and not self._bringing:
            self._bringing = True
            self.spawn(self._bring())

    async def _bring(self) -> None:
        """Oldest first, as they came, until all are in; what one of them has wrong keeps no other from it."""
        again = AGAIN_SECONDS
        while self._left:
            wrong: Counter[str] = Counter()
            oldest_first = sorted(self._left.values(), key=lambda row: row.number)
            for first in range(0, len(oldest_first), AT_ONCE):
                rows = oldest_first[first : first + AT_ONCE]
                # They share a commit.
                ends = await asyncio.gather(*map(self._brought, rows), return_exceptions=True)
                for row, end in zip(rows, ends, strict=True):
                    if isinstance(end, Receipt):
                        del self._left[row.number]
                        self._is_in(row.number, end)
                        again = AGAIN_SECONDS
                    else:
                        wrong[type(end).__name__] += 1
                if any(isinstance(end, _TROUBLE_OF_ALL) for end in ends):
                    break
            if wrong:
                # One line a turn: a log may lie on the disk that is full.
                said = ", ".join(f"{name} ({count})" for name, count in wrong.items())
                log.warning("%d deliveries of the spool are not in the database yet: %s", len(self._left), said)
                again = await _pause(again)
        self._bringing = False

    async def _brought(self, row: Spooled) -> Receipt:
        assert row.delivery is not None
        return await accepted(self._room, row.delivery, row.heard_at)

    async def _drop(self) -> None:
        again = AGAIN_SECONDS
        while self._to_drop:
            numbers = self._to_drop[:]
            try:
                await asyncio.wrap_future(self._spool.drop(numbers))
            except DATABASE_TROUBLE as error:
                log.warning("the spool keeps %d that are in the database: %s", len(numbers), type(error).__name__)
                again = await _pause(again)
                continue
            del self._to_drop[: len(numbers)]
            again = AGAIN_SECONDS
            for number in numbers:
                # Twice where it was found at the start and came in at the same moment.
                self._kept.pop(number, None)
        self._dropping = False
        self._rest()

    def _rest(self) -> None:
        """Scrub when it has been empty for a while."""
        if self._quiet is not None:
            self._quiet.cancel()
        if self._ending:
            return
        self._quiet = asyncio.get_running_loop().call_later(QUIET_SECONDS, self._scrub_when_empty)

    def _scrub_when_empty(self) -> None:
        if self._kept.keys() <= self._closed:
            self.spawn(self._scrub_until_done())

    async def _scrub_until_done(self) -> None:
        if not await self._scrub():
            self._rest()

    async def _scrub(self) -> bool:
        try:
            return await asyncio.to_thread(self._spool.scrub)
        except (*DATABASE_TROUBLE, sqlite3.Error) as error:
            log.warning("the spool's log was not scrubbed: %s", type(error).__name__)
            return False


async def _pause(seconds: float) -> float:
    """Wait so long; returns how long to wait the next time."""
    await asyncio.sleep(seconds)
    return min(2 * seconds, AGAIN_MOST_SECONDS)
