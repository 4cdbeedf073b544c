"""Demand at markets, made from a seed: a shop's past, and what the next market then really asks for.

Two kinds. `generated`: a label's designs in sizes, some loved and most not, whose popularity drifts from market to
market; a market as a whole is good or bad; online buyers like other things somewhat. `retail`: series in the shape of
public retail data, where most things are asked for now and then: the four classes of Syntetos and Boylan in the shares
published for the 30,490 series of the M5 competition (73 % intermittent, 17 % lumpy, 7 % smooth, 3 % erratic).
"""

from __future__ import annotations

import math
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from backroom.domain.forecast import Outing, Thing

SIZES = {"S": 0.2, "M": 0.34, "L": 0.3, "XL": 0.16}
STYLES = 12
# (class, share of the series, periods from demand to demand, squared variation of its size)
ONLINE_WEEKS = 8.0
CLASSES = (
    ("intermittent", 0.73, (1.32, 5.0), (0.05, 0.49)),
    ("lumpy", 0.17, (1.32, 5.0), (0.49, 1.5)),
    ("smooth", 0.07, (1.0, 1.32), (0.05, 0.49)),
    ("erratic", 0.03, (1.0, 1.32), (0.49, 1.5)),
)
KINDS = ("generated", "retail")


@dataclass(frozen=True, slots=True)
class Season:
    """A shop's past, what its next market asks for by SKU, and how long that is open."""

    things: Sequence[Thing]
    past: Sequence[Outing]
    online: Mapping[str, int]
    hours: float
    asked: Mapping[str, int]


def season(kind: str, seed: int, markets: int | None = None) -> Season:
    """One shop. `markets` is how many are behind it; 3 to 9 by chance if None."""
    chance = random.Random(f"{kind}-{seed}")  # noqa: S311 - the same demand again for a seed is the point
    count = markets if markets is not None else chance.randint(3, 9)
    return (_generated if kind == "generated" else _retail)(chance, count)


def _generated(chance: random.Random, count: int) -> Season:
    things = [Thing(f"D{style:02}-{size}", f"D{style:02}", size) for style in range(STYLES) for size in SIZES]
    loved = {f"D{style:02}": chance.lognormvariate(0, 0.8) for style in range(STYLES)}
    # Each design has its own way with sizes.
    curve = {thing.sku: SIZES[thing.size] * chance.gammavariate(8, 1 / 8) for thing in things}
    an_hour = chance.uniform(8, 20) / sum(loved[thing.style] * curve[thing.sku] for thing in things)
    # In eight weeks about as much as at three markets, with a taste of its own.
    online = {
        thing.sku: _poisson(
            chance, 18 * an_hour * loved[thing.style] * curve[thing.sku] * chance.lognormvariate(0, 0.5)
        )
        for thing in things
    }
    outings: list[Outing] = []
    for _ in range(count + 1):
        hours, luck = chance.choice((4.0, 5.0, 6.0, 8.0)), chance.gammavariate(10, 1 / 10)
        asked = {
            thing.sku: _uneven(chance, an_hour * hours * luck * loved[thing.style] * curve[thing.sku], 0.25)
            for thing in things
        }
        outings.append(Outing(hours, asked))
        loved = {style: love * chance.lognormvariate(0, 0.12) for style, love in loved.items()}
    return Season(things, outings[:-1], online, outings[-1].hours, outings[-1].asked)


def _retail(chance: random.Random, count: int) -> Season:
    things = [Thing(f"R{number:02}", f"R{number:02}", "") for number in range(STYLES * len(SIZES))]
    shape = {}
    for thing in things:
        _, _, every, varies = chance.choices(CLASSES, [one[1] for one in CLASSES])[0]
        shape[thing.sku] = chance.lognormvariate(0.7, 0.6), chance.uniform(*every), chance.uniform(*varies)
    online = {
        sku: _poisson(chance, 3 * (1 + size) / every * chance.lognormvariate(0, 0.5))
        for sku, (size, every, _) in shape.items()
    }
    outings = []
    for _ in range(count + 1):
        asked = {}
        for sku, (size, every, variation) in shape.items():
            pieces = chance.gammavariate(1 / variation, (1 + size) * variation)
            asked[sku] = max(1, round(pieces)) if chance.random() < 1 / every else 0
        outings.append(Outing(6.0, asked))
    return Season(things, outings[:-1], online, 6.0, outings[-1].asked)


def _uneven(chance: random.Random, mean: float, unevenness: float) -> int:
    """Negative binomial with variance mean + unevenness · mean²."""
    return _poisson(chance, chance.gammavariate(1 / unevenness, mean * unevenness))


def _poisson(chance: random.Random, mean: float) -> int:
    """Knuth's way, in steps that `exp` can hold."""
    total = 0
    while mean > 0:
        step = min(mean, 500.0)
        mean -= step
        product, limit = chance.random(), math.exp(-step)
        while product > limit:
            total += 1
            product *= chance.random()
    return total
