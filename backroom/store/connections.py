"""Connections to the shop's database, and the settings that make its commits durable.

What belongs here: opening a connection, and beginning a transaction on it. What does not: who writes when, and what a
failed commit means (`database`). On SQLite a transaction that writes begins with `BEGIN IMMEDIATE`; writers of other
processes are waited for by looking every millisecond, and let in by whoever held the lock for long.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, Engine, ExceptionContext, create_engine, event

BUSY_MS = 15_000
LOCK_LOOK_SECONDS = 0.001
# Whoever had SQLite's write lock for longer than the first stays away from it for the second, which holds a few looks.
LONG_TURN_SECONDS = 0.005
STAND_BACK_SECONDS = 0.003
# Who was kept out of the lock for longer than the first is told to be so for the second.
KEPT_OUT_SECONDS = 0.005
CROWDED_SECONDS = 1.0
CONNECT_SECONDS = 10
# After a commit that leaves so many pages in SQLite's log, whoever committed copies them into the database (64 MiB).
DOOR_CHECKPOINT_PAGES = 16_384
# SQLite: SQLITE_BUSY and SQLITE_LOCKED, the low byte of the extended result code (sqlite.org/rescode.html).
_SQLITE_BUSY = {5, 6}

# Execution options of a connection that writes: on SQLite its transactions begin as IMMEDIATE.
WRITES = {"backroom_writes": True}


class Turns:
    """One process's turns at SQLite's write lock, which has no queue: after a long turn the others may go first.

    The steps of a wave follow each other faster than anybody looks, so whoever waited for one waited for several. Each
    process writes by one thread, and so does whoever takes turns here.
    """

    def __init__(self) -> None:
        self._not_before = 0.0

    @contextmanager
    def take(self, connection: Connection) -> Iterator[None]:
        """A transaction of `connection`, which writes; it commits unless the body raises."""
        if (rest := self._not_before - time.monotonic()) > 0:
            time.sleep(rest)
        begun: float | None = None
        try:
            with connection.begin():
                begun = time.monotonic()
                yield
        finally:
            left = time.monotonic()
            if begun is not None and left - begun > LONG_TURN_SECONDS:
                self._not_before = left + STAND_BACK_SECONDS


class Crowd:
    """Whether others keep this process out of SQLite's write lock, now or a moment ago."""

    def __init__(self) -> None:
        self._last = float("-inf")

    def note(self) -> None:
        """Somebody was kept out just now."""
        self._last = time.monotonic()

    @property
    def is_there(self) -> bool:
        return time.monotonic() - self._last < CROWDED_SECONDS


def engine_for(url: str, *, door: bool, crowd: Crowd) -> Engine:
    """SQLAlchemy's engine for the shop's database at `url`; `door` as `Database` has it. `crowd` is told of waits."""
    if not url.startswith("sqlite"):
        engine = create_engine(
            url,
            hide_parameters=True,
            pool_size=5,
            max_overflow=10,
            pool_pre_ping=True,
            # libpq: seconds to connect, milliseconds until data that nobody acknowledges ends the connection.
            connect_args={
                "connect_timeout": CONNECT_SECONDS,
                "tcp_user_timeout": BUSY_MS,
                "options": f"-c lock_timeout={BUSY_MS} -c timezone=UTC",
            },
        )
        event.listen(engine, "handle_error", _name_no_values)
        return engine
    engine = create_engine(
        url, hide_parameters=True, connect_args={"timeout": BUSY_MS / 1000, "check_same_thread": False}
    )

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, _record: object) -> None:
        # We begin transactions ourselves (below); the driver's own BEGIN would come too late for IMMEDIATE.
        connection.isolation_level = None
        cursor = connection.cursor()
        for pragma in (
            "journal_mode=WAL",
            "synchronous=FULL",
            f"busy_timeout={BUSY_MS}",
            "foreign_keys=ON",
            "cache_size=-65536",
            "temp_store=MEMORY",
            *([f"wal_autocheckpoint={DOOR_CHECKPOINT_PAGES}"] if door else []),
        ):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        if writes(connection):
            _begin_as_writer(connection, crowd)
        else:
            connection.exec_driver_sql("BEGIN")

    return engine


def writes(connection: Connection) -> bool:
    """Whether this connection is in a writing transaction, and so may lock rows."""
    return connection.get_execution_options().keys() >= WRITES.keys()


def is_busy(error: BaseException | None) -> bool:
    """Whether SQLite was kept out by somebody else's lock."""
    code = getattr(error, "sqlite_errorcode", None)
    return code is not None and code & 0xFF in _SQLITE_BUSY


def _name_no_values(context: ExceptionContext) -> None:
    """Keep PostgreSQL's DETAIL, which quotes the row that it refused, out of messages and tracebacks."""
    error, told = context.original_exception, context.sqlalchemy_exception
    said = getattr(getattr(error, "diag", None), "message_primary", None)
    if said is not None and told is not None:
        told.args = (told.args[0].replace(str(error), said), *told.args[1:])
        error.args = (said, *error.args[1:])


def _begin_as_writer(connection: Connection, crowd: Crowd) -> None:
    """Take SQLite's one write lock within a millisecond or two of its release, as long as the busy time-out says.

    SQLite itself sleeps up to a tenth of a second between two looks (sqliteDefaultBusyCallback in its main.c), and
    wakes up when a wave that commits step by step has just taken the lock again: webhooks waited 0.3 s for locks that
    were held for 30 ms.
    """
    raw = connection.connection.driver_connection
    assert isinstance(raw, sqlite3.Connection)
    (patience_ms,) = raw.execute("PRAGMA busy_timeout").fetchone()
    begun = time.monotonic()
    deadline = begun + patience_ms / 1000
    raw.execute("PRAGMA busy_timeout=0")
    try:
        while time.monotonic() < deadline:
            try:
                raw.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode & 0xFF not in _SQLITE_BUSY:
                    break
                if time.monotonic() - begun > KEPT_OUT_SECONDS:
                    crowd.note()
                time.sleep(LOCK_LOOK_SECONDS)
            else:
                return
        # Whatever keeps us out is raised as SQLAlchemy raises it.
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    finally:
        raw.execute(f"PRAGMA busy_timeout={patience_ms}")
