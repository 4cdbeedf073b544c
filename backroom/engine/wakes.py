"""What pushes a worker to look for runs: Prefect's event stream, and at a booth a long poll on the gateway.

What belongs here: listening, for as long as the worker lives, whatever the other side does. What does not: what is done
about it. Neither is needed for a run to be taken: Prefect's own polling finds it within ten seconds.
"""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import quote
from uuid import UUID

import httpx
from prefect.events import Event
from prefect.events.clients import get_events_subscriber
from prefect.events.filters import EventFilter, EventNameFilter

log = logging.getLogger(__name__)

PREFIX = "prefect.flow-run."
READY = ("Scheduled", "AwaitingRetry", "Resuming")
CANCELLING, SUSPENDED = "Cancelling", "Suspended"

FIRST_PAUSE, LONGEST_PAUSE = 0.5, 10.0
EVENTS_PAUSE = 2.0
WAIT_SECONDS = 25
# A gateway that answers at once, again and again, is asked once a second.
SHORTEST_TURN = 1.0
# The gateway rings a moment before the run is created in Prefect: one look at once would find nothing.
LOOK_AGAIN = (0.0, 0.15, 0.4, 1.0, 2.5)


@dataclass(frozen=True, slots=True)
class Heard:
    """What happened to a flow run: `what` is the last word of the event's name."""

    run_id: UUID
    what: str


async def listen_to_prefect(pool: str, heard: Callable[[Heard], None], connected: Callable[[], None]) -> None:
    """Follow the event stream for ever. Runs of other pools are left out where the event names its pool."""
    names = [PREFIX + word for word in (*READY, CANCELLING, SUSPENDED)]
    while True:
        try:
            stream = get_events_subscriber(
                filter=EventFilter(event=EventNameFilter(name=names)), reconnection_attempts=0
            )
            async with stream as events:
                # Whatever was created while nobody listened is found by looking once.
                connected()
                async for event in events:
                    if (one := _heard(event, pool)) is not None:
                        heard(one)
        except Exception as error:  # noqa: BLE001 - the stream is a comfort: whatever breaks it, polling goes on
            log.debug("the event stream broke off: %r", error)
        await asyncio.sleep(EVENTS_PAUSE)


def _heard(event: Event, pool: str) -> Heard | None:
    pools = [
        related.name
        for related in event.related
        if related.id.startswith("prefect.work-pool.") and related.name is not None
    ]
    if pools and pool not in pools:
        return None
    return Heard(UUID(event.resource.id.rpartition(".")[2]), event.event.removeprefix(PREFIX))


@dataclass(frozen=True, slots=True)
class Booth:
    """Where a booth's worker asks for work: the gateway, the booth's own key and its location."""

    gateway: str
    key: str
    location: str

    @classmethod
    def from_environment(cls) -> Booth | None:
        """From BACKROOM_GATEWAY_URL, BACKROOM_BOOTH_KEY and BACKROOM_LOCATION; None unless all three are set."""
        gateway, key, location = (
            os.environ.get(name, "") for name in ("BACKROOM_GATEWAY_URL", "BACKROOM_BOOTH_KEY", "BACKROOM_LOCATION")
        )
        return cls(gateway.rstrip("/"), key, location) if gateway and key and location else None


async def listen_to_gateway(booth: Booth, wake: Callable[[], None]) -> None:
    """Ask the gateway for ever whether there is work here, and wake the worker when it says so."""
    url = f"{booth.gateway}/booth/{quote(booth.location, safe='')}/wake"
    pause, generation = FIRST_PAUSE, 0
    headers = {"Authorization": f"Bearer {booth.key}"}
    async with httpx.AsyncClient(headers=headers, timeout=httpx.Timeout(5.0, read=WAIT_SECONDS + 10.0)) as client:
        while True:
            asked = time.monotonic()
            try:
                answer = await client.get(url, params={"after": generation, "wait": WAIT_SECONDS})
                answer.raise_for_status()
                told = int(answer.json()["generation"])
            except (httpx.HTTPError, ValueError, KeyError, TypeError) as error:
                log.warning("the gateway did not answer (%s): asking again in %.1f s", type(error).__name__, pause)
                await asyncio.sleep(pause)
                pause = min(pause * 2, LONGEST_PAUSE)
                continue
            pause = FIRST_PAUSE
            took = time.monotonic() - asked
            if told != generation or took < WAIT_SECONDS:
                # Work that waits for a printer is reported at every turn: look several times only for what is new.
                for moment in LOOK_AGAIN if told != generation or took > SHORTEST_TURN else LOOK_AGAIN[:1]:
                    asyncio.get_running_loop().call_later(moment, wake)
            generation = told
            if took < SHORTEST_TURN:
                await asyncio.sleep(SHORTEST_TURN - took)
