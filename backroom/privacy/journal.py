"""The journal of erasures: a file beside the database, which tells a backup that is put back whom it must forget again.

One line of JSON for each erasure, in `erasures.jsonl` of the home folder: a person by number and the moment they were
first heard of, and nothing that is theirs. So it may be copied anywhere, and should be: as often as an erasure must
survive the loss of this machine.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

NAME = "erasures.jsonl"


@dataclass(frozen=True, slots=True)
class Entry:
    """One erasure. `channel` is empty for a whole person, else it was what this channel had brought of them."""

    person_id: int
    since: datetime
    channel: str
    at: datetime

    @property
    def identity(self) -> tuple[int, datetime, str]:
        return self.person_id, self.since, self.channel


def read(home: Path) -> list[Entry]:
    """The entries of the file, oldest first; a last line that a crash cut off is none."""
    path = home / NAME
    if not path.exists():
        return []
    return [entry for line in path.read_text(encoding="utf-8").splitlines() if (entry := _entry(line)) is not None]


def append(home: Path, entries: Iterable[Entry]) -> None:
    """Add entries and return once they are safe on the disk."""
    lines = "".join(_line(entry) for entry in entries)
    if not lines:
        return
    path = home / NAME
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
    with os.fdopen(descriptor, "r+b") as file:
        if file.seek(0, os.SEEK_END) and (file.seek(-1, os.SEEK_END), file.read(1))[1] != b"\n":
            # A crash cut the last line off: the next one begins anew.
            lines = "\n" + lines
        file.write(lines.encode())
        file.flush()
        os.fsync(file.fileno())


def _line(entry: Entry) -> str:
    told = {
        "person": entry.person_id,
        "since": entry.since.isoformat(),
        "channel": entry.channel,
        "at": entry.at.isoformat(),
    }
    return json.dumps(told) + "\n"


def _entry(line: str) -> Entry | None:
    try:
        told = json.loads(line)
    except ValueError:
        return None
    return Entry(
        int(told["person"]),
        datetime.fromisoformat(told["since"]),
        str(told["channel"]),
        datetime.fromisoformat(told["at"]),
    )
