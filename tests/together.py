"""Running things side by side in threads, for tests of what happens when they meet."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

from sqlalchemy import Connection

from backroom.store.database import Database

T = TypeVar("T")


def run_together(works: Sequence[Callable[[], T]], seconds: float = 60) -> list[T]:
    """Run all at once and return what they returned, in order; the first error is raised here."""
    with ThreadPoolExecutor(len(works)) as threads:
        return [future.result(seconds) for future in [threads.submit(work) for work in works]]


@contextmanager
def held_up(database: Database) -> Iterator[threading.Event]:
    """The thread that writes in groups is in the middle of a write until the event is set; what comes waits behind."""
    begun, gate = threading.Event(), threading.Event()

    def work(_connection: Connection) -> bool:
        begun.set()
        return gate.wait(30)

    held = database.write_grouped(work)
    assert begun.wait(20)
    try:
        yield gate
    finally:
        gate.set()
    assert held.result(20), "waited too long"
