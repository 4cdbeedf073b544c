"""Runs one measurement as a child process, and ends it with all that it started when something goes wrong.

What belongs here: starting, waiting, ending. What does not: which measurements there are (`bench`).
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks.equipment import ROOT
from benchmarks.usage import family, processes

# For a child to end its servers and databases.
END_SECONDS = 40
TOLD_LINES = 12
# A disk, where /tmp may be memory (Filesystem Hierarchy Standard, 5.15).
ON_DISK = "/var/tmp"  # noqa: S108 - folders of our own are made in it


class Failed(RuntimeError):
    """A measurement that gave no figures, with what it said last."""


def measure(command: Sequence[str], most_seconds: float) -> Mapping[str, Any]:
    """The JSON object of its last line. Raises `Failed`; on Ctrl-C ends the child and all it started first."""
    with tempfile.TemporaryFile() as errors:
        # In a session of its own, so that Ctrl-C reaches us alone, and its whole family is ended in order.
        with subprocess.Popen(  # noqa: S603 - our own commands
            command,
            stdout=subprocess.PIPE,
            stderr=errors,
            cwd=ROOT,
            # All of them on one disk, and never in memory, where a flush costs nothing.
            env={**os.environ, "PYTHONUNBUFFERED": "1", "TMPDIR": ON_DISK},
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
        if child.returncode:
            raise Failed(f"ended with {child.returncode}\n{_tail(errors)}")
        try:
            told = json.loads(output.splitlines()[-1])
        except (IndexError, ValueError):
            raise Failed(f"its last line is no JSON: {output[-300:]!r}") from None
        return dict(told)


def _end(child: subprocess.Popen[bytes]) -> None:
    """Ask it to end what it started, as Ctrl-C in a terminal would; what is left of its family is killed by id."""
    kin = set(family(processes(), child.pid))
    with contextlib.suppress(ProcessLookupError):
        child.send_signal(signal.SIGINT)
    with contextlib.suppress(subprocess.TimeoutExpired):
        child.wait(END_SECONDS)
    now = processes()
    left = {pid for pid in kin if pid in now} | set(family(now, child.pid))
    for pid in left:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, signal.SIGKILL)


def _tail(errors: Any) -> str:
    errors.seek(0)
    lines = errors.read().decode(errors="replace").splitlines()
    return "\n".join(f"    {line}" for line in lines[-TOLD_LINES:])
