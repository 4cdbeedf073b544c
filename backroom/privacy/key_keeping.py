"""Keeping the file of keys current in every folder of backups: after each erasure, each backup, each new master key.

A file says which erasures it has behind it. So nothing has to be noted of what is still to do: whoever looks next (an
erasure, the nightly flow, a start, a backup) sees that a file is behind and replaces it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from backroom.domain.errors import AskPerson, BackroomError, Retry
from backroom.durable import locked
from backroom.privacy import journal, key_file
from backroom.shop.room import Room
from backroom.store import keyring
from backroom.store.keyring import Keyring, PersonKey
from backroom.store.seals import SealBroken

_LOCK = "keys.lock"
# Whom the database does not know any more, since an older backup was put back, a newer backup may still know. Shorter
# than the month within which whoever asks must be forgotten.
LOST_FOR = timedelta(days=21)


class FolderAway(Retry):
    """A folder of backups is not there: a disk that is not plugged in, a share that is not mounted."""

    cause = "backup_folder_away"


class KeysOfAnother(AskPerson):
    """The file of keys in a folder belongs to another database, or to a master key that is gone."""

    cause = "keys_of_another"


def folders(room: Room) -> list[Path]:
    """The folders of backups, relative ones in the home folder, whether they are there or not."""
    return [room.home / name for name in room.shop.backups]


def is_outside(room: Room, folder: Path) -> bool:
    """Whether a folder lies outside the home folder, where only its owner makes it: it may just not be mounted."""
    return not folder.is_relative_to(room.home)


def keep(room: Room, *, always: bool = False, begin: bool = False) -> list[str]:
    """Bring the files of keys up to date wherever they are behind, or `always`; returns in words what could not be.

    With `begin` a folder gets them in which there is no backup yet.
    """
    left: list[str] = []
    # Two processes at once would write into each other's draft.
    with locked(room.home / _LOCK):
        for folder in folders(room):
            try:
                if folder.is_dir():
                    _keep_in(room, folder, begin or (always and _is_used(folder)))
                elif is_outside(room, folder):
                    raise FolderAway(f"{folder} is not there", remedy="Plug it in, or mount it.")
            except OSError as error:
                left.append(f"the keys beside the backups in {folder}: {error.strerror or type(error).__name__}")
            except BackroomError as error:
                left.append(f"the keys beside the backups: {error}")
    return left


def is_behind(room: Room, folder: Path) -> bool:
    """Whether a file of keys in a folder may hold a key that was destroyed since, or is missing beside backups."""
    if not _is_used(folder):
        return False
    with room.database.read() as connection:
        now = keyring.state(connection)
    return any(key_file.state(folder / name) != now for name in key_file.NAMES)


def backups_in(folder: Path) -> Iterator[Path]:
    """The backups that lie in a folder, newest first."""
    yield from sorted((one for one in folder.glob("shop-*") if one.suffix in (".db", ".zip")), reverse=True)


def newest_ring(folder: Path) -> Keyring | None:
    """The newest of a folder's two files that can be read; raises KeyFileDamaged where there are some and none can."""
    found = readable((folder / name for name in key_file.NAMES), key_file.read)
    return max(found, key=lambda ring: ring.at, default=None)


def readable(places: Iterable[Path], read: Callable[[Path], Keyring | None]) -> list[Keyring]:
    """What can be read of these; raises KeyFileDamaged where something is there and nothing can."""
    found: list[Keyring] = []
    damaged: key_file.KeyFileDamaged | None = None
    for place in places:
        try:
            ring = read(place)
        except FileNotFoundError:
            continue
        except key_file.KeyFileDamaged as error:
            damaged = error
        else:
            found += [] if ring is None else [ring]
    if damaged is not None and not found:
        raise damaged
    return found


def _is_used(folder: Path) -> bool:
    return any((folder / name).exists() for name in key_file.NAMES) or any(backups_in(folder))


def _keep_in(room: Room, folder: Path, always: bool) -> None:
    while always or is_behind(room, folder):
        with room.database.read() as connection:
            ring, known = keyring.read(connection), keyring.identities(connection)
        if ring is None:
            return
        people = [*ring.people, *_lost(room, folder, ring, known)]
        # A database that was put back with its keys still has to forget them.
        forgotten = {(entry.person_id, entry.since) for entry in journal.read(room.home) if not entry.channel}
        key_file.write(folder, replace(ring, people=[one for one in people if one.identity not in forgotten]))
        # Whoever was forgotten between our reading and our writing is seen now.
        always = False


def _lost(room: Room, folder: Path, ring: Keyring, known: set[keyring.Identity]) -> list[PersonKey]:
    """Who stands in the file that is there and is not in the database at all: an older backup was put back."""
    try:
        before = newest_ring(folder)
    except key_file.KeyFileDamaged:
        return []
    if before is None:
        return []
    if not room.seals.is_hash_key(before.hash_key):
        raise KeysOfAnother(
            f"the keys in {folder} belong to another database, or to a master key that is gone",
            remedy="Put that database back with `backroom backup restore`; or, if nobody needs those backups any more, "
            "delete them and their keys.",
        )
    gone = [(one, one.lost_at or ring.at) for one in before.people if one.identity not in known]
    return [
        _rewrapped(room, replace(one, lost_at=lost_at), ring.key_id)
        for one, lost_at in gone
        if ring.at - lost_at < LOST_FOR
    ]


def _rewrapped(room: Room, one: PersonKey, key_id: str) -> PersonKey:
    if one.key_id == key_id:
        return one
    try:
        return replace(one, wrapped=room.seals.rewrap(one.wrapped, key_id), key_id=key_id)
    except SealBroken:
        # By a master key that is not here; it may be put back while the entry lasts.
        return one
