"""The systems that are compared: the command that measures each, and with how much work.

What belongs here: names, commands, sizes; of what is measured of Backroom alone as well. What does not: running them
(`bench`), installing them (`equipment`).
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from benchmarks.equipment import PEERS_PYTHON

Kind = Literal["whole", "bare", "waves of one"]
AT_ONCE = (1, 4, 16, 64)


@dataclass(frozen=True, slots=True)
class System:
    """One system. `expected` orders a second is a first guess, for the size of the runs that find its best setting.

    `round_orders` is the work of one round; None: as much as takes some seconds at the rate that was found.
    `most_tried` orders are enough to try a setting with.
    """

    name: str
    python: str
    arguments: Sequence[str]
    expected: float = 50
    round_orders: int | None = None
    most_tried: int = 10_000
    settings: Sequence[Sequence[str]] = ()

    @property
    def is_ours(self) -> bool:
        return self.name.startswith("backroom")

    def command(self, kind: Kind, orders: int, setting: Sequence[str] = ()) -> list[str]:
        return [*self._base(kind, setting), "--orders", str(orders)]

    def trickle(self, kind: Kind, seconds: int, setting: Sequence[str] = ()) -> list[str]:
        return [*self._base(kind, setting), "--trickle", str(seconds)]

    def _base(self, kind: Kind, setting: Sequence[str]) -> list[str]:
        own = {"whole": [], "bare": ["--bare"], "waves of one": ["--wave-most", "1"]}[kind]
        return [self.python, *self.arguments, *own, *setting]


def _each(*processes: int) -> tuple[tuple[str, ...], ...]:
    """1, 4, 16 and 64 at once; where a system can use several processes, the larger ones spread over them as well."""
    tried = [("--at-once", str(many)) for many in AT_ONCE]
    return (*tried, *(("--at-once", "16", "--processes", str(count)) for count in processes))


def _module(name: str, *arguments: str) -> tuple[str, ...]:
    return ("-m", f"benchmarks.{name}", *arguments)


OURS = tuple(
    System(
        f"backroom-{database}",
        sys.executable,
        _module("backroom_run", "--database", database),
        # Seconds of work, whatever it begins with: the first wave of each worker is slower.
        expected=1500,
        round_orders=10_000,
        settings=(("--hub-workers", "1"), ("--hub-workers", "2")),
    )
    for database in ("sqlite", "postgres")
)
PEERS = (
    # A run costs it a second: a dozen orders show as much of it as hundreds would.
    System(
        "prefect-serve",
        sys.executable,
        _module("peers.prefect_serve"),
        expected=1,
        round_orders=12,
        most_tried=24,
        settings=_each(),
    ),
    System("dbos-sqlite", PEERS_PYTHON, _module("peers.dbos_queue", "--database", "sqlite"), 60, settings=_each()),
    System("dbos-postgres", PEERS_PYTHON, _module("peers.dbos_queue", "--database", "postgres"), 60, settings=_each(2)),
    System("celery", PEERS_PYTHON, _module("peers.celery_chain"), 60, settings=_each(2, 4)),
    System("restate", PEERS_PYTHON, _module("peers.restate_service"), 200, settings=_each(2)),
)
SYSTEMS = (*OURS, *PEERS)


@dataclass(frozen=True, slots=True)
class Alone:
    """What is measured of the running shop by itself: a command, its sizes, and those of a quick run."""

    module: str
    full: Sequence[str]
    small: Sequence[str]

    def command(self, *, quick: bool) -> list[str]:
        return [sys.executable, *_module(self.module, *(self.small if quick else self.full))]


ALONE = {
    "latency": Alone(
        "latency",
        ("--orders", "60", "--seconds", "30", "--past", "100000"),
        ("--orders", "5", "--seconds", "3", "--past", "200"),
    ),
    "idle": Alone("idle", ("--settle", "75", "--seconds", "120"), ("--settle", "5", "--seconds", "5")),
}
