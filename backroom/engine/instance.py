"""One living process a worker name: a lock that the kernel gives back when its holder is gone, even by kill -9.

What belongs here: that lock, and the name a worker has when nobody gave it one. Across machines names must differ.
"""

from __future__ import annotations

import fcntl
import re
import socket
import time
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


def hold_name(name: str, folder: Path, wait_seconds: float) -> IO[str]:
    """Take the lock of a name; keep the file open for as long as the name is held.

    Waits for a process that is still draining. Raises WorkerRunsAlready when it does not end.
    """
    folder.mkdir(parents=True, exist_ok=True)
    file = (folder / f"worker-{re.sub(r'[^A-Za-z0-9.@_-]', '_', name)}.lock").open("w")
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
