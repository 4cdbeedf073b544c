"""What our start of Prefect's server replaces in it."""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path

import pytest
from prefect._internal.schemas import validators
from prefect.server.database.configurations import AioSqliteConfiguration
from prefect.types import _datetime
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from backroom.engine.prefect_server import read_time_zones_once, write_as_writer


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


def test_a_transaction_that_was_overtaken_waits_instead_of_being_refused(
    tmp_path: Path,
) -> None:
    database = tmp_path / "prefect.db"
    with sqlite3.connect(database) as connection:
        connection.execute("pragma journal_mode = wal")
        connection.execute("create table t (x integer)")
    connection.close()

    with pytest.raises(OperationalError, match="database is locked"):
        asyncio.run(overtaken(database))

    begin = AioSqliteConfiguration.begin_transaction
    write_as_writer()
    try:
        asyncio.run(overtaken(database))
    finally:
        AioSqliteConfiguration.begin_transaction = begin  # type: ignore[method-assign]
    with sqlite3.connect(database) as connection:
        assert connection.execute("select x from t order by x").fetchall() == [(1,), (2,), (2,)]
    connection.close()


def test_time_zones_are_read_once_and_known_as_before() -> None:
    stock = validators.get_timezones
    assert stock is _datetime.get_timezones
    read_time_zones_once()
    try:
        assert validators.get_timezones() is validators.get_timezones()
        assert set(validators.get_timezones()) == set(stock())
        assert validators.default_timezone("Europe/Berlin") == "Europe/Berlin"
        with pytest.raises(ValueError, match="Invalid timezone"):
            validators.default_timezone("Europe/Atlantis")
    finally:
        validators.get_timezones = stock
