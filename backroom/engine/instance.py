"""One living process a worker name: a lock that the kernel gives back when its holder is gone, even by kill -9.

What belongs here: that lock, what tells its holder from one of the same name on another machine, and the name a worker
has when nobody gave it one.
"""

from __future__ import annotations

import fcntl
import re
import socket
import time
import uuid
from pathlib import Path
from typing import IO

from backroom.domain.errors import AskPerson

LOOK_SECONDS = 0.25


class WorkerRunsAlready(AskPerson):
    """Another process on this machine works under the same name."""

    cause = "worker_runs_already"


def default_name(pool: str) -> str:
    """The same name after every restart on this machine, so that the worker knows its runs again."""
    return f"{pool}@{socket.gethostname()}"


def identity_of(held: IO[str]) -> str:
    """What the holder of a lock signs with, the same after every restart on this machine and on no other one: whoever
    has the lock knows that whatever carries it is of a dead process. Two machines may well have workers of one name."""
    held.seek(0)
    identity = held.read().strip()
    if not identity:
        identity = uuid.uuid4().hex[:12]
        held.write(identity)
        held.flush()
    return identity


def hold_name(name: str, folder: Path, wait_seconds: float) -> IO[str]:
    """Take the lock of a name; keep the file open for as long as the name is held.

    Waits for a process that is still draining. Raises WorkerRunsAlready when it does not end.
    """
    folder.mkdir(parents=True, exist_ok=True)
    file = (folder / f"worker-{re.sub(r'[^A-Za-z0-9.@_-]', '_', name)}.lock").open("a+")
    deadline = time.monotonic() + wait_seconds
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= deadline:
                file.close()
                raise WorkerRunsAlready(
                    f"a worker named {name} runs already", remedy="Give this one another name with --name."
                ) from None
            time.sleep(LOOK_SECONDS)
        else:
            return file
