"""How predictable demand is: by SKU, over all of them, and over the week and the year.

What belongs here: pure sums over counts. What does not: reading the counts (`backroom.store.demand`), what follows from
them for a robot (`automation`) or for buying in (`supply`).

Classes and their cut-offs: A. A. Syntetos, J. E. Boylan, J. D. Croston, "On the categorization of demand patterns",
Journal of the Operational Research Society 56 (2005): mean interval between demands 1.32, squared coefficient of
variation of the demands' sizes 0.49.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from statistics import fmean, pvariance

from backroom.domain.intermittent import EVEN, OFTEN

# Of fewer periods nobody can tell a rhythm.
FEWEST_PERIODS = 8


class Pattern(StrEnum):
    """Smooth sells often and evenly, intermittent seldom and evenly, erratic often and unevenly, lumpy neither."""

    SMOOTH = "smooth"
    INTERMITTENT = "intermittent"
    ERRATIC = "erratic"
    LUMPY = "lumpy"
    TOO_SHORT = "too short to tell"


@dataclass(frozen=True, slots=True)
class Demand:
    """`interval` is how many periods come to one with demand (ADI), `variation` the squared coefficient of variation of
    the demands (CV²); both 0 without demand."""

    pieces: int
    interval: float
    variation: float
    pattern: Pattern


def classify(counts: Sequence[int]) -> Demand:
    """The pattern of pieces by period, periods without demand included. ValueError for a count below zero."""
    if any(count < 0 for count in counts):
        raise ValueError("nobody wants less than nothing")
    sizes = [count for count in counts if count]
    if not sizes:
        return Demand(0, 0.0, 0.0, Pattern.TOO_SHORT)
    interval = len(counts) / len(sizes)
    variation = pvariance(sizes) / fmean(sizes) ** 2
    return Demand(sum(sizes), interval, variation, _pattern(len(counts), interval, variation))


def _pattern(periods: int, interval: float, variation: float) -> Pattern:
    if periods < FEWEST_PERIODS:
        return Pattern.TOO_SHORT
    seldom, uneven = interval >= OFTEN, variation >= EVEN
    if seldom:
        return Pattern.LUMPY if uneven else Pattern.INTERMITTENT
    return Pattern.ERRATIC if uneven else Pattern.SMOOTH


@dataclass(frozen=True, slots=True)
class Concentration:
    """`top_fifth` is the share of pieces that the best-selling fifth of the SKUs makes, `skus_for_80` how many SKUs
    make four fifths of them, of `skus` that sold at all."""

    skus: int
    top_fifth: float
    skus_for_80: int


def concentration(pieces: Mapping[str, int]) -> Concentration:
    """How much few SKUs make of all pieces."""
    sold = sorted((count for count in pieces.values() if count > 0), reverse=True)
    total = sum(sold)
    if not total:
        return Concentration(0, 0.0, 0)
    reached = needed = 0
    while reached < 0.8 * total:
        reached += sold[needed]
        needed += 1
    return Concentration(len(sold), sum(sold[: -(-len(sold) // 5)]) / total, needed)


@dataclass(frozen=True, slots=True)
class Season:
    """`indices` are each group's mean by the mean of all (1.0 is usual), by name; `explained` is the share of the
    variance that the groups make (η², 0 to 1)."""

    indices: Mapping[str, float]
    explained: float


def season(counts: Sequence[tuple[str, int]], fewest: int) -> Season | None:
    """How counts swing with a group (weekday, month); None unless every group was seen `fewest` times and sold."""
    groups: dict[str, list[int]] = {}
    for name, count in counts:
        groups.setdefault(name, []).append(count)
    every = [count for _, count in counts]
    if len(groups) < 2 or any(len(group) < fewest for group in groups.values()) or not sum(every):
        return None
    mean, spread = fmean(every), pvariance(every)
    between = fmean([(fmean(groups[name]) - mean) ** 2 for name, _ in counts])
    return Season({name: fmean(group) / mean for name, group in groups.items()}, between / spread if spread else 0.0)
