"""Writers of two processes on one SQLite file: whoever waits gets its turn soon, however often the other commits."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import insert, select

from backroom.store.database import Database
from backroom.store.tables import counters

TURNS = "turns"
# A wave that commits step by step: it has the lock for long, and leaves it for as long as it makes the next rows.
WAVE = """
import sqlite3, sys, time

connection = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=30)
print("begun", flush=True)
while True:
    connection.execute("BEGIN IMMEDIATE")
    connection.execute("UPDATE counters SET value = value + 1")
    time.sleep(0.4)
    connection.execute("COMMIT")
    time.sleep(0.03)
"""
# SQLite's own waiting looks ten times a second by then, and meets three in ten of these pauses.
WAITS, MOST_TURNS = 9, 12


@pytest.fixture
def shared(sqlite_template: Path, tmp_path: Path) -> Iterator[Database]:
    """A database in which another process writes without end."""
    path = tmp_path / "shop.db"
    path.write_bytes(sqlite_template.read_bytes())
    database = Database(f"sqlite:///{path}")
    database.write(lambda connection: connection.execute(insert(counters).values(name=TURNS, value=0)))
    with subprocess.Popen([sys.executable, "-c", WAVE, str(path)], stdout=subprocess.PIPE) as wave:
        assert wave.stdout is not None
        assert wave.stdout.readline()
        yield database
        wave.kill()
    database.close()


def test_a_webhook_waits_for_one_of_a_waves_commits_and_not_for_many(shared: Database) -> None:
    count = select(counters.c.value).where(counters.c.name == TURNS)
    waited = []
    for _ in range(WAITS):
        wait_until_the_wave_has_the_lock(shared)
        with shared.read() as connection:
            asked = connection.execute(count).scalar_one()
        waited.append(shared.write(lambda connection: connection.execute(count).scalar_one()) - asked)
    assert sum(waited) <= MOST_TURNS, waited


def wait_until_the_wave_has_the_lock(shared: Database) -> None:
    probe = sqlite3.connect(shared.url.removeprefix("sqlite:///"), isolation_level=None, timeout=0)
    with closing(probe):
        while True:
            try:
                probe.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError:
                return
            probe.execute("ROLLBACK")
            time.sleep(0.002)
