"""Backroom beside the systems that promise the same, on this machine, in one run: a table, and results.json.

    uv run python -m benchmarks.bench                     # all of it, about an hour
    uv run python -m benchmarks.bench --quick             # does everything run? no figures to rely on
    uv run python -m benchmarks.bench --only dbos-sqlite --only backroom-sqlite --rounds 2
    uv run python -m benchmarks.bench --without celery    # what cannot be run here, left out by its name

First each system finds its best setting. Then come the rounds: Backroom whole, with 10,000 orders that wait, and
the others bare, in another order each round. Then a trickle of one order a second for each, a round of the rest (the
others whole, Backroom bare and with waves held at one), and the shop alone: answers, the way to the printer and the
same with a past, the idle system. What time is left goes to further rounds of the rest.

It ends with 0 where all was measured and every goal is held, with 3 where a goal is broken, with 1 where something
failed, fell short when it was counted back, or was left out without having been asked to, and with 130 on Ctrl-C.

What belongs here: which measurements are made, and when. What does not: making one (`children`), what is said of them
(`report`).
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import random
import signal
import subprocess
import sys
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks import children
from benchmarks.equipment import ROOT, equip, versions
from benchmarks.figures import Sample, checked, sample
from benchmarks.goals import ALL_WELL, GOALS_BROKEN
from benchmarks.record import LeftOut, Record
from benchmarks.report import code, results, tables
from benchmarks.systems import ALONE, PEERS, SYSTEMS, Kind, System

RESULTS = ROOT / "benchmarks" / "results.json"
# Stock Prefect carries half an order a second on a slow machine, and its client sleeps 2ⁿ s when it is refused.
MOST_SECONDS = 900.0
# A past has to be laid, and it settles before it is idle.
MOST_SECONDS_ALONE = 1800.0
CALIBRATION_SECONDS = 2.0
ROUND_SECONDS = 4.0
# Of fewer, p95 would be the second or third slowest.
TRICKLE_SECONDS = 60
ONES = 60
WHOLE: Kind = "whole"
BARE: Kind = "bare"
ONE_BY_ONE: Kind = "waves of one"
INTERRUPTED = 130


@dataclass(frozen=True, slots=True)
class Size:
    """How much is done in all."""

    rounds: int
    minutes: float
    share: float
    trickle: int


class Bench:
    """One run. `share` below 1 makes every measurement that much smaller."""

    def __init__(self, names: Collection[str], size: Size, seed: int, record: Record) -> None:
        """`names` of systems and of what is measured alone; what cannot be, stands in the record as left out."""
        self.systems = [system for system in SYSTEMS if system.name in names]
        self.alone = [name for name in ALONE if name in names]
        self.size, self.record = size, record
        self._chance = random.Random(seed)  # noqa: S311 - the order of measurements
        self._began = time.monotonic()
        self._rates: dict[str, float] = {}
        self._lasted: dict[tuple[str, str], float] = {}

    @property
    def seconds(self) -> float:
        return time.monotonic() - self._began

    def run(self) -> None:
        """Everything, in the order of its importance."""
        ours = [system for system in self.systems if system.is_ours]
        peers = [system for system in self.systems if not system.is_ours]
        for system in self.systems:
            self._calibrate(system)
        rest = [*((one, WHOLE) for one in peers), *((one, BARE) for one in ours), *((one, ONE_BY_ONE) for one in ours)]
        for number in range(1, self.size.rounds + 1):
            self._rounds([*((one, WHOLE) for one in ours), *((one, BARE) for one in peers)], number)
        for system in self.systems:
            self._trickle(system, WHOLE)
        self._rounds(rest, 1)
        for name in self.alone:
            self._measure_alone(name)
        # What is good to know beside it, as long as there is time.
        for system in peers:
            if self._has_time(system, "trickle", f"{system.name}, bare, trickle"):
                self._trickle(system, BARE)
        for number in range(2, self.size.rounds + 1):
            self._rounds(rest, number, optional=True)

    def _rounds(self, pairs: Sequence[tuple[System, Kind]], number: int, *, optional: bool = False) -> None:
        """One of each, in an order that is another each time, so that none always follows the same one."""
        for system, kind in self._chance.sample(pairs, len(pairs)):
            if not optional or self._has_time(system, kind, f"{system.name}, {kind}"):
                self._round(system, kind, number)

    def _has_time(self, system: System, what: str, name: str) -> bool:
        """Whether it would end in time, by how long its like took before; says so where it would not."""
        longest = max((lasted for (one, _), lasted in self._lasted.items() if one == system.name), default=60.0)
        likely = self._lasted.get((system.name, what), longest)
        if self.seconds + likely <= 60 * self.size.minutes:
            return True
        if name not in self.record.fewer:
            self.record.fewer[name] = f"it would not end within {self.size.minutes:g} minutes"
            self._say(f"{name}: not repeated, {self.record.fewer[name]}")
        return False

    def _calibrate(self, system: System) -> None:
        """The best of its settings: ours with whole orders, the others bare."""
        if system.name in self.record.left_out:
            return
        kind = WHOLE if system.is_ours else BARE
        found: dict[str, float] = {}
        settings = system.settings if self.size.share == 1 else system.settings[1:3]
        for setting in settings:
            # At least twice as many as may be at work at once; in a quick run speed does not matter.
            least = 2 * int(setting[1]) if self.size.share == 1 else 4
            orders = min(max(int(system.expected * CALIBRATION_SECONDS * self.size.share), least), system.most_tried)
            told = self._measure(system, kind, "calibration", system.command(kind, orders, setting), 0)
            if told is not None:
                found[" ".join(setting)] = round(told.orders_per_s, 2)
                self.record.tried[system.name] = orders
            elif not found:
                # It does not even start: the other settings would not either.
                return
        best = max(found, key=lambda setting: found[setting])
        self.record.calibration[system.name] = found
        self.record.settings[system.name] = best.split()
        self._rates[system.name] = found[best]

    def _round(self, system: System, kind: Kind, number: int) -> None:
        if not self._stands(system, kind):
            return
        command = system.command(kind, self._orders(system, kind), self.record.settings.get(system.name, ()))
        told = self._measure(system, kind, kind, command, number)
        if told is not None:
            self.record.rounds.setdefault((system.name, kind), {})[number] = told

    def _orders(self, system: System, kind: Kind) -> int:
        if kind == ONE_BY_ONE:
            return max(10, int(ONES * self.size.share))
        if system.round_orders is not None:
            return max(4, int(system.round_orders * self.size.share))
        rounds = self.record.of(system.name, kind)
        rate = rounds[max(rounds)].orders_per_s if rounds else self._rates[system.name]
        # Enough that all that may be at work at once are, for most of the time.
        least = 3 * int(self.record.settings[system.name][1]) if self.size.share == 1 else 4
        return max(least, int(rate * ROUND_SECONDS * self.size.share))

    def _trickle(self, system: System, kind: Kind) -> None:
        if not self._stands(system, kind):
            return
        command = system.trickle(kind, self.size.trickle, self.record.settings.get(system.name, ()))
        told = self._measure(system, kind, "trickle", command, 0)
        if told is not None:
            self.record.trickles[system.name, kind] = told

    def _stands(self, system: System, kind: Kind) -> bool:
        """Whether it can be measured, as far as is known."""
        if system.name in self.record.left_out or f"{system.name}, {kind}" in self.record.left_out:
            return False
        return system.name in self._rates

    def _measure(self, system: System, kind: Kind, what: str, command: Sequence[str], number: int) -> Sample | None:
        """One measurement; where it fails, says why and goes on."""
        turn = f"round {number}" if number else what
        began = time.monotonic()
        self._say(f"{turn:<12} {system.name:<17} {kind:<6} {' '.join(command[3:])}", end=" … ")
        told: Mapping[str, Any] = {}
        try:
            told = children.measure(command, MOST_SECONDS)
            found = checked(sample(told), whole=kind != BARE)
        except (children.Failed, KeyError, TypeError, ValueError) as error:
            print("FAILED", flush=True)
            if told:
                self._keep(system, kind, what, number, {**told, "refused": str(error)})
            self._complain(system, kind, turn, error)
            return None
        self._lasted[system.name, what] = time.monotonic() - began
        print(
            f"{found.orders_per_s:.1f}/s, {found.cpu_ms_per_order:.1f} ms CPU, p50 {found.p50_s:.2f} s"
            f" of {found.orders} orders  [{self._lasted[system.name, what]:.0f} s]",
            flush=True,
        )
        self._keep(system, kind, what, number, told)
        return found

    def _keep(self, system: System, kind: Kind, what: str, number: int, told: Mapping[str, Any]) -> None:
        self.record.samples.append({"system": system.name, "kind": kind, "what": what, "round": number, **told})

    def _complain(self, system: System, kind: Kind, turn: str, error: Exception) -> None:
        """A failure is never forgotten; what has no figure at all is left out from here on."""
        name, why = f"{system.name}, {kind}", f"{type(error).__name__}: {error}"
        self.record.failed.append(f"{name}, {turn}: {why}")
        print(f"{'=' * 70}\n{name}, {turn}: {why}\n{'=' * 70}", flush=True)
        good = [one for one in self.record.samples if "refused" not in one]
        if not any(one["system"] == system.name for one in good):
            self.record.left_out[system.name] = LeftOut(why)
        elif not any(one["system"] == system.name and one["kind"] == kind for one in good):
            self.record.left_out[name] = LeftOut(why)

    def _measure_alone(self, name: str) -> None:
        """The shop by itself, as that command measures it; a broken goal is a figure, a failure is none."""
        command = ALONE[name].command(quick=self.size.share < 1)
        self._say(f"{'alone':<12} {' '.join(command[2:])}", end=" … ")
        began = time.monotonic()
        try:
            self.record.alone[name] = children.measure(command, MOST_SECONDS_ALONE, (ALL_WELL, GOALS_BROKEN))
        except children.Failed as error:
            print("FAILED", flush=True)
            self.record.failed.append(f"{name}: {error}")
            self.record.left_out[name] = LeftOut(str(error))
            print(f"{'=' * 70}\n{name}: {error}\n{'=' * 70}", flush=True)
        else:
            print(f"[{time.monotonic() - began:.0f} s]", flush=True)

    def _say(self, text: str, end: str = "\n") -> None:
        minutes, seconds = divmod(int(self.seconds), 60)
        print(f"[{minutes:02d}:{seconds:02d}] {text}", end=end, flush=True)


def about(size: Size, seed: int) -> dict[str, Any]:
    """What stands at the head of results.json: which code, which machine, which versions."""
    git = ["git", "-C", str(ROOT)]
    commit = subprocess.run([*git, "rev-parse", "HEAD"], capture_output=True, text=True, check=False)  # noqa: S603
    changed = subprocess.run(  # noqa: S603
        [*git, "status", "--porcelain", "--untracked-files=no"], capture_output=True, text=True, check=False
    )
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "commit": commit.stdout.strip(),
        "changed_since": bool(changed.stdout.strip()),
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "seed": seed,
        "rounds": size.rounds,
        "share": size.share,
        "machine": {
            "cpus": os.cpu_count(),
            "cpu": _cpu(),
            "memory_gb": round(memory / 1e9, 1),
            "kernel": platform.release(),
            "python": platform.python_version(),
            "load_at_start": round(os.getloadavg()[0], 2),
        },
        "versions": versions(),
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark; returns how it ended, as the head of this module says."""
    names = [*(system.name for system in SYSTEMS), *ALONE]
    parser = argparse.ArgumentParser(prog="python -m benchmarks.bench")
    parser.add_argument("--quick", action="store_true", help="one small round, only to see that everything runs")
    parser.add_argument("--only", action="append", choices=names, default=[], help="these; all others are left out")
    parser.add_argument("--without", action="append", choices=names, default=[], help="leave this one out")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--minutes", type=float, default=60, help="after this long nothing is repeated")
    parser.add_argument("--seed", type=int, default=None, help="of the order in which systems are measured")
    chosen = parser.parse_args(arguments)
    seed = random.SystemRandom().randrange(10_000) if chosen.seed is None else chosen.seed
    size = Size(1, chosen.minutes, 0.05, 5) if chosen.quick else Size(chosen.rounds, chosen.minutes, 1, TRICKLE_SECONDS)
    print(f"Seed {seed}; load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores", flush=True)
    record = Record(left_out=unmeasured(names, chosen.only, chosen.without))
    if any(peer.name not in record.left_out for peer in PEERS):
        record.left_out = {name: LeftOut(why) for name, why in equip().items()} | record.left_out
    for name, one in record.left_out.items():
        print(f"LEFT OUT: {name}: {one.why}", flush=True)
    head = about(size, seed)
    for number in (signal.SIGINT, signal.SIGTERM):
        # Python leaves Ctrl-C ignored where a script has started us in the background.
        signal.signal(number, signal.default_int_handler)
    bench = Bench([name for name in names if name not in record.left_out], size, seed, record)
    interrupted = False
    try:
        bench.run()
    except KeyboardInterrupt:
        interrupted = True
        print("\nInterrupted; what was measured so far:", flush=True)
    ended = INTERRUPTED if interrupted else code(record)
    more = {"seconds": round(bench.seconds), "interrupted": interrupted, "exit_code": ended}
    RESULTS.write_text(json.dumps(results(record, {**head, **more}), indent=1) + "\n")
    print(f"\n{bench.seconds / 60:.1f} minutes; all samples in {RESULTS.relative_to(ROOT)}")
    print(tables(record))
    return ended


def unmeasured(names: Sequence[str], only: Collection[str], without: Collection[str]) -> dict[str, LeftOut]:
    """What whoever starts the run leaves out by its name."""
    return {
        name: LeftOut("--without names it" if name in without else "--only names others", asked=True)
        for name in names
        if name in without or (only and name not in only)
    }


def _cpu() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")


if __name__ == "__main__":
    sys.exit(main())
