"""The proof of what was sealed of a print job: nothing that the shop has opens it, in its database or in its backups.

What belongs here: what is looked at, and what it is tried with. What does not: how a backup is read
(`backroom.store.backup_seals`), and how it is told (`backroom.cli.prints`). A disk's own blocks, a copy that somebody
took elsewhere and the booth's disk are out of reach: of the last the booth itself has to speak.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from sqlalchemy import RowMapping

from backroom.domain.errors import BackroomError
from backroom.printing.sealed import Bound, opens_with
from backroom.privacy.key_keeping import backups_in, folders
from backroom.shop.room import MASTER_KEY, MASTER_KEY_BEFORE, MASTER_KEY_NEXT, Room
from backroom.store import print_seals
from backroom.store.backup_seals import SealInBackup, seals_in
from backroom.store.seals import read_master_key

# Goes through backups one after the other; may say on its way how far it is.
Through: TypeAlias = Callable[[list[Path]], Iterable[Path]]


@dataclass(frozen=True, slots=True)
class InBackups:
    """What the backups have of a job: how many were looked at, which of them hold something that was sealed of it, and
    in which it opens. `left` says in words what was not looked at, and why: nothing is proved of that."""

    looked_at: int
    holding: list[Path]
    opened: list[Path]
    left: list[str]


@dataclass(frozen=True, slots=True)
class Proof:
    """What was sealed of a job: the database's rows, each with how many keys were tried on it and how many opened it
    (`tried_keys`, `opened_with`), and the backups."""

    payloads: list[dict[str, Any]]
    backups: InBackups

    @property
    def holds(self) -> bool:
        """Whether nothing that was looked at opens."""
        return not self.backups.opened and not any(one["opened_with"] for one in self.payloads)


def prove(room: Room, job_id: int, through: Through = iter) -> Proof:
    """Try all that the shop has on whatever was sealed of a job, wherever the shop has it."""
    with room.database.read() as connection:
        rows = print_seals.of_job(connection, job_id)
    looked_at, held, left = _in_backups(room, job_id, through)
    halves = [base64.b64decode(row["once"]) for row in rows if row["once"]]
    # An older backup has halves of the exchange that the database has forgotten.
    halves += [one.once for seals in held.values() for one in seals if one.once]
    keys = list(dict.fromkeys([*_master_keys(room), *halves]))
    opened = [path for path, seals in held.items() if any(_opens(job_id, one, keys) for one in seals)]
    return Proof([_told(row, keys) for row in rows], InBackups(looked_at, list(held), opened, left))


def _master_keys(room: Room) -> list[bytes]:
    """Every secret that this shop holds: what opens anything here is made of one of them."""
    named = (room.secrets.find(name) for name in (MASTER_KEY, MASTER_KEY_NEXT, MASTER_KEY_BEFORE))
    return [read_master_key(text) for text in named if text]


def _told(row: RowMapping, keys: list[bytes]) -> dict[str, Any]:
    bound = Bound(row["print_job_id"], row["attempt"], row["location"], row["device"], row["expires_at"])
    told = {name: row[name] for name in row if name not in ("description", "once", "device_id", "id")}
    told |= {"description_bytes": len(row["description"]), "our_half": "kept" if row["once"] else "gone"}
    return told | {"tried_keys": len(keys), "opened_with": opens_with(bound, row["description"], keys)}


def _opens(job_id: int, seal: SealInBackup, keys: list[bytes]) -> bool:
    bound = Bound(job_id, seal.attempt, seal.location, seal.device, seal.expires_at)
    return opens_with(bound, seal.description, keys) > 0


def _in_backups(room: Room, job_id: int, through: Through) -> tuple[int, dict[Path, list[SealInBackup]], list[str]]:
    """How many backups were read, what those hold that hold anything, and in words what could not be looked at."""
    paths, left = _backups(room)
    read, held = 0, dict[Path, list[SealInBackup]]()
    for path in through(paths):
        try:
            seals = seals_in(path, job_id)
        except OSError as error:
            left.append(f"{path}: {_word(error)}")
        except BackroomError as error:
            left.append(f"{path}: {error.message}")
        else:
            read += 1
            if seals:
                held[path] = seals
    return read, held, left


def _backups(room: Room) -> tuple[list[Path], list[str]]:
    found: list[Path] = []
    left: list[str] = []
    for folder in folders(room):
        # One in the home folder that is not there yet is made by the first backup; a link may lead out of it.
        away = not folder.resolve().is_relative_to(room.home.resolve())
        try:
            # To look for names in a folder that may not be read finds none.
            next(folder.iterdir(), None)
        except FileNotFoundError:
            left += [f"{folder}: it is not there"] if away else []
            continue
        except OSError as error:
            left.append(f"{folder}: {_word(error)}")
            continue
        here = list(backups_in(folder))
        if away and not here:
            left.append(f"{folder}: no backup lies in it, as where a disk is not mounted")
        found += here
    return found, left


def _word(error: OSError) -> str:
    return error.strerror or type(error).__name__
