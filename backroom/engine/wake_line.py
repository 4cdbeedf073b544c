"""The line of runs to be created: first come, first served, but for those that can wait.

What belongs here: whose turn it is. What does not: creating a run (`backroom.engine.wake`).

A wave leaves dozens of questions to a person, who answers one after the other. Each is a run that begins, writes its
form and suspends: made at once they took half of what Prefect's SQLite writes in a wave of 500 orders, and whoever
pressed a button in the UI stood behind them.
"""

from __future__ import annotations

import queue
import threading
import time
from collections import deque
from typing import Generic, TypeVar

T = TypeVar("T")


class Line(Generic[T]):
    """Hands out one after the other; of those that can wait one every `apart` seconds, when nobody else stands there.

    Any thread may put and hurry, one gets.
    """

    def __init__(self, apart: float) -> None:
        self._apart = apart
        self._first: deque[T] = deque()
        self._patient: deque[T] = deque()
        self._changed = threading.Condition()
        self._next_patient = time.monotonic()

    def put(self, one: T, *, can_wait: bool = False) -> None:
        with self._changed:
            (self._patient if can_wait else self._first).append(one)
            self._changed.notify()

    def hurry(self) -> None:
        """From now on nobody stands back: whoever serves the line is about to leave."""
        with self._changed:
            self._apart, self._next_patient = 0.0, time.monotonic()
            self._changed.notify()

    def get(self, timeout: float | None = None) -> T:
        """The next one; queue.Empty when there is none within `timeout` seconds, None meaning without end."""
        deadline = None if timeout is None else time.monotonic() + timeout
        with self._changed:
            while True:
                if self._first:
                    return self._first.popleft()
                now = time.monotonic()
                if self._patient and now >= self._next_patient:
                    self._next_patient = now + self._apart
                    return self._patient.popleft()
                if deadline is not None and now >= deadline:
                    raise queue.Empty
                ends = [self._next_patient - now] if self._patient else []
                ends += [] if deadline is None else [deadline - now]
                self._changed.wait(min(ends, default=None))
