"""Killing a process in the middle of a flush to the disk, from outside: strace(1) with `-e inject`.

What belongs here: counting a process's flushes, and ending it, as kill -9 does, when it is about to make one of them.
What does not: which process, and what must hold afterwards (`test_processes`).

A flush (fdatasync or fsync) is what makes a commit durable, SQLite's as well as that of a file in the mail folder. A
process that is killed there has written and not acknowledged. Prefect's server flushes only when its log is copied
(`PRAGMA synchronous = NORMAL`): of it the writes to that log are counted instead, and a commit is the last of some.
"""

from __future__ import annotations

import re
import shutil
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

FLUSHES = "fdatasync,fsync"
WRITES = "pwrite64"
ATTACHES_WITHIN = 30.0


@dataclass(frozen=True, slots=True)
class Flush:
    """The so-many-th call of that name in one of a process's threads."""

    call: str
    number: int


@dataclass(frozen=True, slots=True)
class Tracer:
    """strace, attached to a process; `log` is what it wrote."""

    process: subprocess.Popen[bytes]
    log: Path

    def flushes(self) -> list[Flush]:
        """Each flush seen so far, once for all threads that came so far."""
        calls = Counter(_CALL.findall(self.log.read_text(encoding="utf-8")))
        most: Counter[str] = Counter()
        for (_, call), count in calls.items():
            most[call] = max(most[call], count)
        return [Flush(call, number) for call, count in most.items() for number in range(1, count + 1)]

    def is_over(self) -> bool:
        """Whether the process has died."""
        return self.process.poll() is not None


def missing_strace() -> str:
    """Why no process can be traced here; empty where it can."""
    if shutil.which("strace") is None:
        return "strace is not installed (apt install strace)"
    tried = subprocess.run(["strace", "-e", "trace=none", "true"], capture_output=True, text=True, check=False)
    return tried.stderr.strip() if tried.returncode else ""


@contextmanager
def traced(pid: int, log: Path, dies_at: Flush | None = None, written: Path | None = None) -> Iterator[Tracer]:
    """Trace the flushes of a process that runs, or what it writes to the file `written`; with `dies_at`, it is killed
    at that one, counted from now."""
    calls = FLUSHES if written is None else WRITES
    argv = ["strace", "-f", "-p", str(pid), "-e", f"trace={calls}", "-o", str(log)]
    if written is not None:
        argv += ["-P", str(written)]
    if dies_at is not None:
        argv += ["-e", f"inject={dies_at.call}:signal=KILL:when={dies_at.number}"]
    told = log.with_suffix(".told")
    with told.open("wb") as stderr:
        process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=stderr, stderr=stderr)
    try:
        deadline = time.monotonic() + ATTACHES_WITHIN
        while b"attached" not in told.read_bytes():
            assert process.poll() is None, told.read_text()
            assert time.monotonic() < deadline, "strace did not attach"
            time.sleep(0.02)
        yield Tracer(process, log)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait()


_CALL = re.compile(r"^(\d+) +(fdatasync|fsync|pwrite64)\(", re.MULTILINE)
