"""What a run of data quality takes over a long past: seconds, processor, memory, and how many findings it has.

    python -m benchmarks.backroom_quality --orders 100000

The demo shop on SQLite with so many fulfilled orders, their key figures computed. First a run over every row, then one
over what changed when `--changed` more orders came in, in a process that does nothing else. Peak memory is what the
whole process had resident at its peak, Great Expectations and pandas included.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import resource
import shutil
import sys
import tempfile
import time
from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.backroom_stages import WARM

if TYPE_CHECKING:
    from backroom.shop.room import Room

# Enough of everything for all that is ordered here.
PIECES = 1_000_000
# A past has the movements of its originals: each reservation gets its own, and what it took had been delivered.
_INTO = "INSERT INTO stock_movements (key, location, sku, pieces, reason, at) SELECT "
_TAKEN = "at FROM reservations WHERE state = 'consumed' AND NOT EXISTS (SELECT 1 FROM stock_movements WHERE key = "
MOVED = (
    "DELETE FROM stock_movements WHERE key LIKE 'packed:%~%'",
    f"{_INTO} 'for ' || id, location, sku, quantity, 'delivered', {_TAKEN} 'packed:' || reservations.id)",
    f"{_INTO} 'packed:' || id, location, sku, -quantity, 'packed', {_TAKEN} 'packed:' || reservations.id)",
)


def main(arguments: list[str] | None = None) -> int:
    """Lay a past, check it, and tell what that took."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.backroom_quality", description=__doc__)
    parser.add_argument("--orders", type=int, default=100_000)
    parser.add_argument("--changed", type=int, default=1000)
    chosen = parser.parse_args(arguments)
    home = Path(tempfile.mkdtemp(prefix="backroom-quality-"))
    # What was needed to lay the past is not to count: each part has a process of its own.
    spawned = multiprocessing.get_context("spawn")
    try:
        with spawned.Pool(1, maxtasksperchild=1) as pool:
            pool.apply(lay, (home, chosen.orders))
            measured = {"full": pool.apply(check, (home, "full"))}
            pool.apply(sell, (home, chosen.changed, 2))
            measured["changed"] = pool.apply(check, (home, "changed"))
        print(json.dumps(measured, indent=1))
    finally:
        shutil.rmtree(home, ignore_errors=True)
    return 0


def lay(home: Path, past: int) -> None:
    """The demo shop in a folder, with a past of so many orders, its stock as they left it, and its key figures."""
    _begin(home)
    from sqlalchemy import text

    from backroom.insight.refresh import refresh_facts, refresh_figures, refresh_months
    from backroom.shop.room import this_room
    from benchmarks.backroom_past import add_past
    from benchmarks.backroom_shop import lay_shop

    lay_shop(home, {}, pieces=PIECES).close()
    sell(home, WARM, seed=1)
    room = this_room()
    add_past(room, past)
    for statement in MOVED:
        room.database.write(lambda c, sql=statement: c.execute(text(sql)))
    for _ in (*refresh_facts(room), *refresh_figures(room)):
        pass
    refresh_months(room)
    room.close()


def sell(home: Path, count: int, seed: int) -> None:
    """So many more orders, from their webhooks to their ends; `seed` makes others than before."""
    _begin(home)
    from backroom.shop.demo_messages import Maker
    from backroom.shop.room import this_room
    from benchmarks.backroom_shop import take_in
    from benchmarks.backroom_stages import Clock, work

    room = this_room()
    take_in(room, Maker(seed, datetime.now(UTC)), count)
    work(Clock())
    _age(room)


def _age(room: Room) -> None:
    """What was written in the last two minutes would wait for the next time."""
    from sqlalchemy import update

    from backroom.store.database import now
    from backroom.store.tables import history

    room.database.write(
        lambda c: c.execute(
            update(history)
            .where(history.c.at > now(c) - timedelta(minutes=10))
            .values(at=now(c) - timedelta(minutes=10))
        )
    )


def _begin(home: Path) -> None:
    # Before Prefect is imported: it reads its settings then, and no server is to be asked.
    os.environ |= {"BACKROOM_HOME": str(home), "PREFECT_HOME": str(home / "prefect")}
    os.environ |= {"PREFECT_API_URL": "http://127.0.0.1:9/api", "PREFECT_LOGGING_TO_API_ENABLED": "false"}


def check(home: Path, scope: str) -> dict[str, Any]:
    """One run in this process."""
    from backroom.domain.quality import Scope
    from backroom.quality.checking import Check
    from backroom.quality.validate import Inspector
    from backroom.shop.room import open_room
    from backroom.store.quality import findings

    room = open_room(home)
    before = _peak_mb()
    began, cpu = time.perf_counter(), time.process_time()
    inspector = Inspector()
    loaded = time.perf_counter()
    rows: Counter[str] = Counter()
    seconds: dict[str, float] = defaultdict(float)
    last = loaded
    for step in Check.begin(room.database, room.shop, Scope(scope), inspector).steps():
        rows[step.subject] += step.rows
        seconds[step.subject] += time.perf_counter() - last
        last = time.perf_counter()
    with room.database.read() as connection:
        found = Counter(row["code"] for row in findings.open_findings(connection, 1000))
    told = {
        "rows": rows.total(),
        "load_s": round(loaded - began, 1),
        "check_s": round(time.perf_counter() - loaded, 1),
        "cpu_s": round(time.process_time() - cpu, 1),
        "peak_mb": _peak_mb(),
        "peak_mb_before": before,
        "findings": dict(found),
        "by_subject": {name: [rows[name], round(seconds[name], 2)] for name in rows},
    }
    room.close()
    return told


def _peak_mb() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


if __name__ == "__main__":
    sys.exit(main())
