"""A day of a small shop in a process that may be killed at any of its commits, and one that starts such processes.

What belongs here: the day. What does not: what must be true of it afterwards (`test_kills`).

`python -m tests.faults.day` imports everything once, and forks a process for each day that it is asked for on its
standard input: a day begins in milliseconds, and its end is a real one.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from random import Random
from typing import IO, Any

import pytest

from backroom.domain.locations import PrinterSpec
from backroom.engine import wake
from backroom.shop import room as rooms
from backroom.store.database import Database
from tests.benches import open_bench
from tests.commits import watch_commits
from tests.databases import PostgresServer
from tests.shops import BOOTH, HUB, PLAIN, SCARCE, SOUTH, Floor, an_order, open_floor, reopen_floor

# Each message of the day by its delivery key: two picked at the hub, one changed and one cancelled before it is worked
# on, one scanned at the local hub, two printed at the booth.
MESSAGES: dict[str, tuple[dict[str, Any], str]] = {
    "one": (an_order(501, [(PLAIN, 1)]), "orders/create"),
    "two": (an_order(502, [(PLAIN, 2)]), "orders/create"),
    "changed": (an_order(503, [(PLAIN, 1)]), "orders/create"),
    "change": (an_order(503, [(PLAIN, 3)], minute=5), "orders/updated"),
    "cancelled": (an_order(504, [(PLAIN, 1)]), "orders/create"),
    "cancel": (an_order(504, [(PLAIN, 1)], minute=5, cancelled_at="2026-11-01T10:05:00+00:00"), "orders/cancelled"),
    "scanned": (an_order(505, [(PLAIN, 1)], at=SOUTH), "orders/create"),
    "printed": (an_order(506, [(PLAIN, 1)], at=BOOTH), "orders/create"),
    "printed twice": (an_order(507, [(SCARCE, 2)], at=BOOTH), "orders/create"),
}
ACKNOWLEDGED, COMMITS, PID = "acknowledged", "commits", "pid"


@dataclass(frozen=True)
class Day:
    """A day to live: in which home, on which database, and at which commit to die, before or after it; 0 is at none.

    With the addresses of an SMS gateway and of a workshop it is the day of `day_outside`.
    """

    home: str
    url: str
    die_at: int = 0
    after: bool = False
    sms: str = ""
    workshop: str = ""


def fresh_shop(request: pytest.FixtureRequest, folder: Path) -> tuple[str, str]:
    """A shop for a day in a new folder, as home and address, its database closed: nobody else has it open. The
    request's parameter says whether that is `sqlite` or `postgres`."""
    folder.mkdir()
    if request.param == "sqlite":
        shutil.copy(request.getfixturevalue("sqlite_template"), folder / "shop.db")
        url = f"sqlite:///{folder / 'shop.db'}"
    else:
        server: PostgresServer = request.getfixturevalue("postgres_server")
        url = server.url(server.create())
    database = Database(url)
    open_floor(database, folder / "home")
    database.close()
    return str(folder / "home"), url


@dataclass(frozen=True)
class End:
    """How a day's process ended: its exit code (-9 when it was killed) and after how many seconds."""

    code: int
    seconds: float


def presses(home: Path) -> list[PrinterSpec]:
    return [PrinterSpec(name, f"folder:{home / name}", ("dtg",)) for name in ("press-1", "press-2")]


def live(day: Day) -> None:
    """From the first delivery to the last parcel; what was done before, by a process that was killed, is done."""
    home = Path(day.home)
    written = die(day)
    floor = enter(day)
    deliver(floor, MESSAGES)
    floor.intake()
    for place in (HUB, SOUTH, BOOTH):
        floor.fulfil(place)
    _scan(floor)
    with open_bench(floor, presses(home)) as bench:
        bench.run(home / "bench")
    for place in (SOUTH, BOOTH):
        floor.fulfil(place)
    leave(floor, written)


def enter(day: Day) -> Floor:
    """The shop as whoever was here before left it; this process is its room."""
    home = Path(day.home)
    floor = reopen_floor(Database(day.url), home)
    os.environ["BACKROOM_HOME"] = str(home)
    rooms._open[home.resolve()] = floor.room
    vars(wake)["_this"] = floor.waker
    return floor


def leave(floor: Floor, written: list[set[str]]) -> None:
    """Close the shop, and write down which tables each commit of the day wrote."""
    floor.room.close()
    lines = "\n".join(" ".join(sorted(tables)) for tables in written)
    (floor.room.home / COMMITS).write_text(lines, encoding="ascii")


def deliver(floor: Floor, messages: Mapping[str, tuple[dict[str, Any], str]]) -> None:
    """What was acknowledged is not delivered again; what was not, is, as every channel does."""
    acknowledged = floor.room.home / ACKNOWLEDGED
    known = acknowledged.read_text(encoding="utf-8").splitlines() if acknowledged.exists() else []
    for key, (order, topic) in messages.items():
        if key not in known:
            floor.deliver(order, topic, key)
            with acknowledged.open("a", encoding="utf-8") as file:
                file.write(f"{key}\n")


def _scan(floor: Floor) -> None:
    """Whatever still has to be picked at the local hub is scanned, once for each piece that is missing."""
    number = floor.number(505)
    for line in floor.story(number).part_lines:
        for _ in range(line["from_stock"] - line["picked"]):
            floor.scan(SOUTH, number, line["sku"])


def die(day: Day) -> list[set[str]]:
    """Note which tables each commit wrote, and end this process at the one that was asked for, as kill -9 does."""

    def around(number: int, make: Callable[[], None]) -> None:
        if number == day.die_at and not day.after:
            os.kill(os.getpid(), signal.SIGKILL)
        make()
        if number == day.die_at:
            os.kill(os.getpid(), signal.SIGKILL)

    return watch_commits(around)


def moments(wrote: Sequence[frozenset[str]], chance: Random) -> list[tuple[int, bool]]:
    """Before and after which commits to die: at random, but first one commit of each that writes another table.

    All of them, so that another can be taken for one that does not come: threads share a day's commits in another way
    each time, and one of its last may be spared.
    """
    every = [(number, after) for number in range(1, len(wrote) + 1) for after in (False, True)]
    chance.shuffle(every)
    seen: set[str] = set()
    first = []
    for number, after in every:
        if not wrote[number - 1] <= seen:
            first.append((number, after))
            seen |= wrote[number - 1]
    rest = [one for one in every if one not in first]
    return [*first, *rest]


def tables_written(home: str) -> list[frozenset[str]]:
    """The tables that each commit of a day that was lived to its end wrote, in order."""
    return [frozenset(line.split()) for line in (Path(home) / COMMITS).read_text(encoding="ascii").split("\n")]


@dataclass(frozen=True)
class Days:
    """The process that starts days, as whoever wants one sees it."""

    asked: IO[str]
    answers: IO[str]

    def live(self, day: Day) -> End:
        self.asked.write(json.dumps(asdict(day)) + "\n")
        self.asked.flush()
        return End(**json.loads(self.answers.readline()))


@contextmanager
def days() -> Iterator[Days]:
    """Start it, and end it with the body."""
    command = [sys.executable, "-m", "tests.faults.day"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        yield Days(process.stdin, process.stdout)
        process.stdin.close()


def main() -> None:
    from tests.faults import day_outside

    for line in sys.stdin:
        began = time.monotonic()
        child = os.fork()
        if child == 0:
            code = 1
            try:
                day = Day(**json.loads(line))
                # For whoever kills it from outside.
                (Path(day.home) / PID).write_text(str(os.getpid()), encoding="ascii")
                (day_outside.live if day.workshop else live)(day)
                code = 0
            except Exception:  # noqa: BLE001  (told on stderr, and by the exit code: a fork may not go on in main)
                traceback.print_exc()
            finally:
                sys.stderr.flush()
                os._exit(code)
        _, status = os.waitpid(child, 0)
        end = End(os.waitstatus_to_exitcode(status), time.monotonic() - began)
        sys.stdout.write(json.dumps(asdict(end)) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
