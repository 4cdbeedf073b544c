"""Who may write to the SQLite of Prefect's server, and when.

What belongs here: how its transactions begin, and in which order those that write have their turn. What does not: whom
a request is for (`people_first`), starting the server (`prefect_server`). A server on PostgreSQL needs none of it.

Prefect begins most writing transactions as readers. SQLite refuses the first write of a reader that somebody overtook
at once, whatever the busy time-out (SQLITE_BUSY_SNAPSHOT, https://www.sqlite.org/rescode.html): the API answers 503, a
run is not created and waits for the sweep, a button in the UI does nothing. Here they begin as writers, and wait. In a
wave of 500 orders ten "database is locked" became none. Two routes only read in such a transaction: a worker's look for
runs, and a queue that a page shows. Those do not wait.

Who waits for the write lock looks for it now and then, up to 100 ms apart, and whoever happens to look first has it: in
a wave single calls of the API waited for 5 s while others went ahead. Here they stand in a line, and each has its turn
as soon as the one before it has committed. What a person does in the UI, and whatever is said of a run that a person
looks at there, stands in a line of its own that goes first: in a wave the lock is held nine tenths of the time.

A turn belongs to one session, and not to a context, as Prefect's own note of how to begin does. Contexts are inherited:
by a second session that is opened for a look meanwhile, which waited a minute for the lock that its own caller held
(whoever paused a queue in the UI), and by a task that a commit starts, which took a turn that nobody gave up.

Who stands in the line holds a connection meanwhile, and Prefect has fifteen: with more who wait, those that only read
waited too. Here it has sixty.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

from prefect.server.database import configurations
from prefect.server.database.configurations import AioSqliteConfiguration
from sqlalchemy import URL, Connection, make_url
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, AsyncSessionTransaction, create_async_engine
from sqlalchemy.util import await_only

from backroom.engine.people_first import for_a_person, only_reads

log = logging.getLogger(__name__)

# As long as SQLite itself would wait: a turn that is never given up would stop the whole server.
PATIENCE_SECONDS = 60.0
# Prefect itself serves a hundred requests at a time. To open a connection costs more than most of what is asked of it.
CONNECTIONS = {"pool_size": 20, "max_overflow": 40}
# Of so many turns one is another's, however many people there are.
ONE_IN = 4


class Line:
    """A lock that is handed over: to people first, and within each of both lines in the order of coming."""

    def __init__(self) -> None:
        self._is_held = False
        self._in_a_row = 0
        self._people: deque[asyncio.Future[None]] = deque()
        self._others: deque[asyncio.Future[None]] = deque()

    async def take(self, *, for_a_person: bool = False) -> None:
        """Wait for one's turn."""
        if not self._is_held:
            self._is_held = True
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        (self._people if for_a_person else self._others).append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            # It may have been handed over already when the wait was called off.
            if not turn.cancelled():
                self.give_up()
            raise

    def give_up(self) -> None:
        """Hand it over to whoever is next, if anybody is."""
        for lane in (self._others, self._people) if self._in_a_row >= ONE_IN - 1 else (self._people, self._others):
            while lane:
                turn = lane.popleft()
                if not turn.done():
                    self._in_a_row = self._in_a_row + 1 if lane is self._people else 0
                    turn.set_result(None)
                    return
        self._is_held, self._in_a_row = False, 0


class _Turn:
    """One transaction's place in the line, and whether it begins as a writer."""

    def __init__(self, around: _Turn | None) -> None:
        self.writes = not only_reads()
        self._around = around
        self._line: Line | None = None

    @property
    def is_ours(self) -> bool:
        return self._line is not None

    async def take(self) -> None:
        """Wait for it, but not behind the transaction in which this one stands: SQLite refuses such a one in time."""
        if self.is_ours or (self._around is not None and self._around.is_ours):
            return
        line = _lines.setdefault(asyncio.get_running_loop(), Line())
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                await line.take(for_a_person=for_a_person())
        except TimeoutError:
            log.exception("somebody held the turn to write for %d s: it is done without one", PATIENCE_SECONDS)
            return
        self._line = line

    def end(self) -> None:
        if self._line is not None:
            self._line.give_up()
            self._line = None


@dataclass(slots=True)
class _Place:
    """What a session and each of its connections know of each other: the transaction that is under way, if one is."""

    turn: _Turn | None = None


_PLACE = "backroom_place"
_lines: WeakKeyDictionary[asyncio.AbstractEventLoop, Line] = WeakKeyDictionary()
_around: ContextVar[_Turn | None] = ContextVar("around", default=None)


def write_in_turn() -> None:
    """Begin SQLite's transactions with the write lock, as Prefect does where it is asked `with_for_update`, but not
    those of requests that only read; and let them stand in line for it. A turn lasts as long as the lock it is for."""
    open_session, begin = AioSqliteConfiguration.session, AioSqliteConfiguration.begin_transaction
    begin_now = AioSqliteConfiguration.begin_sqlite_stmt

    async def open_with_a_place(self: AioSqliteConfiguration, engine: AsyncEngine) -> AsyncSession:
        place = _Place()
        session = await open_session(self, engine.execution_options(**{_PLACE: place}))
        session.info[_PLACE] = place
        return session

    @asynccontextmanager
    async def begin_in_turn(
        self: AioSqliteConfiguration, session: AsyncSession, with_for_update: bool = False
    ) -> AsyncIterator[AsyncSessionTransaction]:
        place: _Place = session.info[_PLACE]
        turn = place.turn = _Turn(_around.get())
        token = _around.set(turn)
        try:
            async with begin(self, session, with_for_update=turn.writes) as transaction:
                yield transaction
        finally:
            place.turn = None
            turn.end()
            _around.reset(token)

    def begin_now_in_turn(self: AioSqliteConfiguration, connection: Connection) -> None:
        # A transaction begins with its first statement, and not before: until then it keeps nobody waiting.
        place: _Place | None = connection.get_execution_options().get(_PLACE)
        if place is None:
            # No session's: the server's tables are made so, and nobody else is there yet.
            begin_now(self, connection)
            return
        turn = place.turn
        if turn is None:
            # Outside of any transaction, where Prefect does not begin one either.
            return
        if turn.writes:
            await_only(turn.take())
        connection.exec_driver_sql("BEGIN IMMEDIATE" if turn.writes else "BEGIN DEFERRED")

    AioSqliteConfiguration.session = open_with_a_place  # type: ignore[method-assign]
    AioSqliteConfiguration.begin_transaction = begin_in_turn  # type: ignore[method-assign]
    AioSqliteConfiguration.begin_sqlite_stmt = begin_now_in_turn  # type: ignore[method-assign, assignment]


def wait_without_keeping_readers_out() -> None:
    """Give the pool of SQLite's connections room for those that stand in the line beside those that read."""

    def create_with_room(url: str | URL, **rest: Any) -> AsyncEngine:
        room: dict[str, Any] = dict(CONNECTIONS) if make_url(url).get_backend_name() == "sqlite" else {}
        return create_async_engine(url, **room | rest)

    setattr(configurations, "create_async_engine", create_with_room)  # noqa: B010 - it is imported there, not exported
