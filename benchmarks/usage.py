"""What a command and everything it starts take of this machine: processor seconds and memory, by process.

    uv run python benchmarks/usage.py backroom demo --orders 200 --json

Prints what the command prints, then one line of JSON. Read from /proc (proc(5)), so for Linux only, twice a second:
what a process used in its last half second is not counted. Resident sizes are summed, so pages that processes share
count once for each.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

LOOK_SECONDS = 0.5
TICKS = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")
# How our processes are called by what stands in their command line; the first that fits.
NAMES = {
    "backroom.engine.prefect_server": "prefect server",
    "backroom.gateway": "gateway",
    "--queue desk": "desk worker",
    "--pool hub": "hub worker",
    "run_worker": "booth worker",
    "blocks.register": "deployments",
    "ippeveprinter": "virtual printers",
    "virtual_command": "virtual printers",
}


@dataclass(frozen=True, slots=True)
class Process:
    """One process at one moment: seconds of processor so far, and bytes of memory."""

    parent: int
    command: str
    seconds: float
    resident: int


def processes() -> dict[int, Process]:
    """All processes of this machine by their id; those that ended meanwhile are left out."""
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            # The name in brackets may hold anything; the fields after it are numbered from the third.
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
            command = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
            pages = int((folder / "statm").read_text().split()[1])
        except (FileNotFoundError, ProcessLookupError):
            continue
        seconds = (int(fields[11]) + int(fields[12])) / TICKS
        found[int(folder.name)] = Process(int(fields[1]), command, seconds, pages * PAGE)
    return found


def family(all_: dict[int, Process], root: int) -> dict[int, Process]:
    """A process and all it started, and they started."""
    kin = {root} if root in all_ else set()
    while more := {pid for pid, one in all_.items() if one.parent in kin} - kin:
        kin |= more
    return {pid: all_[pid] for pid in kin}


def named(command: str) -> str:
    return next((name for part, name in NAMES.items() if part in command), "the command itself")


def main(command: list[str]) -> int:
    """Run a command; returns its exit code."""
    last: dict[int, Process] = {}
    most = 0
    began = time.monotonic()
    with subprocess.Popen(command) as running:  # noqa: S603 - whoever measures a command wants it run
        while running.poll() is None:
            now = family(processes(), running.pid)
            most = max(most, sum(one.resident for one in now.values()))
            last |= {pid: one for pid, one in now.items() if one.command or pid not in last}
            time.sleep(LOOK_SECONDS)
    seconds: dict[str, float] = defaultdict(float)
    for process in last.values():
        seconds[named(process.command)] += process.seconds
    told = {
        "wall_s": round(time.monotonic() - began, 1),
        "cpu_s": round(sum(seconds.values()), 1),
        "memory_mb": round(most / 1_000_000),
        "cpu_s_by_process": {name: round(used, 1) for name, used in sorted(seconds.items(), key=lambda item: -item[1])},
    }
    print(json.dumps(told))
    return running.returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
