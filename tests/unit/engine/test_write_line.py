"""Who may write to the SQLite of Prefect's server, and when."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from contextvars import ContextVar
from pathlib import Path

import pytest
from prefect.server.database import configurations
from prefect.server.database.configurations import AioSqliteConfiguration, AsyncPostgresConfiguration
from sqlalchemy import AsyncAdaptedQueuePool, Connection, event, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.orm import Session

from backroom.engine import write_line
from backroom.engine.write_line import ONE_IN, Line, wait_without_keeping_readers_out, write_in_turn


@pytest.fixture
def database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A database as the server's, with one table; how Prefect begins in it is put back as it was."""
    monkeypatch.setattr(configurations, "create_async_engine", create_async_engine)
    for name in ("session", "begin_transaction", "begin_sqlite_stmt"):
        monkeypatch.setattr(AioSqliteConfiguration, name, getattr(AioSqliteConfiguration, name))
    database = tmp_path / "prefect.db"
    with sqlite3.connect(database) as connection:
        connection.execute("pragma journal_mode = wal")
        connection.execute("create table t (x integer)")
    connection.close()
    return database


async def overtaken(database: Path) -> None:
    """Read, be overtaken by another writer, and write."""
    configuration = AioSqliteConfiguration(connection_url=f"sqlite+aiosqlite:///{database}")
    engine = await configuration.engine()
    async with await configuration.session(engine) as session, configuration.begin_transaction(session):
        await session.execute(text("select count(*) from t"))
        other = asyncio.create_task(asyncio.to_thread(write, database))
        await asyncio.wait([other], timeout=0.3)
        await session.execute(text("insert into t values (1)"))
    await other
    await engine.dispose()


def write(database: Path) -> None:
    with sqlite3.connect(database, timeout=20) as connection:
        connection.execute("insert into t values (2)")
    connection.close()


def written(database: Path) -> list[int]:
    """What is there in the end, in the order of writing."""
    with closing(sqlite3.connect(database)) as connection:
        return [x for (x,) in connection.execute("select x from t order by rowid")]


def test_a_transaction_that_was_overtaken_waits_instead_of_being_refused(database: Path) -> None:
    with pytest.raises(OperationalError, match="database is locked"):
        asyncio.run(overtaken(database))

    write_in_turn()
    asyncio.run(overtaken(database))
    assert sorted(written(database)) == [1, 2, 2]


async def crowd(database: Path, writers: int) -> None:
    """One writer that takes its time, and others that come one after the other meanwhile; the last one gives up."""
    at_the_door: ContextVar[asyncio.Event] = ContextVar("at_the_door")

    class Watched(AioSqliteConfiguration):
        def begin_sqlite_stmt(self, conn: Connection) -> None:
            at_the_door.get(holds).set()
            super().begin_sqlite_stmt(conn)

    configuration = Watched(connection_url=f"sqlite+aiosqlite:///{database}")
    engine = await configuration.engine()
    holds, goes_on = asyncio.Event(), asyncio.Event()

    async def write(number: int, came: asyncio.Event) -> None:
        at_the_door.set(came)
        async with await configuration.session(engine) as session, configuration.begin_transaction(session):
            await session.execute(text(f"insert into t values ({number})"))
            if number == 0:
                holds.set()
                await goes_on.wait()

    async def broken() -> None:
        async with await configuration.session(engine) as session, configuration.begin_transaction(session):
            await session.execute(text("insert into missing values (1)"))

    first = asyncio.create_task(write(0, asyncio.Event()))
    await holds.wait()
    others = []
    for number in range(1, writers):
        came = asyncio.Event()
        others.append(asyncio.create_task(write(number, came)))
        await came.wait()
    gone = others.pop()
    gone.cancel()
    fails = asyncio.create_task(broken())
    # A transaction that has not written keeps nobody waiting.
    async with await configuration.session(engine) as session, configuration.begin_transaction(session):
        goes_on.set()
        await asyncio.gather(first, *others)
        with pytest.raises(OperationalError, match="no such table"):
            await fails
        with pytest.raises(asyncio.CancelledError):
            await gone
        await session.execute(text("insert into t values (100)"))
    await engine.dispose()


def test_writers_have_their_turn_in_the_order_in_which_they_came(database: Path) -> None:
    write_in_turn()
    asyncio.run(crowd(database, 12))
    assert written(database) == [*range(11), 100]


def test_people_have_their_turn_first_and_machines_have_theirs() -> None:
    served: list[str] = []

    async def stand_in_line() -> None:
        line = Line()

        async def one(name: str, *, person: bool) -> None:
            await line.take(for_a_person=person)
            served.append(name)
            line.give_up()

        await line.take()
        machines = [asyncio.create_task(one(f"machine {number}", person=False)) for number in range(2)]
        people = [asyncio.create_task(one(f"person {number}", person=True)) for number in range(ONE_IN)]
        await asyncio.sleep(0)
        gone = people.pop(0)
        gone.cancel()
        line.give_up()
        await asyncio.gather(*people, *machines)
        # Nobody stands there any more: the next one need not wait.
        await asyncio.wait_for(line.take(), 1)

    asyncio.run(stand_in_line())
    assert served == [*(f"person {number}" for number in range(1, ONE_IN)), "machine 0", "machine 1"]


def test_however_many_people_there_are_machines_go_on() -> None:
    served: list[bool] = []

    async def stand_in_line() -> None:
        line = Line()

        async def one(*, person: bool) -> None:
            await line.take(for_a_person=person)
            served.append(person)
            line.give_up()

        await line.take()
        waiting = [asyncio.create_task(one(person=person)) for person in [True] * 9 + [False] * 2]
        await asyncio.sleep(0)
        line.give_up()
        await asyncio.gather(*waiting)

    asyncio.run(stand_in_line())
    assert [number for number, person in enumerate(served) if not person] == [ONE_IN - 1, 2 * ONE_IN - 1]


async def told_after_its_end(database: Path) -> list[int]:
    """A commit starts a task, as that of an automation does in Prefect; the task reads once the transaction is over,
    and others write while it reads and after it. What the task read."""
    configuration = AioSqliteConfiguration(connection_url=f"sqlite+aiosqlite:///{database}")
    engine = await configuration.engine()
    is_over, has_read, others_wrote = asyncio.Event(), asyncio.Event(), asyncio.Event()
    tasks: list[asyncio.Task[list[int]]] = []

    async def tell() -> list[int]:
        await is_over.wait()
        async with await configuration.session(engine) as session:
            found = list((await session.execute(text("select x from t"))).scalars())
            has_read.set()
            await others_wrote.wait()
            return found

    def start_to_tell(_: Session) -> None:
        tasks.append(asyncio.create_task(tell()))

    async def write(number: int) -> None:
        async with await configuration.session(engine) as session, configuration.begin_transaction(session):
            await session.execute(text(f"insert into t values ({number})"))
            if number == 1:
                event.listen(session.sync_session, "after_commit", start_to_tell, once=True)

    try:
        await write(1)
        is_over.set()
        await has_read.wait()
        await write(2)
        others_wrote.set()
        found = await tasks[0]
        await write(3)
        return found
    finally:
        await engine.dispose()


def test_what_a_commit_started_reads_without_standing_in_the_way_of_those_that_write(database: Path) -> None:
    write_in_turn()
    assert asyncio.run(asyncio.wait_for(told_after_its_end(database), 20)) == [1]
    assert sorted(written(database)) == [1, 2, 3]


async def looked_meanwhile(database: Path) -> tuple[list[int], list[int]]:
    """Inside a transaction a second session looks, before its first statement and after it, as whoever pauses a queue
    does in Prefect; then the transaction breaks off. What was seen both times."""
    configuration = AioSqliteConfiguration(connection_url=f"sqlite+aiosqlite:///{database}")
    engine = await configuration.engine()

    async def look() -> list[int]:
        async with await configuration.session(engine) as session:
            return list((await session.execute(text("select x from t"))).scalars())

    seen: list[list[int]] = []

    async def break_off() -> None:
        async with await configuration.session(engine) as session, configuration.begin_transaction(session):
            seen.append(await look())
            await session.execute(text("insert into t values (1)"))
            seen.append(await look())
            raise KeyError

    try:
        with pytest.raises(KeyError):
            await break_off()
        return seen[0], seen[1]
    finally:
        await engine.dispose()


def test_a_look_within_a_transaction_waits_for_nobody_and_takes_nothing_from_it(database: Path) -> None:
    write_in_turn()
    assert asyncio.run(asyncio.wait_for(looked_meanwhile(database), 20)) == ([], [])
    assert written(database) == []


async def written_within(database: Path) -> list[int]:
    """A transaction within another one is refused by SQLite, as in the stock server; then others write. What is
    there in the end."""
    configuration = AioSqliteConfiguration(connection_url=f"sqlite+aiosqlite:///{database}")
    engine = await configuration.engine()

    async def write(number: int) -> None:
        async with await configuration.session(engine) as session, configuration.begin_transaction(session):
            await session.execute(text(f"insert into t values ({number})"))

    async def write_twice() -> None:
        async with await configuration.session(engine) as session, configuration.begin_transaction(session):
            await session.execute(text("insert into t values (1)"))
            await write(2)

    try:
        # Not the minute that Prefect lets SQLite wait: there is nothing to wait for. Both connections stay in the pool.
        async with engine.connect() as one, engine.connect() as another:
            for connection in (one, another):
                await connection.exec_driver_sql("pragma busy_timeout = 100")
        with pytest.raises(OperationalError, match="database is locked"):
            await write_twice()
        await write(3)
        async with await configuration.session(engine) as session:
            return list((await session.execute(text("select x from t"))).scalars())
    finally:
        await engine.dispose()


def test_a_transaction_within_another_is_refused_and_stops_nobody_else(database: Path) -> None:
    write_in_turn()
    assert asyncio.run(asyncio.wait_for(written_within(database), 20)) == [3]


async def written_past_one_that_stays(database: Path) -> None:
    configuration = AioSqliteConfiguration(connection_url=f"sqlite+aiosqlite:///{database}")
    engine = await configuration.engine()
    # Somebody has taken a turn and never gives it up.
    await write_line._lines.setdefault(asyncio.get_running_loop(), Line()).take()
    try:
        async with await configuration.session(engine) as session, configuration.begin_transaction(session):
            await session.execute(text("insert into t values (1)"))
    finally:
        await engine.dispose()


def test_a_turn_that_is_never_given_up_stops_nobody_for_good(
    database: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(write_line, "PATIENCE_SECONDS", 0.05)
    write_in_turn()
    asyncio.run(asyncio.wait_for(written_past_one_that_stays(database), 20))
    assert "done without one" in caplog.text
    assert written(database) == [1]


async def read_behind(database: Path, writers: int) -> int:
    """How many rows somebody reads while so many stand in the line to write."""
    configuration = AioSqliteConfiguration(connection_url=f"sqlite+aiosqlite:///{database}")
    engine = await configuration.engine()
    line = write_line._lines.setdefault(asyncio.get_running_loop(), Line())
    await line.take()

    async def write(number: int) -> None:
        async with await configuration.session(engine) as session, configuration.begin_transaction(session):
            await session.execute(text(f"insert into t values ({number})"))

    waiting = [asyncio.create_task(write(number)) for number in range(writers)]
    try:
        # Each comes when the loop has nothing else to do but to connect it.
        while len(line._others) < writers:
            await asyncio.to_thread(database.stat)
        async with await configuration.session(engine) as session:
            return int((await session.execute(text("select count(*) from t"))).scalar_one())
    finally:
        line.give_up()
        await asyncio.gather(*waiting)
        await engine.dispose()


def test_who_reads_is_answered_however_many_stand_in_the_line_to_write(database: Path) -> None:
    write_in_turn()
    wait_without_keeping_readers_out()
    assert asyncio.run(asyncio.wait_for(read_behind(database, 40), 20)) == 0


def test_a_server_on_postgresql_keeps_the_connections_that_it_asks_for(database: Path) -> None:
    wait_without_keeping_readers_out()

    async def size() -> int:
        engine = await AsyncPostgresConfiguration("postgresql+asyncpg://nobody@localhost/prefect").engine()
        assert isinstance(engine.pool, AsyncAdaptedQueuePool)
        return engine.pool.size()

    assert asyncio.run(size()) != write_line.CONNECTIONS["pool_size"]
