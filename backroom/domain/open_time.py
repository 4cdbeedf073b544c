"""Open time: how long a place was open between two moments, for many pairs of moments.

What belongs here: that sum. What does not: the weekly table itself and when it opens next (`opening`).
"""

from __future__ import annotations

from bisect import bisect_right
from datetime import datetime

from backroom.domain.opening import OpeningHours


class OpenTime:
    """The open ranges of one place over a span, laid out once, so that each question costs two look-ups.

    Moments outside of the span count as its ends.
    """

    def __init__(self, hours: OpeningHours, first: datetime, last: datetime) -> None:
        self._opens: list[float] = []
        self._before: list[float] = []
        self._lengths: list[float] = []
        total = 0.0
        for opens, closes in hours.ranges_from(first):
            begin, end = max(opens, first).timestamp(), min(closes, last).timestamp()
            if begin >= end:
                break
            self._opens.append(begin)
            self._before.append(total)
            self._lengths.append(end - begin)
            total += end - begin

    def seconds(self, begin: datetime, end: datetime) -> float:
        """Seconds of open doors from `begin` to `end`; 0 where the end is not later."""
        return max(0.0, self._until(end.timestamp()) - self._until(begin.timestamp()))

    def _until(self, at: float) -> float:
        index = bisect_right(self._opens, at) - 1
        if index < 0:
            return 0.0
        return self._before[index] + min(at - self._opens[index], self._lengths[index])
