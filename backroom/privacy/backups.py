"""Backups that forget: a copy of the database without what opens people, and beside it one current file of keys.

What belongs here: making a backup in every folder, putting one back, and taking the keys out of older copies. What does
not: the copy (`backroom.store.backups`), the file of keys (`key_file`) and keeping it current (`key_keeping`).
"""

from __future__ import annotations

import os
import shutil
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from backroom.domain.errors import AskPerson, Retry
from backroom.durable import flush_names, locked
from backroom.privacy import journal, key_file, key_keeping
from backroom.privacy.key_keeping import FolderAway, backups_in, folders, is_outside, newest_ring
from backroom.shop.room import Room
from backroom.store import backup_sqlite, backups, keyring
from backroom.store.backups import ENDINGS

_DRAFT, _LOCK = "backup.making", "backups.lock"


class Busy(Retry):
    """Another process is making a backup at this moment."""

    cause = "being_worked_on"


class NoKeys(AskPerson):
    """There is no file of keys beside a folder's backups, or it is not current: they cannot be put back as they are."""

    cause = "no_keys"


class KeysInside(AskPerson):
    """A backup holds everybody's key itself: it forgets nobody."""

    cause = "keys_inside"


class OthersInside(AskPerson):
    """An old copy knows people whom the shop does not know, and who were not forgotten."""

    cause = "others_inside"


@dataclass(frozen=True, slots=True)
class Made:
    """A backup that was made: where it lies, how many people are in it, and in words where it could not be put."""

    paths: list[Path]
    people: int
    left: list[str]


def make(room: Room, keep: int = 0) -> Made:
    """Make a backup in every folder, and bring the keys beside them up to date; of more than `keep` the oldest go, of
    which 0 keeps all. Raises Busy, NotUpToDate, and FolderAway where no folder is there."""
    with _alone(room):
        draft = room.home / _DRAFT
        draft.unlink(missing_ok=True)
        there, left = _folders(room)
        facts = backups.copy_out(room.database, draft)
        # After the copy, so that everybody who is in it is in them; before it lies there, so that it never lies alone.
        left += key_keeping.keep(room, begin=True)
        assert facts.made_at is not None
        paths = []
        for folder in there:
            try:
                paths.append(_place(draft, folder, facts.made_at, ENDINGS[facts.kind]))
            except OSError as error:
                left.append(f"{folder}: {error.strerror or type(error).__name__}")
            else:
                for old in list(backups_in(folder))[keep:] if keep else ():
                    old.unlink(missing_ok=True)
        draft.unlink()
    if not paths:
        raise FolderAway("no backup was made: " + "; ".join(left), remedy="See to the folders, then try again.")
    return Made(paths, facts.people, left)


def check(room: Room, folder: Path) -> None:
    """Whether what lies in a folder can be put back, and forgets; raises FolderAway, NoKeys or KeysInside."""
    if not folder.is_dir():
        raise FolderAway(f"{folder} is not there", remedy="Plug it in, mount it, or take it out of [backups] folders.")
    if not any(backups_in(folder)):
        return
    if newest_ring(folder) is None:
        raise NoKeys(
            f"the keys beside the backups in {folder} are gone ({key_file.NAMES[0]})",
            remedy="Run `backroom backup make` now: it writes them again. Without them those backups open nobody.",
        )
    if key_keeping.is_behind(room, folder):
        raise NoKeys(
            f"the keys beside the backups in {folder} are not current",
            remedy="Run `backroom backup make`; it is done every night as well, where `backroom up` runs.",
        )
    inside = [path.name for path in backups_in(folder) if backups.read_facts(path).has_keys]
    if inside:
        raise KeysInside(
            f"in {folder} {', '.join(inside[:5])} still hold everybody's key: who is forgotten can be read in them",
            remedy="Delete them, or run `backroom backup forget-keys` on them.",
        )


def forget_keys(room: Room, path: Path) -> int:
    """Take the keys out of an older copy of the SQLite database, in its place; returns how many people are in it.

    Raises NoBackup, and OthersInside where that would close people for good who were not forgotten.
    """
    facts = backups.read_facts(path)
    if not facts.has_keys:
        return facts.people
    living = Path(str(room.database.engine.url.database)).resolve() if room.database.is_sqlite else None
    if living == path.resolve():
        raise backups.NoBackup(f"{path} is the shop's own database", remedy="Name the copies of it.")
    others = _others(room, path)
    if others:
        raise OthersInside(
            f"{path.name} has {others} people whom the shop does not know and who were not forgotten",
            remedy="It may be of another shop. Delete it if nobody needs it.",
        )
    with _alone(room):
        draft = path.with_name(f".{path.name}.part")
        draft.unlink(missing_ok=True)
        # Nobody noted when it was made. Not later than it was written.
        backup_sqlite.copy(path, draft, datetime.fromtimestamp(path.stat().st_mtime, UTC))
        draft.replace(path)
        flush_names(path.parent)
        key_keeping.keep(room, always=True)
    return facts.people


def _others(room: Room, path: Path) -> int:
    with room.database.read() as connection:
        known = keyring.identities(connection)
    known |= {(entry.person_id, entry.since) for entry in journal.read(room.home) if not entry.channel}
    for folder in folders(room):
        if folder.is_dir() and (ring := newest_ring(folder)) is not None:
            known |= {one.identity for one in ring.people}
    return len(backup_sqlite.people_in(path) - known)


def _folders(room: Room) -> tuple[list[Path], list[str]]:
    there: list[Path] = []
    left: list[str] = []
    for folder in folders(room):
        if not is_outside(room, folder):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if folder.is_dir():
            there.append(folder)
        else:
            left.append(f"{folder} is not there")
    if not there:
        raise FolderAway("no folder of backups is there: " + "; ".join(left), remedy="Plug one in, or mount it.")
    return there, left


def _place(draft: Path, folder: Path, made_at: datetime, ending: str) -> Path:
    """Copy the draft to its place, whole or not at all. Only its owner may read it."""
    path = folder / f"shop-{made_at:%Y%m%dT%H%M%S}{made_at.microsecond // 1000:03d}Z{ending}"
    part = folder / f".{_DRAFT}"
    part.unlink(missing_ok=True)
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as target, draft.open("rb") as source:
        shutil.copyfileobj(source, target, 1 << 20)
        target.flush()
        os.fsync(target.fileno())
    part.replace(path)
    flush_names(folder)
    return path


def _alone(room: Room) -> AbstractContextManager[None]:
    return locked(room.home / _LOCK, Busy("a backup is being made", remedy="Let that end first."))
