"""A circuit for each other side: after some failures in a row it is left alone for a while, then tried by one call.

So that an outage costs a wave one look at the clock, and not a time-out for each of its 500 orders. The orders wait
with that one cause (`backroom.domain.breaker`). What it found out by failing lives in the process: a fresh one finds
out by itself. What the other side *asked* for (`Retry-After`) is kept in a book, and holds for every process and after
a restart.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

FAILURES = 4
OPEN_SECONDS = 30.0


class Book(Protocol):
    """Where it stands for how long other sides asked to be left alone. `service` and `base` are those of an account."""

    def left(self, service: str, base: str) -> float:
        """Seconds until this side may be called again, 0 for now."""
        ...

    def ask(self, service: str, base: str, seconds: float) -> None:
        """It asks to be left alone for so long from now."""
        ...

    def end(self, service: str, base: str) -> None:
        """It takes calls again, whatever it had asked for."""
        ...


@dataclass(frozen=True, slots=True)
class Rest:
    """For how many seconds a side is left alone; whether it asked for that, or we found out that it does not answer."""

    seconds: float
    asked: bool


class Circuit:
    """Safe for threads. `clock` is seconds that only go forward."""

    def __init__(self, service: str = "", base: str = "", clock: Callable[[], float] = time.monotonic) -> None:
        self._service, self._base = service, base
        self._clock = clock
        self._lock = threading.Lock()
        self._failures = 0
        self._open_until = 0.0
        self._asked_until = 0.0

    def rest(self) -> Rest | None:
        """For how long no call may be tried, None where one may. One that may be tried after failures goes alone: the
        others wait for what it finds out."""
        with self._lock:
            at = self._clock()
            if (left := max(self._open_until, self._asked_until) - at) > 0:
                return Rest(left, self._asked_until >= self._open_until)
            if self._failures >= FAILURES:
                self._open_until = at + OPEN_SECONDS
            return None

    def heed(self, seconds: float) -> None:
        """It asked another process, or this one before it was started anew, to be left alone for so long."""
        with self._lock:
            self._asked_until = max(self._asked_until, self._clock() + seconds) if seconds > 0 else self._asked_until

    def worked(self) -> None:
        # What it asked for stands: the call that worked may have left us before that.
        with self._lock:
            self._failures = 0
            self._open_until = 0.0
        if _book is not None and _by_hand:
            _book.end(self._service, self._base)

    def failed(self, asked: float = 0.0) -> None:
        """A call failed; `asked` is for how many seconds the other side wants to be left alone."""
        with self._lock:
            self._failures += 1
            if self._failures >= FAILURES:
                self._open_until = self._clock() + OPEN_SECONDS
        if asked > 0:
            self.heed(asked)
            if _book is not None:
                _book.ask(self._service, self._base, asked)


_circuits: dict[tuple[str, str], Circuit] = {}
_making = threading.Lock()
_book: Book | None = None
_by_hand = False


def circuit_of(service: str, base: str) -> Circuit:
    """The circuit of that service at that address, one in this process, with what stands of it in the book."""
    with _making:
        circuit = _circuits.setdefault((service, base), Circuit(service, base))
    if _book is not None and not _by_hand:
        circuit.heed(_book.left(service, base))
    return circuit


def keep_in(book: Book | None, *, by_hand: bool = False) -> Book | None:
    """Keep in this book from now on what other sides ask for; returns the one before.

    `by_hand`: a person wants to know now. What stands in the book keeps no call back, and one that works ends it there.
    """
    global _book, _by_hand
    before, _book, _by_hand = _book, book, by_hand
    return before


def close_all() -> None:
    """Forget what was found out in this process, for tests."""
    with _making:
        _circuits.clear()
