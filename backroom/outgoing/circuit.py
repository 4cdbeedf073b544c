"""A circuit for each other side: after some failures in a row it is left alone for a while, then tried by one call.

So that an outage costs a wave one look at the clock, and not a time-out for each of its 500 orders. The orders wait
with that one cause (`backroom.domain.breaker`). It lives in the process: a fresh one finds out by itself.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

FAILURES = 4
OPEN_SECONDS = 30.0


class Circuit:
    """Safe for threads. `clock` is seconds that only go forward."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._failures = 0
        self._open_until = 0.0

    def wait_left(self) -> float:
        """Seconds until a call may be tried, 0 for now. One that may be tried after failures goes alone: the others
        wait for what it finds out."""
        with self._lock:
            left = self._open_until - self._clock()
            if left > 0:
                return left
            if self._failures >= FAILURES:
                self._open_until = self._clock() + OPEN_SECONDS
            return 0.0

    def worked(self) -> None:
        with self._lock:
            self._failures = 0
            self._open_until = 0.0

    def failed(self, asked: float = 0.0) -> None:
        """A call failed; `asked` is for how many seconds the other side wants to be left alone."""
        with self._lock:
            self._failures += 1
            if self._failures >= FAILURES:
                self._open_until = self._clock() + OPEN_SECONDS
            if asked > 0:
                self._open_until = max(self._open_until, self._clock() + asked)


_circuits: dict[tuple[str, str], Circuit] = {}
_making = threading.Lock()


def circuit_of(service: str, base: str) -> Circuit:
    """The circuit of that service at that address, one in this process."""
    with _making:
        return _circuits.setdefault((service, base), Circuit())


def close_all() -> None:
    """Forget what was found out, for tests."""
    with _making:
        _circuits.clear()
