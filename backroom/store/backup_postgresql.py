"""A PostgreSQL database copied without what opens people: each table as COPY tells it, in one zip file.

`pg_dump` leaves tables out but no columns, and has to be of the server's version or newer; COPY names its columns, and
comes with the connection.
"""

from __future__ import annotations

import json
import os
import re
import time
import zipfile
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Table, func, select, text

from backroom.store.backup_sqlite import with_zone
from backroom.store.database import Database, now
from backroom.store.keyring import APART, EMPTIED
from backroom.store.migrate import migrate_to
from backroom.store.tables import metadata, people

_NOTE = "backup.json"
_BLOCK = 1 << 20
_LARGEST_NOTE = 1 << 20
_LONGEST_ROW = 64 << 20
_LEAVING_SECONDS, _LOOK_SECONDS = 3.0, 0.05
# How COPY writes what would end a column or a line ("COPY", File Formats, Text Format).
_NOTHING, _ESCAPED = rb"\N", re.compile(r"\\(.)")
_MEANT = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}


def copy(database: Database, target: Path, revision: str) -> tuple[datetime, int]:
    """Copy a living database in one snapshot into a file that must not be there; returns when, and how many people."""
    with target.open("xb") as file:
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as packed, database.read() as connection:
            count = connection.execute(select(func.count()).select_from(people)).scalar_one()
            made_at = now(connection)
            tables = [table for table in metadata.sorted_tables if table.name not in APART]
            note: dict[str, Any] = {"made_at": made_at.isoformat(), "people": count, "revision": revision}
            note["tables"] = {table.name: _columns(table) for table in tables}
            packed.writestr(_NOTE, json.dumps(note))
            for table in tables:
                with packed.open(table.name, "w", force_zip64=True) as rows, _cursor(connection) as cursor:
                    told = f"COPY {_named(table.name, note)} TO STDOUT"
                    with cursor.copy(told) as answer:
                        for block in answer:
                            rows.write(block)
        file.flush()
        os.fsync(file.fileno())
    return made_at, count


def noted(path: Path) -> tuple[datetime, int]:
    """When a backup was made and how many people are in it; raises ValueError or KeyError where it is none."""
    note = _note(path)
    return with_zone(note["made_at"]), int(note["people"])


def revision_of(path: Path) -> str:
    """The schema that a backup has; raises what `noted` raises."""
    return str(_note(path)["revision"])


def rows_of(path: Path, table: str, column: str, value: int) -> list[dict[str, str | None]]:
    """The rows of a table in which a column has this value, as COPY tells them; none where it has no such table.
    Raises what `noted` raises."""
    names = _note(path)["tables"].get(table)
    if names is None:
        return []
    place, wanted, rest = names.index(column), str(value).encode(), b""
    found: list[dict[str, str | None]] = []
    with zipfile.ZipFile(path) as packed, packed.open(table) as rows:
        while block := rows.read(_BLOCK):
            whole, _, rest = (rest + block).rpartition(b"\n")
            if len(rest) > _LONGEST_ROW:
                raise ValueError("a row without an end")
            for line in whole.split(b"\n"):
                if wanted in line and (told := line.split(b"\t"))[place] == wanted:
                    found.append(dict(zip(names, map(_value, told), strict=True)))
    if rest:
        raise ValueError("cut off")
    return found


def others(connection: Connection) -> int:
    """How many other sessions work in this database. Those that leave are waited for: what was closed a moment ago, by
    this very process as well, is listed until the server has ended it."""
    query = text(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        " AND backend_type = 'client backend'"
    )
    deadline = time.monotonic() + _LEAVING_SECONDS
    while (found := int(connection.execute(query).scalar_one())) and time.monotonic() < deadline:
        time.sleep(_LOOK_SECONDS)
        # Within a transaction the list stays as it was first seen.
        connection.execute(text("SELECT pg_stat_clear_snapshot()"))
    return found


def put_back(connection: Connection, path: Path) -> None:
    """Make the database anew of a backup, in this transaction; what was in it is gone. Nobody has a key yet.

    Raises ValueError where the backup names tables or columns that its schema does not have.
    """
    note = _note(path)
    with zipfile.ZipFile(path) as packed:
        for name in {*metadata.tables, *_tables(connection).keys() & note["tables"].keys(), "alembic_version"}:
            connection.execute(text(f'DROP TABLE IF EXISTS "{name}" CASCADE'))
        migrate_to(connection, note["revision"])
        # Names come into statements as they are: those of our own migrations, and no others.
        made = _tables(connection)
        if any(not columns or set(columns) - made.get(name, set()) for name, columns in note["tables"].items()):
            raise ValueError("a table that is none of ours")
        # What migrations put into tables comes with their rows.
        for name in reversed(note["tables"]):
            connection.execute(text(f'DELETE FROM "{name}"'))  # noqa: S608 - ours, each of them
        # Each after those it refers to, as it was written.
        for name in note["tables"]:
            told = f"COPY {_named(name, note)} FROM STDIN"
            with packed.open(name) as rows, _cursor(connection) as cursor, cursor.copy(told) as taken:
                while block := rows.read(_BLOCK):
                    taken.write(block)
    for name in _numbered(connection):
        # The next number after the largest there is, or the first one.
        last = f"SELECT setval(pg_get_serial_sequence('{name}', 'id'), coalesce(max(id), 0) + 1, false) FROM {name}"  # noqa: S608
        connection.execute(text(last))


def _note(path: Path) -> dict[str, Any]:
    """What a backup says of itself; ValueError, KeyError or TypeError where that is not what we write."""
    with zipfile.ZipFile(path) as packed:
        if any(one.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) for one in packed.infolist()):
            raise ValueError("packed in another way")
        # A few kilobytes may unpack to more than a machine has.
        if packed.getinfo(_NOTE).file_size > _LARGEST_NOTE:
            raise ValueError("too large")
        note: dict[str, Any] = json.loads(packed.read(_NOTE))
    for columns in note["tables"].values():
        if not isinstance(columns, list):
            raise TypeError("no list of columns")
    return note


def _value(told: bytes) -> str | None:
    """A column as COPY tells it; None for NULL."""
    return None if told == _NOTHING else _ESCAPED.sub(lambda found: _MEANT.get(found[1], found[1]), told.decode())


def _tables(connection: Connection) -> dict[str, set[str]]:
    """The tables there are, each with its columns."""
    found: dict[str, set[str]] = {}
    for table, column in connection.execute(
        text("SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = current_schema()")
    ):
        found.setdefault(table, set()).add(column)
    return found


def _columns(table: Table) -> list[str]:
    return [column.name for column in table.columns if column.name not in EMPTIED.get(table.name, ())]


def _named(table: str, note: dict[str, Any]) -> str:
    columns = ", ".join(f'"{name}"' for name in note["tables"][table])
    return f'"{table}" ({columns})'


def _numbered(connection: Connection) -> Iterator[str]:
    query = text(
        "SELECT table_name FROM information_schema.columns WHERE table_schema = current_schema() AND column_name = 'id'"
        " AND (is_identity = 'YES' OR column_default LIKE 'nextval(%')"
    )
    yield from connection.execute(query).scalars().all()


def _cursor(connection: Connection) -> Any:
    raw = connection.connection.driver_connection
    assert raw is not None
    return raw.cursor()
