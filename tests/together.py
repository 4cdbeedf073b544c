"""Running things side by side in threads, for tests of what happens when they meet."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")


def run_together(works: Sequence[Callable[[], T]], seconds: float = 60) -> list[T]:
    """Run all at once and return what they returned, in order; the first error is raised here."""
    with ThreadPoolExecutor(len(works)) as threads:
        return [future.result(seconds) for future in [threads.submit(work) for work in works]]
