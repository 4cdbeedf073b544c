"""The evening's time: it stands until somebody sets it.

What belongs here: telling and setting it. What does not: what happens when (`night`).
"""

from __future__ import annotations

from datetime import datetime


class StandingClock:
    """A clock for `backroom.store.database.Database`: it never goes by itself, and never back."""

    def __init__(self, at: datetime) -> None:
        self._at = at

    def __call__(self) -> datetime:
        return self._at

    def set(self, at: datetime) -> None:
        """Go on to this moment; one that is past already changes nothing."""
        self._at = max(self._at, at)
