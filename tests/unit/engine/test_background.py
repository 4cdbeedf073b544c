"""What a process does beside its main work."""

from __future__ import annotations

import asyncio

import pytest

from backroom.engine.background import Background


def test_a_part_that_ends_with_an_error_is_told(caplog: pytest.LogCaptureFixture) -> None:
    async def fail() -> None:
        raise ZeroDivisionError

    async def spawn() -> None:
        await asyncio.wait([Background("worker hub").spawn(fail())])

    asyncio.run(spawn())
    [told] = caplog.records
    assert told.levelname == "ERROR"
    assert told.getMessage().startswith("worker hub:")
    assert told.exc_info is not None
    assert told.exc_info[0] is ZeroDivisionError


def test_a_part_that_was_cancelled_is_no_error(caplog: pytest.LogCaptureFixture) -> None:
    async def spawn() -> None:
        background = Background("worker hub")
        part = background.spawn(asyncio.sleep(3600))
        await asyncio.sleep(0)
        background.cancel()
        await asyncio.wait([part])
        assert part.cancelled()

    asyncio.run(spawn())
    assert not caplog.records
