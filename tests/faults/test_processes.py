"""F1 with the real processes: gateway, workers and Prefect's server of a shop are killed while orders stream in."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import ColumnElement, Select, func, select

from backroom.shop.demo_messages import BOOTH, BOUTIQUES, LOCAL, MAIN, PLENTY
from backroom.shop.demo_orders import DemoOrder, demo_orders
from backroom.store import stock
from backroom.store.database import now
from backroom.store.tables import effects as ledger
from backroom.store.tables import history, inbox, orders, print_jobs
from tests.counting import check_that_everything_came_out_once
from tests.faults.flushes import missing_strace, traced
from tests.faults.stream import streaming
from tests.faults.table import Fault
from tests.running import RunningShop, running_shop, shop_database, wait_until

pytestmark = [pytest.mark.prefect, pytest.mark.whole, pytest.mark.timeout(4 * 3600)]

GOES_ON_WITHIN = 30.0
# Longer than that, so that whoever is late is told with the figure.
LOOKS_FOR = 300.0
ENDS_WITHIN = 400.0
PER_SECOND, MOST_ON_THEIR_WAY = 3.0, 60
# More messages than the stream can deliver meanwhile.
PER_KILL = 300
SEEDS = 5_000
BATCH, BATCH_PER_SECOND = 24, 20.0
LONGEST_PAUSE = 2.0
# Prefect's server writes thousands of times for a batch, each page of each commit.
MOST_OF_ONE = 300
GATEWAY, HUB, DESK, PRESSES, PREFECT = "gateway", "worker-hub", "worker-desk", "worker-booth-a", "prefect-server"
# The hub has two workers, for waves and for what a person asks for; the first does what matters here.
TARGETS = (GATEWAY, GATEWAY, HUB, HUB, HUB, PRESSES, PRESSES, PREFECT, PREFECT, DESK)
SEVERAL = 0.2


@pytest.fixture(scope="module", params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def database(request: pytest.FixtureRequest) -> Iterator[str]:
    with shop_database(request) as kind:
        yield kind


@pytest.fixture(scope="module")
def shop(database: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningShop]:
    """The demo shop as `backroom up` runs it, with stock for as many orders as may come."""
    with running_shop(tmp_path_factory.mktemp(database)) as running:
        pieces = [(place, sku, 100_000) for place in (MAIN, LOCAL, BOOTH) for sku in PLENTY]
        running.room.database.write(lambda c: stock.receive(c, "plenty", pieces, "delivered", now(c)))
        yield running


First = Select[Any]
Sign = Callable[[datetime], First]


def moved(since: datetime) -> First:
    """When a run first moved an order."""
    return select(func.min(history.c.at)).where(history.c.at > since, history.c.run_id != "")


def printed(since: datetime) -> First:
    """When the booth first ended a print."""
    return _first(print_jobs.c.ended_at, since, print_jobs.c.location == BOOTH)


def taken_in(since: datetime) -> First:
    """When the gateway first acknowledged a message; files come in without it."""
    return _first(inbox.c.received_at, since, inbox.c.channel != BOUTIQUES)


def _first(column: ColumnElement[Any], since: datetime, which: ColumnElement[bool]) -> First:
    return select(func.min(column)).where(column > since, which)


# What is a sign of each process that work goes on. Prefect's server is needed for the booth's runs as well.
SIGNS: dict[str, tuple[Sign, ...]] = {
    GATEWAY: (taken_in, moved),
    HUB: (moved,),
    DESK: (moved,),
    PRESSES: (printed, moved),
    PREFECT: (moved, printed),
}


@dataclass
class Killer:
    """Kills processes of a shop, waits until work goes on, and keeps how long that took from the restart."""

    shop: RunningShop

    def __post_init__(self) -> None:
        self.kills: Counter[str] = Counter()
        self.seconds: list[tuple[float, str]] = []

    @property
    def slowest(self) -> tuple[float, str]:
        return max(self.seconds)

    def kill(self, *names: str) -> None:
        before = self.starts(names)
        for name in names:
            self.shop.kill(name)
        self.see_go_on(before)

    def starts(self, names: Sequence[str]) -> dict[str, int]:
        """How often each was started again so far."""
        return {name: self.shop.status(name).restarts for name in names}

    def await_restart(self, before: dict[str, int]) -> datetime:
        """Wait until those that are dead were started again; returns when the last of them was."""
        self.kills.update(before.keys())
        wait_until(lambda: all(self.shop.status(name).restarts > n for name, n in before.items()), "a restart")
        up = min(self.shop.status(name).up_seconds for name in before)
        return datetime.now(UTC) - timedelta(seconds=up)

    def see_go_on(self, before: dict[str, int]) -> None:
        """Wait until those that are dead were started again, and show that work goes on."""
        restarted = self.await_restart(before)
        signs = {sign for name in before for sign in SIGNS[name]}

        def seen() -> list[datetime | None]:
            with self.shop.room.database.read() as connection:
                return [connection.execute(sign(restarted)).scalar_one() for sign in signs]

        wait_until(lambda: None not in seen(), f"work to go on after {', '.join(before)} died", LOOKS_FOR)
        last = max(at for at in seen() if at is not None)
        self.seconds.append(((last - restarted).total_seconds(), " ".join(before)))


def on_their_way(shop: RunningShop) -> int:
    """Messages and orders that have not come to an end, nor to a person."""
    waiting = select(func.count()).select_from(inbox).where(inbox.c.state == "waiting")
    open_ = ("accepted", "routed", "reserved", "released")
    going = select(func.count()).select_from(orders).where(orders.c.state.in_(open_))
    with shop.room.database.read() as connection:
        return sum(int(connection.execute(query).scalar_one()) for query in (waiting, going))


def check(shop: RunningShop, sent: Sequence[DemoOrder], fault: Fault) -> None:
    """Every message that was acknowledged ended as it must, everything happened once, and nothing is left unknown."""
    shop.await_endings(sent, ENDS_WITHIN)
    came_out = check_that_everything_came_out_once(shop.room)
    fault.tell(sent=len(sent), **came_out)
    with shop.room.database.read() as connection:
        # Each of the demo's sinks can be asked, so nobody has to be.
        open_ = connection.execute(
            select(ledger.c.key, ledger.c.state).where(ledger.c.state.in_(["started", "unknown"]))
        )
        assert open_.all() == []


@pytest.mark.fault("F1 moments")
def test_kills_at_any_moment_lose_nothing_do_nothing_twice_and_need_nobody(shop: RunningShop, fault: Fault) -> None:
    chance, killer = fault.chance, Killer(shop)
    many = fault.volume(4, 14, 300)
    sample = demo_orders(PER_KILL * many, chance.randrange(SEEDS), datetime.now(UTC))
    with streaming(shop.sender(), sample, PER_SECOND, lambda: on_their_way(shop) > MOST_ON_THEIR_WAY) as stream:
        wait_until(lambda: bool(shop.numbers("fulfilled")), "the first order to be fulfilled", ENDS_WITHIN)
        while killer.kills.total() < many:
            # Any moment of whatever is going on then.
            time.sleep(chance.uniform(0, LONGEST_PAUSE))
            chosen = {chance.choice(TARGETS)}
            while chance.random() < SEVERAL:
                chosen.add(chance.choice(TARGETS))
            killer.kill(*sorted(chosen))
    seconds, who = killer.slowest
    fault.tell(**killer.kills, again=stream.again, slowest_restart_s=round(seconds, 1), slowest=who)
    check(shop, stream.sent, fault)
    assert seconds < GOES_ON_WITHIN, who


@pytest.fixture(scope="module")
def traceable() -> None:
    if missing := missing_strace():
        pytest.skip(missing)


# On PostgreSQL it is its server that flushes, not these.
@pytest.mark.parametrize("database", ["sqlite"], scope="module", indirect=True)
@pytest.mark.usefixtures("traceable")
@pytest.mark.fault("F1 flushes")
def test_a_kill_at_each_flush_of_a_batch_loses_nothing_and_does_nothing_twice(
    shop: RunningShop, fault: Fault, tmp_path: Path
) -> None:
    seeds = iter(fault.chance.sample(range(SEEDS, 2 * SEEDS), SEEDS))
    killer, sent = Killer(shop), list[DemoOrder]()
    rests = [(0.0, "nobody")]

    def live_through_a_batch() -> None:
        """A batch with every kind of order that ends by itself."""
        sample = [one for one in demo_orders(BATCH, next(seeds), datetime.now(UTC)) if one.expect.ending != "failed"]
        with streaming(shop.sender(), sample, BATCH_PER_SECOND) as stream:
            wait_until(lambda: len(stream.sent) == len(sample), "the batch to be delivered")
        sent.extend(sample)
        shop.await_endings(sample, ENDS_WITHIN)

    log_of_prefect = shop.home.resolve() / "prefect" / "prefect.db-wal"
    for name, written in ((GATEWAY, None), (HUB, None), (PRESSES, None), (PREFECT, log_of_prefect)):
        with traced(shop.pid(name), tmp_path / f"{name}.trace", written=written) as tracer:
            live_through_a_batch()
        seen = tracer.flushes()
        wanted = min(fault.volume(1, 4, len(seen)), MOST_OF_ONE)
        for flush in fault.chance.sample(seen, len(seen)):
            if killer.kills[name] == wanted:
                break
            starts = killer.starts([name])
            with traced(shop.pid(name), tmp_path / "kill.trace", flush, written) as tracer:
                live_through_a_batch()
                ended, killed = datetime.now(UTC), tracer.is_over()
            # A wave more or less, and the flush does not come: then it was a batch without a kill.
            if killed:
                rests.append(((ended - killer.await_restart(starts)).total_seconds(), name))
        assert killer.kills[name] >= 0.75 * wanted, f"{name} died {killer.kills[name]} times of {wanted}"
        fault.tell(**{name: f"{killer.kills[name]}/{len(seen)}"})
    slowest, who = max(rests)
    fault.tell(slowest_rest_s=round(slowest, 1), slowest=who)
    check(shop, sent, fault)
    assert slowest < GOES_ON_WITHIN, who
