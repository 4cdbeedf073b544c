"""Sending the wake-ups that a commit owes. After the commit, never before it, and never in its way."""

from __future__ import annotations

from collections.abc import Iterable

from backroom.engine.wake import this_waker
from backroom.store.claims import Wakeup


def send(wakeups: Iterable[Wakeup]) -> None:
    """Hand wake-ups to this process's waker; it creates the runs in the background."""
    waker = this_waker()
    for wakeup in wakeups:
        waker.wake(wakeup)
