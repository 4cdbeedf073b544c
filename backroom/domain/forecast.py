"""What a market will ask for, by SKU: from what markets asked for before, and from what is asked for online.

What belongs here: putting a shop's past together into one forecast a SKU, with an honest interval. What does not: the
methods for one series (`intermittent`), deciding what to bring (`prestaging`), reading the past (`backroom.store`).

How a SKU with little past is helped: what a market asks for in all, times the share of its design and colourway, times
the share of its size, is the pooled forecast; both shares are counted over markets and online demand together. So a new
design sells its sizes as the others do. The SKU's own past, by SBA with the open wait, counts against it as in a
gamma-Poisson model: after as many markets as should have sold `POOL` pieces of it, both weigh the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from backroom.domain.intermittent import ALPHA, distribution, naive, quantile, sba, sba_with_open_wait

# Pieces a period of one series, oldest first.
Method = Callable[[Sequence[float]], float]
POOL = 8.0
# How uneven markets are where a shop has no past to tell: the variance of a mean of m pieces is m + 0.5 m².
USUAL_UNEVENNESS = 0.5
# Without any market behind it, a week's online demand stands for one, and is twice as uncertain as it looks.
GUESS_UNEVENNESS = 2.0
# What sold out after a tenth of the day would have sold ten times as much, if it went on so: at most four times.
LEAST_SHARE = 0.25


@dataclass(frozen=True, slots=True)
class Thing:
    """What is sold: a design on a garment in a colourway (one word for the three), and a size."""

    sku: str
    style: str
    size: str


@dataclass(frozen=True, slots=True)
class Outing:
    """One market of the past: its open hours, the pieces asked for by SKU, and for which share of its hours a SKU was
    to be had, where that is less than all: 0 is a SKU that was not on sale, of which nothing is known then."""

    hours: float
    asked: Mapping[str, int]
    had: Mapping[str, float] = field(default_factory=dict)

    def an_hour(self, sku: str) -> float | None:
        """Pieces an hour that were asked for, or would have been had there been more; None where nobody knows."""
        share = self.had.get(sku, 1.0)
        if share <= 0 or self.hours <= 0:
            return None
        return self.asked.get(sku, 0) / max(share, LEAST_SHARE) / self.hours


@dataclass(frozen=True)
class Forecast:
    """What a market asks for of one SKU: the mean and variance in pieces, and the methods' own numbers beside it.

    `own` is its own past by the method that plans are made by, `sba` and `naive` what the books say beside it. `seen`
    is how many markets it was on sale at; `method` is own, pooled or online, whichever counted most.
    """

    sku: str
    mean: float
    variance: float
    own: float
    pooled: float
    sba: float
    naive: float
    seen: int
    method: str

    @cached_property
    def chances(self) -> tuple[float, ...]:
        """The chances of 0, 1, 2 … pieces."""
        return distribution(self.mean, self.variance)

    def interval(self, share: float = 0.8) -> tuple[int, int]:
        """From and to which number of pieces: at least this share of markets asks for a number within."""
        rest = (1 - share) / 2
        return quantile(self.chances, rest), quantile(self.chances, 1 - rest)

    def after(self, asked: int, over: float) -> Forecast:
        """What the rest of a market asks for, when so many were asked for in the `over` share of its hours, 0 to 1.

        A gamma-Poisson model learns from both: with shape r = mean² / (variance - mean), the rest is negative binomial
        with mean (r + asked) / (r / mean + over) · (1 - over) and shape r + asked.
        """
        left, spread = 1 - over, self.variance - self.mean
        if self.mean <= 0 or spread <= 0:
            return replace(self, mean=self.mean * left, variance=self.mean * left)
        shape = self.mean**2 / spread
        mean = (shape + asked) / (shape / self.mean + over) * left
        return replace(self, mean=mean, variance=mean + mean**2 / (shape + asked))


def forecast(
    things: Sequence[Thing],
    past: Sequence[Outing],
    online: Mapping[str, int],
    online_weeks: float,
    hours: float,
    *,
    by: Method = sba_with_open_wait,
    pool: float = POOL,
) -> dict[str, Forecast]:
    """A forecast for each thing on sale at a market of so many open hours. `past` is oldest first.

    `online` is what the other channels asked for in the last so many weeks, in pieces by SKU.
    `by` and `pool` are for measuring other ways beside the one that plans are made by: a pool of 0 lets each SKU that
    was ever on sale stand on its own past alone.
    """
    known = [outing for outing in past if outing.hours > 0]
    shares = _shares(things, known, online)
    if not known:
        week = sum(online.get(thing.sku, 0) for thing in things) / online_weeks if online_weeks > 0 else 0.0
        return {thing.sku: _guessed(thing.sku, shares[thing.sku] * week) for thing in things}
    total_an_hour = by([_total(things, outing, shares) for outing in known])
    series = {
        thing.sku: [rate for outing in known if (rate := outing.an_hour(thing.sku)) is not None] for thing in things
    }
    found = {
        thing.sku: _combined(thing.sku, series[thing.sku], total_an_hour * shares[thing.sku], hours, by, pool)
        for thing in things
    }
    unevenness = _unevenness(series.values(), hours)
    return {sku: _with_variance(one, unevenness) for sku, one in found.items()}


def _guessed(sku: str, week: float) -> Forecast:
    return Forecast(sku, week, week + GUESS_UNEVENNESS * week * week, 0.0, week, 0.0, 0.0, 0, "online")


def _combined(
    sku: str, series: Sequence[float], pooled_an_hour: float, hours: float, by: Method, pool: float
) -> Forecast:
    own, pooled = by(series) * hours, pooled_an_hour * hours
    expected = len(series) * pooled
    weight = expected / (expected + pool) if expected > 0 else 0.0
    mean = weight * own + (1 - weight) * pooled
    method = "own" if weight >= 0.5 else "pooled"
    return Forecast(sku, mean, mean, own, pooled, sba(series) * hours, naive(series) * hours, len(series), method)


def _with_variance(one: Forecast, unevenness: float) -> Forecast:
    """The variance of the market itself, and of the mean, which is known from a few markets only.

    Smoothing remembers (2 - alpha) / alpha periods; the pooled forecast counts as one more.
    """
    market = one.mean + unevenness * one.mean**2
    remembered = min(one.seen, (2 - ALPHA) / ALPHA) + 1
    return replace(one, variance=market * (1 + 1 / remembered))


def _shares(things: Sequence[Thing], past: Sequence[Outing], online: Mapping[str, int]) -> dict[str, float]:
    """Of all that is asked for, the share of each SKU, were sizes alike in every design; they add up to 1."""
    styles: dict[str, float] = {}
    sizes: dict[str, float] = {}
    for thing in things:
        rates = [(outing.an_hour(thing.sku), outing.hours) for outing in past]
        # A piece in a hundred more, so that what was never asked for keeps a chance.
        count = online.get(thing.sku, 0) + sum(rate * hours for rate, hours in rates if rate is not None) + 0.01
        styles[thing.style] = styles.get(thing.style, 0.0) + count
        sizes[thing.size] = sizes.get(thing.size, 0.0) + count
    leaning = {thing.sku: styles[thing.style] * sizes[thing.size] for thing in things}
    # A design that comes in one size only takes all of its share there, not its size's part of it.
    of_style: dict[str, float] = {}
    for thing in things:
        of_style[thing.style] = of_style.get(thing.style, 0.0) + leaning[thing.sku]
    whole = sum(styles.values())
    return {thing.sku: styles[thing.style] / whole * leaning[thing.sku] / of_style[thing.style] for thing in things}


def _total(things: Iterable[Thing], outing: Outing, shares: Mapping[str, float]) -> float:
    """Pieces an hour that a market asked for in all, those it did not offer included by their share."""
    rates = [(thing.sku, outing.an_hour(thing.sku)) for thing in things]
    offered = sum(shares[sku] for sku, rate in rates if rate is not None)
    return sum(rate for _, rate in rates if rate is not None) / offered if offered > 0 else 0.0


def _unevenness(series: Iterable[Sequence[float]], hours: float) -> float:
    """By how much more than by chance markets differ: f in variance = mean + f mean², over all SKUs together.

    By moments: the squared differences from the mean, less the mean, over the squared mean, each summed first, so that
    one SKU with three pieces does not decide.
    """
    beyond = squares = 0.0
    for rates in series:
        count = len(rates)
        mean = sum(rates) / count * hours if count > 1 else 0.0
        if mean <= 0:
            continue
        beyond += sum((rate * hours - mean) ** 2 for rate in rates) * count / (count - 1) - count * mean
        squares += count * mean**2
    return max(0.0, beyond / squares) if squares > 0 else USUAL_UNEVENNESS
