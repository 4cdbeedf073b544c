"""A disk that is full, and one whose fsync fails: both from outside of the process that has to live with it.

What belongs here: a small tmpfs that can be filled and freed, and `strace` that makes another process's flushes fail
for a while. What does not: the processes, and what is expected of them.
"""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

FILLER = "filler"
_BLOCK = 4096
ATTACHES_WITHIN = 30.0


@dataclass(frozen=True)
class Disk:
    """A small file system, mounted at `folder`."""

    folder: Path

    def free(self) -> int:
        told = os.statvfs(self.folder)
        return told.f_bavail * told.f_bsize

    def fill(self, leave: int = 0) -> None:
        """Take all the space there is, but for `leave` bytes."""
        with (self.folder / FILLER).open("ab", buffering=0) as file:
            size = 64 * _BLOCK
            while self.free() > leave and size >= _BLOCK:
                try:
                    file.write(b"\0" * min(size, max(_BLOCK, self.free() - leave)))
                except OSError as error:
                    if error.errno != errno.ENOSPC:
                        raise
                    size //= 2

    def empty(self) -> None:
        """Give the space back."""
        (self.folder / FILLER).unlink(missing_ok=True)


def no_disk() -> str:
    """Why no file system can be mounted here; empty where one can."""
    if os.geteuid() != 0:
        return "only root may mount a file system"
    if shutil.which("mount") is None:
        return "there is no mount"
    return ""


@contextmanager
def small_disk(folder: Path, size: int) -> Iterator[Disk]:
    """Mount a tmpfs of so many bytes; the test is skipped, and says so loudly, where that is not allowed."""
    folder.mkdir(parents=True)
    why = no_disk()
    if not why:
        command = ["mount", "-t", "tmpfs", "-o", f"size={size},mode=700", "tmpfs", str(folder)]
        mounted = subprocess.run(command, capture_output=True, text=True, check=False)
        why = mounted.stderr.strip()
    if why:
        warnings.warn(f"NO SMALL DISK: fault F9 is not tried ({why})", stacklevel=1)
        pytest.skip(f"no small disk can be mounted here: {why}")
    try:
        yield Disk(folder)
    finally:
        # Lazily: whoever was killed may not have gone yet.
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def no_strace() -> str:
    """Why no flush can be made to fail here; empty where it can."""
    return "" if shutil.which("strace") else "there is no strace (apt install strace)"


@contextmanager
def failing_flushes(pid: int, log: Path, when: str = "1+1") -> Iterator[None]:
    """While the body runs, fsync and fdatasync of a process answer EIO, those that `when` names in strace's words."""
    calls = "fsync,fdatasync"
    what = ["-e", f"trace={calls}", "-e", f"inject={calls}:error=EIO:when={when}"]
    command = ["strace", "--follow-forks", "--attach", str(pid), "--output", str(log), *what]
    said = log.with_suffix(".said")
    with said.open("w") as out, subprocess.Popen(command, stderr=out) as strace:
        deadline = time.monotonic() + ATTACHES_WITHIN
        while "attached" not in said.read_text():
            told = said.read_text()
            if strace.poll() is not None and "not permitted" in told:
                warnings.warn("NO PTRACE: failing fsync is not tried", stacklevel=1)
                pytest.skip(f"strace may not attach here: {told}")
            assert strace.poll() is None, told
            assert time.monotonic() < deadline, "strace did not attach"
            time.sleep(0.01)
        try:
            yield
        finally:
            # It lets the process go before it ends.
            strace.terminate()
            strace.wait(ATTACHES_WITHIN)


def failed_flushes(log: Path) -> int:
    """How many flushes were made to fail."""
    return log.read_text(errors="replace").count("(INJECTED)")
