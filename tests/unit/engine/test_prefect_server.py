"""What our start of Prefect's server replaces in it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest
from docket import Docket, Worker
from prefect._internal.schemas import validators
from prefect.types import _datetime

from backroom.engine.prefect_server import mark_seldom, read_time_zones_once


def test_each_queue_is_marked_ready_once_in_a_while_and_at_once_when_it_was_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # What is replaced is put back at the end.
    monkeypatch.setattr(Docket, "add", Docket.add)
    mark_seldom()
    marked: list[str] = []

    async def mark(work_queue_ids: list[str], ready_work_queue_ids: Sequence[str] = ()) -> None:
        marked.append(" ".join([*work_queue_ids, *ready_work_queue_ids]))

    async def another_thing(of: str) -> None:
        marked.append(of)

    async def look_again_and_again() -> None:
        async with Docket("test", url="memory://") as docket, Worker(docket) as worker:
            for looked_at in (["waves"], ["waves"], ["desk"], ["waves"]):
                await docket.add(mark, key="mark_work_queues_ready:work_pool:hub")(work_queue_ids=looked_at)
                await worker.run_until_finished()
            for _ in range(2):
                await docket.add(mark, key="mark_work_queues_ready:work_pool:hub")(
                    work_queue_ids=[], ready_work_queue_ids=["waves"]
                )
                await docket.add(another_thing, key="another thing, each time anew")("another thing")
                await worker.run_until_finished()

    asyncio.run(look_again_and_again())
    assert marked == ["waves", "desk", *["waves", "another thing"] * 2]


def test_time_zones_are_read_once_and_known_as_before() -> None:
    stock = validators.get_timezones
    assert stock is _datetime.get_timezones
    read_time_zones_once()
    try:
        assert validators.get_timezones() is validators.get_timezones()
        assert set(validators.get_timezones()) == set(stock())
        assert validators.default_timezone("Europe/Berlin") == "Europe/Berlin"
        with pytest.raises(ValueError, match="Invalid timezone"):
            validators.default_timezone("Europe/Atlantis")
    finally:
        validators.get_timezones = stock
