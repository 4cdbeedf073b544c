"""How many prints came out bad, how sure that is, and when it is too many.

What belongs here: the figures by combination, printer and batch, and the two rules on them. What does not: what a
sample is worth (`samples`), the rows (`backroom.store.print_rejects`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TypeVar

from backroom.domain.intervals import difference, wilson
from backroom.domain.sample_rules import SampleRules
from backroom.domain.samples import Batches, Combination


class Fault(StrEnum):
    """What is wrong with a print, as whoever looks at it says."""

    COLOUR = "colour"
    SMEARED = "smeared"
    LINES = "lines"
    POSITION = "position"
    FABRIC = "fabric"
    CUT_OFF = "cut_off"
    OTHER = "other"


FAULT_WORDS = {
    Fault.COLOUR: "wrong colour, or pale",
    Fault.SMEARED: "smeared, or a stain",
    Fault.LINES: "lines, or white gaps",
    Fault.POSITION: "crooked, or in the wrong place",
    Fault.FABRIC: "the fabric has a fault",
    Fault.CUT_OFF: "a part is missing",
    Fault.OTHER: "something else",
}


@dataclass(frozen=True, slots=True)
class Made:
    """Pieces of one combination that came out of one printer, and how many of them were bad."""

    combination: Combination
    location: str
    printer: str
    batches: Batches
    pieces: int
    bad: int
    at: datetime


@dataclass(frozen=True, slots=True)
class Rate:
    """Bad pieces among all that were printed, with the 95 % interval of their share; `since` is the first print."""

    pieces: int
    bad: int
    since: datetime | None = None

    @property
    def share(self) -> float:
        return self.bad / self.pieces if self.pieces else 0.0

    @property
    def interval(self) -> tuple[float, float]:
        return wilson(self.bad, self.pieces)

    @property
    def words(self) -> str:
        """`3 of 20 bad (15 %, between 5 % and 36 %)`."""
        if not self.pieces:
            return "none printed"
        low, high = self.interval
        return f"{self.bad} of {self.pieces} bad ({self.share:.0%}, between {low:.0%} and {high:.0%})"


@dataclass(frozen=True, slots=True)
class Drift:
    """A batch beside those that were in use before it. `between` is the 95 % interval of how much more is bad; of too
    few prints (not `enough`) nothing is said yet."""

    batch: str
    now: Rate
    before: Rate
    between: tuple[float, float]
    enough: bool

    @property
    def worse(self) -> bool:
        """Whether it is certainly worse, and not by chance."""
        return self.enough and self.between[0] > 0


_K = TypeVar("_K")


def rates(made: Iterable[Made], key: Callable[[Made], _K]) -> dict[_K, Rate]:
    """The rate of each group of prints."""
    groups: dict[_K, list[Made]] = defaultdict(list)
    for one in made:
        groups[key(one)].append(one)
    return {name: rate_of(group) for name, group in groups.items()}


def rate_of(made: Sequence[Made]) -> Rate:
    """All of these together."""
    since = min((one.at for one in made), default=None)
    return Rate(sum(one.pieces for one in made), sum(one.bad for one in made), since)


def too_many(rate: Rate, rules: SampleRules) -> bool:
    """Whether so many are bad that it is no chance: the share is above what is put up with even at its lowest."""
    return rate.pieces >= rules.least_prints and rate.interval[0] > rules.most_rejects


def drift(
    batches: Sequence[str], made: Iterable[Made], batch_of: Callable[[Made], str], rules: SampleRules
) -> list[Drift]:
    """Each batch that was printed with, in the order in which they came into use, beside all those before it."""
    by_batch = rates(made, batch_of)
    order = [name for name in dict.fromkeys(batches) if name in by_batch]
    found = []
    for index, name in enumerate(order[1:], start=1):
        earlier = [by_batch[one] for one in order[:index]]
        before = Rate(sum(one.pieces for one in earlier), sum(one.bad for one in earlier))
        now = by_batch[name]
        between = difference(now.bad, now.pieces, before.bad, before.pieces)
        enough = min(now.pieces, before.pieces) >= rules.least_prints
        found.append(Drift(name, now, before, between, enough))
    return found
