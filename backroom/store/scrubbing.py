"""Scrubbing: what a destroyed key has left behind in the database's own files, beside the rows.

What belongs here: what SQLite's log and free pages, and PostgreSQL's dead rows, keep of values that are gone. What does
not: destroying them (`forgetting`). Beyond the database's reach are the disk's own blocks, PostgreSQL's write-ahead log
until it is recycled, replicas, and backups.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Sequence
from pathlib import Path

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from backroom.store.connections import is_busy
from backroom.store.database import Database, trouble_of_the_moment

PATIENCE_SECONDS = 10.0
LOOK_SECONDS = 0.05
_BLOCK = 1 << 20


def scrub(database: Database, destroyed: Sequence[bytes] | None) -> bool:
    """Make what was destroyed unreadable in the database's files; False where somebody was in the way: ask again later.

    `destroyed` are the values themselves, None where nobody remembers them. SQLite: its log is emptied into the file,
    and the file is looked through; only where something is left, or nobody remembers, is it written anew as a whole,
    while which nobody else writes. PostgreSQL: the table of keys, which is small, is written anew.
    """
    return _scrub_sqlite(database, destroyed) if database.is_sqlite else _scrub_postgresql(database)


def _scrub_postgresql(database: Database) -> bool:
    try:
        with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("VACUUM (FULL, ANALYZE) people"))
    except DBAPIError as error:
        if trouble_of_the_moment(error) is None:
            raise
        return False
    return True


def _scrub_sqlite(database: Database, destroyed: Sequence[bytes] | None) -> bool:
    path = Path(str(database.engine.url.database))
    # The driver's own connection: neither statement may stand in a transaction, and ours begins one for each.
    pooled = database.engine.raw_connection()
    try:
        raw = pooled.driver_connection
        assert isinstance(raw, sqlite3.Connection)
        if not _empty_log(raw):
            return False
        if destroyed is not None and not _holds(path, destroyed):
            return True
        raw.execute("VACUUM").close()
        return _empty_log(raw) and not _holds(path, destroyed or ())
    except sqlite3.OperationalError as error:
        if not is_busy(error):
            raise
        return False
    finally:
        pooled.close()


def _empty_log(raw: sqlite3.Connection) -> bool:
    """Move the write-ahead log into the file and cut it to nothing; waits a moment for who reads an older state."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        (busy, _, _) = raw.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        if not busy:
            return True
        if time.monotonic() > deadline:
            return False
        time.sleep(LOOK_SECONDS)


def _holds(path: Path, values: Sequence[bytes]) -> bool:
    """Whether any of these stands anywhere in the file."""
    if not values:
        return False
    overlap = max(map(len, values)) - 1
    tail = b""
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            seen = tail + block
            if any(value in seen for value in values):
                return True
            tail = seen[-overlap:]
    return False
