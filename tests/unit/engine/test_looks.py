"""When a worker looks for runs."""

from __future__ import annotations

import asyncio

import pytest
from prefect.client.schemas.objects import FlowRun

from backroom.engine import worker
from backroom.engine.worker import BackroomWorker


class Looking(BackroomWorker):
    """A worker that finds nothing, or what it is given, and knows how often it has looked."""

    # Prefect registers each kind of worker by its name.
    type = "looking"

    def __init__(self) -> None:
        super().__init__("hub", ["default"], "a worker that looks")
        self.looks = 0
        self.finds: list[FlowRun] = []
        self.has_looked = asyncio.Condition()

    async def _take(self, *, look_first: bool = False) -> list[FlowRun]:
        async with self.has_looked:
            self.looks += 1
            self.has_looked.notify_all()
        return self.finds

    async def until(self, looks: int) -> None:
        async with self.has_looked:
            await self.has_looked.wait_for(lambda: self.looks >= looks)


@pytest.mark.parametrize(("finds", "looks"), [(False, 2), (True, 1)])
def test_who_hears_of_a_run_and_finds_none_looks_once_more(
    monkeypatch: pytest.MonkeyPatch, finds: bool, looks: int
) -> None:
    monkeypatch.setattr(worker, "AGAIN_SECONDS", 0)
    monkeypatch.setattr(worker, "SHARE_SECONDS", 0)

    async def hear_twice() -> list[int]:
        seen = []
        looking = Looking()
        looking.finds = [FlowRun.model_construct()] if finds else []
        working = asyncio.create_task(looking._take_when_pushed())
        for heard in (1, 2):
            looking.push()
            await asyncio.wait_for(looking.until(heard * looks), 10)
            # A look too many would come within the next turns of the loop.
            for _ in range(50):
                await asyncio.sleep(0)
            seen.append(looking.looks)
        working.cancel()
        return seen

    assert asyncio.run(hear_twice()) == [looks, 2 * looks]


def test_who_is_told_to_stop_before_it_is_set_up_ends() -> None:
    async def stop() -> bool:
        looking = Looking()
        working = asyncio.create_task(asyncio.sleep(3600))
        looking._stop(working)
        await asyncio.wait([working], timeout=10)
        return working.cancelled()

    assert asyncio.run(stop())
