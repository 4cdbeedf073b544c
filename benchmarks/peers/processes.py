"""The processes of a measured system: started, held, let loose, looked at, and ended with all that they started.

What belongs here: processes of this machine, and what they used of it. What does not: what one of them is for.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from benchmarks.usage import TICKS, Process, family, processes

LOOK_SECONDS = 0.02
START_SECONDS = 60.0
END_SECONDS = 15.0


class NotStarted(RuntimeError):
    """A process ended, or did not answer, when it should have been ready."""


@contextmanager
def running(
    command: Sequence[str], log: Path, environment: Mapping[str, str] | None = None, folder: Path | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """A process in a group of its own, with its output in `log`; ended, with its children, at the end."""
    with log.open("ab") as output:
        process = subprocess.Popen(  # noqa: S603 - our own commands
            command,
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**os.environ, **(environment or {})},
            cwd=folder,
            process_group=0,
        )
    try:
        yield process
    finally:
        end(process)


def end(process: subprocess.Popen[bytes]) -> None:
    """Kill it and all it started, by their ids, at once: what they stored goes with the measurement's folder."""
    while kin := living(process.pid):
        # Children of a killed parent are no longer of its family: wait for these, then look for new ones.
        kill(kin)
    process.wait()


def kill(pids: Iterable[int]) -> None:
    """Kill these, and wait until none of them runs."""
    pids = list(pids)
    for pid in pids:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, signal.SIGKILL)
    wait_for(lambda: not any(runs(pid) for pid in pids), "the end of killed processes", END_SECONDS)


def living(root: int) -> set[int]:
    """This process and all it started, of those that run."""
    return {pid for pid in family(processes(), root) if runs(pid)}


def runs(pid: int) -> bool:
    """Whether it is there and not only waited for (a zombie)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


def hold(process: subprocess.Popen[bytes]) -> None:
    """Stop it and all it started where they are, until `let_loose`."""
    for pid in family(processes(), process.pid):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGSTOP)


def let_loose(process: subprocess.Popen[bytes]) -> None:
    for pid in family(processes(), process.pid):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)


def wait_for(met: Callable[[], bool], what: str, seconds: float = START_SECONDS) -> None:
    """Until a condition holds; `NotStarted` when it does not in time."""
    deadline = time.monotonic() + seconds
    while not met():
        if time.monotonic() > deadline:
            raise NotStarted(f"{what}: not within {seconds:g} s")
        time.sleep(LOOK_SECONDS)


def answers(url: str, process: subprocess.Popen[bytes], log: Path) -> Callable[[], bool]:
    """Whether a server answers there yet; raises with the end of its log when it has ended."""

    def met() -> bool:
        alive(process, log)
        try:
            with urllib.request.urlopen(url, timeout=2) as answer:  # noqa: S310 - our own server
                return bool(answer.status < 400)
        except (urllib.error.URLError, OSError):
            return False

    return met


def alive(process: subprocess.Popen[bytes], log: Path) -> None:
    if process.poll() is not None:
        tail = log.read_text(errors="replace")[-1500:]
        raise NotStarted(f"{process.args!r} ended with {process.returncode}:\n{tail}")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def alive_of(roots: Iterable[int]) -> dict[int, Process]:
    """These processes and all they started."""
    all_ = processes()
    return {pid: one for root in roots for pid, one in family(all_, root).items()}


def cpu_seconds(roots: Iterable[int]) -> float:
    """Processor time of these families so far, of children that ended and were waited for as well.

    `usage` samples, and would miss the last half second of each short process; the kernel adds what a child used to
    its parent's cutime and cstime (proc(5), fields 16 and 17).
    """
    used = 0
    for pid in alive_of(roots):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            used += sum(int(field) for field in fields[11:15])
    return used / TICKS
