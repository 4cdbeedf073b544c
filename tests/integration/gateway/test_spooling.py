"""Deliveries at a gateway while another process holds SQLite's lock."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from sqlalchemy import select

from backroom.gateway.serve import server
from backroom.shop.room import Room
from backroom.store.inbox_door import Delivery
from backroom.store.seals import Seals
from backroom.store.spool import FILE, Spool
from backroom.store.tables import inbox
from tests.integration.gateway.conftest import Gateway, RecordingWaker, an_order, only_sqlite, signed, wait_until

pytestmark = only_sqlite
WAITS_SECONDS = 30.0
HEARD_AT = datetime.now(UTC) - timedelta(hours=2)


def left_behind(id_: str, body: bytes = b"{}") -> Delivery:
    return Delivery("web", f"d-{id_}", "orders/create", id_, 2, (("email", "ada@example.com"),), body)


@contextmanager
def somebody_writes(room: Room, seconds: float = WAITS_SECONDS) -> Iterator[Callable[[], bool]]:
    """Another connection has the shop's lock for so long at the most; tells whether it has it still."""
    begun, over, has_ended = threading.Event(), threading.Event(), threading.Event()

    def hold() -> None:
        with room.database.engine.connect().execution_options(backroom_writes=True) as other, other.begin():
            begun.set()
            over.wait(seconds)
            has_ended.set()

    holder = threading.Thread(target=hold)
    holder.start()
    assert begun.wait(WAITS_SECONDS)
    try:
        yield lambda: not has_ended.is_set()
    finally:
        over.set()
        holder.join()


def stored(room: Room) -> list[str]:
    with room.database.read() as connection:
        return list(connection.execute(select(inbox.c.external_id).order_by(inbox.c.id)).scalars())


def spooled(room: Room) -> int:
    spool = Spool(room.home, room.seals)
    try:
        return len(spool.waiting())
    finally:
        spool.close()


@contextmanager
def serving(room: Room, waker: RecordingWaker) -> Iterator[str]:
    """A gateway while the body runs, ended in order; its address."""
    running = server(room, waker, port=0)
    thread = threading.Thread(target=running.run, daemon=True)
    thread.start()
    wait_until(lambda: running.started)
    yield f"http://127.0.0.1:{running.servers[0].sockets[0].getsockname()[1]}"
    running.should_exit = True
    thread.join(20)
    assert not thread.is_alive()


def test_an_order_is_answered_before_the_lock_is_free_and_is_there_afterwards(gateway: Gateway) -> None:
    room = gateway.room
    with somebody_writes(room) as is_held:
        answer = gateway.deliver(an_order(id=71))
        assert is_held()
        assert (answer.status_code, answer.json()) == (200, {"outcome": "spooled"})
        assert stored(room) == []
        assert gateway.waker.told == []
        assert spooled(room) == 1
    wait_until(lambda: stored(room) == ["71"])
    wait_until(lambda: [told[:2] for told in gateway.waker.told] == [("intake", "hub")])
    wait_until(lambda: spooled(room) == 0)


def test_how_many_lie_in_the_spool_and_for_how_long_is_told(gateway: Gateway) -> None:
    def told(name: str) -> float:
        found = re.search(rf"^{name} (\S+)$", gateway.client.get("/metrics", headers=reader).text, re.MULTILINE)
        assert found is not None
        return float(found[1])

    reader = gateway.bearer("metrics")
    with somebody_writes(gateway.room):
        gateway.deliver(an_order())
        wait_until(lambda: told("backroom_spool_messages") == 1.0)
        wait_until(lambda: told("backroom_spool_oldest_seconds") > 0.0)
    wait_until(lambda: told("backroom_spool_messages") == 0.0)
    assert told("backroom_spool_oldest_seconds") == 0.0


def test_copies_of_one_order_that_are_answered_meanwhile_become_one_message(gateway: Gateway) -> None:
    body = an_order(id=72)
    with somebody_writes(gateway.room) as is_held:
        with ThreadPoolExecutor(8) as threads:
            answers = list(threads.map(lambda _: gateway.deliver(body), range(8)))
        assert is_held()
    assert {answer.status_code for answer in answers} == {200}
    wait_until(lambda: spooled(gateway.room) == 0)
    assert stored(gateway.room) == ["72"]


def test_without_a_crowd_nothing_is_spooled(gateway: Gateway) -> None:
    assert gateway.deliver(an_order()).json() == {"outcome": "accepted"}
    assert spooled(gateway.room) == 0


def test_where_the_spool_takes_nothing_a_delivery_waits_for_the_database(gateway: Gateway) -> None:
    spool = Spool(gateway.room.home, gateway.room.seals)
    spool._database.write(lambda connection: connection.exec_driver_sql("DROP TABLE spool").rowcount)
    with somebody_writes(gateway.room, seconds=2.0) as is_held:
        assert is_held()
        answer = gateway.deliver(an_order(id=73))
        assert not is_held()
    assert answer.json() == {"outcome": "accepted"}
    assert stored(gateway.room) == ["73"]
    spool.close()


def test_what_is_larger_than_most_waits_for_the_database(gateway: Gateway) -> None:
    with somebody_writes(gateway.room, seconds=2.0) as is_held:
        assert is_held()
        answer = gateway.deliver(an_order(note="x" * 100_000))
        assert not is_held()
    assert answer.json() == {"outcome": "accepted"}


def test_a_forged_delivery_is_refused_as_ever(gateway: Gateway) -> None:
    with somebody_writes(gateway.room):
        body = an_order()
        answer = gateway.client.post("/webhooks/web", content=body + b" ", headers=signed(body))
    assert answer.status_code == 401
    assert spooled(gateway.room) == 0


def test_what_was_dropped_is_scrubbed_from_its_log_when_it_is_quiet(gateway: Gateway) -> None:
    log = gateway.room.home / f"{FILE}-wal"
    with somebody_writes(gateway.room):
        gateway.deliver(an_order())
        assert log.stat().st_size > 0
    wait_until(lambda: stored(gateway.room) != [])
    wait_until(lambda: log.stat().st_size == 0)


def test_what_a_dead_gateway_acknowledged_is_brought_in_once_by_the_next_with_the_time_it_was_heard(room: Room) -> None:
    dead = Spool(room.home, room.seals)
    for id_ in ("81", "82", "81"):
        dead.keep(left_behind(id_), HEARD_AT).result(10)
    dead.close()
    waker = RecordingWaker()
    with serving(room, waker):
        wait_until(lambda: stored(room) == ["81", "82"])
        wait_until(lambda: spooled(room) == 0)
    with room.database.read() as connection:
        assert set(connection.execute(select(inbox.c.received_at)).scalars()) == {HEARD_AT}
    assert [told[:2] for told in waker.told] == [("intake", "hub")] * 2


def test_one_that_does_not_open_stays_and_keeps_no_other_out(room: Room) -> None:
    stranger, dead = Spool(room.home, Seals(bytes(32))), Spool(room.home, room.seals)
    stranger.keep(left_behind("83"), HEARD_AT).result(10)
    dead.keep(left_behind("84"), HEARD_AT).result(10)
    stranger.close()
    dead.close()
    with serving(room, RecordingWaker()):
        wait_until(lambda: stored(room) == ["84"])
        wait_until(lambda: spooled(room) == 1)


def test_what_the_database_refuses_at_first_is_brought_again(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """As after 15 s without the lock: each commit that was waiting for it failed."""
    monkeypatch.setattr("backroom.gateway.committing.COMMIT_SECONDS", 1.0)
    with somebody_writes(gateway.room, seconds=8.0) as is_held:
        answers = [gateway.deliver(an_order(id=id_)) for id_ in (91, 92)]
        assert [answer.json() for answer in answers] == [{"outcome": "spooled"}] * 2
        wait_until(lambda: "not in the database yet: TimeoutError" in caplog.text)
        assert is_held()
    wait_until(lambda: stored(gateway.room) == ["91", "92"])
    wait_until(lambda: spooled(gateway.room) == 0)


def test_an_end_in_order_leaves_nothing_in_the_spool(room: Room) -> None:
    body = an_order(id=95)
    with somebody_writes(room, seconds=4.0) as is_held, serving(room, RecordingWaker()) as url:
        answer = httpx.post(f"{url}/webhooks/web", content=body, headers=signed(body), timeout=30)
        assert is_held()
        assert answer.json() == {"outcome": "spooled"}
    assert stored(room) == ["95"]
    assert spooled(room) == 0
