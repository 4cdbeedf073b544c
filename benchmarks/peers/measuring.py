"""One peer measured once: its options, its clock, and the line of JSON at the end, the same for all of them.

What belongs here: what is measured and how. What does not: how a system is started and given its orders, which each
module beside this one knows of its own.

The clock runs from the moment the waiting orders may begin until the last has ended. Before it, a few orders warm the
system up, as a system that has run for a while is warm.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import tempfile
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from benchmarks.children import ON_DISK
from benchmarks.figures import percentile
from benchmarks.peers.domain_database import DomainDatabase
from benchmarks.peers.lifecycle import STEPS, Lifecycle
from benchmarks.peers.postgres import database, postgres
from benchmarks.peers.processes import alive_of, cpu_seconds, wait_for
from benchmarks.peers.stopwatch import Stopwatch

DOMAIN, FOLDER = "BENCH_DOMAIN", "BENCH_FOLDER"
MEMORY_LOOK_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Options:
    """What one measurement is about. `bare`: six steps that do nothing; `trickle`: an order a second for so long."""

    orders: int
    at_once: int
    bare: bool
    trickle: int
    database: str
    processes: int
    most_seconds: float


class Peer(ABC):
    """One system. Orders are numbers from 0; each step runs `Lifecycle` or, bare, nothing.

    `roots` are the first processes of all that takes part, this one aside.
    """

    databases = ("sqlite",)

    def __init__(self, options: Options, folder: Path, engine_url: str, stack: ExitStack) -> None:
        self.options, self.folder, self.engine_url, self.stack = options, folder, engine_url, stack
        self.roots: list[int] = []

    @classmethod
    def warm(cls, options: Options) -> int:
        """How many orders go before the measured ones: each of those at once has worked before."""
        return max(8, options.at_once)

    @abstractmethod
    def start(self) -> None:
        """Start what it needs, ready for orders."""

    @abstractmethod
    def send(self, order: int) -> None:
        """One order arrives, and may begin at once."""

    @abstractmethod
    def fill(self, orders: range) -> None:
        """So many orders arrive, and wait."""

    @abstractmethod
    def begin(self) -> None:
        """What waits may begin."""

    @abstractmethod
    def counts(self, orders: int) -> dict[str, int]:
        """What the engine's own records say afterwards, when so many orders have ended, the warm-up's included."""

    @abstractmethod
    def expected(self, orders: int) -> dict[str, int]:
        """What they must say; any other figure and nothing was measured."""


def main(peer: type[Peer]) -> int:
    """Measure as the command line says, and print the figures as the last line."""
    parser = argparse.ArgumentParser(description=sys.modules[peer.__module__].__doc__)
    parser.add_argument("--orders", type=int, default=100)
    parser.add_argument("--at-once", type=int, default=4)
    parser.add_argument("--bare", action="store_true", help="six durable steps without any domain work")
    parser.add_argument("--trickle", type=int, default=0, help="instead: an order a second, for so many seconds")
    parser.add_argument("--database", choices=peer.databases, default=peer.databases[0])
    parser.add_argument(
        "--processes", type=int, default=1, help="that serve orders, where it has no better way to use all cores"
    )
    parser.add_argument("--most-seconds", type=float, default=240, help="give up after this long")
    options = Options(**vars(parser.parse_args()))
    # Whoever ends us wants everything below us to end as well: the stack of contexts does that.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    with tempfile.TemporaryDirectory(
        prefix="backroom-peer-", dir=os.environ.get("TMPDIR", ON_DISK), ignore_cleanup_errors=True
    ) as name:
        told = measure(peer, options, Path(name))
    print(json.dumps(told))
    return 0


def steps_of_this_process() -> dict[str, Callable[[int], None]]:
    """The six steps as a process of the measured system runs them: on the shop's database, or bare."""
    domain = os.environ[DOMAIN]
    if not domain:
        return dict.fromkeys(STEPS, _nothing)
    return dict(Lifecycle(DomainDatabase(domain), Path(os.environ[FOLDER])).steps)


def _nothing(order: int) -> None:
    """A bare step."""


def measure(kind: type[Peer], options: Options, folder: Path) -> dict[str, object]:
    """One measurement in an empty folder."""
    folder.chmod(0o755)
    waiting = options.trickle or options.orders
    warm = kind.warm(options)
    measured = range(warm, warm + waiting)
    stopwatch = Stopwatch.made(folder / "stopwatch", measured.stop)
    with ExitStack() as stack:
        roots, engine_url, domain_url = [os.getpid()], "", str(folder / "domain.db")
        if options.database == "postgres":
            uri, postmaster = stack.enter_context(postgres(folder / "postgres"))
            roots.append(postmaster)
            engine_url, domain_url = database(uri, "engine"), database(uri, "domain")
        lifecycle = None
        if not options.bare:
            lifecycle = Lifecycle(DomainDatabase(domain_url), folder)
            lifecycle.prepare(measured.stop)
        # What its processes leave in their temporary folder goes with ours.
        os.environ |= {FOLDER: str(folder), DOMAIN: "" if options.bare else domain_url, "TMPDIR": str(folder)}
        peer = kind(options, folder, engine_url, stack)
        peer.start()
        roots += peer.roots
        for order in range(warm):
            peer.send(order)
        _wait_until_ended(stopwatch, range(warm), options.most_seconds)
        if not options.trickle:
            peer.fill(measured)
        memory = stack.enter_context(Memory(roots))
        used, began = cpu_seconds(roots), time.time()
        if options.trickle:
            _trickle(peer, stopwatch, measured)
        else:
            peer.begin()
        _wait_until_ended(stopwatch, measured, options.most_seconds)
        ended = max(stopwatch.end_of(order) for order in measured)
        used = cpu_seconds(roots) - used
        took = stopwatch.took(measured)
        counts, expected = peer.counts(measured.stop), peer.expected(measured.stop)
        if lifecycle is not None:
            counts |= lifecycle.counts()
            expected |= lifecycle.expected(measured.stop)
        if wrong := {name: counts.get(name) for name, value in expected.items() if counts.get(name) != value}:
            raise SystemExit(f"read back afterwards: {wrong}, which should be {expected}")
        return {
            "orders": waiting,
            "seconds": round(ended - began, 3),
            "cpu_s": round(used, 2),
            "p50_s": round(percentile(took, 50), 4),
            "p95_s": round(percentile(took, 95), 4),
            "peak_mb": round(memory.most / 1_000_000, 1),
            "at_once": options.at_once,
            "warm_up": warm,
            "counts": counts,
            "due": expected,
        }


def _trickle(peer: Peer, stopwatch: Stopwatch, orders: range) -> None:
    began = time.monotonic()
    for number, order in enumerate(orders):
        time.sleep(max(began + number - time.monotonic(), 0))
        stopwatch.begun(order)
        peer.send(order)


def _wait_until_ended(stopwatch: Stopwatch, orders: range, most_seconds: float) -> None:
    left = list(orders)

    def none_left() -> bool:
        # Looked at from the back: the last to begin is rarely done before the others.
        while left and stopwatch.end_of(left[-1]):
            left.pop()
        return not left

    wait_for(none_left, f"the last of {len(orders)} orders", most_seconds)


class Memory:
    """The most memory that these families held at one look, in bytes."""

    def __init__(self, roots: list[int]) -> None:
        self._roots, self._stop = roots, threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self.most = 0

    def __enter__(self) -> Memory:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _look(self) -> None:
        while True:
            self.most = max(self.most, sum(one.resident for one in alive_of(self._roots).values()))
            if self._stop.wait(MEMORY_LOOK_SECONDS):
                return
