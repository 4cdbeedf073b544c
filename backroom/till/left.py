"""How many are left at the booth, as the shop said last, less what this till sold and the shop has not taken in yet.

What belongs here: the figure, its age, and what to ask before a sale that it does not cover, or of a print that is not
made here. What does not: asking the shop (`telling`), and the page (`page`).

The figure never forbids a sale. The piece in the customer's hand is there, whatever the books say; and without network
they say what was true when there was one.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass

# So long after a sale was told, at the least, a figure that was asked for knows of it: the shop takes it in meanwhile.
TAKEN_IN_SECONDS = 2.0
# A figure is asked for every few seconds; an older one is said to be old.
FRESH_SECONDS = 20.0


@dataclass(frozen=True, slots=True)
class Left:
    """Pieces by SKU, of what is counted at the booth; the SKUs that are printed there on the spot; seconds of age."""

    free: Mapping[str, int]
    printed: frozenset[str]
    age: float

    def of(self, sku: str) -> int | None:
        """How many are left, never below zero; None where nobody counts them."""
        there = self.free.get(sku)
        return None if there is None else max(0, there)

    def lacking(self, sku: str, count: int, *, in_hand: bool) -> bool:
        """Whether a sale of so many needs a second look: more than are left by the books; or it is to be made here for
        who has none in their hand, and neither is it printed here, for want of a printer or a sample, nor are so many
        known to lie here."""
        there = self.of(sku)
        if in_hand:
            return there is not None and count > there
        return sku not in self.printed and (there is None or count > there)

    def say(self, sku: str) -> str:
        """The words beside a piece; "" where there is nothing to say."""
        there = self.of(sku)
        parts = [] if there is None else [f"{there} left"]
        return ", ".join(parts + ["printed here"] * (sku in self.printed))

    def say_lack(self, sku: str, *, in_hand: bool) -> str:
        """What a piece is `lacking`."""
        there = self.of(sku)
        parts = [] if there is None else [f"{there} left"]
        return ", ".join(parts if in_hand else [*parts, "not printed here"])

    def say_age(self) -> str:
        """How old it is, where that has to be said; else ""."""
        if self.age < FRESH_SECONDS:
            return ""
        minutes = int(self.age // 60)
        since = "less than a minute" if minutes < 1 else "a minute" if minutes == 1 else f"{minutes} minutes"
        since = since if minutes < 120 else f"{minutes // 60} hours"
        return (
            f"How many are left was said {since} ago, less what this till sold since. "
            "What the online shop sold meanwhile is not in it."
        )


def read_left(told: object, age: float) -> Left | None:
    """What the shop said; None where that is not it. Prices and words come from the catalogue alone."""
    if not isinstance(told, dict):
        return None
    free, printed = told.get("free"), told.get("printed")
    if not isinstance(free, dict) or not isinstance(printed, list):
        return None
    if not all(isinstance(count, int) for count in free.values()):
        return None
    return Left(free, frozenset(map(str, printed)), max(0.0, age))


class OwnSales:
    """What this till sold since the figure that it has. It lives as long as the process: what lies on the disk is
    sealed, and nobody reads there what was sold. Any thread may call it."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._guard = threading.Lock()
        self._pieces: dict[int, Mapping[str, int]] = {}
        self._told: dict[int, float] = {}

    def sold(self, seq: int, pieces: Mapping[str, int]) -> None:
        """A sale under its number."""
        with self._guard:
            self._pieces[seq] = dict(pieces)

    def told(self, seq: int) -> None:
        """The shop has it, or will never take it."""
        with self._guard:
            if seq in self._pieces:
                self._told.setdefault(seq, self._clock())

    def heard(self, asked_at: float) -> None:
        """There is a figure that was asked for then, by the same clock: it knows of what was told before."""
        with self._guard:
            for seq, told_at in list(self._told.items()):
                if told_at + TAKEN_IN_SECONDS <= asked_at:
                    del self._told[seq], self._pieces[seq]

    def now(self) -> float:
        """The time by this clock."""
        return self._clock()

    def less(self, left: Left) -> Left:
        """The figure without them."""
        with self._guard:
            gone: Counter[str] = Counter()
            for pieces in self._pieces.values():
                gone.update(pieces)
        return Left({sku: count - gone[sku] for sku, count in left.free.items()}, left.printed, left.age)
