"""F1 at a crowded door: what the gateway acknowledged while others held SQLite's lock is there after kill -9, once."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import pytest

from backroom.cli.processes import free_ports
from backroom.store.database import Database
from backroom.store.spool import Spool
from tests.faults.gateways import Gateway, a_gateway
from tests.faults.table import Fault
from tests.faults.test_full_disk import Channel, lay_shop, stored
from tests.running import wait_until

# So many clients deliver at once. Meanwhile somebody holds the lock for so long at a time, and lets go for a moment.
CLIENTS = 8
HELD_SECONDS = (0.05, 0.4)
FREE_SECONDS = 0.01
# A gateway is killed after so long, in the middle of whatever it does.
LIVES_SECONDS = (0.1, 1.0)
MOST_ROUNDS = 5


@contextmanager
def clients(channel: Channel, round_: int) -> Iterator[None]:
    """Clients that deliver one order after the other, as fast as they are answered, until nobody answers or the end."""
    ending = threading.Event()

    def deliver(client: int) -> None:
        for number in count():
            # One without an answer may be there or not: channels send it again, these do not.
            if ending.is_set() or not channel.deliver(f"{round_}-{client}-{number}"):
                return

    with ThreadPoolExecutor(CLIENTS) as threads:
        delivering = [threads.submit(deliver, client) for client in range(CLIENTS)]
        try:
            yield
        finally:
            ending.set()
        for one in delivering:
            one.result()


@contextmanager
def a_crowd(database: Database, fault: Fault) -> Iterator[None]:
    """Somebody else who writes and writes, as waves do."""
    ending = threading.Event()

    def write() -> None:
        while not ending.is_set():
            with database.engine.connect().execution_options(backroom_writes=True) as other, other.begin():
                ending.wait(fault.chance.uniform(*HELD_SECONDS))
            ending.wait(FREE_SECONDS)

    with ThreadPoolExecutor(1) as threads:
        writing = threads.submit(write)
        try:
            yield
        finally:
            ending.set()
        writing.result()


def left_in(gateway: Gateway) -> int:
    spool = Spool(gateway.room.home, gateway.room.seals)
    try:
        return len(spool.waiting())
    finally:
        spool.close()


@pytest.mark.fault("F1 crowded")
@pytest.mark.timeout(1800)
def test_what_a_crowded_gateway_acknowledged_is_there_once_whenever_it_is_killed(tmp_path: Path, fault: Fault) -> None:
    rounds = fault.volume(3, 40, 300)
    home = tmp_path / "home"
    home.mkdir()
    room = lay_shop(home)
    # Its own connections: the room's were closed, and the gateway is another process.
    crowd = Database(room.database.url)
    kills = owed = 0
    with a_gateway(room, free_ports(), tmp_path / "gateway.log") as gateway:
        channel = Channel(room, gateway.ports.pages)
        # On a slow machine the first lives may be over before anything was answered.
        while kills < rounds or (not owed and kills < MOST_ROUNDS * rounds):
            gateway.start()
            with a_crowd(crowd, fault), clients(channel, kills):
                time.sleep(fault.chance.uniform(*LIVES_SECONDS))
                gateway.kill()
            there = set(stored(room))
            owed += sum(id_ not in there for id_ in channel.acknowledged if id_.startswith(f"{kills}-"))
            kills += 1
        gateway.start()
        began = time.monotonic()
        wait_until(lambda: left_in(gateway) == 0, "the spool to be empty")
        slowest = time.monotonic() - began
        there = stored(room)
        gateway.kill()
    crowd.close()
    fault.tell(kills=kills, acknowledged=len(channel.acknowledged), owed_by_the_killed=owed)
    fault.tell(slowest_to_go_on_s=round(slowest, 1), lost=len(channel.acknowledged - set(there)))
    fault.tell(twice=len(there) - len(set(there)))
    assert channel.acknowledged <= set(there), "acknowledged and lost"
    assert len(there) == len(set(there)), "a message is there twice"
    assert owed, "no gateway was killed between its answer and the database: nothing was tried"
