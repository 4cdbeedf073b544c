"""The shop's rows that every peer writes: one database, SQLite or PostgreSQL, with commits that are on the disk.

What belongs here: connections and transactions. What does not: what a step writes (`lifecycle`).

Plain drivers, without SQLAlchemy: the rows shall cost the peers as little as they can.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any, Protocol, TypeVar

import psycopg

T = TypeVar("T")
TABLES = Path(__file__).with_name("tables.sql")
BUSY_SECONDS = 60


class Cursor(Protocol):
    """What both drivers' cursors know."""

    @property
    def rowcount(self) -> int: ...

    def fetchone(self) -> Any: ...


Execute = Callable[..., Cursor]


class DomainDatabase:
    """`url` is a path for SQLite, or a PostgreSQL URI. Safe to share between threads: each has its own connection."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._is_sqlite = not url.startswith("postgresql")
        self._mine = threading.local()
        # SQLite has one writer, and its own waiting is a sleep: threads of one process queue here instead.
        self._turn: AbstractContextManager[object] = threading.Lock() if self._is_sqlite else nullcontext()

    def create(self) -> None:
        """Make the tables; WAL stays with an SQLite file."""
        connection = self._connection()
        if self._is_sqlite:
            connection.execute("PRAGMA journal_mode=WAL")
        for statement in TABLES.read_text().split(";"):
            if statement.strip():
                connection.execute(statement)

    def transact(self, work: Callable[[Execute], T]) -> T:
        """Run `work` in one transaction; its commit is durable when this returns."""
        connection = self._connection()
        with self._turn:
            connection.execute("BEGIN IMMEDIATE" if self._is_sqlite else "BEGIN")
            try:
                result = work(self.execute)
            except BaseException:
                connection.execute("ROLLBACK")
                raise
            connection.execute("COMMIT")
        return result

    def insert_many(self, statement: str, rows: Sequence[Sequence[object]]) -> None:
        """Many rows in one transaction."""
        connection = self._connection()
        connection.execute("BEGIN")
        connection.cursor().executemany(self._placed(statement), rows)
        connection.execute("COMMIT")

    def count(self, condition: str) -> int:
        """How many rows `table` or `table WHERE …` has."""
        row = self.execute(f"SELECT count(*) FROM {condition}").fetchone()  # noqa: S608 - from our own code only
        return int(row[0])

    def execute(self, statement: str, parameters: Sequence[object] = ()) -> Cursor:
        """One statement; outside `transact` it is a transaction by itself."""
        return self._connection().execute(self._placed(statement), parameters)

    def _placed(self, statement: str) -> str:
        return statement if self._is_sqlite else statement.replace("?", "%s")

    def _connection(self) -> Any:
        connection = getattr(self._mine, "connection", None)
        if connection is None:
            connection = self._mine.connection = self._connect()
        return connection

    def _connect(self) -> Any:
        if self._is_sqlite:
            connection = sqlite3.connect(self.url, timeout=BUSY_SECONDS, isolation_level=None)
            connection.execute("PRAGMA synchronous=FULL")
            return connection
        return psycopg.connect(self.url, autocommit=True)
