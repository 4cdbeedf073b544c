"""Files that are on the disk when the call returns, whole or not at all.

What belongs here: writing through a draft, and flushing. What does not: what is in the files.
"""

from __future__ import annotations

import os
from pathlib import Path


def write_durably(path: Path, what: bytes, *, mode: int = 0o600) -> None:
    """Put `what` at `path`: by a draft beside it that takes its name once it is flushed. By `mode` this user alone may
    read it. The name itself is on the disk after `flush` of the folder. OSError where the disk takes nothing."""
    draft = path.with_name(path.name + ".new")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        os.fchmod(descriptor, mode)
        write_all(descriptor, what)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    draft.replace(path)


def write_all(descriptor: int, what: bytes) -> None:
    """All of it, in as many calls as the system takes."""
    while what:
        what = what[os.write(descriptor, what) :]


def flush(path: str | Path) -> None:
    """Flush a file, or the names in a folder."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
