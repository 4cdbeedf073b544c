"""Transactions: how this process reads and writes the shop's database.

On SQLite all writes of a process go through one thread, so that writers queue here. The gateway's small writes are
committed in groups; a group of which one fails is written again, each in a savepoint of its own. On PostgreSQL writes
run in the caller's thread and are repeated when the server broke a deadlock. How connections are opened stands in
`connections`, what is read or written in the modules beside it.

Time is the database's own. Whoever plays an evening in seconds (`simulation`) opens the database with a clock of his;
everything that asks for the time (`now`) is told by that one then.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeAlias, TypeVar

from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError, OperationalError

from backroom.domain.errors import Retry
from backroom.store.connections import WRITES, Crowd, Turns, engine_for, is_busy

T = TypeVar("T")
# Tells the time, in UTC.
Clock: TypeAlias = Callable[[], datetime]

GROUP_MOST = 200
DEADLOCK_TRIES = 5
# PostgreSQL: serialization_failure, deadlock_detected (Appendix A, class 40); lock_not_available (class 55).
_TRY_AGAIN = {"40001", "40P01"}
_NO_LOCK = "55P03"

# How a moment stands in a key, besides an id: ids and numbers come again when a database is made anew, and Prefect's
# may outlive it.
MOMENT = "%Y%m%dT%H%M%S.%f"

# The execution option under which a database's connections carry a clock that is not its own.
_CLOCK = "backroom_clock"


class DatabaseBusy(Retry):
    """The database did not give us a transaction in time; nothing was written."""

    cause = "database_busy"


class DatabaseAway(Retry):
    """The connection to the database was lost: a commit that was under way may have happened or not."""

    cause = "database_away"


@dataclass(slots=True)
class _Job:
    work: Callable[[Connection], Any]
    future: Future[Any]
    grouped: bool


class Database:
    """One shop database. Safe to share between threads; make one a process.

    `url` is a SQLAlchemy URL, `sqlite:///path` or `postgresql+psycopg://…`. At the `door`, where somebody waits
    for each commit, copying SQLite's log into the database is left to the workers, unless it grows beyond measure; and
    the door does not stand back for others there, as they do for it. `clock` tells the time in the database's stead.
    """

    def __init__(self, url: str, *, door: bool = False, clock: Clock | None = None) -> None:
        self.url = url
        self._crowd = Crowd()
        self.engine = engine_for(url, door=door, crowd=self._crowd)
        if clock is not None:
            self.engine = self.engine.execution_options(**{_CLOCK: clock})
        self.is_sqlite = self.engine.dialect.name == "sqlite"
        # Whoever brings a clock plays alone: nobody is to be let in.
        self._turns = Turns() if self.is_sqlite and not door and clock is None else None
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._writer: threading.Thread | None = None
        self._lock = threading.Lock()

    @property
    def is_crowded(self) -> bool:
        """Whether others keep this process out of SQLite's write lock, now or a second ago; never so on PostgreSQL."""
        return self._crowd.is_there

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A connection for reading only, in one snapshot."""
        with self.engine.connect() as connection:
            if not self.is_sqlite:
                # READ COMMITTED takes a new snapshot at every statement.
                connection.execution_options(isolation_level="REPEATABLE READ")
            yield connection

    def write(self, work: Callable[[Connection], T]) -> T:
        """Run `work` in one transaction of its own and return what it returns; it commits unless `work` raises.

        `work` may run more than once (after a broken deadlock): it must have no effect outside the database.
        """
        if self.is_sqlite:
            return self._submit(work, grouped=False).result()
        return self._write_here(work)

    def write_grouped(self, work: Callable[[Connection], T]) -> Future[T]:
        """Run `work` in a commit that many share, and none undoes another; the future resolves after that commit."""
        return self._submit(work, grouped=True)

    def write_together(self, work: Callable[[Connection], T]) -> T:
        """Like `write`, for many short writes at once that somebody waits for each: on SQLite, which writes one after
        the other, those that come while one is being synced share the next commit; PostgreSQL shares by itself.

        What one of them refuses or breaks is its own; when the database itself fails, none of those that share is
        written. Each waits until all that share have run, so nothing that takes long belongs here.
        """
        if self.is_sqlite:
            return self._submit(work, grouped=True).result()
        return self._write_here(work)

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
                with _writing(self.engine, self._turns) as connection:
                    return work(connection)
            except DBAPIError as error:
                if turn + 1 < DEADLOCK_TRIES and _broken_deadlock(error):
                    continue
                trouble = trouble_of_the_moment(error)
                if trouble is None:
                    raise
                raise trouble from error
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

    def _commit(self, queued: list[_Job]) -> None:
        # Whoever waited may have gone: a cancelled one is not written, and a result for it would end this thread.
        group = [job for job in queued if job.future.set_running_or_notify_cancel()]
        if not group:
            return
        try:
            results = self._written(group)
        except BaseException as error:  # noqa: BLE001 - whatever it was belongs to the callers, not to this thread
            results = [(job, None, error) for job in group]
        for job, result, failure in results:
            if failure is not None:
                job.future.set_exception(failure)
            else:
                job.future.set_result(result)

    def _written(self, group: list[_Job]) -> list[tuple[_Job, Any, BaseException | None]]:
        try:
            # Savepoints take longer than most of what they would keep apart, and mostly there is nothing wrong.
            return self._write_here(lambda connection: [(job, job.work(connection), None) for job in group])
        except (OperationalError, DatabaseBusy, DatabaseAway):
            # Busy, away or full: that is about the database, and so about the whole group.
            raise
        except Exception:
            if len(group) == 1:
                raise
            return self._write_here(lambda connection: _each_by_itself(connection, group))


def _each_by_itself(connection: Connection, group: list[_Job]) -> list[tuple[_Job, Any, BaseException | None]]:
    results: list[tuple[_Job, Any, BaseException | None]] = []
    for job in group:
        try:
            with connection.begin_nested():
                results.append((job, job.work(connection), None))
        except OperationalError:
            raise
        except Exception as error:  # noqa: BLE001 - one bad item must not undo the others in its group
            results.append((job, None, error))
    return results


def now(connection: Connection) -> datetime:
    """The database's time, in UTC. SQLite runs in this process, so there it is this process's clock."""
    clock: Clock | None = connection.get_execution_options().get(_CLOCK)
    if clock is not None:
        return clock()
    if connection.dialect.name == "sqlite":
        return datetime.now(UTC)
    moment: datetime = connection.execute(text("SELECT clock_timestamp()")).scalar_one()
    return moment.astimezone(UTC)


@contextmanager
def overwrite_deleted(connection: Connection) -> Iterator[None]:
    """What is deleted or changed meanwhile is written over with zeros in SQLite's pages, not only let go.

    PostgreSQL keeps dead rows until it is scrubbed (`scrubbing`).
    """
    if connection.dialect.name != "sqlite":
        yield
        return
    usual = connection.exec_driver_sql("PRAGMA secure_delete").scalar_one()
    connection.exec_driver_sql("PRAGMA secure_delete=ON").close()
    try:
        yield
    finally:
        connection.exec_driver_sql(f"PRAGMA secure_delete={usual}").close()


@contextmanager
def _writing(engine: Engine, turns: Turns | None) -> Iterator[Connection]:
    opened = engine.connect().execution_options(**WRITES)
    with opened as connection, turns.take(connection) if turns else connection.begin():
        yield connection


def _broken_deadlock(error: DBAPIError) -> bool:
    return getattr(error.orig, "sqlstate", None) in _TRY_AGAIN


def trouble_of_the_moment(error: DBAPIError) -> Retry | None:
    """What passes by itself, in words that a caller can act on; None for an error of the statement."""
    state = getattr(error.orig, "sqlstate", None)
    code = getattr(error.orig, "sqlite_errorcode", None)
    if state == _NO_LOCK or state in _TRY_AGAIN or is_busy(error.orig):
        return DatabaseBusy("the database is locked by somebody else", remedy="It is tried again.")
    if error.connection_invalidated or (isinstance(error, OperationalError) and state is None and code is None):
        return DatabaseAway("the database does not answer", remedy="It is tried again.")
    return None
