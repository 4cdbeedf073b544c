"""Poison as backups: files that a disk has spoilt, or that somebody has made who wants more than a shop put back.

What belongs here: the files, from a good one. What does not: what puts them back, and what must come of it
(`test_poisoned_backups`).
"""

from __future__ import annotations

import copy
import hashlib
import io
import json
import shutil
import sqlite3
import zipfile
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from random import Random
from typing import Any

from tests.faults.poison import NUMBERS, TEXTS

MARK, NOTE = "backup_without_keys", "backup.json"
TABLE = "poisoned_by_a_name"
# What a name may carry into a statement that is put together of names.
NAMES = (
    f'people"; CREATE TABLE {TABLE} (a int); --',
    f'people" CASCADE; COMMIT; CREATE TABLE {TABLE} (a int); --',
    f'people" (id) FROM STDIN; CREATE TABLE {TABLE} (a int); --',
    "../../../etc/passwd",
    "/etc/passwd",
    "pg_catalog.pg_class",
    "pg_authid",
    "",
    "\0",
    "a" * 200,
    "no_such_table",
)
Poison = Callable[[Path], None]


def bytes_of(whole: bytes, chance: Random) -> Iterator[tuple[str, bytes]]:
    """A file that was cut off, or changed here and there, or is another one."""
    yield "empty", b""
    yield "text", "not a backup".encode("utf-16")
    yield "only its head", whole[:100]
    yield "a page too few", whole[:-4096]
    yield "half", whole[: len(whole) // 2]
    yield "zeros behind its head", whole[:200] + bytes(len(whole) - 200)
    for number in range(8):
        changed = bytearray(whole)
        for _ in range(chance.choice((1, 4, 64))):
            changed[chance.randrange(len(changed))] = chance.randrange(256)
        yield f"changed {number}", bytes(changed)


def statements() -> dict[str, tuple[str, ...]]:
    """What was done by SQL to a good SQLite backup, each as a whole file that SQLite finds in order."""
    return {
        "no note": (f"DELETE FROM {MARK}",),
        "a number for a time": (f"DROP TABLE {MARK}", f"CREATE TABLE {MARK} (made_at, people)", _noted("7, 2")),
        "bytes for a time": (f"DROP TABLE {MARK}", f"CREATE TABLE {MARK} (made_at, people)", _noted("x'ff', 2")),
        "nothing for a time": (f"DROP TABLE {MARK}", f"CREATE TABLE {MARK} (made_at, people)", _noted("NULL, NULL")),
        "a time without a zone": (f"UPDATE {MARK} SET made_at = '2026-11-20 10:00:00'",),
        "a text for a number": (f"UPDATE {MARK} SET people = 'many'",),
        "other columns": (f"DROP TABLE {MARK}", f"CREATE TABLE {MARK} (a)"),
        "a later program's": ("UPDATE alembic_version SET version_num = '9999'",),
        "a revision that is a path": ("UPDATE alembic_version SET version_num = '../../../etc/passwd'",),
        "two revisions": ("INSERT INTO alembic_version VALUES ('9998')",),
        "no revision": ("DELETE FROM alembic_version",),
        "no table of revisions": ("DROP TABLE alembic_version",),
        "an older revision than its tables": ("UPDATE alembic_version SET version_num = '0001'",),
        "no people": ("DROP TABLE people",),
        "no people and no note": ("DROP TABLE people", f"DROP TABLE {MARK}"),
        "people without their columns": ("DROP TABLE people", "CREATE TABLE people (id INTEGER)"),
        "people who are a view": ("ALTER TABLE people RENAME TO folk", "CREATE VIEW people AS SELECT * FROM folk"),
        "people whose time is none": ("UPDATE people SET created_at = 'yesterday'",),
        "a trigger": ("CREATE TRIGGER t AFTER UPDATE ON people BEGIN DELETE FROM orders; END",),
        "a view": ("CREATE VIEW v AS SELECT * FROM people",),
        "no orders": ("DROP TABLE orders",),
    }


def _noted(values: str) -> str:
    return f"INSERT INTO {MARK} VALUES ({values})"


def by_sql(good: Path, target: Path, done: tuple[str, ...]) -> None:
    shutil.copyfile(good, target)
    with closing(sqlite3.connect(target, isolation_level=None)) as spoilt:
        spoilt.execute("PRAGMA legacy_alter_table=ON")
        for statement in done:
            spoilt.execute(statement)


def key_files(good: bytes) -> Iterator[tuple[str, bytes]]:
    """A file of keys whose sum is right, whatever it says: somebody wrote it who knows how."""
    lines = [json.loads(line) for line in good.splitlines()[:-1]]
    shop, people = lines[0], lines[1:]
    for name in shop:
        for value in (None, 7, [], {}, "", "2026-11-20 10:00:00", "0001-01-01T00:00:00+23:59", "\ud800", "é" * 9):
            yield f"{name}: {value!r}", _summed([shop | {name: value}, *people])
    for place in range(len(people[0])):
        for value in (None, -1, 2**63, 1e400, [], [[]], [["a"]], {}, "", "x", *NUMBERS[:6], *TEXTS[:2]):
            told = copy.copy(people[0])
            told[place] = value
            yield f"person {place}: {value!r:.60}", _summed([shop, told, *people[1:]])
    yield "twice", _summed([shop, *people, *people])
    yield "nobody", _summed([shop])
    yield "no shop", _summed(people)
    yield "deep", _summed_bytes(b"[" * 100_000 + b"]" * 100_000 + b"\n")
    yield "a list for a shop", _summed([[1, 2], *people])
    yield "no lines", b"\n\n\n"
    yield "a sum alone", _summed([])


def _summed(lines: list[Any]) -> bytes:
    return _summed_bytes(b"".join(json.dumps(line).encode() + b"\n" for line in lines))


def _summed_bytes(whole: bytes) -> bytes:
    return whole + json.dumps({"sha256": hashlib.sha256(whole).hexdigest()}).encode() + b"\n"


def archives(good: bytes) -> Iterator[tuple[str, bytes]]:
    """A zip file whose sums are right, of a PostgreSQL database, whatever is in it."""
    with zipfile.ZipFile(io.BytesIO(good)) as packed:
        files = {name: packed.read(name) for name in packed.namelist()}
    note = json.loads(files.pop(NOTE))
    for name in note:
        for value in (
            None,
            7,
            [],
            {},
            "",
            "head",
            "9999",
            "../../x",
            "2026-11-20",
            [[]],
            {"people": 3},
            {"people": []},
        ):
            yield f"{name}: {value!r}", _packed(note | {name: value}, files)
        yield f"no {name}", _packed({key: value for key, value in note.items() if key != name}, files)
    for name in NAMES:
        named = note["tables"] | {name: ["id"]}
        yield (
            f"a table {name[:60]!r}",
            _packed(note | {"tables": named}, files | ({name: b"1\n"} if name.strip("\0") else {})),
        )
        columns = note["tables"] | {"people": [*note["tables"]["people"], name]}
        yield f"a column {name[:60]!r}", _packed(note | {"tables": columns}, files)
    yield "fewer files", _packed(note, {})
    yield "no people", _packed(note, {name: rows for name, rows in files.items() if name != "people"})
    yield "no rows of ours", _packed(note, files | {"people": b"\xff\xfe\0rubbish\t\t\t\t\n"})
    yield "rows twice", _packed(note, files | {"people": files["people"] * 2})
    yield "half a row", _packed(note, files | {"people": files["people"][:-3]})
    yield "a bomb for a note", _packed(note, files, bomb=NOTE)
    yield "a bomb for rows", _packed(note, files, bomb="people")
    yield "a note that is deep", _packed(b"[" * 100_000 + b"]" * 100_000, files)
    yield "a note that is none", _packed(b"\xff\xfe", files)
    yield "no note", _packed(None, files)
    yield "another way to pack", _packed(note, files, how=zipfile.ZIP_LZMA)
    yield "locked", _locked(_packed(note, files))
    yield "cut off", good[: len(good) // 2]
    yield "a zip of nothing", _packed(None, {})


BOMB = 64 * 1024 * 1024


def _packed(note: Any, files: dict[str, bytes], bomb: str = "", how: int = zipfile.ZIP_DEFLATED) -> bytes:
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", how, compresslevel=1) as packed:
        whole = note if isinstance(note, bytes) else json.dumps(note).encode()
        for name, content in [*([] if note is None else [(NOTE, whole)]), *files.items()]:
            if name != bomb:
                packed.writestr(name, content)
                continue
            with packed.open(name, "w", force_zip64=True) as large:
                for _ in range(BOMB // (1 << 20)):
                    large.write(bytes(1 << 20))
    return written.getvalue()


def _locked(whole: bytes) -> bytes:
    """Says of every file that it needs a password (APPNOTE 4.4.4, bit 0)."""
    changed = bytearray(whole)
    for head, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = changed.find(head)
        while at >= 0:
            changed[at + flags] |= 1
            at = changed.find(head, at + 4)
    return bytes(changed)
