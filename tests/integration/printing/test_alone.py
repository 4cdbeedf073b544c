"""A booth without network: it prints what it has, each piece once whatever stops it, and the shop hears all of it."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar
from urllib.parse import urlsplit

import pytest

from backroom.domain.locations import PrinterSpec
from backroom.domain.printing import PrintState
from backroom.printing import alone
from backroom.printing.booth import GatewayAway, KeyRefused
from backroom.printing.keeper import Keeper
from backroom.printing.vault import TAG
from backroom.store import booth_devices, cancelling, desk, offline_conflicts, print_attempts, print_seals
from tests.benches import Bench, open_bench
from tests.children import killed_at_flush
from tests.laptops import Laptop
from tests.lines import Line
from tests.shops import BOOTH, HUB, SCARCE, Floor
from tests.sqlite_only import database_url

__all__ = ["database_url"]

PRESSES = [PrinterSpec(name, f"folder:{name}", ("dtg",)) for name in ("left", "right")]


@pytest.fixture(autouse=True)
def _asked_again_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(alone, "AWAY_SECONDS", 0.2)


@pytest.fixture
def bench(floor: Floor) -> Iterator[Bench]:
    with open_bench(floor, PRESSES) as bench:
        yield bench


@pytest.fixture
def line(bench: Bench) -> Iterator[Line]:
    with Line(urlsplit(bench.url).port or 0) as line:
        yield line


@pytest.fixture
def laptop(bench: Bench, line: Line, tmp_path: Path) -> Laptop:
    return Laptop(bench, line.url, tmp_path / "laptop")


def states(bench: Bench) -> Counter[str]:
    return Counter(str(row["state"]) for row in bench.jobs().values())


def once(bench: Bench, laptop: Laptop, numbers: list[str]) -> bool:
    """Whether each of these orders' pieces came out once."""
    return laptop.came_out() == Counter(bench.key_of(number) for number in numbers)


def conflicts(bench: Bench) -> list[tuple[str, str]]:
    with bench.floor.room.database.read() as connection:
        return [(row["kind"], row["order_number"]) for row in offline_conflicts.listing(connection)]


def test_it_prints_what_it_has_fetched_while_the_line_is_cut_and_the_shop_hears_of_it(
    bench: Bench, line: Line, laptop: Laptop
) -> None:
    numbers = bench.orders(*[1] * 25)
    assert laptop.fetch() == 20
    line.cut(silent=False)
    assert laptop.run_alone() == {"done": 20}
    assert states(bench) == {"handed": 20, "waiting": 5}
    assert laptop.run_alone() == {}
    line.mend()
    assert laptop.run() == {"done": 5}
    assert states(bench) == {"done": 25}
    assert once(bench, laptop, numbers)
    assert conflicts(bench) == []
    bench.floor.check_sums()
    bench.floor.check_effects()


def test_a_run_that_is_under_way_goes_on_when_the_line_is_cut(bench: Bench, line: Line, laptop: Laptop) -> None:
    numbers = bench.orders(*[1] * 6)
    laptop.fetch()
    line.cut(silent=True)
    with pytest.raises(GatewayAway):
        laptop.run()  # it ends because nothing is left that it could do without the shop
    assert sum(laptop.came_out().values()) == 6
    line.mend()
    laptop.run()
    assert states(bench) == {"done": 6}
    assert once(bench, laptop, numbers)


class Proxy(BaseHTTPRequestHandler):
    """What stands in front of a gateway that is gone, or in its place."""

    answer: ClassVar[tuple[int, str]] = (404, "text/plain; charset=utf-8")

    def do_GET(self) -> None:
        status, kind = self.answer
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.end_headers()
        self.wfile.write(b"404 page not found\n")

    def do_POST(self) -> None:
        self.do_GET()

    def log_message(self, *_: object) -> None:
        """Nothing is to be seen of it."""


@pytest.mark.parametrize("answer", [(404, "text/plain"), (403, "text/html"), (422, ""), (302, "text/html")])
def test_a_proxy_that_answers_in_the_gateways_place_stops_no_booth_that_can_print_alone(
    bench: Bench, laptop: Laptop, monkeypatch: pytest.MonkeyPatch, answer: tuple[int, str]
) -> None:
    monkeypatch.setattr(Proxy, "answer", answer)
    numbers = bench.orders(1, 1)
    assert laptop.fetch() == 2
    with ThreadingHTTPServer(("127.0.0.1", 0), Proxy) as proxy:
        threading.Thread(target=proxy.serve_forever, daemon=True).start()
        laptop.url = f"http://127.0.0.1:{proxy.server_port}"
        with laptop.open() as booth:
            assert [printer.name for printer in booth.printers()] == ["left", "right"]
            assert {job.order_number for job in booth.claim(2)} == set(numbers)
            assert not booth.is_back()
        keeper = Keeper(laptop.url, bench.key_at(laptop.folder), BOOTH, laptop.folder)
        assert keeper.look() == {"done": 2}
        proxy.shutdown()


@pytest.mark.parametrize("left", [b"", b"\0" * 40, b'{"printers": ['])
def test_a_list_of_printers_that_a_power_cut_broke_is_asked_for_anew_and_ends_nothing(
    bench: Bench, line: Line, laptop: Laptop, left: bytes
) -> None:
    bench.orders(1)
    laptop.fetch()
    (laptop.bench_folder / alone.PRINTERS).write_bytes(left)
    line.cut(silent=False)
    with pytest.raises(GatewayAway):
        laptop.run_alone()
    line.mend()
    assert laptop.run() == {"done": 1}
    line.cut(silent=False)
    with laptop.open() as booth:
        assert [printer.name for printer in booth.printers()] == ["left", "right"]


def test_what_is_done_is_on_the_machine_no_more(bench: Bench, line: Line, laptop: Laptop) -> None:
    numbers = bench.orders(1, 1)
    laptop.fetch()
    line.cut(silent=False)
    laptop.run_alone()
    for path in laptop.bench_folder.rglob("*"):
        if path.is_file():
            raw = path.read_bytes()
            assert not any(word in raw for word in (b"%PDF", numbers[0].encode(), SCARCE.encode())), path
    assert [path.name for path in (laptop.bench_folder / "sealed").iterdir()] == [TAG]
    line.mend()
    laptop.run()
    with bench.floor.room.database.read() as connection:
        rows = [row for job in bench.jobs().values() for row in print_seals.of_job(connection, job["id"])]
    assert {row["destroyed_why"] for row in rows} == {"done"}
    laptop.run()
    with bench.floor.room.database.read() as connection:
        rows = [row for job in bench.jobs().values() for row in print_seals.of_job(connection, job["id"])]
    assert all(row["confirmed_at"] is not None for row in rows), "the booth has said that its keys are gone"


def test_a_printer_that_gives_up_is_tried_again_here_and_one_that_stays_off_holds_nothing_up(
    bench: Bench, line: Line, laptop: Laptop
) -> None:
    numbers = bench.orders(1, 1, 1)
    laptop.fetch()
    line.cut(silent=False)
    laptop.off = {"left"}
    laptop.run_alone()
    line.mend()
    laptop.run()
    assert states(bench) == {"done": 3}
    assert once(bench, laptop, numbers)


@dataclass(frozen=True)
class OneKey:
    """All that a machine of its own knows of the shop."""

    key: str

    def key_at(self, _folder: Path) -> str:
        return self.key


def print_alone(url: str, folder: Path, key: str, forgets: bool) -> None:
    """In a process of its own: a run of the machine in this folder, whose line is cut."""
    alone.AWAY_SECONDS = 0.2
    Laptop(OneKey(key), url, folder, forgets=forgets).run_alone()


@pytest.mark.timeout(300)
@pytest.mark.parametrize("forgets", [False, True])
def test_killed_at_any_flush_it_prints_nothing_twice_and_asks_where_it_cannot_know(
    floor: Floor, tmp_path: Path, forgets: bool
) -> None:
    with open_bench(floor, PRESSES[:1]) as bench, Line(urlsplit(bench.url).port or 0) as line:
        count, killed = 0, True
        while killed:
            count += 1
            laptop = Laptop(bench, line.url, tmp_path / f"laptop-{count}", forgets=forgets)
            numbers = bench.orders(1, 1)
            assert laptop.fetch() == 2
            line.cut(silent=False)
            key = bench.key_at(laptop.folder)
            killed = killed_at_flush(count, print_alone, laptop.url, laptop.folder, key, forgets)
            laptop.run_alone()
            line.mend()
            laptop.run()
            mine = {number: str(bench.jobs()[number]["state"]) for number in numbers}
            assert all(times == 1 for times in laptop.came_out().values()), (count, laptop.came_out())
            unknown = [number for number, state in mine.items() if state == "unknown"]
            assert len(unknown) <= int(forgets), (count, mine)
            assert set(mine.values()) <= {"done", "unknown"}
            done = {bench.key_of(number) for number, state in mine.items() if state == "done"}
            assert done <= laptop.came_out().keys()
            if not unknown:
                assert once(bench, laptop, numbers)
        print(f"\nkilled at each of {count - 1} flushes")
        assert count > 8


def test_a_held_order_that_was_printed_meanwhile_counts_and_goes_on_when_it_is_let_go(
    bench: Bench, line: Line, laptop: Laptop
) -> None:
    [number] = bench.orders(1)
    laptop.fetch()
    line.cut(silent=False)
    bench.floor.room.database.write(lambda c: desk.hold(c, number, desk.ASKED_BY_STAFF, "Ada", None))
    assert states(bench) == {"waiting": 1}
    laptop.run_alone()
    line.mend()
    laptop.run()
    assert states(bench) == {"done": 1}
    assert conflicts(bench) == [("taken_back", number)]
    bench.floor.room.database.write(lambda c: desk.release(c, number, "Ada", HUB))
    bench.floor.fulfil(BOOTH)
    assert bench.floor.state(number)[0] == "fulfilled"
    assert once(bench, laptop, [number])


def test_a_cancelled_order_that_was_printed_meanwhile_leaves_its_piece_in_the_booths_stock(
    bench: Bench, line: Line, laptop: Laptop
) -> None:
    [number] = bench.orders(1)
    laptop.fetch()
    line.cut(silent=False)
    bench.floor.room.database.write(lambda c: cancelling.cancel(c, number, "Ada", "changed_their_mind"))
    laptop.run_alone()
    line.mend()
    laptop.run()
    assert conflicts(bench) == [("for_nothing", number)]
    assert bench.floor.available(BOOTH, SCARCE) == (1, 0)
    laptop.catch_up()
    assert bench.floor.available(BOOTH, SCARCE) == (1, 0)
    bench.floor.check_sums()


def test_what_somebody_had_printed_again_elsewhere_leaves_a_spare_piece_that_is_listed(
    bench: Bench, line: Line, laptop: Laptop, tmp_path: Path
) -> None:
    [number] = bench.orders(1)
    laptop.fetch()
    line.cut(silent=False)
    job = bench.jobs()[number]["id"]
    bench.floor.room.database.write(lambda c: print_attempts.decide(c, job, "print_again", "Ada"))
    other = Laptop(bench, bench.url, tmp_path / "other")
    assert other.run() == {"done": 1}
    laptop.run_alone()
    line.mend()
    laptop.run()
    assert conflicts(bench) == [("printed_twice", number)]
    assert bench.floor.available(BOOTH, SCARCE) == (1, 0)
    bench.floor.check_sums()


def test_print_again_that_nobody_has_begun_is_settled_by_the_piece_that_is_there(
    bench: Bench, line: Line, laptop: Laptop
) -> None:
    [number] = bench.orders(1)
    laptop.fetch()
    line.cut(silent=False)
    job = bench.jobs()[number]["id"]
    bench.floor.room.database.write(lambda c: print_attempts.decide(c, job, "print_again", "Ada"))
    laptop.run_alone()
    line.mend()
    laptop.run()
    assert conflicts(bench) == [("taken_back", number)]
    assert (states(bench), sum(laptop.came_out().values())) == ({"done": 1}, 1)
    bench.floor.check_effects()


def test_what_is_dead_is_not_printed_and_gone_from_the_disk(
    bench: Bench, line: Line, laptop: Laptop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(print_seals, "LIFE", timedelta(seconds=-1))
    bench.orders(1, 1)
    laptop.fetch()
    line.cut(silent=False)
    assert laptop.run_alone() == {}
    assert [path.name for path in (laptop.bench_folder / "sealed").iterdir()] == [TAG]
    assert laptop.came_out() == {}


def test_a_revoked_machine_gets_nothing_more_and_destroys_what_it_fetched(bench: Bench, laptop: Laptop) -> None:
    bench.orders(1, 1)
    assert laptop.fetch() == 2
    bench.floor.room.database.write(lambda c: booth_devices.revoke(c, BOOTH))
    with pytest.raises(KeyRefused):
        laptop.run()
    assert [path.name for path in (laptop.bench_folder / "sealed").iterdir()] == [TAG]
    assert laptop.came_out() == {}


def test_the_keeper_prints_while_the_line_is_cut_and_tells_when_it_is_back(
    bench: Bench, line: Line, laptop: Laptop
) -> None:
    numbers = bench.orders(1, 1, 1)
    keeper = Keeper(line.url, bench.key_at(laptop.folder), BOOTH, laptop.folder)
    assert keeper.look() == {}, "it has fetched nothing yet"
    laptop.fetch()
    assert keeper.look() == {}, "the shop is there: printing is the run's"
    line.cut(silent=False)
    assert keeper.look() == {"done": 3}
    assert states(bench) == {"handed": 3}
    line.mend()
    assert keeper.look() == {}
    assert states(bench) == {"done": 3}
    came_out = [path.name for name in ("left", "right") for path in (laptop.folder / name).glob("*.json")]
    assert len(came_out) == len(numbers)
    with laptop.open() as booth:
        told = booth.printed_alone()
        assert sorted(one["order_number"] for one in told) == sorted(numbers)
        assert {one["outcome"] for one in told} == {"done"}
        assert booth.printed_alone() == []


def test_lines_may_be_told_in_any_order_and_many_times(bench: Bench, line: Line, laptop: Laptop) -> None:
    numbers = bench.orders(1, 1)
    laptop.fetch()
    line.cut(silent=False)
    laptop.run_alone()
    line.mend()
    with laptop.open() as booth:
        lines = booth.kept.untold()
        for chosen in (lines[::-1], lines[1::2], lines, lines[:1]):
            for one in chosen:
                booth._call("POST", "/journal", booth._told([one]))
        assert booth.catch_up() == len(lines)
        assert booth.catch_up() == 0
    assert states(bench) == {"done": 2}
    assert all(bench.floor.events(number).count("print.done") == 1 for number in numbers)
    bench.floor.check_effects()


def test_whatever_a_printer_says_the_shop_takes_the_line(bench: Bench, line: Line, laptop: Laptop) -> None:
    bench.orders(1)
    laptop.fetch()
    line.cut(silent=False)
    with laptop.open() as booth:
        [job] = booth.kept.jobs()
        booth.start(job, "left")
        words = f"jam\nat\x00 {job.order_number} " + "\u2028" * 300
        booth.progress(job, PrintState.STOPPED, words, "7\t" + "9" * 300)
        assert job.order_number not in (laptop.bench_folder / "journal").read_text()
    line.mend()
    assert laptop.catch_up() == 2
    [row] = bench.jobs().values()
    assert (row["state"], row["printer"], row["reason"][:6]) == ("blocked", "left", "jam at")


def move_the_journal_away(laptop: Laptop) -> None:
    (laptop.bench_folder / "journal").rename(laptop.folder / f"journal-{len(list(laptop.folder.iterdir()))}")


def test_after_a_damaged_journal_was_moved_away_the_shop_hears_every_piece_that_is_printed(
    bench: Bench, line: Line, laptop: Laptop
) -> None:
    numbers = bench.orders(1, 1)
    for _ in range(2):
        laptop.fetch()
        line.cut(silent=False)
        laptop.run_alone()
        line.mend()
        laptop.run()
        move_the_journal_away(laptop)
        numbers += bench.orders(1)
    laptop.run()
    assert states(bench) == {"done": 4}
    assert once(bench, laptop, numbers)


def test_without_its_journal_a_machine_prints_nothing_of_which_it_cannot_know_whether_it_was_begun(
    bench: Bench, line: Line, laptop: Laptop
) -> None:
    numbers = bench.orders(1, 1)
    assert laptop.fetch() == 2
    move_the_journal_away(laptop)
    line.cut(silent=False)
    assert laptop.run_alone() == {}
    line.mend()
    assert laptop.run() == {"done": 2}
    assert once(bench, laptop, numbers)
