"""What comes back: the share of pieces by month and way, and event against online, SKU by SKU."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from backroom.domain.intervals import difference, wilson
from backroom.domain.kpi import ALL, RETURNED_WITHIN_DAYS, WAYS
from backroom.domain.opening import instant
from backroom.insight.cohorts import next_month
from backroom.store.kpi_figures import Figure

NAME = "return_rate"


@dataclass(frozen=True, slots=True)
class Rate:
    """So many pieces that came back, of those that were sold."""

    back: int
    sold: int

    @property
    def share(self) -> float:
        return self.back / self.sold if self.sold else 0.0

    @property
    def interval(self) -> tuple[float, float]:
        """Its 95 % interval."""
        return wilson(self.back, self.sold)

    def __add__(self, other: Rate) -> Rate:
        return Rate(self.back + other.back, self.sold + other.sold)


@dataclass(frozen=True, slots=True)
class Compared:
    """What comes back of one SKU (of all of them, where `sku` is empty) when it was bought at events, and online."""

    sku: str
    event: Rate
    online: Rate

    @property
    def difference(self) -> tuple[float, float]:
        """The 95 % interval of the share at events less the share online."""
        return difference(self.event.back, self.event.sold, self.online.back, self.online.sold)

    @property
    def verdict(self) -> str:
        low, high = self.difference
        if low > 0:
            return "more comes back from events"
        return "less comes back from events" if high < 0 else "no difference is certain"


def rates(months: Iterable[tuple[str, str, int, int]], now: datetime, local: ZoneInfo) -> list[Figure]:
    """A figure for each month and way, on the month's first day, of (month, way, pieces sold, pieces that came back).

    It is provisional while pieces sold on the month's last day may well still come back.
    """
    found = []
    sums: dict[tuple[str, str], Rate] = {}
    for month, way, sold, back in months:
        for of in (ALL, way):
            sums[month, of] = sums.get((month, of), Rate(0, 0)) + Rate(back, sold)
    for (month, way), rate in sorted(sums.items(), key=lambda item: (item[0][0], WAYS.index(item[0][1]))):
        first = date.fromisoformat(f"{month}-01")
        over = instant(next_month(first), time(), local) + timedelta(days=RETURNED_WITHIN_DAYS)
        if rate.sold:
            found.append(Figure(first.isoformat(), way, NAME, rate.share, rate.sold, provisional=now < over))
    return found


def compared(sold: Iterable[tuple[str, bool, int, int]], most: int) -> Sequence[Compared]:
    """Event against online, of (SKU, at events, pieces sold, pieces that came back): first all SKUs that were sold both
    ways together, then so many of them each, those first that were sold most."""
    at: dict[bool, dict[str, Rate]] = {True: {}, False: {}}
    for sku, event, pieces, back in sold:
        at[event][sku] = at[event].get(sku, Rate(0, 0)) + Rate(back, pieces)
    both = [Compared(sku, at[True][sku], at[False][sku]) for sku in at[True].keys() & at[False].keys()]
    if not both:
        return []
    both.sort(key=lambda one: (-min(one.event.sold, one.online.sold), one.sku))
    none = Rate(0, 0)
    together = Compared("", sum((one.event for one in both), none), sum((one.online for one in both), none))
    return [together, *both[:most]]
