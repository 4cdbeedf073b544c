"""Two real printers behind the real gateway: whatever happens beside them, every job comes out whole and once."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pypdfium2
import pytest

from backroom.domain.locations import PrinterSpec
from backroom.domain.printing import PrintState
from backroom.printing.connect import connect
from backroom.printing.operations import Operation
from backroom.printing.virtual import VirtualPrinter
from backroom.store import print_attempts
from tests.benches import Bench, open_bench
from tests.integration.printing.relay import Fault, Relay, cut_in_the_document, lose_the_answer
from tests.printers import VirtualPrinterFactory, wait_for
from tests.shops import Floor
from tests.sqlite_only import database_url

__all__ = ["database_url"]

pytestmark = pytest.mark.printer

MEDIA, SIDES, QUALITY = "iso_a4_210x297mm", "one-sided", "high"


@pytest.fixture
def left(virtual_printer_factory: VirtualPrinterFactory) -> VirtualPrinter:
    return virtual_printer_factory("left")


@pytest.fixture
def right(virtual_printer_factory: VirtualPrinterFactory) -> VirtualPrinter:
    return virtual_printer_factory("right")


def described(printer: VirtualPrinter, uri: str = "") -> PrinterSpec:
    return PrinterSpec(printer.name, uri or printer.uri, ("dtg",), MEDIA, SIDES, QUALITY)


@pytest.fixture
def bench(floor: Floor, left: VirtualPrinter, right: VirtualPrinter) -> Iterator[Bench]:
    with open_bench(floor, [described(left), described(right)]) as bench:
        yield bench


@pytest.fixture
def lone(floor: Floor, left: VirtualPrinter) -> Iterator[Bench]:
    """A booth with one printer."""
    with open_bench(floor, [described(left)]) as bench:
        yield bench


def printed(*printers: VirtualPrinter) -> list[tuple[str, str]]:
    """Every order that came out, and where."""
    return sorted(("-".join(job.key.split("-")[1:3]), printer.name) for printer in printers for job in printer.jobs())


def text_of(document: bytes) -> str:
    pdf = pypdfium2.PdfDocument(document)
    assert len(pdf) == 1
    text: str = pdf[0].get_textpage().get_text_range()
    return text


def after(condition: Callable[[], object], then: Callable[[], object]) -> threading.Thread:
    """Do something in the background as soon as a condition holds."""

    def watch() -> None:
        wait_for(condition, deadline_s=60)
        then()

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    return thread


def test_thirty_jobs_over_two_printers_arrive_whole_and_once_with_all_they_ask_for(
    bench: Bench, left: VirtualPrinter, right: VirtualPrinter, tmp_path: Path
) -> None:
    copies = [1 + number % 3 for number in range(30)]
    numbers = bench.orders(*copies)
    counts, _ = bench.run(tmp_path / "bench")
    assert counts == {"done": 30}
    came_out = [*left.jobs(), *right.jobs()]
    keys = {number: bench.key_of(number) for number in numbers}
    assert sorted(job.key for job in came_out) == sorted(keys.values())
    assert min(len(left.jobs()), len(right.jobs())) >= 5, "both worked"
    for number, wanted in zip(numbers, copies, strict=True):
        [job] = [one for one in came_out if one.key == keys[number]]
        asked = job.attributes
        assert asked["copies"] == str(wanted)
        assert (asked["media"], asked["sides"], asked["print-quality"]) == (MEDIA, SIDES, QUALITY)
        assert number in text_of(job.document)
    assert {row["state"] for row in bench.jobs().values()} == {"done"}
    assert bench.queue() == []


def test_a_job_moves_from_a_printer_without_paper_to_one_that_has_some(
    bench: Bench, left: VirtualPrinter, right: VirtualPrinter, tmp_path: Path
) -> None:
    left.set_state("+media-empty")
    numbers = bench.orders(1, 1, 1, 1)
    counts, turns = bench.run(tmp_path / "bench")
    assert counts["done"] == 4
    assert [what for what, _, where in turns if what == "move"] == ["move"]
    assert printed(left, right) == sorted((number, "right") for number in numbers)
    moved = next(number for what, number, _ in turns if what == "move")
    assert "out of paper" in str([entry["data"] for entry in bench.floor.story(moved).history])


def test_a_job_that_no_other_printer_can_do_waits_with_the_plain_reason_and_prints_once_when_there_is_paper(
    lone: Bench, left: VirtualPrinter, tmp_path: Path
) -> None:
    left.set_state("+media-empty")
    first, second, third = lone.orders(1, 1, 1)
    counts, _ = lone.run(tmp_path / "bench")
    assert counts == {"blocked": 1}
    queue = {number: (state, why) for number, state, why in lone.queue()}
    assert queue[first] == ("blocked", "out of paper")
    assert queue[second] == ("blocked", "left: out of paper")
    left.set_state("-media-empty")
    wait_for(lambda: left.jobs())
    counts, _ = lone.run(tmp_path / "bench")
    assert counts == {"done": 3}
    assert printed(left) == [(first, "left"), (second, "left"), (third, "left")]


def test_a_printer_that_gets_its_paper_back_during_the_run_goes_on_with_its_job(
    lone: Bench, left: VirtualPrinter, tmp_path: Path
) -> None:
    left.set_state("+media-empty")
    [number] = lone.orders(1)
    refill = after(lambda: lone.jobs()[number]["state"] == "blocked", lambda: left.set_state("-media-empty"))
    counts, _ = lone.run(tmp_path / "bench")
    refill.join(30)
    if counts["blocked"]:  # it was refilled when the run had left it already
        wait_for(lambda: left.jobs())
        counts, _ = lone.run(tmp_path / "bench")
    assert counts["done"] == 1
    assert lone.jobs()[number]["reason"] == ""
    assert printed(left) == [(number, "left")]


def test_a_job_that_a_printer_gives_up_is_tried_three_times_and_then_waits_for_a_person(
    lone: Bench, left: VirtualPrinter, tmp_path: Path
) -> None:
    left.abort_jobs(True)
    [number] = lone.orders(1)
    for _ in range(3):
        lone.run(tmp_path / "bench")
    job = lone.jobs()[number]
    assert (job["state"], job["attempt"]) == ("failed", 3)
    assert "gave the job up" in job["reason"]
    assert left.jobs() == ()
    left.abort_jobs(False)
    lone.floor.room.database.write(lambda c: print_attempts.decide(c, job["id"], "print_again", "Ada"))
    assert lone.run(tmp_path / "bench")[0] == {"done": 1}
    assert printed(left) == [(number, "left")]


def test_a_job_that_one_printer_gives_up_comes_out_of_the_other(
    bench: Bench, left: VirtualPrinter, right: VirtualPrinter, tmp_path: Path
) -> None:
    left.abort_jobs(True)
    numbers = bench.orders(*[1] * 6)
    counts, _ = bench.run(tmp_path / "bench")
    assert counts["done"] == 6
    assert counts["failed"] <= 2, "after two in a row it is left alone"
    assert printed(left, right) == sorted((number, "right") for number in numbers)


def test_a_printer_that_dies_in_the_middle_leaves_no_print_twice(
    bench: Bench, left: VirtualPrinter, right: VirtualPrinter, tmp_path: Path
) -> None:
    numbers = bench.orders(*[1] * 12)
    died = after(lambda: len(left.jobs()) >= 2, left.stop)
    bench.run(tmp_path / "bench")
    died.join(30)
    left.start()
    bench.run(tmp_path / "bench")
    came_out = [number for number, _ in printed(left, right)]
    assert len(came_out) == len(set(came_out)), "nothing twice"
    states = {number: row["state"] for number, row in bench.jobs().items()}
    assert set(states.values()) <= {"done", "unknown"}
    assert all(number in came_out for number in numbers if states[number] == "done")
    assert sum(state == "unknown" for state in states.values()) <= 1


@pytest.mark.parametrize("fault", [lose_the_answer, cut_in_the_document])
def test_a_job_whose_document_got_no_answer_is_followed_to_its_end_and_then_looked_at_by_a_person(
    floor: Floor, left: VirtualPrinter, tmp_path: Path, fault: Fault
) -> None:
    with (
        Relay(left.uri, Operation.SEND_DOCUMENT, fault) as line,
        open_bench(floor, [described(left, line.uri)]) as bench,
    ):
        [number] = bench.orders(1)
        assert bench.run(tmp_path / "bench")[0] == {"unknown": 1}
        [(_, state, why)] = bench.queue()
    assert (state, "may have printed a part" in why) == ("unknown", True)
    assert printed(left) == [(number, "left")]


def test_a_job_whose_document_got_no_answer_and_that_never_began_prints_elsewhere(
    floor: Floor, left: VirtualPrinter, right: VirtualPrinter, tmp_path: Path
) -> None:
    left.set_state("+media-empty")
    with (
        Relay(left.uri, Operation.SEND_DOCUMENT, lose_the_answer) as line,
        open_bench(floor, [described(left, line.uri), described(right)]) as bench,
    ):
        [number] = bench.orders(1)
        assert bench.run(tmp_path / "bench")[0]["done"] == 1
    assert printed(left, right) == [(number, "right")]


def test_an_attribute_that_the_printer_does_not_have_is_said_and_nothing_prints(
    floor: Floor, left: VirtualPrinter, tmp_path: Path
) -> None:
    wrong = PrinterSpec("left", left.uri, ("dtg",), media="custom_poster_3000x4000mm")
    with open_bench(floor, [wrong]) as bench:
        bench.orders(1)
        bench.run(tmp_path / "bench")
        [(_, state, why)] = bench.queue()
    assert (state, "media" in why) == ("blocked", True)
    assert left.jobs() == ()


def test_a_printer_that_is_switched_off_stops_no_other(
    bench: Bench, left: VirtualPrinter, right: VirtualPrinter, tmp_path: Path
) -> None:
    left.stop()
    numbers = bench.orders(1, 1, 1)
    assert bench.run(tmp_path / "bench")[0] == {"done": 3}
    assert printed(right) == sorted((number, "right") for number in numbers)


def test_a_missing_artwork_leaves_its_job_with_the_reason_and_stops_no_other(lone: Bench, tmp_path: Path) -> None:
    [number] = lone.orders(1)
    artwork = lone.floor.room.artwork() / "owl.png"
    artwork.rename(artwork.with_suffix(".away"))
    assert lone.run(tmp_path / "bench")[0] == {"left": 1}
    [(_, state, why)] = lone.queue()
    assert (state, "owl.png" in why) == ("blocked", True)
    artwork.with_suffix(".away").rename(artwork)
    assert lone.run(tmp_path / "bench")[0] == {"done": 1}
    assert lone.jobs()[number]["state"] == "done"


_RUN = """
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from backroom.printing.booth import Booth
from backroom.printing.device import hold_device
from backroom.printing.holder import hold_bench
from backroom.printing.lanes import run_lanes
from tests.crews import Threads
url, key, folder = sys.argv[1:]
with hold_bench(Path(folder)) as holder, ThreadPoolExecutor(16) as pool:
    device = hold_device(Path(folder))
    booth = Booth(gateway=url, key=key, location="booth", holder=holder, device=device)
    run_lanes(booth, Threads(booth, pool))
"""


def test_a_worker_killed_at_its_printer_finds_its_job_there_and_does_not_print_it_again(
    lone: Bench, left: VirtualPrinter, tmp_path: Path
) -> None:
    left.set_state("+media-empty")
    [number] = lone.orders(2)
    key = lone.key_at(tmp_path / "bench")
    process = subprocess.Popen([sys.executable, "-c", _RUN, lone.url, key, str(tmp_path / "bench")])
    printer = connect(left.uri, name="left")
    wait_for(lambda: lone.jobs()[number]["state"] == "blocked", deadline_s=60)
    ticket = printer.find(lone.key_of(number))
    assert ticket is not None
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert lone.run(tmp_path / "another machine")[0] == {}, "another machine is never given it"
    left.set_state("-media-empty")
    wait_for(lambda: printer.progress(ticket).state is PrintState.DONE)
    assert lone.run(tmp_path / "bench")[0] == {"done": 1}
    assert printed(left) == [(number, "left")]
    assert lone.jobs()[number]["state"] == "done"
