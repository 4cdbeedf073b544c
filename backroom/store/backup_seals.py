"""What a backup has of the payloads that were sealed of a print job, read where it lies.

What belongs here: those rows, out of either kind of file. What does not: which files are looked at, and whether
anything opens what is in them (`backroom.privacy.print_proof`). Nothing is put back, and nothing written.
"""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from backroom.store import backup_postgresql, backup_sqlite, backups
from backroom.store.backups import SQLITE, NoBackup
from backroom.store.tables import print_seals


@dataclass(frozen=True, slots=True)
class SealInBackup:
    """A payload as a backup has it: what it is bound to, our public half of its exchange (None once it was destroyed),
    and the sealed description."""

    attempt: int
    location: str
    device: str
    expires_at: datetime
    once: bytes | None
    description: bytes


def seals_in(path: Path, job_id: int) -> list[SealInBackup]:
    """What was sealed of a job, as this backup has it; none where it is of another time, or of one before sealing.

    Raises NoBackup where it is none of ours, is damaged, or is not whole without what lies beside it; OSError where it
    cannot be read.
    """
    # Whoever may not read it hears that, and not that it is damaged.
    path.open("rb").close()
    log = path.with_name(f"{path.name}-wal")
    if log.exists() and log.stat().st_size:
        raise NoBackup(f"{path.name} is not whole: part of it lies in {log.name}, as of a database that is in use")
    is_sqlite = backups.read_facts(path).kind == SQLITE
    rows_of = backup_sqlite.rows_of if is_sqlite else backup_postgresql.rows_of
    try:
        return [_seal(row) for row in rows_of(path, print_seals.name, "print_job_id", job_id)]
    except OSError:
        raise
    except Exception as error:
        # As for `read_facts`: each reader breaks in its own way.
        raise backups.damaged(path) from error


def _seal(row: Mapping[str, Any]) -> SealInBackup:
    """One of values (SQLite), or of texts (PostgreSQL); ValueError or TypeError where it is none of ours."""
    return SealInBackup(
        attempt=int(row["attempt"]),
        location=str(row["location"]),
        device=str(row["device"]),
        expires_at=backup_sqlite.with_zone(row["expires_at"]),
        once=b64decode(row["once"], validate=True) if row["once"] else None,
        description=_bytes(row["description"]),
    )


def _bytes(told: bytes | str) -> bytes:
    """Bytes as they are, or as PostgreSQL writes them ("Binary Data Types", bytea hex format)."""
    if isinstance(told, bytes):
        return told
    if not told.startswith("\\x"):
        raise ValueError("bytes in another form")
    return bytes.fromhex(told[2:])
