"""A SQLite database copied without what opens people, row by row into a new file, as VACUUM INTO would do it.

Copying pages and deleting afterwards would be shorter, and would leave the keys in the file's free pages, or in a file
of whoever was cut off between the two.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from backroom.durable import flush
from backroom.store.keyring import APART, EMPTIED

# A table that only a backup has: when it was made, and how many people are in it.
MARK = "backup_without_keys"
_MAGIC = b"SQLite format 3\0"


def copy(source: Path, target: Path, made_at: datetime | None = None) -> tuple[datetime, int]:
    """Copy a living database in one snapshot into a file that must not be there; returns when, and how many people.

    `made_at` is told where the source is itself a copy of that time.
    """
    with closing(sqlite3.connect(target, isolation_level=None)) as copied:
        # Nobody reads it before it is whole.
        copied.execute("PRAGMA journal_mode=OFF")
        copied.execute("PRAGMA synchronous=OFF")
        copied.execute("ATTACH DATABASE ? AS living", (str(source),))
        copied.execute("BEGIN")
        (count,) = copied.execute("SELECT count(*) FROM living.people").fetchone()
        made_at = made_at or datetime.now(UTC)
        made = copied.execute("SELECT type, name, sql FROM living.sqlite_master WHERE sql IS NOT NULL").fetchall()
        tables = [(name, sql) for kind, name, sql in made if kind == "table" and not name.startswith("sqlite_")]
        for name, sql in tables:
            copied.execute(sql)
            if name not in APART:
                _copy_rows(copied, name, EMPTIED.get(name, ()))
        # After the rows: an index is built faster of all of them at once.
        for kind, name, sql in made:
            if kind != "table" and not name.startswith("sqlite_"):
                copied.execute(sql)
        copied.execute(f"CREATE TABLE {MARK} (made_at TEXT NOT NULL, people INTEGER NOT NULL)")
        copied.execute(f"INSERT INTO {MARK} VALUES (?, ?)", (made_at.isoformat(), count))  # noqa: S608 - our own name
        copied.execute("COMMIT")
    flush(target)
    return made_at, count


def noted(path: Path) -> tuple[datetime | None, int] | None:
    """When a backup was made and how many people are in it; no time where it is a plain copy of a database, and None
    where it is neither."""
    with path.open("rb") as file:
        if file.read(len(_MAGIC)) != _MAGIC:
            return None
    try:
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro&immutable=1", uri=True)) as copied:
            known = {name for (name,) in copied.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
            if MARK in known:
                made_at, count = copied.execute(f"SELECT made_at, people FROM {MARK}").fetchone()  # noqa: S608
                return with_zone(made_at), int(count)
            if {"people", "alembic_version"} <= known:
                return None, copied.execute("SELECT count(*) FROM people").fetchone()[0]
    except sqlite3.DatabaseError:
        pass
    return None


def with_zone(text: str) -> datetime:
    """A moment as we write it down; ValueError for one that does not say by which clock."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("a moment without a time zone")
    return moment


def people_in(path: Path) -> set[tuple[int, datetime]]:
    """Whose keys a plain copy of a database holds, by number and the moment they were first heard of."""
    with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro&immutable=1", uri=True)) as copied:
        keys = copied.execute("SELECT id, created_at FROM people WHERE wrapped_key IS NOT NULL")
        return {(id_, datetime.fromisoformat(since)) for id_, since in keys}


def rows_of(path: Path, table: str, column: str, value: int) -> list[dict[str, Any]]:
    """The rows of a table in which a column has this value, by the names of their columns; none where it has no such
    table. The file is only read."""
    with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro&immutable=1", uri=True)) as copied:
        if not copied.execute("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?", (table,)).fetchone():
            return []
        found = copied.execute(f'SELECT * FROM "{table}" WHERE "{column}" = ?', (value,))  # noqa: S608 - our own names
        names = [one[0] for one in found.description]
        return [dict(zip(names, row, strict=True)) for row in found]


def unmark(path: Path) -> bool:
    """Make a database of a copied backup again, as far as its file goes; False where the file is damaged, or does more
    than hold rows: a trigger would go on working in the shop."""
    try:
        with closing(sqlite3.connect(path, isolation_level=None)) as copied:
            if copied.execute("PRAGMA quick_check(1)").fetchone() != ("ok",):
                return False
            if copied.execute("SELECT 1 FROM sqlite_master WHERE type IN ('trigger', 'view')").fetchone():
                return False
            copied.execute(f"DROP TABLE IF EXISTS {MARK}")
    except sqlite3.DatabaseError:
        return False
    return True


def take_away(path: Path) -> bool:
    """Remove a database with its log; False where somebody has it open. What is no database any more goes as it is."""
    try:
        with closing(sqlite3.connect(path, isolation_level=None, timeout=1.0)) as old:
            # Leaving its log mode needs the file for oneself (sqlite.org/wal.html, "Persistence of WAL mode").
            old.execute("PRAGMA journal_mode=DELETE").fetchone()
            old.execute("BEGIN EXCLUSIVE")
    except sqlite3.OperationalError:
        return False
    except sqlite3.DatabaseError:
        pass
    for one in (path, path.with_name(f"{path.name}-wal"), path.with_name(f"{path.name}-shm")):
        one.unlink(missing_ok=True)
    return True


def _copy_rows(copied: sqlite3.Connection, table: str, emptied: Sequence[str]) -> None:
    names = [row[1] for row in copied.execute(f'PRAGMA living.table_info("{table}")')]
    kept = ", ".join(f'"{name}"' for name in names if name not in emptied)
    copied.execute(f'INSERT INTO main."{table}" ({kept}) SELECT {kept} FROM living."{table}"')  # noqa: S608
