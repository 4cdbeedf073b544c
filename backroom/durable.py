"""Files that are on the disk when the call returns, whole or not at all.

What belongs here: writing through a draft, flushing, and taking turns at files among processes. What does not: what is
in the files.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
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


def flush_names(folder: Path) -> None:
    """Flush the names in a folder that may be a network's: some of their file systems refuse it for a folder, and the
    files themselves are safe."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        with suppress(OSError):
            os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def locked(path: Path, taken: Exception | None = None) -> Iterator[None]:
    """Hold a folder, or a file that is made for it, for ourselves among processes of ours; waits for whoever has it, or
    raises `taken`, where that is given. The kernel lets go of it when a process dies."""
    flags = os.O_RDONLY if path.is_dir() else os.O_RDWR | os.O_CREAT
    descriptor = os.open(path, flags, 0o600)
    try:
        if taken is None:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        else:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise taken from None
        yield
    finally:
        os.close(descriptor)
