"""A worker's shift: a process that runs waves and prints until it is ended, whatever goes wrong in one of them.

What belongs here: the process, as `python -m tests.faults.shift HOME`, and whoever starts it. What does not: what
happens to its disk meanwhile, and what must be true afterwards (`test_full_disk_worker`).

It does what a pool's worker does with the flows, without Prefect: a wave that fails is told and tried again.
"""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from backroom.engine import wake
from backroom.shop import room as rooms
from backroom.store.database import Database
from tests.benches import open_bench
from tests.faults.day import presses
from tests.shops import BOOTH, HUB, reopen_floor

PAUSE_SECONDS = 0.05
BEGINS_WITHIN = 120.0
READY, FAILED = "ready", "failed:"

log = logging.getLogger(__name__)


def main(home: Path) -> None:
    logging.basicConfig(level=logging.WARNING)
    floor = reopen_floor(Database(f"sqlite:///{home / 'shop.db'}"), home)
    os.environ["BACKROOM_HOME"] = str(home)
    vars(wake)["_this"] = floor.waker
    with open_bench(floor, presses(home)) as bench:
        rooms._open[home.resolve()] = floor.room
        works = (
            floor.intake,
            lambda: floor.fulfil(HUB),
            lambda: floor.fulfil(BOOTH),
            lambda: bench.run(home / "bench"),
        )
        print(READY, flush=True)
        while True:
            for work in works:
                try:
                    work()
                except Exception as error:  # noqa: BLE001 - as a run of Prefect's ends: told, and the worker lives
                    print(FAILED, type(error).__name__, str(error).splitlines()[0], flush=True)
            time.sleep(PAUSE_SECONDS)


@dataclass(frozen=True)
class Shift:
    """The process, and what it has said so far."""

    process: subprocess.Popen[bytes]
    said: Path

    def failures(self) -> list[str]:
        assert self.process.poll() is None, self.said.read_text()[-3000:]
        return [line for line in self.said.read_text().splitlines() if line.startswith(FAILED)]

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


@contextmanager
def shift(home: Path, said: Path) -> Iterator[Shift]:
    """Start the process, and end it with the body as kill -9 does."""
    command = [sys.executable, "-m", "tests.faults.shift", str(home)]
    with said.open("wb") as out, subprocess.Popen(command, stdout=out, stderr=out) as process:
        started = Shift(process, said)
        try:
            deadline = time.monotonic() + BEGINS_WITHIN
            while READY not in said.read_text().split():
                assert process.poll() is None, said.read_text()[-3000:]
                assert time.monotonic() < deadline, "the shift did not begin"
                time.sleep(0.02)
            yield started
        finally:
            started.kill()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
