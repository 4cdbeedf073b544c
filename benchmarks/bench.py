"""Backroom beside the systems that promise the same, on this machine, in one run: a table, and results.json.

    uv run python -m benchmarks.bench                     # all of it, 45 minutes
    uv run python -m benchmarks.bench --quick             # does everything run? no figures to rely on
    uv run python -m benchmarks.bench --only dbos-sqlite --only backroom-sqlite --rounds 2

First each system finds its best setting. Then come the rounds: Backroom whole, with 10,000 orders that wait, and
the others bare, in another order each round. Then a trickle of one order a second for each. What time is left goes to
the rest: the others whole, Backroom bare and with waves held at one, the trickle bare.

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
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks import children
from benchmarks.equipment import ROOT, equip, versions
from benchmarks.figures import Sample, sample
from benchmarks.report import Record, results, tables
from benchmarks.systems import PEERS, SYSTEMS, Kind, System

RESULTS = ROOT / "benchmarks" / "results.json"
MOST_SECONDS = 300.0
CALIBRATION_SECONDS = 2.0
ROUND_SECONDS = 4.0
TRICKLE_SECONDS = 12
ONES = 100
WHOLE: Kind = "whole"
BARE: Kind = "bare"
ONE_BY_ONE: Kind = "waves of one"


@dataclass(frozen=True, slots=True)
class Size:
    """How much is done in all."""

    rounds: int
    minutes: float
    share: float
    trickle: int


class Bench:
    """One run. `share` below 1 makes every measurement that much smaller."""

    def __init__(self, systems: Sequence[System], size: Size, seed: int) -> None:
        self.systems, self.size, self.record = systems, size, Record()
        self._chance = random.Random(seed)  # noqa: S311 - the order of measurements
        self._began = time.monotonic()
        self._rates: dict[str, float] = {}
        self._lasted: dict[tuple[str, str], float] = {}
        self._left_out: set[tuple[str, str]] = set()

    @property
    def seconds(self) -> float:
        return time.monotonic() - self._began

    def run(self) -> None:
        """Everything, in the order of its importance."""
        ours = [system for system in self.systems if system.is_ours]
        peers = [system for system in self.systems if not system.is_ours]
        for system in self.systems:
            self._calibrate(system)
        for number in range(1, self.size.rounds + 1):
            self._rounds([*((one, WHOLE) for one in ours), *((one, BARE) for one in peers)], number)
        for system in self.systems:
            self._trickle(system, WHOLE)
        # What is good to know beside it, as long as there is time.
        beside = [*((one, WHOLE) for one in peers), *((one, BARE) for one in ours)]
        self._rounds([*beside, *((one, ONE_BY_ONE) for one in ours)], 1, optional=True)
        for system in peers:
            if self._has_time(system, "trickle"):
                self._trickle(system, BARE)
        for number in range(2, self.size.rounds + 1):
            self._rounds(beside, number, optional=True)

    def _rounds(self, pairs: Sequence[tuple[System, Kind]], number: int, *, optional: bool = False) -> None:
        """One of each, in an order that is another each time, so that none always follows the same one."""
        for system, kind in self._chance.sample(pairs, len(pairs)):
            if not optional or self._has_time(system, kind):
                self._round(system, kind, number)

    def _has_time(self, system: System, what: str) -> bool:
        """Whether it would end in time, by how long its like took before; says so where it would not."""
        longest = max((lasted for (name, _), lasted in self._lasted.items() if name == system.name), default=60.0)
        likely = self._lasted.get((system.name, what), longest)
        if self.seconds + likely <= 60 * self.size.minutes:
            return True
        if (system.name, what) not in self._left_out:
            self._left_out.add((system.name, what))
            self._say(f"{system.name}, {what}: left out, it would not end within {self.size.minutes:g} minutes")
        return False

    def _calibrate(self, system: System) -> None:
        """The best of its settings: ours with whole orders, the others bare."""
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
        if system.name in self.record.missing or f"{system.name}, {kind}" in self.record.missing:
            return False
        return system.name in self._rates

    def _measure(self, system: System, kind: Kind, what: str, command: Sequence[str], number: int) -> Sample | None:
        """One measurement; where it fails, says why and goes on."""
        shown = " ".join(command[3:])
        turn = f"round {number}" if number else what
        began = time.monotonic()
        self._say(f"{turn:<12} {system.name:<17} {kind:<6} {shown}", end=" … ")
        try:
            told = children.measure(command, MOST_SECONDS)
            found = sample(told)
            checked(kind, found)
        except (children.Failed, KeyError, ValueError) as error:
            print("FAILED", flush=True)
            self._complain(system, kind, what, error)
            return None
        self._lasted[system.name, what] = time.monotonic() - began
        print(
            f"{found.orders_per_s:.1f}/s, {found.cpu_ms_per_order:.1f} ms CPU, p50 {found.p50_s:.2f} s"
            f"  [{self._lasted[system.name, what]:.0f} s]",
            flush=True,
        )
        self.record.samples.append({"system": system.name, "kind": kind, "what": what, "round": number, **told})
        return found

    def _complain(self, system: System, kind: Kind, what: str, error: Exception) -> None:
        print(f"{'=' * 70}\n{system.name}, {kind}, {what}: {type(error).__name__}: {error}\n{'=' * 70}", flush=True)
        if not any(one["system"] == system.name for one in self.record.samples):
            self.record.missing[system.name] = str(error)
        elif not self.record.of(system.name, kind):
            self.record.missing[f"{system.name}, {kind}"] = str(error)

    def _say(self, text: str, end: str = "\n") -> None:
        minutes, seconds = divmod(int(self.seconds), 60)
        print(f"[{minutes:02d}:{seconds:02d}] {text}", end=end, flush=True)


def checked(kind: Kind, found: Sample) -> None:
    """Whether the database says that all were done, where the lifecycle is whole; the peers check their own engines."""
    if kind == BARE:
        return
    done = found.counts["orders_fulfilled"]
    if done < found.orders:
        raise ValueError(f"{done} orders are fulfilled in the database, and not {found.orders}")


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
    """Run the benchmark; 0 if every system was measured."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.bench")
    parser.add_argument("--quick", action="store_true", help="one small round, only to see that everything runs")
    parser.add_argument("--only", action="append", choices=[system.name for system in SYSTEMS], default=[])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--minutes", type=float, default=45, help="what is not essential is left out after this long")
    parser.add_argument("--seed", type=int, default=None, help="of the order in which systems are measured")
    chosen = parser.parse_args(arguments)
    systems = [system for system in SYSTEMS if not chosen.only or system.name in chosen.only]
    seed = random.SystemRandom().randrange(10_000) if chosen.seed is None else chosen.seed
    size = Size(1, chosen.minutes, 0.05, 5) if chosen.quick else Size(chosen.rounds, chosen.minutes, 1, TRICKLE_SECONDS)
    print(f"Seed {seed}; load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores", flush=True)
    absent = equip() if any(system in PEERS for system in systems) else {}
    for name, reason in absent.items():
        print(f"{'=' * 70}\nNOT INSTALLED: {name}: {reason}\n{'=' * 70}", flush=True)
    head = about(size, seed)
    for number in (signal.SIGINT, signal.SIGTERM):
        # Python leaves Ctrl-C ignored where a script has started us in the background.
        signal.signal(number, signal.default_int_handler)
    bench = Bench(systems, size, seed)
    interrupted = False
    try:
        bench.run()
    except KeyboardInterrupt:
        interrupted = True
        print("\nInterrupted; what was measured so far:", flush=True)
    told = results(bench.record, {**head, "seconds": round(bench.seconds), "interrupted": interrupted})
    RESULTS.write_text(json.dumps(told, indent=1) + "\n")
    print(tables(bench.record))
    print(f"\n{bench.seconds / 60:.1f} minutes; all samples in {RESULTS.relative_to(ROOT)}")
    return 130 if interrupted else int(bool(bench.record.missing))


def _cpu() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")


if __name__ == "__main__":
    sys.exit(main())
