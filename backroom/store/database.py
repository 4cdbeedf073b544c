"""Connections and transactions: how this process reads and writes the shop's database.

On SQLite all writes of a process go through one thread, each in `BEGIN IMMEDIATE`, so that writers queue here and not
in busy loops; the gateway's small writes are committed in groups, each in a savepoint of its own. On PostgreSQL writes
run in the caller's thread and are repeated when the server broke a deadlock. What is read or written stands in the
modules beside this one.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.exc import DBAPIError, OperationalError

from backroom.domain.errors import Retry

T = TypeVar("T")

BUSY_MS = 15_000
GROUP_MOST = 200
DEADLOCK_TRIES = 5
# PostgreSQL: serialization_failure, deadlock_detected (Appendix A, class 40).
_TRY_AGAIN = {"40001", "40P01"}


class DatabaseBusy(Retry):
    """The database did not give us a transaction in time; nothing was written."""

    cause = "database_busy"


@dataclass(slots=True)
class _Job:
    work: Callable[[Connection], Any]
    future: Future[Any]
    grouped: bool


class Database:
    """One shop database. Safe to share between threads; make one a process.

    `url` is a SQLAlchemy URL, `sqlite:///path` or `postgresql+psycopg://…`.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self.engine = _engine(url)
        self.is_sqlite = self.engine.dialect.name == "sqlite"
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._writer: threading.Thread | None = None
        self._lock = threading.Lock()

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A connection for reading only, in one snapshot."""
        with self.engine.connect() as connection:
            yield connection

    def write(self, work: Callable[[Connection], T]) -> T:
        """Run `work` in one transaction of its own and return what it returns; it commits unless `work` raises.

        `work` may run more than once (after a broken deadlock): it must have no effect outside the database.
        """
        if self.is_sqlite:
            return self._submit(work, grouped=False).result()
        return self._write_here(work)

    def write_grouped(self, work: Callable[[Connection], T]) -> Future[T]:
        """Run `work` in a savepoint; many such share one commit, and the future resolves after that commit."""
        return self._submit(work, grouped=True)

    def close(self) -> None:
        """Finish what is queued and close every connection."""
        with self._lock:
            writer, self._writer = self._writer, None
            if writer is not None:
                self._jobs.put(None)
        if writer is not None:
            writer.join()
        self.engine.dispose()

    def _submit(self, work: Callable[[Connection], T], *, grouped: bool) -> Future[T]:
        job = _Job(work, Future(), grouped)
        with self._lock:
            if self._writer is None:
                self._writer = threading.Thread(target=self._write_all, name="shop-writer", daemon=True)
                self._writer.start()
            self._jobs.put(job)
        return job.future

    def _write_here(self, work: Callable[[Connection], T]) -> T:
        for turn in range(DEADLOCK_TRIES):
            try:
                with _writing(self.engine) as connection:
                    return work(connection)
            except DBAPIError as error:
                if turn + 1 == DEADLOCK_TRIES or getattr(error.orig, "sqlstate", None) not in _TRY_AGAIN:
                    raise
        raise AssertionError("unreachable")

    def _write_all(self) -> None:
        held: _Job | None = None
        while True:
            job = held or self._jobs.get()
            held = None
            if job is None:
                return
            group = [job]
            while job.grouped and len(group) < GROUP_MOST:
                try:
                    following = self._jobs.get_nowait()
                except queue.Empty:
                    break
                if following is None or not following.grouped:
                    held = following
                    if following is None:
                        self._jobs.put(None)
                    break
                group.append(following)
            self._commit(group)

    def _commit(self, group: list[_Job]) -> None:
        results: list[tuple[_Job, Any, BaseException | None]] = []
        try:
            with _writing(self.engine) as connection:
                for job in group:
                    results.append(self._run(connection, job, alone=len(group) == 1))
        except OperationalError as error:
            failure = DatabaseBusy("the database is locked by another process", remedy="It is tried again.")
            failure.__cause__ = error
            _resolve([(job, None, failure if "locked" in str(error) else error) for job in group])
        except BaseException as error:  # noqa: BLE001 - whatever it was belongs to the callers, not to this thread
            _resolve([(job, None, error) for job in group])
        else:
            _resolve(results)

    @staticmethod
    def _run(connection: Connection, job: _Job, *, alone: bool) -> tuple[_Job, Any, BaseException | None]:
        if alone:
            return job, job.work(connection), None
        try:
            with connection.begin_nested():
                return job, job.work(connection), None
        except OperationalError:
            raise
        except Exception as error:  # noqa: BLE001 - one bad item must not undo the others in its group
            return job, None, error


def now(connection: Connection) -> datetime:
    """The database's time, in UTC. SQLite runs in this process, so there it is this process's clock."""
    if connection.dialect.name == "sqlite":
        return datetime.now(UTC)
    moment: datetime = connection.execute(text("SELECT clock_timestamp()")).scalar_one()
    return moment.astimezone(UTC)


def _resolve(results: list[tuple[_Job, Any, BaseException | None]]) -> None:
    for job, result, error in results:
        if error is not None:
            job.future.set_exception(error)
        else:
            job.future.set_result(result)


@contextmanager
def _writing(engine: Engine) -> Iterator[Connection]:
    with engine.connect().execution_options(backroom_writes=True) as connection, connection.begin():
        yield connection


def _engine(url: str) -> Engine:
    if not url.startswith("sqlite"):
        return create_engine(url, pool_size=5, max_overflow=10, pool_pre_ping=True)
    engine = create_engine(url, connect_args={"timeout": BUSY_MS / 1000, "check_same_thread": False})

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
        ):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        immediate = connection.get_execution_options().get("backroom_writes", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")

    return engine
