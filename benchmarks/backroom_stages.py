"""Where the time of an order goes: every step of a wave by itself, in this process and without Prefect's server.

    python -m benchmarks.backroom_stages --orders 2000

The same claims and tasks that the flows are made of, called as functions on SQLite with synchronous=FULL, wave after
wave. Prints for each step the milliseconds of processor an order (all threads of the process) and of the clock, its
commits and its statements. What Prefect takes is told by `backroom_run`; for what is within a step, let py-spy look at
this.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import event

if TYPE_CHECKING:
    from prefect import Task

    from backroom.store.claims import Claim

WARM = 40


class Clock:
    """Adds up what each step took."""

    def __init__(self) -> None:
        self.cpu: dict[str, float] = defaultdict(float)
        self.wall: dict[str, float] = defaultdict(float)
        self.commits: dict[str, int] = defaultdict(int)
        self.statements: dict[str, int] = defaultdict(int)
        self._step = ""

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        self._step, cpu, wall = name, time.process_time(), time.perf_counter()
        yield
        self.cpu[name] += time.process_time() - cpu
        self.wall[name] += time.perf_counter() - wall

    def committed(self, _connection: object) -> None:
        self.commits[self._step] += 1

    def executed(self, *_: object) -> None:
        self.statements[self._step] += 1


def main(arguments: list[str] | None = None) -> int:
    """Take so many orders through their life, and tell what each step took."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.backroom_stages", description=__doc__)
    parser.add_argument("--orders", type=int, default=2000)
    parser.add_argument("--past", type=int, default=0)
    chosen = parser.parse_args(arguments)
    home = Path(tempfile.mkdtemp(prefix="backroom-stages-"))
    try:
        print(json.dumps(_measure(home, chosen.orders, chosen.past), indent=1))
    finally:
        shutil.rmtree(home, ignore_errors=True)
    return 0


def _measure(home: Path, count: int, past: int) -> dict[str, object]:
    # Before Prefect is imported: it reads its settings then, and no server is to be asked.
    os.environ |= {"BACKROOM_HOME": str(home), "PREFECT_HOME": str(home / "prefect")}
    os.environ |= {"PREFECT_API_URL": "http://127.0.0.1:9/api", "PREFECT_LOGGING_TO_API_ENABLED": "false"}
    from backroom.shop.demo_messages import Maker
    from backroom.shop.room import this_room
    from benchmarks.backroom_past import add_past
    from benchmarks.backroom_shop import lay_shop, take_in

    lay_shop(home, {}, pieces=2 * (count + past + WARM) + 1000).close()
    room = this_room()
    maker = Maker(1, datetime.now(UTC))
    take_in(room, maker, WARM)
    work(Clock())
    if past:
        add_past(room, past)
    take_in(room, maker, count)
    clock = Clock()
    event.listen(room.database.engine, "commit", clock.committed)
    event.listen(room.database.engine, "after_cursor_execute", clock.executed)
    began, cpu = time.perf_counter(), time.process_time()
    work(clock)
    wall, used = time.perf_counter() - began, time.process_time() - cpu
    room.close()
    return {
        "orders": count,
        "cpu_ms_per_order": round(1000 * used / count, 3),
        "wall_ms_per_order": round(1000 * wall / count, 3),
        "steps": {
            name: {
                "cpu_ms": round(1000 * clock.cpu[name] / count, 3),
                "wall_ms": round(1000 * clock.wall[name] / count, 3),
                "commits": clock.commits[name],
                "statements": clock.statements[name],
            }
            for name in clock.cpu
        },
    }


def work(clock: Clock) -> None:
    """Intake and fulfilment in turn until nothing waits, as the flows do it."""
    from backroom.shop.demo_messages import MAIN
    from backroom.shop.room import this_room
    from tasks import label, notify, pack, print_or_pick, release, reserve, route, validate
    from tasks.claiming import claim_fulfilment, claim_intake, holding

    def run(claim: Claim, steps: Sequence[Task[..., Any]]) -> None:
        with holding(room, claim):
            for step in steps:
                with clock.step(step.name):
                    step.fn(claim)

    room = this_room()
    intake = (validate.validate, route.route, reserve.reserve, release.release)
    fulfilment = (print_or_pick.print_or_pick, pack.pack, label.label, notify.notify)
    while True:
        with clock.step("claim"):
            first = claim_intake(room)
        if first is not None:
            run(first, intake)
        with clock.step("claim"):
            second = claim_fulfilment(room, MAIN)
        if second is not None:
            run(second, fulfilment)
        if first is None and second is None:
            return


if __name__ == "__main__":
    sys.exit(main())
