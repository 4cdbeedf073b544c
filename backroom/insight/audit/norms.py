"""How long each stage normally takes at each place, from the shop's own past, and how long something has waited."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime

from backroom.domain.audit import BY_OPEN_DOORS, Normal, Stage, normal_time
from backroom.domain.open_time import OpenTime
from backroom.domain.shop import Shop
from backroom.store.audit_rows import Passage


class Norms:
    """Normal times up to the moment `at`, and waiting times until it."""

    def __init__(self, shop: Shop, past: Iterable[Passage], since: datetime, at: datetime) -> None:
        self._at = at
        self._open = {place.id: OpenTime(place.hours, since, at) for place in shop.locations}
        self._hub = self._open[shop.hub]
        taken: dict[tuple[Stage, str], list[float]] = defaultdict(list)
        for one in past:
            taken[one.stage, one.place].append(self._seconds(one.stage, one.place, one.begin, one.end))
        self._normal = {(stage, place): normal_time(stage, seconds) for (stage, place), seconds in taken.items()}

    def normal(self, stage: Stage, place: str) -> Normal:
        """The normal time of a stage at a place; a default where there is little past."""
        return self._normal.get((stage, place)) or normal_time(stage, ())

    def waited(self, stage: Stage, place: str, since: datetime) -> float:
        """Seconds something has been in a stage: by open doors where people work, else by the clock."""
        return self._seconds(stage, place, since, self._at)

    def _seconds(self, stage: Stage, place: str, begin: datetime, end: datetime) -> float:
        if stage in BY_OPEN_DOORS:
            # What waits at a channel, or at a place that is not in the shop file any more, waits for the hub.
            return self._open.get(place, self._hub).seconds(begin, end)
        return max(0.0, (end - begin).total_seconds())
