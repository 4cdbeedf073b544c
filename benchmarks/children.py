"""Runs one measurement as a child process, and ends it with all that it started when something goes wrong.

What belongs here: starting, waiting, ending. What does not: which measurements there are (`bench`).
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.equipment import ROOT
from benchmarks.peers.processes import kill, living, runs

# For a child to end its servers and databases.
END_SECONDS = 40
TOLD_LINES = 12
# All on one disk: /tmp may be memory, where a flush costs nothing (Filesystem Hierarchy Standard, 5.15).
ON_DISK = "/var/tmp"  # noqa: S108 - folders of our own are made in it


class Failed(RuntimeError):
    """A measurement that gave no figures, with what it said last."""


def measure(command: Sequence[str], most_seconds: float, codes: Collection[int] = (0,)) -> Mapping[str, Any]:
    """The JSON object of its last line. Raises `Failed`; on Ctrl-C ends the child and all it started first.

    `codes` are the exit codes with which it has measured what it was to measure.
    """
    if shutil.which(command[0]) is None:
        raise Failed(f"{command[0]} is not installed")
    with (
        tempfile.TemporaryFile() as errors,
        # What a child or its servers leave behind, killed or not, goes with this folder.
        tempfile.TemporaryDirectory(prefix="backroom-bench-", dir=ON_DISK, ignore_cleanup_errors=True) as folder,
    ):
        # PostgreSQL may run as another user, who must be able to reach its own.
        Path(folder).chmod(0o755)
        # In a session of its own, so that Ctrl-C reaches us alone, and its whole family is ended in order.
        with subprocess.Popen(  # noqa: S603 - our own commands
            command,
            stdout=subprocess.PIPE,
            stderr=errors,
            cwd=ROOT,
            env={**os.environ, "PYTHONUNBUFFERED": "1", "TMPDIR": folder},
            start_new_session=True,
        ) as child:
            try:
                output, _ = child.communicate(timeout=most_seconds)
            except subprocess.TimeoutExpired:
                _end(child)
                raise Failed(f"no figures within {most_seconds:.0f} s\n{_tail(errors)}") from None
            except BaseException:
                _end(child)
                raise
            finally:
                _end_postgres(folder)
        if child.returncode not in codes:
            raise Failed(f"ended with {child.returncode}\n{_tail(errors)}")
        try:
            told = json.loads(output.splitlines()[-1])
        except (IndexError, ValueError):
            raise Failed(f"its last line is no JSON: {output[-300:]!r}") from None
        return dict(told)


def _end(child: subprocess.Popen[bytes]) -> None:
    """Ask it to end what it started, as Ctrl-C in a terminal would; what is left of its family is killed by id."""
    kin = living(child.pid)
    with contextlib.suppress(ProcessLookupError):
        child.send_signal(signal.SIGINT)
    with contextlib.suppress(subprocess.TimeoutExpired):
        child.wait(END_SECONDS)
    kill({pid for pid in kin if runs(pid)} | living(child.pid))


def _end_postgres(folder: str) -> None:
    """PostgreSQL belongs to no family, it makes itself a daemon: kill one that a killed child left in this folder."""
    for file in Path(folder).rglob("postmaster.pid"):
        pid = int(file.read_text().split()[0])
        if runs(pid) and folder in Path(f"/proc/{pid}/cmdline").read_text():
            kill([pid])


def _tail(errors: Any) -> str:
    errors.seek(0)
    lines = errors.read().decode(errors="replace").splitlines()
    return "\n".join(f"    {line}" for line in lines[-TOLD_LINES:])
