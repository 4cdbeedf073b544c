"""A plan held against what happened: what it expected and said to bring, what was brought, asked for, sold and left,
line by line and in sum.

What belongs here: the sums. What does not: reading them (`backroom.insight.restocking`, `restock_outcome`) and showing
them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Reviewed:
    """One SKU: expected pieces with from and to, what last market's sales would have brought, brought, asked for; `own`
    pieces were at the booth without being brought."""

    sku: str
    expected: float
    low: int
    high: int
    naive: float
    brought: int
    asked: int
    own: int = 0

    @property
    def inside(self) -> bool:
        return self.low <= self.asked <= self.high


@dataclass(frozen=True, slots=True)
class Review:
    """A whole event. `off` and `naive_off` are the pieces by which forecast and last sales missed, added up; `short` is
    what was asked for beyond what was there, `naive_short` beyond last sales; `too_many` was brought for nobody.

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


@dataclass(frozen=True, slots=True)
class Step:
    """One plan of an event, by item: what had `gone` there for earlier plans when it was made, and how many `more` it
    said to bring. Items are SKUs, finished or blank, or materials."""

    gone: Mapping[str, int]
    more: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Carried:
    """One SKU, finished or blank: pieces planned, `to_print` of them before leaving, `printed` so; brought, and `own`
    ones that were there without; `asked` for (None for a blank, which nobody asks for).

    `gone` left with customers, or was printed on; `back` and `missing` are the settlement's, None where it names none.
    """

    item: str
    planned: int
    brought: int
    asked: int | None
    gone: int
    to_print: int = 0
    printed: int = 0
    own: int = 0
    back: int | None = None
    missing: int | None = None

    @property
    def short(self) -> int | None:
        """Asked for beyond the finished pieces that were there; a blank may have become it."""
        return None if self.asked is None else max(0, self.asked - self.brought - self.own)


@dataclass(frozen=True, slots=True)
class CarriedPacks:
    """One material: whole packs planned, sent, and seen at the booth. How much of it was used nobody counts."""

    material: str
    pack: str
    planned: int
    sent: int
    arrived: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a plan. `lost_without` and `lost_with` are the lost sales that it expected, without all that was
    planned and with it; `open_share` of the event's hours were over when it was made."""

    items: tuple[Carried, ...]
    packs: tuple[CarriedPacks, ...]
    lost_without: float
    lost_with: float
    open_share: float = 0.0
    settled: bool = True

    @property
    def planned(self) -> int:
        return sum(one.planned for one in self.items)

    @property
    def as_planned(self) -> int:
        """Of what was planned, the pieces and blanks that were brought."""
        return sum(min(one.planned, one.brought) for one in self.items)

    @property
    def besides(self) -> int:
        """Pieces and blanks that were brought and no plan had named."""
        return sum(max(0, one.brought - one.planned) for one in self.items)

    @property
    def to_print(self) -> int:
        return sum(one.to_print for one in self.items)

    @property
    def printed(self) -> int:
        return sum(one.printed for one in self.items)

    @property
    def gone(self) -> int:
        return sum(one.gone for one in self.items)

    @property
    def back(self) -> int:
        return sum(one.back or 0 for one in self.items)

    @property
    def missing(self) -> int:
        return sum(one.missing or 0 for one in self.items)


def planned(steps: Iterable[Step]) -> dict[str, int]:
    """How many of each item were to come along: the most that any of an event's plans counted on, what had gone by then
    and what it said to bring on top. Items of which none was are left out.

    A plan names only what is still to be taken, so that the last one says nothing once the van is packed; and what did
    not go is asked for again, so that adding plans up would count it twice.
    """
    most: dict[str, int] = {}
    for step in steps:
        for item in step.gone.keys() | step.more.keys():
            most[item] = max(most.get(item, 0), step.gone.get(item, 0) + step.more.get(item, 0))
    return {item: count for item, count in sorted(most.items()) if count}


def review(
    lines: Iterable[Reviewed],
    blanks: Mapping[str, int],
    serves: Mapping[str, Collection[str]],
    own_blanks: Mapping[str, int] | None = None,
) -> Review:
    """Hold lines against what happened. `blanks` were brought besides, by blank, and `own_blanks` were there without;
    `serves` says of which SKUs each can become."""
    own = own_blanks or {}
    kept = tuple(sorted(lines, key=lambda line: (-line.asked, -line.expected, line.sku)))
    lacks = {line.sku: max(0, line.asked - line.brought - line.own) for line in kept}
    # What lay at the booth is not brought for nobody: only what came is.
    over = [min(line.brought, max(0, line.brought + line.own - line.asked)) for line in kept]
    short, too_many = sum(lacks.values()), sum(over)
    for blank, count in blanks.items():
        there = count + own.get(blank, 0)
        served = min(there, sum(lacks.get(sku, 0) for sku in serves.get(blank, ())))
        short -= served
        too_many += min(count, there - served)
    return Review(
        lines=kept,
        off=sum(abs(line.expected - line.asked) for line in kept),
        naive_off=sum(abs(line.naive - line.asked) for line in kept),
        short=short,
        naive_short=sum(max(0, line.asked - round(line.naive)) for line in kept),
        too_many=too_many,
    )
