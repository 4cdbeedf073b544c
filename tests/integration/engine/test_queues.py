"""Queues of a pool, as an ops lead stops and starts them in Prefect's UI."""

from __future__ import annotations

import asyncio
import time

import pytest
from prefect.client.orchestration import PrefectClient, get_client
from prefect.client.schemas.actions import WorkPoolCreate

from tests.prefect_server import PrefectServer

pytestmark = [pytest.mark.prefect, pytest.mark.slow]

# A fraction of the minute that it took when it stood in its own way.
SOON = 10


async def stop_and_start(client: PrefectClient) -> list[bool]:
    """Stop a queue and start it, while somebody else writes; how it stood after each."""
    pool = await client.create_work_pool(WorkPoolCreate(name=f"stopped {time.monotonic_ns()}", type="backroom"))
    stood = []
    for is_paused in (True, False):
        path = f"/work_pools/{pool.name}/queues/default"
        variable = {"name": f"v{time.monotonic_ns()}", "value": 1}
        told, written = await asyncio.gather(
            client._client.patch(path, json={"is_paused": is_paused}), client._client.post("/variables/", json=variable)
        )
        assert (told.status_code, written.status_code) == (204, 201)
        stood.append((await client._client.get(path)).json()["is_paused"])
    await client.delete_work_pool(pool.name)
    return stood


def test_a_queue_is_stopped_and_started_at_once_and_holds_nobody_up(running_prefect: PrefectServer) -> None:
    async def within_seconds() -> list[bool]:
        async with get_client() as client:
            return await asyncio.wait_for(stop_and_start(client), SOON)

    assert asyncio.run(within_seconds()) == [True, False]
