"""Putting a backup back: its rows, and from the current file of keys the key of everybody who was not forgotten since.

What belongs here: finding the keys that fit, refusing those that do not, and making the database. What does not: making
backups (`backups`); what is left to forget, which the next start does (`erasure.replay`).
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection

from backroom.domain.errors import AskPerson, Retry
from backroom.durable import flush_names
from backroom.privacy import key_file, key_keeping
from backroom.privacy.backups import NoKeys
from backroom.shop.room import Room
from backroom.store import backup_postgresql, backup_sqlite, backups, keyring
from backroom.store.backups import SQLITE, Facts
from backroom.store.database import Database
from backroom.store.keyring import Keyring
from backroom.store.migrate import check_whole, is_made, migrate, migrate_to, standing


class DatabaseThere(AskPerson):
    """There is a database already, and nobody said that it may go."""

    cause = "database_there"


class InUse(Retry):
    """Somebody works in the database."""

    cause = "in_use"


@dataclass(frozen=True, slots=True)
class PutBack:
    """What was put back: how many people can be read, and how many cannot, for they were forgotten since."""

    readable: int
    forgotten: int
    keys_inside: bool


def restore(room: Room, path: Path, keys: Path | None = None, *, replace: bool = False, older: bool = False) -> PutBack:
    """Make the shop's database of a backup. `keys` names the file of keys, else the newest one is taken that lies
    beside the backup or in a folder of the shop's backups. `replace` lets a database go that is there; `older` takes
    keys from before the backup.

    `room` may have no database yet. Raises NoBackup, NoKeys, DatabaseThere and InUse.
    """
    facts = backups.read_facts(path)
    if (facts.kind == SQLITE) != room.database.is_sqlite:
        raise backups.NoBackup(
            f"{path.name} is a backup of another kind of database ({facts.kind})",
            remedy="Name the right database in secrets.toml (database_url; without that line it is SQLite).",
        )
    ring = None if facts.has_keys else _ring(room, path, facts, keys, older)
    if room.database.is_sqlite:
        return _restore_sqlite(room, path, ring, replace)
    assert ring is not None
    return _restore_postgresql(room, path, ring, replace)


def _ring(room: Room, path: Path, facts: Facts, keys: Path | None, older: bool) -> Keyring:
    ring = key_file.read(keys) if keys is not None else _newest(room, [path.parent, *key_keeping.folders(room)])
    if ring is None:
        raise NoKeys(
            f"nobody in {path.name} can be read without the keys, which lie in a file of their own "
            f"({key_file.NAMES[0]}), and none is beside it or in the shop's folders of backups",
            remedy="Look for the newest one wherever your backups lie, and name it with --keys.",
        )
    if not room.seals.opens_hash_key(ring.hash_key):
        raise NoKeys(
            f"the keys were written under a master key ({ring.key_id}) that secrets.toml does not have",
            remedy="Put the secrets.toml back that belongs to them, or add its key as master_key_before.",
        )
    if facts.made_at is not None and ring.at < facts.made_at and not older:
        raise NoKeys(
            f"the keys ({ring.at:%Y-%m-%d %H:%M} UTC) are older than the backup ({facts.made_at:%Y-%m-%d %H:%M} UTC): "
            "who came between the two would be forgotten",
            remedy="Look for a newer people.keys wherever your backups lie, and name it with --keys; if there is none, "
            "say --with-older-keys.",
        )
    return ring


def _newest(room: Room, folders: Sequence[Path]) -> Keyring | None:
    found = key_keeping.readable(dict.fromkeys(one.resolve() for one in folders), key_keeping.newest_ring)
    return max(found, key=lambda ring: (room.seals.opens_hash_key(ring.hash_key), ring.at), default=None)


def _restore_sqlite(room: Room, path: Path, ring: Keyring | None, replace: bool) -> PutBack:
    place = Path(str(room.database.engine.url.database))
    if place.exists() and not replace:
        raise DatabaseThere(f"{place} is there already", remedy="Say --replace, if it may go: it is deleted.")
    draft = place.with_name(f"{place.name}.restoring")
    for old in place.parent.glob(f"{draft.name}*"):
        old.unlink()
    shutil.copyfile(path, draft)
    draft.chmod(0o600)
    try:
        if not backup_sqlite.unmark(draft):
            raise backups.damaged(path)
        database = Database(f"sqlite:///{draft}")
        try:
            with backups.blaming(path):
                backups.check_revision(path, standing(database.engine))
                migrate(database.engine)
                check_whole(database.engine)
            done = database.write(lambda connection: _open(connection, ring))
        finally:
            # Closing it brings its log into the file.
            database.close()
        room.database.close()
        if place.exists() and not backup_sqlite.take_away(place):
            raise InUse(
                "somebody works in the database", remedy="Stop `backroom up` and every command, then try again."
            )
        draft.replace(place)
    finally:
        # Everybody's data is in it.
        for old in place.parent.glob(f"{draft.name}*"):
            old.unlink()
    flush_names(place.parent)
    return done


def _restore_postgresql(room: Room, path: Path, ring: Keyring, replace: bool) -> PutBack:
    if is_made(room.database.engine) and not replace:
        raise DatabaseThere(
            "the PostgreSQL database has a shop in it already", remedy="Say --replace, if it may go: it is deleted."
        )
    room.database.close()

    def work(connection: Connection) -> PutBack:
        if others := backup_postgresql.others(connection):
            raise InUse(
                f"{others} others work in the database", remedy="Stop `backroom up` and every command, then try again."
            )
        with backups.blaming(path):
            backups.check_revision(path, backup_postgresql.revision_of(path))
            backup_postgresql.put_back(connection, path)
            migrate_to(connection, "head")
        return _open(connection, ring)

    return room.database.write(work)


def _open(connection: Connection, ring: Keyring | None) -> PutBack:
    """Give people their keys back. Without a ring the copy has them inside."""
    if ring is None:
        return PutBack(keyring.with_key(connection), 0, keys_inside=True)
    with backups.blaming(Path(key_file.NAMES[0]), key_file.damaged):
        readable, forgotten = keyring.put(connection, ring)
    if forgotten and not readable:
        raise NoKeys(
            "none of these keys opens anybody in this backup: they are of another shop",
            remedy="Look for those that lay beside it, and name them with --keys.",
        )
    return PutBack(readable, forgotten, keys_inside=False)
