"""Prefect's server as `backroom up` starts it: the stock one, but for what stopped it under load or cost too much.

Prefect's server awaits SQLite in threads, one a connection. When Python's cyclic collector happens to run on the event
loop and frees a statement of a connection that is just waiting for the write lock, the event loop waits for that
connection's mutex; whoever holds the lock needs the event loop to go on; and the whole server stands still until
SQLite's busy time-out ends it after 60 s. Seen with Prefect 3.8.8, SQLAlchemy 2.0 and Python 3.11 in four of five runs
of the demo. Here a thread of its own collects: it may wait, and nobody waits for it. What was there at the start stays,
and is looked through once: that had kept everything else waiting for 0.2 to 0.4 s, every 20 s.

Its writers wait for each other instead of being refused, those first that a person waits for: `write_line` says why. A
page of a run that was just asked for shows its end: `run_pages`.

Each look of a worker for runs had the server write down that the queues it looked at and their deployments are ready,
two transactions and 22 of the 38 ms of processor that a look took. Here that is written every 5 s.

Each action of an automation asks for the application of its server, and Prefect finds that by all its settings,
written out and hashed: 0.7 s in which the server answers nobody, for every alert. Here it is asked for once.

Each look at a schedule reads the machine's whole folder of time zones, 40 ms of processor, though none of ours names
one: a fifteenth of what an idle server takes. Here it is read once.

When a server has died, each process that it served sends it the newest events once more. On SQLite, Prefect drops
hundreds of new ones with them where all of a batch, or one of it twice, is there already: seen after each of four
kills. Here those that are there are left out.

`prefect server start` by hand works as well, with those risks; a server on PostgreSQL does not have them.
"""

from __future__ import annotations

import functools
import gc
import sys
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any
from uuid import UUID

from docket import Docket
from fastapi import FastAPI
from prefect._internal.schemas import validators
from prefect.server.api import server
from prefect.server.database.orm_models import Event
from prefect.server.events.schemas.events import ReceivedEvent
from prefect.server.events.services import event_persister
from prefect.server.events.storage import database
from prefect.types._datetime import get_timezones
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from backroom.engine.people_first import PeopleFirst
from backroom.engine.run_pages import RunPages
from backroom.engine.write_line import wait_without_keeping_readers_out, write_in_turn
from backroom.store.batches import chunks

COLLECT_SECONDS = 20.0
# Prefect's own notice that nobody looks any more comes after 60 s.
MARK_SECONDS, NOT_READY = 5.0, "ready_work_queue_ids"
MARKS = ("mark_work_queues_ready:work_pool:", "mark_deployments_ready:work_pool:")


def collect_aside() -> None:
    """Collect cyclic garbage in a thread of its own, and nowhere else."""
    gc.disable()
    threading.Thread(target=_collect, name="garbage", daemon=True).start()


def _collect() -> None:
    time.sleep(COLLECT_SECONDS)
    gc.collect()
    gc.freeze()
    while True:
        time.sleep(COLLECT_SECONDS)
        gc.collect()


def make_one_application() -> None:
    """Make the application once, whatever it is asked for with: a server has one, and its settings stay as they are."""
    create = server.create_app
    made: list[FastAPI] = []

    def create_once(*args: Any, **rest: Any) -> FastAPI:
        if not made:
            made.append(create(*args, **rest))
            made[0].add_middleware(PeopleFirst)
            made[0].add_middleware(RunPages)
        return made[0]

    server.create_app = create_once


def read_time_zones_once() -> None:
    """Keep the names of the time zones: they do not change while a server lives."""
    validators.get_timezones = functools.cache(get_timezones)  # type: ignore[attr-defined]


def mark_seldom() -> None:
    """Write down that queues and deployments are ready once in a while, and not at every look for runs; but at once of
    a queue that was not."""
    add: Callable[..., Any] = Docket.add
    marked: dict[tuple[str, ...], float] = {}

    def add_seldom(self: Docket, function: Any, *args: Any, key: str | None = None, **rest: Any) -> Any:
        mark = add(self, function, *args, key=key, **rest)
        if key is None or not key.startswith(MARKS):
            return mark

        async def mark_once_in_a_while(**ids: list[UUID]) -> Any:
            # Workers of one pool look at different queues, and each of these is to be ready.
            whose = (key, *sorted(f"{name} {one}" for name, found in ids.items() for one in found))
            now = time.monotonic()
            if not ids.get(NOT_READY) and now - marked.get(whose, -MARK_SECONDS) < MARK_SECONDS:
                return None
            marked[whose] = now
            return await mark(**ids)

        return mark_once_in_a_while

    setattr(Docket, "add", add_seldom)  # noqa: B010 - an overloaded method cannot be assigned to otherwise


def keep_each_event_once() -> None:
    """Write of the events that came those that are not there, whatever came with them or twice."""
    write = database.write_events

    async def write_new(session: AsyncSession, events: Sequence[ReceivedEvent]) -> None:
        came = {event.id: event for event in events}
        for ids in chunks(list(came)):
            for there in await session.scalars(select(Event.id).where(Event.id.in_(ids))):
                del came[there]
        await write(session=session, events=[*came.values()])

    event_persister.write_events = write_new  # type: ignore[attr-defined]


def main() -> None:
    """`prefect server start`, with all of these; takes the same options."""
    from prefect.cli import app

    collect_aside()
    write_in_turn()
    wait_without_keeping_readers_out()
    make_one_application()
    read_time_zones_once()
    mark_seldom()
    keep_each_event_once()
    sys.argv = ["prefect", "server", "start", *sys.argv[1:]]
    app()


if __name__ == "__main__":
    main()
