"""Evidence for what an event needs: the permit as a PDF, a photo of the stand, kept in the shop's home folder.

What belongs here: putting a copy of a file there, and finding it again. What does not: what it proves (the event's
list, in the database).
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from backroom.domain.errors import AskPerson

FOLDER = "evidence"
LARGEST = 20 * 1024 * 1024


class NoEvidence(AskPerson):
    """The file is not there, or is none that can be kept."""

    cause = "no_evidence"


def keep(home: Path, code: str, item: str, path: Path) -> str:
    """Copy a file beside the others of its event; returns the name it has there. NoEvidence says what is wrong."""
    if not path.is_file():
        raise NoEvidence(f"there is no file {path.name}", remedy="Check its name and folder.")
    if path.stat().st_size > LARGEST:
        raise NoEvidence(f"{path.name} is larger than {LARGEST // 1024**2} MiB", remedy="Scan it again, smaller.")
    name = f"{item}-{re.sub(r'[^A-Za-z0-9._-]+', '-', path.name).lstrip('.-') or 'file'}"
    folder = home / FOLDER / code
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(path, folder / name)
    return name


def find(home: Path, code: str, name: str) -> Path | None:
    """The kept file of this name, None when it is not there any more."""
    path = home / FOLDER / code / Path(name).name
    return path if name and path.is_file() else None
