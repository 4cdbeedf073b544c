"""Forecasts of demand that comes in single pieces and often not at all, one series at a time.

What belongs here: Croston's method and its kin, the naive forecast, and the distribution that is put around a mean.
What does not: which SKU has which past (`forecast`). A series is demand by period, oldest first.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

ALPHA = 0.15
# Syntetos, Boylan and Croston (2005), "On the categorization of demand patterns", JORS 56(5): Croston's method is
# better below both, their approximation elsewhere.
OFTEN, EVEN = 1.32, 0.49
TAIL = 1e-6


def naive(series: Sequence[float]) -> float:
    """What was asked for the last time; 0 without a past."""
    return series[-1] if series else 0.0


def croston(series: Sequence[float], alpha: float = ALPHA) -> float:
    """Pieces a period by Croston (1972), Operational Research Quarterly 23(3), 289-303: z / p.

    z smooths the sizes of demand, p the number of periods from one demand to the next; both change only in a period
    with demand, each by x' = x + a (new - x). The first values are means (a = 1/k for the k-th demand) until 1/k is
    smaller than `alpha`: with a past of six markets the first one would otherwise decide nearly all. 0 where nothing
    was ever asked for.
    """
    smoothed = _smooth(series, alpha)
    return smoothed.size / smoothed.interval if smoothed.demands else 0.0


def sba(series: Sequence[float], alpha: float = ALPHA) -> float:
    """Pieces a period by Syntetos and Boylan (2005), International Journal of Forecasting 21(2): (1 - alpha/2) z / p.

    The factor takes away the bias of z / p, which a mean of ratios has where demand comes seldom. Where it comes at
    nearly every period, and evenly, there is none, and Croston's own forecast stays as it is.
    """
    return _without_bias(series, alpha) * croston(series, alpha)


def with_open_wait(series: Sequence[float], alpha: float = ALPHA) -> float:
    """Pieces a period by Croston's method with the wait that is not over yet: z / (p + a w).

    w is the number of periods since the last demand, a the weight of the last one. Croston and SBA do not see it: what
    sold three pieces at the first of six markets and none since is three a market to them. With few demands this is
    their plain mean; what is not asked for any more fades away, as in Prestwich, Tarim, Rossi and Hnich (2014),
    International Journal of Forecasting 30(4).
    """
    smoothed = _smooth(series, alpha)
    if not smoothed.demands:
        return 0.0
    return smoothed.size / (smoothed.interval + max(alpha, 1 / smoothed.demands) * smoothed.waited)


def sba_with_open_wait(series: Sequence[float], alpha: float = ALPHA) -> float:
    """Pieces a period by SBA with the wait that is not over yet: (1 - alpha/2) z / (p + a w).

    It is what plans are made by. `benchmarks/prestaging.py` has all of them side by side.
    """
    return _without_bias(series, alpha) * with_open_wait(series, alpha)


def _without_bias(series: Sequence[float], alpha: float) -> float:
    """SBA's factor: what is left of a forecast without the bias of a mean of ratios."""
    there = [demand for demand in series if demand > 0]
    if not there:
        return 1.0
    mean = sum(there) / len(there)
    unevenness = sum((demand - mean) ** 2 for demand in there) / len(there) / mean**2
    seldom = len(series) / len(there) >= OFTEN
    return 1 - alpha / 2 if seldom or unevenness >= EVEN else 1.0


@dataclass(frozen=True, slots=True)
class _Smoothed:
    size: float
    interval: float
    demands: int
    waited: int


def _smooth(series: Sequence[float], alpha: float) -> _Smoothed:
    size = interval = 0.0
    demands, waited = 0, 0
    for demand in series:
        waited += 1
        if demand <= 0:
            continue
        demands += 1
        step = max(alpha, 1 / demands)
        size += step * (demand - size)
        interval += step * (waited - interval)
        waited = 0
    return _Smoothed(size, interval, demands, waited)


def distribution(mean: float, variance: float) -> tuple[float, ...]:
    """The chances of 0, 1, 2 … pieces: negative binomial, or Poisson where the variance is not above the mean.

    With r = mean² / (variance - mean) and p = r / (r + mean), P(k) = G(k + r) / (G(r) k!) · p^r · (1 - p)^k. It ends
    where less than a millionth is left, which the last one takes, so that they add up to 1.
    """
    if mean <= 0:
        return (1.0,)
    chances: list[float] = []
    covered = 0.0
    spread = variance - mean
    shape = mean * mean / spread if spread > mean * 1e-6 else math.inf
    # A bound far beyond any quantile, lest rounding keep the sum below 1 - TAIL for ever.
    most = math.ceil(mean + 60 * math.sqrt(max(variance, mean)) + 60)
    while covered < 1 - TAIL and len(chances) < most:
        chances.append(math.exp(_log_chance(len(chances), mean, shape)))
        covered += chances[-1]
    chances[-1] += 1 - covered
    return tuple(chances)


def _log_chance(count: int, mean: float, shape: float) -> float:
    if shape == math.inf:
        return count * math.log(mean) - mean - math.lgamma(count + 1)
    return (
        math.lgamma(count + shape)
        - math.lgamma(shape)
        - math.lgamma(count + 1)
        + shape * math.log(shape / (shape + mean))
        + count * math.log(mean / (shape + mean))
    )


def quantile(chances: Sequence[float], share: float) -> int:
    """The smallest number of pieces that is enough with at least this chance."""
    covered = 0.0
    for count, chance in enumerate(chances):
        covered += chance
        if covered >= share - 1e-12:
            return count
    return len(chances) - 1
