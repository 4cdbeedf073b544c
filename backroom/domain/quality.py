"""Data quality: how grave a finding is, what became of it, and what is usual for a count or a silence.

What belongs here: these words and rules over plain values. What does not: the checks (`backroom.quality`), and the rows
they are made on (`backroom.store.quality`).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from statistics import median

# So many earlier values are the least that say what is usual.
LEAST = 4
# Gaps between days with orders: with fewer days nobody can say how long a silence is usual.
LEAST_DAYS = 10
# A deviation of so many spreads is not usual; the median absolute deviation of a normal distribution is its standard
# deviation divided by this (Hampel 1974, "The influence curve and its role in robust estimation").
SPREADS, MAD_TO_SIGMA = 3.0, 1.4826


class Severity(StrEnum):
    """How grave it is when a check fails, gravest first: goods or money may be lost; a figure or a plan is wrong; a
    person may want to look."""

    CRITICAL = "critical"
    WARNING = "warning"
    INFO = "info"


class FindingState(StrEnum):
    """What became of a finding: OPEN; REPAIRED by us and checked again; GONE, the row passed by itself later; ACCEPTED,
    a person looked and lets it be."""

    OPEN = "open"
    REPAIRED = "repaired"
    GONE = "gone"
    ACCEPTED = "accepted"


class Scope(StrEnum):
    """Which rows a run looks at: those something was written about since the last run and those still under way, or
    every row there is."""

    CHANGED = "changed"
    FULL = "full"


@dataclass(frozen=True, slots=True)
class Usual:
    """What is usual of a count: from `low` to `high`, both included."""

    low: int
    high: int


def usual(earlier: Sequence[int]) -> Usual | None:
    """What is usual after these earlier counts of the same kind (the same weekday, say); None for fewer than LEAST.

    The median ± three standard deviations, estimated by the median absolute deviation and never smaller than those of
    a Poisson process of that median, nor than one: an odd day among them moves it little.
    """
    if len(earlier) < LEAST:
        return None
    middle = median(earlier)
    deviation = MAD_TO_SIGMA * median(abs(count - middle) for count in earlier)
    spread = SPREADS * max(deviation, math.sqrt(middle), 1.0)
    return Usual(max(0, math.floor(middle - spread)), math.ceil(middle + spread))


def longest_silence(days: Sequence[int]) -> int | None:
    """The longest gap between two days with orders, in days (two days in a row are 1); None for fewer than LEAST_DAYS.

    `days` are ordinals, in any order, each once.
    """
    if len(days) < LEAST_DAYS:
        return None
    return max(later - earlier for earlier, later in pairwise(sorted(days)))
