"""Accepting a delivery without waiting for SQLite's lock while others hold it.

What belongs here: when a delivery is kept in the spool and answered. What does not: the spool's file
(`backroom.store.spool`), bringing it in afterwards (`bringing_in`), and what a delivery becomes (`inbox_door`).

A delivery always goes to the shop's database. Where that is crowded it is kept in the spool as well, and answered as
soon as either has it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any

from backroom.gateway.bringing_in import DATABASE_TROUBLE, BringingIn
from backroom.gateway.committing import accepted
from backroom.shop.room import Room
from backroom.store.claims import Wakeup
from backroom.store.inbox_door import Delivery, Receipt
from backroom.store.sealing import current_key
from backroom.store.spool import FILE, Spool, Spooled

# For so long a delivery waits for the database alone; then it looks again, twice as late each time.
PATIENCE_SECONDS = 0.01
# Where so many lie in the spool no more are kept, and none that is larger: they wait, and are refused in the end.
MOST, MOST_BYTES = 1_000, 64 * 1024

log = logging.getLogger(__name__)


class Spooling:
    """One gateway's door to database and spool, in one event loop; without the spool before `begin` and after `end`."""

    def __init__(self, room: Room) -> None:
        self._room = room
        self._spool: Spool | None = None
        self._bringing: BringingIn | None = None

    async def begin(self, send: Callable[[Iterable[Wakeup]], None]) -> None:
        """Open the spool of a shop on SQLite, and bring in what is left there; `send` wakes who has work by that.

        On PostgreSQL, whose writers do not wait for each other, only what is left of a time on SQLite is brought in.
        Where the disk takes no file, deliveries wait for the database.
        """
        if not self._room.database.is_sqlite and not (self._room.home / FILE).exists():
            return
        try:
            self._spool = await asyncio.to_thread(Spool, self._room.home, self._room.seals, self._key_now)
        except DATABASE_TROUBLE:
            log.exception("there is no spool: deliveries wait for the database")
            return
        self._bringing = BringingIn(self._room, self._spool, send)
        self._bringing.begin()

    async def end(self) -> None:
        """Let what is under way end, and close the spool."""
        spool, bringing = self._spool, self._bringing
        self._spool = self._bringing = None
        if spool is None or bringing is None:
            return
        try:
            await bringing.end()
        finally:
            await asyncio.to_thread(spool.close)

    def waiting(self) -> tuple[int, float]:
        """How many lie in the spool, and for how many seconds the oldest of them has."""
        return (len(self._bringing), self._bringing.oldest_seconds()) if self._bringing is not None else (0, 0.0)

    async def accept(self, delivery: Delivery) -> Receipt:
        """Returns once the delivery is durable. Raises as `committed` does: then nothing was acknowledged."""
        heard_at = datetime.now(UTC)
        bringing = self._bringing
        if bringing is None or not self._room.database.is_sqlite or len(delivery.body) > MOST_BYTES:
            return await accepted(self._room, delivery)
        # What is begun goes on where nobody waits for the answer any more.
        taking = bringing.spawn(accepted(self._room, delivery))
        patience = PATIENCE_SECONDS
        while not taking.done():
            await asyncio.wait({taking}, timeout=patience)
            patience *= 2
            if not taking.done() and self._room.database.is_crowded and len(bringing) < MOST:
                keeping = bringing.spawn(self._keep(bringing, delivery, heard_at, taking))
                return await _whichever_is_first(keeping, taking)
        return taking.result()

    async def _keep(
        self, bringing: BringingIn, delivery: Delivery, heard_at: datetime, taking: asyncio.Task[Receipt]
    ) -> bool:
        """Whether it is in the spool. Then it is brought in, whatever becomes of its first way into the database."""
        spool = self._spool
        if spool is None:
            return False
        try:
            number = await asyncio.wrap_future(spool.keep(delivery, heard_at))
        except Exception as error:  # noqa: BLE001 - whatever it is, the way into the database goes on
            log.warning("the spool takes nothing: a delivery waits for the database (%s)", type(error).__name__)
            return False
        bringing.see_in(Spooled(number, heard_at, delivery), taking)
        return True

    def _key_now(self) -> str | None:
        with self._room.database.read() as connection:
            return current_key(connection)


async def _whichever_is_first(keeping: asyncio.Task[bool], taking: asyncio.Task[Receipt]) -> Receipt:
    """The database's receipt, or the spool's; what one of them refuses, the other may still take."""
    either: set[asyncio.Task[Any]] = {keeping, taking}
    await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
    if taking.done() and not taking.cancelled() and taking.exception() is None:
        return taking.result()
    if await asyncio.shield(keeping):
        return Receipt(new=True, spooled=True)
    await asyncio.wait({taking})
    return taking.result()
