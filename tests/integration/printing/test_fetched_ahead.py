"""How much a booth's machine has at once: the gateway holds the number, whoever asks, and the worker goes on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from backroom.domain.locations import PrinterSpec
from backroom.gateway import booth as booth_door
from backroom.printing.alone import KeptBooth
from backroom.printing.booth import FetchLater, Job
from backroom.printing.sealed import new_once
from backroom.store import print_seals
from tests.benches import Bench, open_bench
from tests.laptops import Laptop
from tests.shops import Floor
from tests.sqlite_only import database_url

__all__ = ["database_url"]

PRESSES = [PrinterSpec(name, f"folder:{name}", ("dtg",)) for name in ("left", "right")]


@pytest.fixture
def bench(floor: Floor) -> Iterator[Bench]:
    with open_bench(floor, PRESSES) as bench:
        yield bench


@pytest.fixture
def laptop(bench: Bench, tmp_path: Path) -> Laptop:
    return Laptop(bench, bench.url, tmp_path / "laptop")


def at_once(monkeypatch: pytest.MonkeyPatch, most: int) -> None:
    """A machine of this booth may have so many payloads, of which it fetches none ahead where they are few."""
    monkeypatch.setattr(booth_door, "FETCHED_AHEAD", most - len(PRESSES))


def living(bench: Bench) -> int:
    with bench.floor.room.database.read() as connection:
        rows = [row for job in bench.jobs().values() for row in print_seals.of_job(connection, job["id"])]
    return sum(row["destroyed_at"] is None for row in rows)


def states(bench: Bench) -> Counter[str]:
    return Counter(str(row["state"]) for row in bench.jobs().values())


def gets(booth: KeptBooth, job: Job) -> bool:
    try:
        booth.payload(job, new_once())
    except FetchLater:
        return False
    return True


def test_whoever_asks_for_the_whole_queue_gets_twenty_and_one_for_each_printer(bench: Bench, laptop: Laptop) -> None:
    bench.orders(*[1] * 25)
    assert laptop.fetch() == 20
    with laptop.open() as booth:
        jobs = booth.claim(500)
        assert len(jobs) == 25
        ahead = [job for job in jobs if booth.kept.vault.has((job.id, job.attempt))]
        others = [job for job in jobs if job not in ahead]
        assert [gets(booth, job) for job in others] == [True, True, False, False, False]
        assert booth.answers, "a machine that has enough is not cut off"
        assert living(bench) == 22
        assert all(gets(booth, job) for job in (*ahead, *others[:2])), "what it asks for anew is not one more"
        assert living(bench) == 22
        booth.start(ahead[0], "left")
        booth.outcome(ahead[0], "done")
        assert [gets(booth, job) for job in others[2:]] == [True, False, False]
    assert living(bench) == 22


def test_a_machine_that_lost_what_it_had_fetched_fetches_the_same_again(bench: Bench, laptop: Laptop) -> None:
    bench.orders(*[1] * 22)
    assert laptop.fetch() == 20
    (laptop.bench_folder / "journal").unlink()
    assert laptop.fetch() == 20
    assert living(bench) == 20
    assert laptop.run() == {"done": 22}


def test_the_presses_go_on_where_only_one_piece_at_a_time_may_be_here(
    bench: Bench, laptop: Laptop, monkeypatch: pytest.MonkeyPatch
) -> None:
    at_once(monkeypatch, 1)
    numbers = bench.orders(*[1] * 8)
    counts = laptop.run()
    assert (counts["done"], set(counts) <= {"done", "later"}) == (8, True)
    assert states(bench) == {"done": 8}
    assert laptop.came_out() == Counter(bench.key_of(number) for number in numbers)
    bench.floor.check_effects()


def test_where_nothing_comes_out_a_run_ends_and_the_next_one_prints_what_was_left(
    bench: Bench, laptop: Laptop, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.orders(1, 1, 1)
    with monkeypatch.context() as full:
        at_once(full, 0)
        assert laptop.run() == {"later": 3}
        assert [(state, why) for _, state, why in bench.queue()] == [("handed", "")] * 3, "nothing is wrong with them"
    assert laptop.run() == {"done": 3}


def test_each_machine_of_a_booth_has_its_own_number(
    bench: Bench, laptop: Laptop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    at_once(monkeypatch, 2)
    bench.orders(*[1] * 6)
    other = Laptop(bench, bench.url, tmp_path / "other")
    with laptop.open() as ours, other.open() as theirs:
        assert [gets(ours, job) for job in ours.claim(3)] == [True, True, False]
        assert [gets(theirs, job) for job in theirs.claim(3)] == [True, True, False]
    for one in (laptop, other):
        assert one.run()["done"] == 3
    assert states(bench) == {"done": 6}
