"""What the parts of an order's way cost by themselves, on this machine and this disk: the least they could cost.

What belongs here: one bare part each, measured next to nothing else: a flush, a commit, drawing labels that were drawn
before. What does not: what they cost within a wave (`backroom_stages`).
"""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, select, text

from backroom.store.database import Database

if TYPE_CHECKING:
    from backroom.shop.room import Room

TIMES = 200
# The mail folder flushes so many files at once.
SIDE_BY_SIDE = 8
# A page of SQLite's log with its head, about what a commit of one row appends.
PAGE = b"x" * 4120
WAVE = 500


def fsync_ms(folder: Path, side_by_side: int = 1) -> float:
    """Milliseconds of the clock to make a file of a page and flush it, in the middle of many; of so many side by side,
    which the disk's journal may carry together, divided by their number."""
    numbers = count()

    def one(_: int) -> None:
        descriptor = os.open(folder / f"flushed-{next(numbers)}", os.O_WRONLY | os.O_CREAT, 0o600)
        os.write(descriptor, PAGE)
        os.fsync(descriptor)
        os.close(descriptor)

    with ThreadPoolExecutor(side_by_side) as threads:
        return _median_ms(lambda: list(threads.map(one, range(side_by_side)))) / side_by_side


def commit_ms(folder: Path) -> float:
    """Milliseconds of the clock for a commit of one row by the product's own SQLite (`synchronous=FULL`)."""
    database = Database(f"sqlite:///{folder / 'committed.db'}")
    database.write(lambda connection: connection.execute(text("CREATE TABLE one (row INTEGER)")))

    def insert(connection: Connection) -> None:
        connection.execute(text("INSERT INTO one VALUES (1)"))

    try:
        return _median_ms(lambda: database.write(insert))
    finally:
        database.close()


def drawing_ms(room: Room) -> tuple[float, int]:
    """Milliseconds of processor an order to draw both labels of all orders there are again, as ZPL and on sheets of a
    wave each; and how many labels that were. Nothing is bought, sealed, written or printed."""
    from backroom.carriers.layout import Layouts
    from backroom.carriers.mixed import render_sheet
    from backroom.carriers.zpl import zpl
    from backroom.store import shipping
    from backroom.store.tables import shipments

    with room.database.read() as connection:
        rows = shipping.labels_of(connection, connection.execute(select(shipments.c.id)).scalars().all())
        labels = [shipping.open_label(room.seals.unwrap(row["wrapped_key"]), row) for row in rows]
    began = time.process_time()
    for first in range(0, len(labels), 2 * WAVE):
        wave, layouts = labels[first : first + 2 * WAVE], Layouts()
        for label, _document in wave:
            zpl(label, layouts)
        render_sheet(wave, layouts)
    return 1000 * (time.process_time() - began) / (len(labels) / 2), len(labels)


def _median_ms(once: Callable[[], object]) -> float:
    took = []
    for _ in range(TIMES):
        began = time.perf_counter()
        once()
        took.append(1000 * (time.perf_counter() - began))
    return statistics.median(took)
