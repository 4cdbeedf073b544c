"""How many sales are lost, on average, with so many pieces of this and of that: exactly, from the forecasts' chances.

What belongs here: one family of SKUs that share a blank, and what one piece more avoids. What does not: which piece
comes next, and what fits (`prestaging`).

With demand D_s for each SKU s of the family, x_s finished pieces of it and y blanks that become any of them, what is
lost is L = E[(sum of (D_s - x_s)+ - y)+]: finished pieces go first, since a blank still serves the others. One blank
more avoids P(R > y), where R is that sum; one finished piece more avoids P(D_s > x_s and R > y). The demands are taken
for independent. Supplies that serve one demand side by side are substitutes, so that a piece never avoids more than
the one before it did.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import accumulate

from backroom.domain.errors import Refuse

Chances = Sequence[float]


class NoForecast(Refuse):
    """A piece serves a SKU of which there is no forecast."""

    cause = "no_forecast"


class Family:
    """SKUs that one blank serves, or a SKU alone that none does: how many pieces there are of each, and what is lost.

    `blanks` beyond `most_blanks` are not counted on: chances beyond it are kept in one lump.
    """

    def __init__(self, demand: Mapping[str, Chances], most_blanks: int) -> None:
        self.skus = tuple(sorted(demand))
        self._demand = demand
        self._cap = most_blanks + 1
        self._pieces = dict.fromkeys(self.skus, 0)
        self.blanks = 0
        self._rests: dict[str, tuple[float, ...]] = {}
        self._fresh = False
        self._others: dict[str, tuple[float, ...]] = {}
        self._all: tuple[float, ...] = (1.0,)

    def pieces(self, sku: str) -> int:
        return self._pieces[sku]

    def add(self, sku: str, count: int = 1) -> None:
        """Finished pieces of one SKU."""
        self._pieces[sku] += count
        self._fresh = False

    def add_blanks(self, count: int = 1) -> None:
        self.blanks += count

    def blank_avoids(self) -> float:
        """Lost sales that one blank more avoids, 0 to 1."""
        self._refresh()
        return _beyond(self._all, self.blanks)

    def piece_avoids(self, sku: str) -> float:
        """Lost sales that one finished piece more of a SKU avoids, 0 to 1."""
        self._refresh()
        rest, others = self._rests[sku], self._others[sku]
        above = [*accumulate(others[::-1])][::-1]
        total = 0.0
        for count, chance in enumerate(rest[1:], start=1):
            # Of R, `count` is this SKU's own: the others have to bring the rest of what is more than the blanks.
            needed = self.blanks - count + 1
            total += chance * (above[needed] if 0 < needed < len(above) else float(needed <= 0))
        return total

    def lost(self) -> float:
        """Sales that are lost on average as it stands."""
        # Not from the capped sum, whose last lump hides how much is beyond.
        mean = sum(_mean(_rest(self._demand[sku], self._pieces[sku])) for sku in self.skus)
        self._refresh()
        served = sum(_beyond(self._all, y) for y in range(self.blanks))
        return max(0.0, mean - served)

    def _refresh(self) -> None:
        if self._fresh:
            return
        self._rests = {sku: _rest(self._demand[sku], self._pieces[sku]) for sku in self.skus}
        rests = [self._rests[sku] for sku in self.skus]
        nothing: tuple[float, ...] = (1.0,)
        before = [*accumulate(rests, self._sum, initial=nothing)]
        after = [*accumulate(rests[::-1], self._sum, initial=nothing)][::-1]
        self._others = {sku: self._sum(before[index], after[index + 1]) for index, sku in enumerate(self.skus)}
        self._all = before[-1]
        self._fresh = True

    def _sum(self, one: Chances, other: Chances) -> tuple[float, ...]:
        """The chances of the sum of two independent numbers, all beyond the cap in its last place."""
        added = [0.0] * min(len(one) + len(other) - 1, self._cap + 1)
        last = len(added) - 1
        for count, chance in enumerate(one):
            if chance > 0:
                for more, also in enumerate(other):
                    added[min(count + more, last)] += chance * also
        return tuple(added)


def _rest(demand: Chances, pieces: int) -> tuple[float, ...]:
    """The chances of what is left of a demand when so many pieces have served it."""
    return (sum(demand[: pieces + 1]), *demand[pieces + 1 :])


def _mean(chances: Chances) -> float:
    return sum(count * chance for count, chance in enumerate(chances))


def _beyond(chances: Chances, count: int) -> float:
    return min(1.0, sum(chances[count + 1 :]))


def family_of(skus: Sequence[str], demand: Mapping[str, Chances], most_blanks: int) -> Family:
    """A family of SKUs; raises NoForecast for one of which there is none."""
    missing = [sku for sku in skus if sku not in demand]
    if missing:
        raise NoForecast(f"there is no forecast of {', '.join(missing)}", remedy="Make one, or leave them out.")
    return Family({sku: demand[sku] for sku in skus}, most_blanks)
