"""The six steps that the other systems run: each effect once for each order, however often a step is called."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.peers.domain_database import DomainDatabase
from benchmarks.peers.lifecycle import HUB, SKUS, STEPS, Lifecycle
from benchmarks.peers.stopwatch import Stopwatch

ORDERS = 5


@pytest.fixture
def lifecycle(tmp_path: Path) -> Lifecycle:
    made = Lifecycle(DomainDatabase(str(tmp_path / "domain.db")), tmp_path)
    made.prepare(ORDERS)
    return made


def calls() -> Iterator[tuple[str, int]]:
    return ((step, order) for step in STEPS for order in range(ORDERS))


def test_each_order_goes_its_whole_way(lifecycle: Lifecycle) -> None:
    for step, order in calls():
        lifecycle.steps[step](order)
    assert lifecycle.counts() == lifecycle.expected(ORDERS)


def test_a_step_that_is_called_again_changes_nothing(lifecycle: Lifecycle) -> None:
    for step, order in calls():
        lifecycle.steps[step](order)
        lifecycle.steps[step](order)
    assert lifecycle.counts() == lifecycle.expected(ORDERS)
    pieces = sum(1 + order % 2 for order in range(ORDERS))
    [left] = lifecycle.database.execute("SELECT sum(on_hand) FROM stock_levels WHERE location = ?", (HUB,)).fetchone()
    assert left == 1_000_000 * len(SKUS) - pieces


def test_counts_show_an_order_that_stopped_on_its_way(lifecycle: Lifecycle) -> None:
    for step, order in calls():
        if (step, order) not in {("label", 3), ("notify", 3)}:
            lifecycle.steps[step](order)
    counts = lifecycle.counts()
    assert (counts["orders_fulfilled"], counts["orders_other"], counts["labels"]) == (ORDERS - 1, 1, 2 * (ORDERS - 1))


def test_sqlite_flushes_every_commit(lifecycle: Lifecycle) -> None:
    full = 2
    assert lifecycle.database.execute("PRAGMA synchronous").fetchone() == (full,)
    assert lifecycle.database.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_a_stopwatch_is_seen_by_whoever_maps_the_same_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BENCH_STOPWATCH", raising=False)
    ours, theirs = Stopwatch.made(tmp_path / "stopwatch", 2), Stopwatch.inherited()
    theirs.begun(1)
    began = ours.took(range(1, 2))[0]
    theirs.begun(1)
    assert ours.took(range(1, 2))[0] == began
    theirs.ended(1)
    assert 0 <= ours.took(range(1, 2))[0] < 60
    assert ours.end_of(0) == 0
