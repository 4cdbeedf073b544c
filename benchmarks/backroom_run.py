"""Backroom at its work, measured: one run of the whole system with N orders waiting when the workers are let loose.

    python -m benchmarks.backroom_run --database sqlite --orders 10000

Its last line is one JSON object: `orders`, `seconds` from the start of the work until the last order was seen
fulfilled, `cpu_s` of all its processes (Prefect's server, workers, gateway, PostgreSQL) until they are quiet again,
`cpu_s_by_process` the same apart, `prefect_kept` what its server got to keep, `p50_s` and `p95_s` of an order from its
first claim to fulfilled (`--trickle`: from its arrival), `peak_mb` of their resident memory, `counts` read back from
the database and the folders, and `due`: what these must be, orders, labels, prints and messages alike.

It is the product as it is: the processes of `backroom up`, the deployed flows, default settings, SQLite with
synchronous=FULL or PostgreSQL with fsync. Every order goes its whole way: validated, routed, reserved, released,
picked, packed, both labels bought, rendered and printed into the label printer's folder, messages written into the
folders of mail and SMS, fulfilled. Before the clock starts a few orders warm the workers up.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, datetime

import requests

from backroom.cli.environments import Ports, environment_of
from backroom.cli.processes import ROOT
from backroom.engine.wake import deployment_for
from backroom.shop.demo_messages import MAIN
from backroom.shop.room import Room
from benchmarks import backroom_bare_rows as bare
from benchmarks.backroom_counts import Claimed, counts, due, fulfilled, latencies, share, sinks
from benchmarks.backroom_past import add_past
from benchmarks.backroom_shop import MeasuredShop, kind_of, measured_shop, newest_order, wait_for

WARM = 40
BARE = "bare/bare"
LOOK_SECONDS = 0.2
KEPT = ("flow_runs", "task_runs", "artifacts")


class Peak:
    """The most memory that was seen at once, in megabytes."""

    def __init__(self, shop: MeasuredShop) -> None:
        self._shop, self.mb, self._next = shop, 0.0, 0.0

    def look(self) -> None:
        if time.monotonic() >= self._next:
            self._next = time.monotonic() + 1.0
            resident = sum(one.resident for one in self._shop.own_processes().values())
            self.mb = max(self.mb, resident / 1_000_000)


class Used:
    """Processor seconds by kind of process, and what Prefect's server was given to keep, from a moment on."""

    def __init__(self, shop: MeasuredShop) -> None:
        self._kept = self._count(shop)
        self._before = shop.own_processes()

    def since(self, shop: MeasuredShop) -> dict[str, float]:
        used: dict[str, float] = defaultdict(float)
        for pid, process in shop.own_processes().items():
            before = self._before[pid].seconds if pid in self._before else 0.0
            used[kind_of(process)] += process.seconds - before
        return {name: round(seconds, 2) for name, seconds in sorted(used.items(), key=lambda item: -item[1])}

    def kept(self, shop: MeasuredShop) -> dict[str, int]:
        """Flow runs, task runs and artifacts that came since, of its clockwork (the sweep) as well."""
        return {name: count - self._kept[name] for name, count in self._count(shop).items()}

    def _count(self, shop: MeasuredShop) -> dict[str, int]:
        answers = {name: requests.post(f"{shop.ports.api}/{name}/count", json={}, timeout=30) for name in KEPT}
        return {name: int(answer.raise_for_status() or answer.json()) for name, answer in answers.items()}


def main(arguments: list[str] | None = None) -> int:
    """Run once, and print what it was."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.backroom_run", description=__doc__)
    parser.add_argument("--database", choices=("sqlite", "postgres"), default="sqlite")
    parser.add_argument("--orders", type=int, default=10_000)
    parser.add_argument("--wave-most", type=int, default=0, help="the most orders a wave takes; the product's own: 0")
    parser.add_argument("--hub-workers", type=int, default=1, help="how many share the hub's waves")
    parser.add_argument("--bare", action="store_true", help="the engine with next to no work to do")
    parser.add_argument("--past", type=int, default=0, help="fulfilled orders that lie in the database beforehand")
    parser.add_argument("--trickle", type=int, default=0, help="instead: an order a second, for so many seconds")
    chosen = parser.parse_args(arguments)
    if chosen.wave_most:
        os.environ["BACKROOM_WAVE_MOST"] = str(chosen.wave_most)
    # Whoever ends us early (a time-out) finds no processes and no folders left behind.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    made_known: Callable[[Room, Ports], None] = _make_bare_known if chosen.bare else lambda room, ports: None
    with ExitStack() as stack:
        pieces = 2 * (chosen.orders + chosen.trickle + chosen.past + WARM) + 1000
        shop = stack.enter_context(measured_shop(chosen.database, pieces, made_known, chosen.hub_workers))
        if chosen.bare:
            told = _bare(shop, chosen.orders)
        else:
            # In waves of one, each of them warms as much as a wave of many.
            _warm_up(shop, min(WARM, 4 * chosen.wave_most) if chosen.wave_most else WARM)
            if chosen.past:
                add_past(shop.room, chosen.past)
            told = _trickle(shop, chosen.trickle) if chosen.trickle else _peak(shop, chosen.orders)
    print(json.dumps(told))
    return 0


def _warm_up(shop: MeasuredShop, count: int) -> None:
    shop.take_in(count)
    shop.let_loose(deployment_for("intake", MAIN))
    wait_for(lambda: fulfilled(shop.room, 0) == count, LOOK_SECONDS)
    shop.wait_until_quiet()
    shop.hold_workers()


def _peak(shop: MeasuredShop, count: int) -> dict[str, object]:
    after, before, claimed, peak = newest_order(shop.room), sinks(shop.room), Claimed(shop.room), Peak(shop)
    messages = shop.take_in(count)
    shop.wait_until_quiet()
    since, used, began = datetime.now(UTC), Used(shop), time.monotonic()
    shop.let_loose(deployment_for("intake", MAIN))
    ended = wait_for(lambda: fulfilled(shop.room, after) == count, LOOK_SECONDS, meanwhile=(claimed.look, peak.look))
    took = latencies(shop.room, after, claimed)
    told = _told(shop, count, ended - began, used, took, peak)
    return told | {"counts": _counts(shop, after, since, before), "due": due(count, messages)}


def _trickle(shop: MeasuredShop, seconds: int) -> dict[str, object]:
    shop.let_loose(deployment_for("intake", MAIN))
    shop.wait_until_quiet()
    after, before, peak, messages = newest_order(shop.room), sinks(shop.room), Peak(shop), 0
    since, used, began = datetime.now(UTC), Used(shop), time.monotonic()
    for number in range(seconds):
        time.sleep(max(began + number - time.monotonic(), 0))
        messages += shop.send_one()
    ended = wait_for(lambda: fulfilled(shop.room, after) == seconds, LOOK_SECONDS, meanwhile=(peak.look,))
    took = latencies(shop.room, after)
    told = _told(shop, seconds, ended - began, used, took, peak)
    return told | {"counts": _counts(shop, after, since, before), "due": due(seconds, messages)}


def _counts(shop: MeasuredShop, after: int, since: datetime, before: dict[str, int]) -> dict[str, int]:
    """Rows of the measured orders, and what came into the sinks since."""
    came = {name: count - before[name] for name, count in sinks(shop.room).items()}
    return counts(shop.room, after, since) | came


def _bare(shop: MeasuredShop, count: int) -> dict[str, object]:
    shop.hold_workers()
    bare.fill(shop.room, bare.WARM)
    shop.let_loose(BARE)
    wait_for(lambda: bare.done(shop.room) == bare.WARM, LOOK_SECONDS)
    shop.wait_until_quiet()
    shop.hold_workers()
    bare.fill(shop.room, count)
    shop.wait_until_quiet()
    peak = Peak(shop)
    used, began = Used(shop), time.monotonic()
    shop.let_loose(BARE)
    ended = wait_for(lambda: bare.done(shop.room) == bare.WARM + count, LOOK_SECONDS, meanwhile=(peak.look,))
    told = _told(shop, count, ended - began, used, bare.latencies(shop.room), peak)
    return told | {"counts": bare.counts(shop.room), "due": bare.due(count)}


def _make_bare_known(room: Room, ports: Ports) -> None:
    """Make the tables, and the deployment in a process of its own: Prefect reads its settings when it is imported."""
    bare.metadata.create_all(room.database.engine)
    argv = [sys.executable, "-m", "benchmarks.backroom_bare", room.shop.location(room.shop.hub).pool]
    subprocess.run(argv, env=environment_of(room, ports), cwd=ROOT, check=True, timeout=180, stdout=sys.stderr)  # noqa: S603 - ours


def _told(
    shop: MeasuredShop, count: int, seconds: float, used: Used, took: list[float], peak: Peak
) -> dict[str, object]:
    shop.wait_until_quiet()
    by_process = used.since(shop)
    return {
        "orders": count,
        "seconds": round(seconds, 2),
        "cpu_s": round(sum(by_process.values()), 2),
        "cpu_s_by_process": by_process,
        "prefect_kept": used.kept(shop),
        "p50_s": round(share(took, 0.5), 3),
        "p95_s": round(share(took, 0.95), 3),
        "peak_mb": round(peak.mb),
    }


if __name__ == "__main__":
    sys.exit(main())
