"""The lanes over folders, behind the real gateway: who gets what, what is left, and when the loop ends."""

from __future__ import annotations

import errno
import os
import threading
import time
from collections import Counter
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from itertools import count
from pathlib import Path

import pytest

from backroom.domain.locations import PrinterSpec
from backroom.domain.printing import Printer
from backroom.printing.bench import Result, Turn, work_on
from backroom.printing.booth import Booth, Job
from backroom.printing.lanes import run_lanes
from backroom.store.print_attempts import decide
from tests.benches import Bench, open_bench
from tests.crews import Threads
from tests.printers import wait_for
from tests.shops import BOOTH, COLLECT, SCARCE, Floor
from tests.sqlite_only import database_url

__all__ = ["database_url"]


def folders(tmp_path: Path, *names: str, does: str = "dtg") -> list[PrinterSpec]:
    return [PrinterSpec(name, f"folder:{tmp_path / name}", (does,)) for name in names]


class CountingBooth(Booth):
    """Counts its claims."""

    claims = 0

    def claim(self, most: int) -> list[Job]:
        self.claims += 1
        return super().claim(most)


def counting(bench: Bench) -> CountingBooth:
    return CountingBooth(gateway=bench.url, key=bench.key, location="booth", holder="bench", device=bench.device)


def run(booth: Booth, crew: type[Threads] = Threads) -> tuple[Counter[str], Threads]:
    with ThreadPoolExecutor(16) as pool:
        threads = crew(booth, pool)
        return run_lanes(booth, threads), threads


def test_a_job_that_no_printer_here_can_do_is_left_with_the_reason(floor: Floor, tmp_path: Path) -> None:
    with open_bench(floor, folders(tmp_path, "foil", does="foil")) as bench:
        [number] = bench.orders(1)
        booth = counting(bench)
        began = time.monotonic()
        assert run(booth)[0] == {}
        assert time.monotonic() - began < 3
        assert booth.claims <= 3
        assert bench.queue() == [(number, "blocked", "no printer here does dtg")]


def test_a_cancelled_or_held_job_that_was_left_is_not_held_on_to(floor: Floor, tmp_path: Path) -> None:
    from backroom.store.desk import hold

    with open_bench(floor, folders(tmp_path, "foil", does="foil")) as bench:
        [number] = bench.orders(1)
        run(counting(bench))
        floor.room.database.write(lambda connection: hold(connection, number, "wait", "Ada"))
        assert [(state, why) for _, state, why in bench.queue()] == [("waiting", "")]


def test_without_work_the_loop_ends_after_one_claim(floor: Floor, tmp_path: Path) -> None:
    with open_bench(floor, folders(tmp_path, "left", "right")) as bench:
        booth = counting(bench)
        assert run(booth)[0] == {}
        assert booth.claims <= 2


def test_many_jobs_are_shared_out_and_claimed_few_times(floor: Floor, tmp_path: Path) -> None:
    with open_bench(floor, folders(tmp_path, "left", "right")) as bench:
        bench.orders(*[1] * 60)
        booth = counting(bench)
        counts, crew = run(booth)
        assert counts == {"done": 60}
        assert booth.claims <= 25
        shares = [len([1 for _, _, printer in crew.turns if printer == name]) for name in ("left", "right")]
        assert min(shares) >= 15


def test_a_printer_that_cannot_be_used_stops_no_other(floor: Floor, tmp_path: Path) -> None:
    (tmp_path / "left").write_text("not a folder")
    with open_bench(floor, folders(tmp_path, "left", "right")) as bench:
        bench.orders(1, 1)
        assert run(counting(bench))[0] == {"done": 2}


class Slow(Threads):
    """A print takes a while."""

    seconds = 0.5

    def work(self, job: Job, spec: PrinterSpec) -> Future[Turn]:
        self.turns.append(("work", job.order_number, spec.name))

        def slowly() -> Turn:
            threading.Event().wait(self.seconds)
            return work_on(job, spec, self.open(spec), self.booth)

        return self.pool.submit(slowly)


class Breaking(Slow):
    """Takes three turns, slowly, and breaks at the fourth."""

    seconds = 0.3
    begun = 0

    def work(self, job: Job, spec: PrinterSpec) -> Future[Turn]:
        self.begun += 1
        if self.begun == 4:
            raise RuntimeError("cancelled")
        return super().work(job, spec)


def test_whatever_ends_the_loop_no_turn_is_left_behind(floor: Floor, tmp_path: Path) -> None:
    with open_bench(floor, folders(tmp_path, "left", "right", "third", "fourth")) as bench:
        bench.orders(1, 1, 1, 1)
        booth = bench.booth()
        with ThreadPoolExecutor(16) as pool:
            crew = Breaking(booth, pool)
            with pytest.raises(RuntimeError, match="cancelled"):
                run_lanes(booth, crew)
            assert booth.over.is_set(), "a turn may go on waiting for what passes"
            states = sorted(row["state"] for row in bench.jobs().values())
        assert states == ["done", "done", "done", "handed"]
        assert run(booth)[0] == {"done": 1}


def test_a_disk_that_fails_now_and_then_costs_no_print_one_of_its_few_tries(
    floor: Floor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flush, flushes = os.fsync, count(1)

    def fails_two_times_of_five(descriptor: int) -> None:
        if next(flushes) % 5 in (2, 3):
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        flush(descriptor)

    with open_bench(floor, folders(tmp_path, "left", "right")) as bench:
        numbers = bench.orders(1, 1, 1, 1)
        monkeypatch.setattr(os, "fsync", fails_two_times_of_five)
        # A printer that fails as it is looked at ends a run, and the sweep begins the next.
        done = sum((run(bench.booth())[0] for _ in range(12)), Counter())
        jobs = bench.jobs()
    assert done == {"done": 4}
    assert {(jobs[number]["state"], jobs[number]["attempt"]) for number in numbers} == {("done", 1)}
    assert next(flushes) > 12


class Dying(Slow):
    """Its left printer dies of its first job, for good; the others are slow."""

    seconds = 0.4
    dead = False

    def open(self, spec: PrinterSpec) -> Printer:
        if spec.name == "left" and self.dead:
            spec = replace(spec, uri=f"folder:{__file__}")  # a file is no folder
        return super().open(spec)

    def work(self, job: Job, spec: PrinterSpec) -> Future[Turn]:
        def dies() -> Turn:
            self.booth.start(job, spec.name)
            return Turn(job.id, Result.BLOCKED, "left does not answer")

        if spec.name == "left":
            self.dead = True
            return self.pool.submit(dies)
        return super().work(job, spec)


def test_what_a_person_decides_to_print_again_is_printed_while_its_dead_printer_still_stands_there(
    floor: Floor, tmp_path: Path
) -> None:
    with open_bench(floor, folders(tmp_path, "left", "right")) as bench, ThreadPoolExecutor(1) as pool:
        bench.orders(1, 1, 1, 1)
        running = pool.submit(run, bench.booth(), Dying)
        wait_for(lambda: any(row["printer"] == "left" for row in bench.jobs().values()), deadline_s=20)
        [lost] = [row["id"] for row in bench.jobs().values() if row["printer"] == "left"]
        floor.room.database.write(lambda connection: decide(connection, lost, "print_again", "Ada"))
        counts, _ = running.result(60)
        assert counts == {"blocked": 1, "done": 4}
        assert {row["state"] for row in bench.jobs().values()} == {"done"}


class FarAhead(Booth):
    """Takes much into its hands at once, as a booth does that may lose its network."""

    def claim(self, most: int) -> list[Job]:
        return super().claim(max(most, 20))


def test_who_comes_and_waits_is_printed_before_the_parcels_that_are_in_hand_already(
    floor: Floor, tmp_path: Path
) -> None:
    with open_bench(floor, folders(tmp_path, "left")) as bench, ThreadPoolExecutor(4) as pool:
        bench.orders(*[1] * 14)
        booth = FarAhead(gateway=bench.url, key=bench.key, location="booth", holder="bench", device=bench.device)
        crew = Slow(booth, pool)
        running = pool.submit(run_lanes, booth, crew)
        wait_for(lambda: len(crew.turns) >= 2, deadline_s=20)
        assert {row["state"] for row in bench.jobs().values()} <= {"handed", "printing", "done"}
        who = floor.taken_in((SCARCE, 1), at=BOOTH, **COLLECT)
        floor.fulfil(BOOTH)
        there = len(crew.turns)
        assert running.result(60) == {"done": 15}
        place = [number for _, number, _ in crew.turns].index(who)
        # The one that is being printed, and those of the second within which the booth asks again.
        assert place <= there + 3
