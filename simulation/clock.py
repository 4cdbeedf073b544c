"""The evening's time: it stands until somebody sets it, or runs many times as fast as a clock on the wall.

What belongs here: telling and setting it. What does not: what happens when (`night`, `live`).
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta


class StandingClock:
    """A clock for `backroom.store.database.Database`: it never goes by itself, and never back."""

    def __init__(self, at: datetime) -> None:
        self._at = at

    def __call__(self) -> datetime:
        return self._at

    def set(self, at: datetime) -> None:
        """Go on to this moment; one that is past already changes nothing."""
        self._at = max(self._at, at)


class RunningClock:
    """A clock that runs `times` as fast as this machine's, and stands while somebody works who must not be hurried: a
    claim of a minute would be over before its wave is."""

    def __init__(self, at: datetime, times: float) -> None:
        self._times = times
        # Since when, by this machine's clock, it went on from which moment, and whether it has run since.
        self._turns: list[tuple[float, datetime, bool]] = [(time.time(), at, True)]

    def __call__(self) -> datetime:
        return self.at(time.time())

    def at(self, moment: float) -> datetime:
        """The evening's time at a moment of this machine's clock, in seconds since 1970."""
        since, at, runs = next((turn for turn in reversed(self._turns) if turn[0] <= moment), self._turns[0])
        return at + timedelta(seconds=(moment - since) * self._times) if runs else at

    @contextmanager
    def standing(self) -> Iterator[None]:
        """Let no time pass while the body works. Not to be entered twice."""
        self._turn(runs=False)
        try:
            yield
        finally:
            self._turn(runs=True)

    def _turn(self, *, runs: bool) -> None:
        moment = time.time()
        self._turns.append((moment, self.at(moment), runs))
