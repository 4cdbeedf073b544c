"""What limits Backroom, in numbers: each limit's least, what it costs now, and how far the one is from the other.

    python -m benchmarks.limits --orders 2000
    python -m benchmarks.limits --orders 2000 --database postgres

In one run, one after the other: the steps by themselves with the bare cost of a commit, a flush and drawn labels
(`backroom_stages`), the whole system, the engine with next to nothing to do, and waves held at one (`backroom_run`).
On a busy machine only the ratios are to be relied on, not the milliseconds. A line of JSON for each, a table, and the
table as JSON at the end.

What belongs here: putting these side by side. What does not: measuring them.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from benchmarks import children
from benchmarks.floors import SIDE_BY_SIDE

MOST_SECONDS = 1200.0
ONES = 10
CORES = os.cpu_count() or 1


@dataclass(frozen=True, slots=True)
class Limit:
    """One limit, in milliseconds an order: `least` is what it could cost, `now` what it does, `of` of what all takes.

    `often` an order it comes, each time for `each` milliseconds at the least.
    """

    name: str
    often: float
    each: float
    least: float
    now: float
    of: float

    @property
    def share(self) -> float:
        return 100 * self.now / self.of

    @property
    def times(self) -> float:
        """How many times its least it costs now."""
        return self.now / self.least if self.least else float("nan")


def limits(stages: Mapping[str, Any], whole: Mapping[str, Any], bare: Mapping[str, Any]) -> list[Limit]:
    """Commits and flushes of the clock of the steps; labels and Prefect of the processor of the whole system."""
    orders, floors, steps = stages["orders"], stages["floors"], stages["steps"]
    wall = stages["wall_ms_per_order"]

    def all_(name: str) -> float:
        return sum(step[name] for step in steps.values())

    commits, flushes = all_("commits") / orders, all_("fsyncs") / orders
    commit, flush = floors["commit_ms"], floors["fsync_side_by_side_ms"]
    cpu = 1000 * whole["cpu_s"] / whole["orders"]
    kept = sum(whole["prefect_kept"].values()) / whole["orders"]
    server, engine = of_process(whole, "prefect server"), of_process(bare, "prefect server")
    drawing = floors["drawing_ms_per_order"]
    return [
        Limit("commits, of the clock of the steps", commits, commit, commits * commit, all_("commit_ms"), wall),
        Limit(
            f"flushes of mails and sheets, {SIDE_BY_SIDE} side by side, of the same",
            flushes,
            flush,
            flushes * flush,
            all_("fsync_ms") / SIDE_BY_SIDE,
            wall,
        ),
        Limit("label: drawing both, of all processor", 2, drawing / 2, drawing, steps["label"]["cpu_ms"], cpu),
        Limit("Prefect's server, of all processor", kept, engine / kept, engine, server, cpu),
        Limit("hub worker, of all processor", 1, engine_worker(bare), engine_worker(bare), engine_worker(whole), cpu),
    ]


def of_process(told: Mapping[str, Any], name: str) -> float:
    """Milliseconds of processor an order of one kind of process."""
    return float(1000 * told["cpu_s_by_process"].get(name, 0.0) / told["orders"])


def engine_worker(told: Mapping[str, Any]) -> float:
    """The same of the hub's worker: bare, it is the engine without a shop's work."""
    return of_process(told, "hub worker")


def table(found: Sequence[Limit]) -> str:
    """A line for each limit."""
    wide = max(len(one.name) for one in found)
    lines = [
        f"{'ms an order':<{wide}} {'an order':>9} {'each':>8} {'least':>7} {'now':>7} {'share':>7} {'now/least':>10}"
    ]
    lines += [
        f"{one.name:<{wide}} {one.often:>9.3f} {one.each:>8.3f} {one.least:>7.3f} {one.now:>7.3f}"
        f" {one.share:>6.1f}% {one.times:>9.1f}×"
        for one in found
    ]
    return "\n".join(lines)


def ends(whole: Mapping[str, Any]) -> dict[str, float]:
    """Orders a second: where one worker's core is full, where all cores are, and what was measured."""
    cpu = 1000 * whole["cpu_s"] / whole["orders"]
    return {
        "one_worker_full": round(1000 / engine_worker(whole), 1),
        "all_cores_full": round(1000 * CORES / cpu, 1),
        "measured": round(whole["orders"] / whole["seconds"], 1),
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure all four in turn, and print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.limits", description=__doc__)
    parser.add_argument("--orders", type=int, default=2000)
    parser.add_argument("--database", choices=("sqlite", "postgres"), default="sqlite")
    chosen = parser.parse_args(arguments)
    many = ["--orders", str(chosen.orders)]
    run = ["benchmarks.backroom_run", "--database", chosen.database]
    commands = {
        # The steps by themselves are on SQLite in any case.
        "stages": ["benchmarks.backroom_stages", *many],
        "whole": [*run, *many],
        "bare": [*run, *many, "--bare"],
        "ones": [*run, "--wave-most", "1", "--orders", str(ONES)],
    }
    told = {}
    for name, command in commands.items():
        print(f"load {os.getloadavg()[0]:.1f}  python -m {' '.join(command)}", flush=True)
        told[name] = children.measure([sys.executable, "-m", *command], MOST_SECONDS)
        print(json.dumps({name: told[name]}), flush=True)
    found = limits(told["stages"], told["whole"], told["bare"])
    print(table(found))
    ended, ones = ends(told["whole"]), told["ones"]
    print(
        f"orders/s: {ended['one_worker_full']:g} with one worker's core full, {ended['all_cores_full']:g} with {CORES}"
        f" cores full; {ended['measured']:g} measured"
    )
    print(f"a wave of one takes {1000 * ones['cpu_s'] / ones['orders']:.0f} ms of processor, most of it Prefect's runs")
    print(json.dumps({"limits": [asdict(one) for one in found], "ends": ended}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
