"""F4: Prefect's server is dead for minutes and comes back without its database, while orders go on coming in."""

from __future__ import annotations

import os
import shutil
import signal
import threading
import time
from collections.abc import Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

import pytest
import requests
from sqlalchemy import func, select

from backroom.cli.demo_messages import Sender
from backroom.cli.processes import server_child
from backroom.cli.system import keep_known
from backroom.engine.supervise import Supervisor
from backroom.shop.demo_orders import DemoOrder, demo_orders
from backroom.store.tables import inbox
from tests.counting import check_that_everything_came_out_once
from tests.faults.table import Fault
from tests.running import RunningShop, running_shop, wait_until

pytestmark = [pytest.mark.prefect, pytest.mark.whole, pytest.mark.timeout(2400)]

# Alone on its machine. Beside other tests the bound tells only that nothing waited for the sweep's next turn.
WORKS_WITHIN, WORKS_WITHIN_BESIDE_OTHERS = 15.0, 45.0
ANSWERS_WITHIN = 3.0


def lose_prefect(shop: RunningShop) -> None:
    """Kill Prefect's server, keep it down, and delete its database and whatever lies beside it."""
    os.kill(shop.pid("prefect-server"), signal.SIGKILL)
    shop.server.stop()
    shutil.rmtree(shop.home / "prefect")


def bring_prefect_back(shop: RunningShop, after: ExitStack) -> float:
    """Start it again, empty, as `backroom up` does and keeps it known; returns the moment from which it answers.

    It ends with `after`, which is to outlive the shop.
    """
    server = Supervisor([server_child(shop.room, shop.ports)], shop.home / "logs")
    after.callback(server.stop)
    threading.Thread(target=keep_known, args=(shop.room, shop.ports, server), daemon=True).start()
    server.start()
    shop.server = server
    return time.monotonic()


def deliver(shop: RunningShop, sample: Sequence[DemoOrder], seconds: float) -> float:
    """Send orders one by one, spread over so many seconds; returns how long the slowest answer took."""
    sender = Sender(shop.room, shop.ports.pages, shop.ports.api)
    began, slowest = time.monotonic(), 0.0
    for number, order in enumerate(sample, start=1):
        asked = time.monotonic()
        sender.send([order], lambda: None)
        slowest = max(slowest, time.monotonic() - asked)
        time.sleep(max(0.0, began + seconds * number / len(sample) - time.monotonic()))
    assert sender.wrong_answers == []
    return slowest


def messages(shop: RunningShop, state: str | None = None) -> int:
    """How many messages the inbox holds, or how many in one state."""
    query = select(func.count()).select_from(inbox)
    with shop.room.database.read() as connection:
        return int(connection.execute(query if state is None else query.where(inbox.c.state == state)).scalar_one())


def processes(shop: RunningShop) -> dict[str, int | None]:
    return {one.name: one.pid for one in shop.rest.status()}


@pytest.mark.fault("F4")
def test_orders_are_accepted_while_prefect_is_dead_and_all_end_after_it_comes_back_empty(
    tmp_path: Path, fault: Fault
) -> None:
    many, dead_s, patience_s = fault.volume((20, 5.0, 300.0), (150, 40.0, 600.0), (500, 600.0, 1200.0))
    sample = demo_orders(many, fault.chance.randrange(10_000), datetime.now(UTC))
    begun = fault.chance.randrange(1, many // 4)
    with ExitStack() as after, running_shop(tmp_path) as shop:
        shop.send_all(sample[:begun])
        wait_until(lambda: bool(shop.numbers()), "the first orders to be under way")
        lose_prefect(shop)
        held = messages(shop)
        slowest = deliver(shop, sample[begun:], dead_s)
        with pytest.raises(requests.ConnectionError):
            shop.prefect("GET", "/health")
        accepted, waiting, done = messages(shop) - held, messages(shop, "waiting"), len(shop.numbers("fulfilled"))
        true = {(one.channel_id, one.external_id) for one in sample[begun:] if one.expect.status == 200}
        assert accepted >= len(true - {(one.channel_id, one.external_id) for one in sample[:begun]})
        assert slowest < ANSWERS_WITHIN
        survivors = processes(shop)

        back = bring_prefect_back(shop, after)
        wait_until(lambda: messages(shop, "waiting") < waiting, "the first order to be taken in")
        works = time.monotonic() - back
        wait_until(lambda: len(shop.numbers("fulfilled")) > done, "the first order to be fulfilled")
        first = time.monotonic() - back
        shop.await_endings(sample, patience_s)
        last = time.monotonic() - back
        fault.tell(
            orders=many,
            dead_s=dead_s,
            accepted_while_dead=accepted,
            slowest_answer_s=round(slowest, 2),
            works_after_s=round(works, 1),
            first_after_s=round(first, 1),
            last_after_s=round(last, 1),
        )
        check_that_everything_came_out_once(shop.room)
        assert processes(shop) == survivors, "a process ended, where it had to go on by itself"
        assert works < fault.volume(WORKS_WITHIN_BESIDE_OTHERS, WORKS_WITHIN, WORKS_WITHIN)
