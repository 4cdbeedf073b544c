"""Backups of the shop's database: one file that holds everything except what opens people.

What belongs here: making such a file, reading what it is, and making a database of it again; how each kind of database
does it stands in `backup_sqlite` and `backup_postgresql`. What does not: the keys (`keyring`), where files lie and how
they are kept (`backroom.privacy.backups`).
"""

from __future__ import annotations

import sqlite3
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import Engine, inspect

from backroom.domain.errors import AskPerson, BackroomError
from backroom.store import backup_postgresql, backup_sqlite
from backroom.store.database import Database
from backroom.store.migrate import is_known, newest, standing

SQLITE, POSTGRESQL = "sqlite", "postgresql"
# What SQLite says of a file that is not as it should be (sqlite.org/rescode.html), and what PostgreSQL says that is no
# word about the rows it was given (Appendix A: connection, rollback, resources, state, operator, system).
_BROKEN = {
    *(sqlite3.SQLITE_ERROR, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CONSTRAINT),
    *(sqlite3.SQLITE_MISMATCH, sqlite3.SQLITE_FORMAT, sqlite3.SQLITE_SCHEMA, sqlite3.SQLITE_TOOBIG),
}
_OF_THE_SERVER = {"08", "40", "53", "55", "57", "58"}
ENDINGS = {SQLITE: ".db", POSTGRESQL: ".zip"}


class NoBackup(AskPerson):
    """A file is no backup of ours, or it is damaged."""

    cause = "no_backup"


class KeysApart(AskPerson):
    """A backup lies where the shop's database should: nobody's key is in it."""

    cause = "keys_apart"


class NotUpToDate(AskPerson):
    """The database stands at another schema than this program."""

    cause = "out_of_date"


@dataclass(frozen=True, slots=True)
class Facts:
    """What a backup file is: its kind, when it was made (UTC) and how many people are in it; `has_keys` where it is a
    plain copy of a SQLite database, with everybody's key inside, of which nobody noted when it was made."""

    kind: str
    made_at: datetime | None
    people: int
    has_keys: bool = False


def copy_out(database: Database, target: Path) -> Facts:
    """Write the database as it is at this moment into a new file, without what opens people; returns once it is safe on
    the disk. What is taken out is never written to that file, so that nothing of it can be left there."""
    stands = standing(database.engine)
    if stands != newest():
        raise NotUpToDate(
            f"the database stands at {stands or 'nothing'}, and this program needs {newest()}.",
            remedy="Start `backroom up`, which brings it up to date, then make the backup.",
        )
    if database.is_sqlite:
        made_at, count = backup_sqlite.copy(Path(str(database.engine.url.database)), target)
        return Facts(SQLITE, made_at, count)
    made_at, count = backup_postgresql.copy(database, target, stands)
    return Facts(POSTGRESQL, made_at, count)


def read_facts(path: Path) -> Facts:
    """What a file is; raises NoBackup."""
    try:
        if zipfile.is_zipfile(path):
            made_at, count = backup_postgresql.noted(path)
            return Facts(POSTGRESQL, made_at, count)
        if (found := backup_sqlite.noted(path)) is not None:
            return Facts(SQLITE, found[0], found[1], has_keys=found[0] is None)
    except Exception as error:
        # Whatever is wrong with a file that somebody else may have made: each reader breaks in its own way.
        raise damaged(path) from error
    raise damaged(path)


@contextmanager
def blaming(path: Path, blame: Callable[[Path], BackroomError] | None = None) -> Iterator[None]:
    """Say of a file that it is damaged, or what `blame` says of it, where it is what breaks the body; what is of the
    machine or of the database (no room, no connection, a lock) stays what it is."""
    try:
        yield
    except Exception as error:
        if not _is_of_the_file(error):
            raise
        raise (blame or damaged)(path) from error


def check_revision(path: Path, revision: str) -> None:
    """Raise NoBackup where a backup does not say which schema it has, or one that this program does not know."""
    if not revision:
        raise damaged(path)
    if not is_known(revision):
        raise NoBackup(
            f"{path.name} was made by another version of this program",
            remedy="Install the version that made it, or a newer one, and put it back with that.",
        )


def _is_of_the_file(error: Exception) -> bool:
    if isinstance(error, (BackroomError, OSError, MemoryError)):
        return False
    cause = getattr(error, "orig", None) or error
    if isinstance(cause, sqlite3.Error):
        return getattr(cause, "sqlite_errorcode", 0) & 0xFF in _BROKEN
    if hasattr(cause, "sqlstate"):
        return cause.sqlstate is not None and cause.sqlstate[:2] not in _OF_THE_SERVER
    return True


def damaged(path: Path) -> NoBackup:
    return NoBackup(
        f"{path.name} is no backup of ours, or it is damaged",
        remedy="Take another one. Backups are called shop-DATE.db, or shop-DATE.zip of a PostgreSQL database.",
    )


def refuse_backup(engine: Engine) -> None:
    """Raise KeysApart where a backup was put in the database's place by hand: all its people would be forgotten."""
    if inspect(engine).has_table(backup_sqlite.MARK):
        raise KeysApart(
            "this database is a backup, and the keys of its people lie in a file of their own",
            remedy="Move it out of the home folder, then run `backroom backup restore FILE`.",
        )
