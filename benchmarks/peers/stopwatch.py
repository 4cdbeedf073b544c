"""When each order began and ended, written by whichever process works on it: a file that all of them map.

What belongs here: those two moments. A mark is a write to shared memory, without a call to the system, so that
measuring costs every peer the same next to nothing. What does not: what is made of them (`measuring`).
"""

from __future__ import annotations

import mmap
import os
import time
from pathlib import Path

FILE = "BENCH_STOPWATCH"
_BYTES = 8


class Stopwatch:
    """Moments in seconds by this machine's clock, two for each order; 0 where it has not been yet."""

    def __init__(self, path: Path) -> None:
        with path.open("r+b") as file:
            self._map = mmap.mmap(file.fileno(), 0)
        self._moments = memoryview(self._map).cast("d")
        self._orders = len(self._moments) // 2

    @classmethod
    def made(cls, path: Path, orders: int) -> Stopwatch:
        """A new one for orders 0 to `orders` - 1; children find it by their environment."""
        path.write_bytes(bytes(2 * _BYTES * orders))
        os.environ[FILE] = str(path)
        return cls(path)

    @classmethod
    def inherited(cls) -> Stopwatch:
        """The one whose path stands in this process's environment."""
        return cls(Path(os.environ[FILE]))

    def begun(self, order: int) -> None:
        """An order's first step begins, or the order arrives; what is written already stays."""
        if not self._moments[order]:
            self._moments[order] = time.time()

    def ended(self, order: int) -> None:
        self._moments[self._orders + order] = time.time()

    def end_of(self, order: int) -> float:
        return self._moments[self._orders + order]

    def took(self, orders: range) -> list[float]:
        """Seconds of each of these orders, all of which have ended."""
        return [self.end_of(order) - self._moments[order] for order in orders]
