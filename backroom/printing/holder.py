"""Who holds a booth's print jobs: one identity for one machine's folder, which no second process can take.

The identity outlives the process, so that a worker that was killed finds its jobs again; the lock on its file dies
with the process, so that whoever has the lock knows that the one before is gone. Another machine has another folder and
therefore another identity: it is never given this one's jobs.
"""

from __future__ import annotations

import fcntl
import os
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from backroom.domain.errors import Retry

TURN_SECONDS = 0.1

_in_this_process: dict[Path, threading.Lock] = {}
_guard = threading.Lock()


class BenchTaken(Retry):
    """Another process of this machine prints for this location just now."""

    cause = "bench_taken"


@contextmanager
def hold_bench(folder: Path, *, wait_seconds: float = 8.0) -> Iterator[str]:
    """The identity of this machine's bench, held while the body runs; BenchTaken after `wait_seconds`."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "holder"
    with _guard:
        local = _in_this_process.setdefault(path.resolve(), threading.Lock())
    deadline = time.monotonic() + wait_seconds
    if not local.acquire(timeout=wait_seconds):
        raise BenchTaken(f"another run prints at {folder.name} just now")
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            _lock(descriptor, deadline, folder.name)
            identity = os.read(descriptor, 100).decode("ascii").strip()
            if not identity:
                identity = uuid.uuid4().hex
                os.write(descriptor, identity.encode("ascii"))
                os.fsync(descriptor)
            yield identity
        finally:
            os.close(descriptor)
    finally:
        local.release()


def _lock(descriptor: int, deadline: float, name: str) -> None:
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= deadline:
                raise BenchTaken(f"another process prints at {name} just now") from None
            time.sleep(TURN_SECONDS)
        else:
            return
