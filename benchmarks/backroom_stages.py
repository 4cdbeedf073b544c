"""Where the time of an order goes: every step of a wave by itself, in this process and without Prefect's server.

    python -m benchmarks.backroom_stages --orders 2000

The same claims and tasks that the flows are made of, called as functions on SQLite with synchronous=FULL, or on
PostgreSQL, wave after wave. Prints for each step the milliseconds of processor an order (all threads) and
of the clock, its commits, flushes and statements, and how long these took. In the same run, what these parts cost by
themselves (`floors`). What Prefect takes is told by `backroom_run`; for what is within a step, `--profile` names the
functions.
"""

from __future__ import annotations

import argparse
import cProfile
import gc
import json
import os
import pstats
import shutil
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import event
from sqlalchemy.engine.default import DefaultDialect

from benchmarks.floors import SIDE_BY_SIDE, commit_ms, drawing_ms, fsync_ms

if TYPE_CHECKING:
    from prefect import Task

    from backroom.store.claims import Claim

WARM = 40


class Clock:
    """Adds up what each step took; of flushes side by side each counts in full."""

    def __init__(self) -> None:
        self.cpu: dict[str, float] = defaultdict(float)
        self.wall: dict[str, float] = defaultdict(float)
        self.commits: dict[str, list[float]] = defaultdict(list)
        self.fsyncs: dict[str, list[float]] = defaultdict(list)
        self.statements: dict[str, int] = defaultdict(int)
        self._step = ""

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        self._step, cpu, wall = name, time.process_time(), time.perf_counter()
        yield
        self.cpu[name] += time.process_time() - cpu
        self.wall[name] += time.perf_counter() - wall

    def executed(self, *_: object) -> None:
        self.statements[self._step] += 1

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Time every commit of the database and every flush of a file by this process, meanwhile."""
        commit, fsync = DefaultDialect.do_commit, os.fsync

        def timed(dialect: DefaultDialect, connection: Any) -> None:
            began = time.perf_counter()
            commit(dialect, connection)
            self.commits[self._step].append(time.perf_counter() - began)

        def flushed(descriptor: int) -> None:
            began = time.perf_counter()
            fsync(descriptor)
            self.fsyncs[self._step].append(time.perf_counter() - began)

        DefaultDialect.do_commit = timed  # type: ignore[method-assign]
        os.fsync = flushed
        try:
            yield
        finally:
            DefaultDialect.do_commit, os.fsync = commit, fsync  # type: ignore[method-assign]


def main(arguments: list[str] | None = None) -> int:
    """Take so many orders through their life, and tell what each step took."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.backroom_stages", description=__doc__)
    parser.add_argument("--orders", type=int, default=2000)
    parser.add_argument("--past", type=int, default=0)
    parser.add_argument("--database", choices=("sqlite", "postgres"), default="sqlite")
    parser.add_argument("--profile", action="store_true", help="the functions that take most, instead of figures")
    chosen = parser.parse_args(arguments)
    home = Path(tempfile.mkdtemp(prefix="backroom-stages-"))
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, home, ignore_errors=True)
        told = _measure(home, chosen, stack)
        print(_table(told))
        print(json.dumps(told))
    return 0


def _measure(home: Path, chosen: argparse.Namespace, stack: ExitStack) -> dict[str, Any]:
    count, past = chosen.orders, chosen.past
    # Before Prefect is imported: it reads its settings then, and no server is to be asked.
    os.environ |= {"BACKROOM_HOME": str(home), "PREFECT_HOME": str(home / "prefect")}
    os.environ |= {"PREFECT_API_URL": "http://127.0.0.1:9/api", "PREFECT_LOGGING_TO_API_ENABLED": "false"}
    from backroom.shop.demo_messages import Maker
    from backroom.shop.room import this_room
    from benchmarks.backroom_past import add_past
    from benchmarks.backroom_shop import lay_shop, own_postgres, seconds_of, take_in
    from benchmarks.usage import processes

    secrets, serving = {}, lambda: 0.0
    if chosen.database == "postgres":
        secrets["database_url"], found = stack.enter_context(own_postgres())
        serving = lambda: seconds_of(found(processes()))  # noqa: E731
    lay_shop(home, secrets, pieces=2 * (count + past + WARM) + 1000).close()
    room = this_room()
    maker = Maker(1, datetime.now(UTC))
    take_in(room, maker, WARM)
    work(Clock())
    if past:
        add_past(room, past)
    take_in(room, maker, count)
    clock = Clock()
    event.listen(room.database.engine, "after_cursor_execute", clock.executed)
    # As the worker does: what is loaded is not looked through again by the cyclic collector.
    gc.collect()
    gc.freeze()
    began, cpu, served = time.perf_counter(), time.process_time(), serving()
    with clock.watching(), _profile(on=chosen.profile):
        work(clock)
    wall, used = time.perf_counter() - began, time.process_time() - cpu
    served = serving() - served
    drawing, labels = drawing_ms(room)
    room.close()
    return {
        "orders": count,
        "cpu_ms_per_order": round(1000 * used / count, 3),
        "wall_ms_per_order": round(1000 * wall / count, 3),
        "postgres_ms_per_order": round(1000 * served / count, 3),
        "steps": {name: _of(clock, name, count) for name in clock.cpu},
        "floors": {
            "commit_ms": round(commit_ms(home), 3),
            "fsync_ms": round(fsync_ms(home), 3),
            "fsync_side_by_side_ms": round(fsync_ms(home, SIDE_BY_SIDE), 3),
            "drawing_ms_per_order": round(drawing, 3),
            "drawn_labels": labels,
        },
    }


def _of(clock: Clock, name: str, count: int) -> dict[str, float]:
    commits, fsyncs = clock.commits[name], clock.fsyncs[name]
    return {
        "cpu_ms": round(1000 * clock.cpu[name] / count, 3),
        "wall_ms": round(1000 * clock.wall[name] / count, 3),
        "commits": len(commits),
        "commit_ms": round(1000 * sum(commits) / count, 3),
        "fsyncs": len(fsyncs),
        "fsync_ms": round(1000 * sum(fsyncs) / count, 3),
        "statements": clock.statements[name],
    }


def _table(told: Mapping[str, Any]) -> str:
    """Milliseconds an order, step by step, and of the commits and flushes among them."""
    columns = ("cpu_ms", "wall_ms", "commits", "commit_ms", "fsyncs", "fsync_ms", "statements")
    lines = [f"{'':<14}" + "".join(f"{name:>12}" for name in columns)]
    for name, step in told["steps"].items():
        lines.append(f"{name:<14}" + "".join(f"{step[column]:>12}" for column in columns))
    floors = told["floors"]
    lines.append(
        f"all            {told['cpu_ms_per_order']} ms of processor and {told['wall_ms_per_order']} of the clock"
    )
    lines.append(
        f"by themselves  a commit {floors['commit_ms']} ms, a flush {floors['fsync_ms']} ms,"
        f" {SIDE_BY_SIDE} side by side {floors['fsync_side_by_side_ms']} ms each,"
        f" drawing both labels {floors['drawing_ms_per_order']} ms of processor"
    )
    return "\n".join(lines)


@contextmanager
def _profile(*, on: bool) -> Iterator[None]:
    """What runs in this thread, by its own time; the writer's thread is not seen."""
    if not on:
        yield
        return
    with cProfile.Profile() as seen:
        yield
    pstats.Stats(seen, stream=sys.stderr).sort_stats("tottime").print_stats(45)


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
