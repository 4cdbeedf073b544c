"""Transactions: what is written together stays together, and one bad item undoes nobody else's."""

from __future__ import annotations

import sqlite3
import threading
import traceback
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, create_engine, func, insert, select, text, update
from sqlalchemy.event import listen
from sqlalchemy.exc import IntegrityError

from backroom.domain.errors import Retry
from backroom.store.connections import LONG_TURN_SECONDS
from backroom.store.database import Database, DatabaseAway, DatabaseBusy, now
from backroom.store.tables import counters
from tests.running import wait_until
from tests.together import held_up, run_together


def add(connection: Connection, name: str) -> str:
    connection.execute(insert(counters).values(name=name, value=0))
    return name


def names(database: Database) -> set[str]:
    with database.read() as connection:
        return set(connection.execute(select(counters.c.name)).scalars())


def test_what_raises_is_not_written_and_reaches_the_caller(database: Database) -> None:
    def work(connection: Connection) -> None:
        add(connection, "a")
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        database.write(work)
    assert names(database) == set()


def test_one_bad_item_of_a_group_undoes_none_of_the_others(database: Database) -> None:
    gate = threading.Event()
    first = database.write_grouped(lambda c: gate.wait(5) and add(c, "first"))
    futures = [database.write_grouped(lambda c, name=name: add(c, name)) for name in ("a", "b", "a", "c")]
    gate.set()
    assert first.result(10) == "first"
    results = [future.exception(10) for future in futures]
    assert [error is None for error in results] == [True, True, False, True]
    assert names(database) == {"first", "a", "b", "c"}


def test_only_a_group_with_a_bad_item_pays_for_keeping_its_items_apart(database: Database) -> None:
    savepoints = list[str]()
    listen(database.engine, "savepoint", lambda _connection, name: savepoints.append(name))

    def write(*group: str) -> None:
        gate = threading.Event()
        first = database.write_grouped(lambda c: gate.wait(5))
        futures = [database.write_grouped(lambda c, name=name: add(c, name)) for name in group]
        gate.set()
        assert first.result(10)
        for future in futures:
            future.exception(10)

    write("a", "b", "c")
    assert savepoints == []
    write("d", "a", "e")
    assert savepoints
    assert names(database) == {"a", "b", "c", "d", "e"}


def test_what_a_grouped_write_returned_is_there_when_it_is_told(database: Database) -> None:
    def write(name: str) -> bool:
        return database.write_grouped(lambda c: add(c, name)).result(20) in names(database)

    assert all(run_together([lambda i=i: write(str(i)) for i in range(20)]))


def test_writes_that_come_while_one_is_synced_share_the_next_commit_and_each_waits_for_it(database: Database) -> None:
    commits = list[Connection]()

    def write(name: str) -> bool:
        try:
            return database.write_together(lambda c: add(c, name)) in names(database)
        except IntegrityError:
            return False

    with ThreadPoolExecutor(12) as pool, held_up(database) as gate:
        waiting = [pool.submit(write, name) for name in ("a", "a", *map(str, range(8)))]
        if database.is_sqlite:
            wait_until(lambda: database._jobs.qsize() == 10, "all ten to wait", 20)
            assert not any(one.done() for one in waiting)
            listen(database.engine, "commit", commits.append)
        gate.set()
        told = [one.result(20) for one in waiting]
    assert sorted(told) == [False, *[True] * 9]
    assert names(database) == {"a", *map(str, range(8))}
    # The held one's, and one for the ten; PostgreSQL's server puts them together by itself.
    assert len(commits) <= 2


def test_when_a_shared_commit_fails_nobody_is_told_that_it_is_written(database: Database) -> None:
    if not database.is_sqlite:
        pytest.skip("PostgreSQL's server shares commits, not we")

    def fail_at_the_commit(connection: Connection) -> None:
        refers = "REFERENCES counters (name) DEFERRABLE INITIALLY DEFERRED"
        connection.exec_driver_sql(f"CREATE TABLE pointers (name TEXT {refers})")
        connection.exec_driver_sql("INSERT INTO pointers VALUES ('nobody')")

    with ThreadPoolExecutor(3) as pool, held_up(database) as gate:
        waiting = [pool.submit(database.write_together, lambda c, name=name: add(c, name)) for name in "ab"]
        waiting.append(pool.submit(database.write_together, fail_at_the_commit))
        wait_until(lambda: database._jobs.qsize() == 3, "all three to wait", 20)
        gate.set()
        errors = [one.exception(20) for one in waiting]
    assert [type(error) for error in errors] == [IntegrityError] * 3
    assert names(database) == set()
    assert database.write_together(lambda c: add(c, "later")) == "later"


def test_what_nobody_waits_for_any_more_is_not_written_and_stops_nobody(database: Database) -> None:
    gate = threading.Event()
    first = database.write_grouped(lambda c: gate.wait(5) and add(c, "first"))
    gone = [database.write_grouped(lambda c, name=name: add(c, name)) for name in ("gone", "away")]
    stays = database.write_grouped(lambda c: add(c, "stays"))
    assert all(future.cancel() for future in gone)
    gate.set()
    assert (first.result(10), stays.result(10)) == ("first", "stays")
    alone = database.write_grouped(lambda c: add(c, "later"))
    assert alone.result(10) == "later"
    assert names(database) == {"first", "stays", "later"}


@pytest.mark.parametrize("trouble", ["twice", "incomplete"])
def test_no_value_that_was_to_be_written_stands_in_a_traceback(database: Database, trouble: str) -> None:
    """Both what SQLAlchemy tells of the parameters, and what PostgreSQL tells of the row."""
    canary = "zaphrodel.q@example.org"
    if trouble == "twice":
        database.write(lambda c: add(c, canary))

    def work(connection: Connection) -> None:
        value = 0 if trouble == "twice" else None
        connection.execute(insert(counters).values(name=canary, value=value))

    for write in (database.write, lambda work: database.write_grouped(work).result(10)):
        with pytest.raises(IntegrityError) as error:
            write(work)
        told = "".join(traceback.format_exception(error.value)) + repr(error.value) + repr(error.value.orig)
        assert "counters" in told
        assert canary not in told


def test_what_is_queued_is_written_before_a_database_closes(database_url: str) -> None:
    database = Database(database_url)
    futures = [database.write_grouped(lambda c, i=i: add(c, str(i))) for i in range(30)]
    database.close()
    assert all(future.done() for future in futures)
    again = Database(database_url)
    assert len(names(again)) == 30
    again.close()


def test_a_reader_sees_one_moment_however_often_it_looks(database: Database) -> None:
    database.write(lambda c: add(c, "a"))
    with database.read() as connection:
        count = select(func.count()).select_from(counters)
        before = connection.execute(count).scalar_one()
        database.write(lambda c: add(c, "b"))
        assert connection.execute(count).scalar_one() == before == 1


def test_writers_that_lock_each_other_in_a_circle_both_get_through(database: Database) -> None:
    for name in "ab":
        database.write(lambda c, name=name: add(c, name))
    both = threading.Barrier(2)
    met: list[int] = []

    def work(names: str) -> None:
        def write(connection: Connection) -> None:
            for name in names:
                raised = update(counters).where(counters.c.name == name).values(value=counters.c.value + 1)
                connection.execute(raised)
                if not database.is_sqlite and len(met) < 2:
                    met.append(1)
                    both.wait(5)

        database.write(write)

    run_together([lambda: work("ab"), lambda: work("ba")])
    with database.read() as connection:
        assert set(connection.execute(select(counters.c.value)).scalars()) == {2}


def test_a_writer_of_another_process_that_does_not_end_makes_the_database_busy(database: Database) -> None:
    """The lock's own patience is shortened here; it is fifteen seconds in earnest."""
    other = create_engine(database.url)
    with other.connect() as connection:
        if database.is_sqlite:
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        else:
            connection.execute(text("LOCK TABLE counters IN ACCESS EXCLUSIVE MODE"))
        impatient = Database(database.url)
        listen(impatient.engine, "connect", hurry)
        with pytest.raises(DatabaseBusy):
            impatient.write(lambda c: add(c, "a"))
        connection.rollback()
    other.dispose()
    impatient.close()


def hurry(connection: Any, _record: object) -> None:
    cursor = connection.cursor()
    cursor.execute("PRAGMA busy_timeout=200" if isinstance(connection, sqlite3.Connection) else "SET lock_timeout=200")
    cursor.close()
    connection.commit()


@pytest.mark.postgres
def test_a_connection_that_is_cut_is_a_matter_of_time(database: Database) -> None:
    if database.is_sqlite:
        pytest.skip("SQLite has no connection to lose")

    def work(connection: Connection) -> None:
        add(connection, "a")
        other = create_engine(database.url, isolation_level="AUTOCOMMIT")
        pid = connection.execute(text("SELECT pg_backend_pid()")).scalar_one()
        with other.connect() as killer:
            killer.execute(text("SELECT pg_terminate_backend(:pid)"), {"pid": pid})
        other.dispose()
        add(connection, "b")

    with pytest.raises(DatabaseAway) as error:
        database.write(work)
    assert isinstance(error.value, Retry)
    assert names(database) == set()


def test_the_databases_clock_is_utc(database: Database) -> None:
    with database.read() as connection:
        at = now(connection)
    offset = at.utcoffset()
    assert offset is not None
    assert offset.total_seconds() == 0


def test_what_the_door_commits_is_copied_into_the_database_by_the_workers(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'shop.db'}"
    door, worker = Database(url, door=True), Database(url)
    worker.write(lambda connection: connection.execute(text("CREATE TABLE bulk (body BLOB)")))

    def size() -> int:
        return (tmp_path / "shop.db").stat().st_size

    def write(database: Database) -> None:
        database.write(lambda connection: connection.execute(text("INSERT INTO bulk VALUES (randomblob(8000000))")))

    write(door)
    assert size() < 1_000_000
    write(worker)
    assert size() > 8_000_000
    door.close()
    worker.close()


def test_whoever_waits_while_one_long_write_follows_another_gets_in_between_them(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'shop.db'}"
    door, worker = Database(url, door=True), Database(url)
    worker.write(lambda connection: connection.execute(text("CREATE TABLE bulk (body TEXT)")))
    turns, begun, over = 0, threading.Event(), threading.Event()

    def long_turn(connection: Connection) -> None:
        nonlocal turns
        turns += 1
        begun.set()
        connection.execute(text("INSERT INTO bulk VALUES ('long')"))
        # How long a step of a wave takes.
        over.wait(4 * LONG_TURN_SECONDS)

    def short_turn(connection: Connection) -> int:
        connection.execute(text("INSERT INTO bulk VALUES ('short')"))
        return turns

    def let_others_before() -> int:
        """Come while a long turn is under way; how many more began before it was the door's."""
        begun.clear()
        assert begun.wait(10)
        before = turns
        return door.write(short_turn) - before

    def waves() -> None:
        while not over.is_set():
            worker.write(long_turn)

    with ThreadPoolExecutor(1) as pool:
        working = pool.submit(waves)
        try:
            others = [let_others_before() for _ in range(40)]
        finally:
            over.set()
        working.result()
    door.close()
    worker.close()
    # On a crowded machine somebody may look too late.
    assert others.count(0) >= 30, others


def test_whoever_brings_a_clock_is_told_the_time_by_it(database: Database) -> None:
    noon = datetime(2036, 11, 29, 12, tzinfo=UTC)
    mine = Database(database.url, clock=lambda: noon)
    with mine.read() as connection:
        assert now(connection) == noon
    assert mine.write(now) == mine.write_grouped(now).result() == noon
    mine.close()
    with database.read() as connection:
        assert now(connection) < noon
