"""How long work takes at each place, as it was measured: what a what-if says of orders that were made elsewhere.

What belongs here: the measured times by location, for what is printed and for what is picked. What does not: reading
them (`backroom.store.past`).
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from statistics import median

from backroom.store.past import WorkTime

# Fewer measured times than this say nothing of a place.
FEW = 5


@dataclass(frozen=True, slots=True)
class Times:
    """Measured times by (location, whether something was printed)."""

    by_kind: dict[tuple[str, bool], list[WorkTime]]

    @classmethod
    def of(cls, measured: Iterable[WorkTime]) -> Times:
        found: dict[tuple[str, bool], list[WorkTime]] = {}
        for one in measured:
            found.setdefault((one.location, one.prints), []).append(one)
        return cls(found)

    def totals(self, location: str, prints: bool) -> list[float]:
        """Seconds from release until done of such work there; of all work there where such work is rare; empty where
        that is rare as well.
        """
        mine = self.by_kind.get((location, prints), [])
        if len(mine) < FEW:
            mine = mine + self.by_kind.get((location, not prints), [])
        return [one.total for one in mine] if len(mine) >= FEW else []

    def usual(self, location: str, prints: bool) -> timedelta | None:
        """The median of them."""
        totals = self.totals(location, prints)
        return timedelta(seconds=median(totals)) if totals else None

    def table(self) -> list[dict[str, object]]:
        """A row a location and kind of work: how many were measured, the stages' medians, and how far they spread."""
        rows: list[dict[str, object]] = []
        for (location, prints), mine in sorted(self.by_kind.items()):
            totals = [one.total for one in mine]
            rows.append(
                {
                    "location": location,
                    "work": "printed" if prints else "picked",
                    "measured": len(mine),
                    "making": median(one.making for one in mine),
                    "packing": median(one.packing for one in mine),
                    "announcing": median(one.announcing for one in mine),
                    "p10": nearest_rank(totals, 0.1),
                    "median": nearest_rank(totals, 0.5),
                    "p90": nearest_rank(totals, 0.9),
                }
            )
        return rows


def nearest_rank(values: Iterable[float], share: float) -> float:
    """The value at place ⌈share·n⌉ of the n sorted ones: always somebody's own."""
    ordered = sorted(values)
    # 0.1 × 30 is a hair more than 3 in floating point, and its ceiling would be 4.
    return ordered[max(1, math.ceil(round(len(ordered) * share, 9))) - 1]
