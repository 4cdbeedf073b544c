"""The sweep's errands: what was started already is not counted, and a breaker is tried without a run of its own."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from prefect.logging import disable_run_logger
from sqlalchemy import update

from backroom.store import sickness
from backroom.store.database import now
from backroom.store.tables import breakers
from tasks.sweeping import start_owed_runs, try_breakers
from tests.shops import Floor


@pytest.fixture(autouse=True)
def outside_a_run() -> Iterator[None]:
    with disable_run_logger():
        yield


def open_breakers(floor: Floor) -> list[int]:
    with floor.room.database.read() as connection:
        return [row["id"] for row in sickness.open_breakers(connection)]


def be_due(floor: Floor) -> None:
    floor.room.database.write(lambda c: c.execute(update(breakers).values(next_probe_at=now(c) - timedelta(seconds=1))))


def test_a_run_is_owed_once_and_counted_when_it_is_started(floor: Floor) -> None:
    floor.blocked(2)
    assert start_owed_runs.fn() == 2
    assert start_owed_runs.fn() == 0


def test_a_breaker_has_one_run_however_often_it_is_tried(floor: Floor) -> None:
    floor.blocked(11)
    assert start_owed_runs.fn() == 1
    for _ in range(3):
        be_due(floor)
        assert try_breakers.fn() == 1
        assert start_owed_runs.fn() == 0
    assert floor.waker.breaker_runs == open_breakers(floor)
    assert floor.waker.order_runs == []


def test_a_breaker_is_tried_when_it_is_due_and_closed_when_nothing_waits_behind_it(floor: Floor) -> None:
    jobs = floor.blocked(11)
    start_owed_runs.fn()
    assert try_breakers.fn() == 0
    for job in jobs:
        floor.print(job)
    be_due(floor)
    assert try_breakers.fn() == 1
    assert open_breakers(floor) == []
