"""The arithmetic of the benchmark: percentiles, medians and spreads, ratios, and the shape of results.json.

What belongs here: numbers in, numbers out. What does not: running anything (`bench`), words and columns (`report`).
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

# What results.json says of every system.
FIGURES = ("orders_per_s", "cpu_ms_per_order", "p50_s", "p95_s", "peak_mb")
# What every system that does the whole work must have counted back: rows, and what lies in the sinks.
NEEDED = ("orders_fulfilled", "labels", "delivered", "prints")


@dataclass(frozen=True, slots=True)
class Sample:
    """One measurement, as a child command printed it.

    `counts` were read back from databases and folders afterwards, and `due` is what some of them must be.
    """

    orders: int
    seconds: float
    cpu_s: float
    p50_s: float
    p95_s: float
    peak_mb: float
    counts: Mapping[str, int]
    due: Mapping[str, int]

    @property
    def orders_per_s(self) -> float:
        return self.orders / self.seconds

    @property
    def cpu_ms_per_order(self) -> float:
        return 1000 * self.cpu_s / self.orders


@dataclass(frozen=True, slots=True)
class Ratio:
    """How many times as much, in the middle of the rounds, and the least and the most of them."""

    median: float
    least: float
    most: float


def sample(told: Mapping[str, Any]) -> Sample:
    """From a child's last line; KeyError or ValueError where it lacks a figure or says something impossible."""
    one = Sample(**{name: told[name] for name in Sample.__dataclass_fields__})
    if one.orders < 1 or one.seconds <= 0:
        raise ValueError(f"{one.orders} orders in {one.seconds} s is no measurement")
    return one


def checked(one: Sample, *, whole: bool) -> Sample:
    """The sample itself; ValueError where anything is less or more than it should be, or was not counted at all."""
    if whole and (uncounted := [name for name in NEEDED if name not in one.due]):
        raise ValueError(f"not counted back: {', '.join(uncounted)}")
    if not one.due:
        raise ValueError("nothing was counted back")
    wrong = [
        f"{one.counts.get(name, 0):,} {name} and not {due:,}"
        for name, due in one.due.items()
        if one.counts.get(name, 0) != due
    ]
    if wrong:
        raise ValueError(f"read back afterwards: {'; '.join(wrong)}")
    return one


def percentile(values: Sequence[float], percent: float) -> float:
    """The nearest rank: the smallest value that at least so many percent do not exceed. ValueError for none."""
    if not values:
        raise ValueError("there is no percentile of nothing")
    rank = math.ceil(percent / 100 * len(values))
    return sorted(values)[max(rank, 1) - 1]


def ratio(ours: Mapping[int, float], theirs: Mapping[int, float]) -> Ratio | None:
    """Round by round, since what is of one round had the same machine; None where no round has both."""
    rounds = [ours[number] / theirs[number] for number in sorted(ours.keys() & theirs.keys())]
    return Ratio(statistics.median(rounds), min(rounds), max(rounds)) if rounds else None


def summary(rounds: Sequence[Sample], trickle: Sample | None) -> dict[str, float | None]:
    """The figures of one system, None for what was not measured: medians of its rounds, and the most memory.

    Latency is that of its trickle; where there was none, of its rounds, in which an order waits for others.
    """
    late = [trickle] if trickle else rounds
    return {
        "orders_per_s": _median((one.orders_per_s for one in rounds), 2),
        "cpu_ms_per_order": _median((one.cpu_ms_per_order for one in rounds), 3),
        "p50_s": _median((one.p50_s for one in late), 4),
        "p95_s": _median((one.p95_s for one in late), 4),
        "peak_mb": max((one.peak_mb for one in rounds), default=None),
    }


def _median(values: Iterable[float], digits: int) -> float | None:
    there = list(values)
    return round(statistics.median(there), digits) if there else None
