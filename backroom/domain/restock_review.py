"""A plan held against what happened: what was expected, brought and asked for, line by line and in sum.

What belongs here: the sums. What does not: reading them (`backroom.insight.restocking`) and showing them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Reviewed:
    """One SKU: expected pieces with from and to, what last market's sales would have brought, brought, asked for."""

    sku: str
    expected: float
    low: int
    high: int
    naive: float
    brought: int
    asked: int

    @property
    def inside(self) -> bool:
        return self.low <= self.asked <= self.high


@dataclass(frozen=True, slots=True)
class Review:
    """A whole event. `off` and `naive_off` are the pieces by which forecast and last sales missed, added up; `short` is
    what was asked for beyond what was brought, `naive_short` beyond last sales; `too_many` was brought for nobody.

    Blanks serve whatever of their family is short, in both `short` and `too_many`.
    """

    lines: tuple[Reviewed, ...]
    off: float
    naive_off: float
    short: int
    naive_short: int
    too_many: int

    @property
    def inside(self) -> float:
        """The share of SKUs whose figure lay within its interval."""
        return sum(line.inside for line in self.lines) / len(self.lines) if self.lines else 0.0


def review(lines: Iterable[Reviewed], blanks: Mapping[str, int], serves: Mapping[str, Collection[str]]) -> Review:
    """Hold lines against what happened. `blanks` were brought besides, by blank; `serves` says of which SKUs each can
    become."""
    kept = tuple(sorted(lines, key=lambda line: (-line.asked, -line.expected, line.sku)))
    lacks = {line.sku: max(0, line.asked - line.brought) for line in kept}
    short, too_many = sum(lacks.values()), sum(max(0, line.brought - line.asked) for line in kept)
    for blank, count in blanks.items():
        served = min(count, sum(lacks.get(sku, 0) for sku in serves.get(blank, ())))
        short -= served
        too_many += count - served
    return Review(
        lines=kept,
        off=sum(abs(line.expected - line.asked) for line in kept),
        naive_off=sum(abs(line.naive - line.asked) for line in kept),
        short=short,
        naive_short=sum(max(0, line.asked - round(line.naive)) for line in kept),
        too_many=too_many,
    )
