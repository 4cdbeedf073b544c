"""F6 with a whole shop: the booth's laptop loses the shop for a while, and another laptop takes its place meanwhile.

Each laptop is `backroom worker` in a folder of its own, with printers of its own, and two lines to the shop, one to the
gateway and one to Prefect. What a bench does when it is cut off has its own test (`test_booth_cut_off`).
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import select

from backroom.cli.environments import BOOTH_KEY, variables_by_hand, without_secrets
from backroom.shop.demo_messages import BOOTH, DemoOrder, Maker
from backroom.shop.demo_stories import collect
from backroom.store.api_keys import make_key
from backroom.store.print_jobs import ACTIVE
from backroom.store.tables import effects, print_jobs
from tests.counting import check_stock
from tests.faults.table import Fault, level
from tests.lines import Line
from tests.prefect_server import without_prefect
from tests.printers import wait_for
from tests.running import RunningShop, running_shop, wait_until

pytestmark = [
    pytest.mark.prefect,
    pytest.mark.whole,
    pytest.mark.timeout(3600),
    pytest.mark.skipif(level() == "short", reason="two laptops and a whole shop: at `faults` and `full`"),
]

# The first laptop's run sleeps until Prefect's client tries again, 256 s at the most (2ⁿ); the sweep's runs, one a
# minute, may be taken by either of the two.
DRAINS_WITHIN = 300.0
ENDS_WITHIN = 90.0
PATIENCE = 600.0
SETTLES = 2.0


@contextmanager
def laptop(shop: RunningShop, home: Path, gateway: Line, prefect: Line) -> Iterator[None]:
    """A laptop at the booth, set up as the guide says: with a key of its own, which works from no other machine."""
    home.mkdir()
    key = shop.room.database.write(lambda c: make_key(c, f"laptop {home.name}", "booth", BOOTH))
    by_hand = variables_by_hand(shop.room, shop.ports, BOOTH)
    variables = by_hand | {name: key for name in by_hand if name.startswith(BOOTH_KEY)}
    variables |= {
        "PREFECT_API_URL": f"{prefect.url}/api",
        "PREFECT_HOME": str(home / "prefect"),
        "PREFECT_PROFILES_PATH": str(home / "prefect" / "profiles.toml"),
        "BACKROOM_GATEWAY_URL": gateway.url,
        "BACKROOM_HOME": str(home),
    }
    command = [str(Path(sys.executable).parent / "backroom"), "worker", "--location", BOOTH]
    with (home / "log").open("wb") as log:
        process = subprocess.Popen(
            command, env=without_prefect(without_secrets()) | variables, stdout=log, stderr=subprocess.STDOUT
        )
    try:
        yield
    finally:
        process.terminate()
        try:
            process.wait(ENDS_WITHIN)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def jobs(shop: RunningShop) -> dict[int, tuple[str, str]]:
    """State and holder of every job at the booth."""
    query = select(print_jobs.c.id, print_jobs.c.state, print_jobs.c.holder).where(print_jobs.c.location == BOOTH)
    with shop.room.database.read() as connection:
        return {row.id: (row.state, row.holder) for row in connection.execute(query)}


def in_hand(shop: RunningShop) -> dict[int, str]:
    """The jobs that are in somebody's hands, and in whose."""
    return {id_: holder for id_, (state, holder) in jobs(shop).items() if state in ACTIVE}


def done(shop: RunningShop) -> int:
    return sum(state == "done" for state, _ in jobs(shop).values())


def printed(home: Path) -> list[str]:
    """What came out of a laptop's printers, by key."""
    return [json.loads(file.read_text())["key"] for file in (home / "printers").glob("*/*.json")]


def keys_done(shop: RunningShop) -> list[str]:
    """The prints that the ledger says are done."""
    query = select(effects.c.key).where(effects.c.kind == "print", effects.c.state == "done")
    with shop.room.database.read() as connection:
        return list(connection.execute(query).scalars())


def sales(count: int, seed: int) -> Sequence[DemoOrder]:
    """Sales at the booth's till, each with one job to print on the spot."""
    maker = Maker(seed, datetime.now(UTC))
    return [order for _ in range(count) for order in collect(maker)]


def cut_in_the_middle(shop: RunningShop, lines: Sequence[Line], after: int, *, silent: bool) -> dict[int, str]:
    """Cut a laptop off when it has printed so many and more are in its hands; returns what stays there."""
    while True:
        wait_for(lambda: done(shop) >= after and in_hand(shop), deadline_s=PATIENCE)
        for line in lines:
            line.cut(silent=silent)
        # What it had asked the gateway before is still answered.
        time.sleep(SETTLES)
        if held := in_hand(shop):
            return held
        for line in lines:
            line.mend()


@pytest.mark.fault("F6 shop")
def test_two_laptops_of_one_booth_print_each_job_once_and_the_queue_drains_when_the_first_is_back(
    tmp_path: Path, fault: Fault
) -> None:
    many, cut_s = fault.volume((100, 45.0), (100, 45.0), (100, 1800.0))
    sample = sales(many, fault.chance.randrange(10_000))
    silent = fault.chance.random() < 0.5
    one, two = tmp_path / "one", tmp_path / "two"
    with ExitStack() as stack:
        shop = stack.enter_context(running_shop(tmp_path / "shop", without=frozenset({BOOTH})))
        lines = [stack.enter_context(Line(port)) for port in (shop.ports.gateway, shop.ports.prefect) * 2]
        shop.send_all(sample[: many // 2])
        wait_until(lambda: len(jobs(shop)) == many // 2, "jobs to wait at the booth", PATIENCE)

        stack.enter_context(laptop(shop, one, *lines[:2]))
        before = fault.chance.randrange(1, many // 4)
        held = cut_in_the_middle(shop, lines[:2], before, silent=silent)
        cut = time.monotonic()

        stack.enter_context(laptop(shop, two, *lines[2:]))
        for order in sample[many // 2 :]:
            shop.send_all([order])
            time.sleep(cut_s / 2 / many)
        wait_until(lambda: done(shop) + len(held) >= many, "the second laptop to print what is free", PATIENCE)
        time.sleep(max(0.0, cut + cut_s - time.monotonic()))
        assert in_hand(shop) == held
        assert len(printed(one)) + len(printed(two)) <= many

        for line in lines[:2]:
            line.mend()
        mended = time.monotonic()
        wait_until(lambda: not in_hand(shop), "the queue to drain", PATIENCE)
        drained = time.monotonic() - mended
        shop.await_endings(sample, PATIENCE)
        came_out = Counter([*printed(one), *printed(two)])
        fault.tell(
            jobs=many,
            cut_s=round(mended - cut),
            silent=silent,
            in_hand=len(held),
            first=len(printed(one)),
            second=len(printed(two)),
            twice=came_out.total() - len(came_out),
            drained_after_s=round(drained, 1),
        )
        assert came_out == Counter(keys_done(shop))
        assert came_out.total() == many
        with shop.room.database.read() as connection:
            check_stock(connection)
        assert drained < DRAINS_WITHIN
