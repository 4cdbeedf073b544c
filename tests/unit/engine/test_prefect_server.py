"""What our start of Prefect's server replaces in it."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest
from docket import Docket, Worker
from prefect._internal.schemas import validators
from prefect.server.database.configurations import AioSqliteConfiguration
from prefect.server.database.orm_models import Base, Event, EventResource
from prefect.server.events.schemas.events import ReceivedEvent
from prefect.server.events.services import event_persister
from prefect.types import _datetime
from sqlalchemy import Table, select
from sqlalchemy.exc import IntegrityError

from backroom.engine.prefect_server import keep_each_event_once, mark_seldom, read_time_zones_once


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


def some_events(count: int) -> list[ReceivedEvent]:
    """Events as a worker sends them."""
    resource = {"prefect.resource.id": "prefect.flow-run.1"}
    return [
        ReceivedEvent(
            occurred=datetime.now(UTC), event="prefect.flow-run.Running", resource=resource, id=uuid.uuid4(), payload={}
        )
        for _ in range(count)
    ]


async def sent_in_turn(database: Path, *batches: Sequence[ReceivedEvent]) -> set[uuid.UUID]:
    """Write the batches one after the other, as the server does; which events are there then."""
    configuration = AioSqliteConfiguration(connection_url=f"sqlite+aiosqlite:///{database}")
    engine = await configuration.engine()
    tables: list[Table] = [Event.__table__, EventResource.__table__]
    async with engine.begin() as connection:
        await connection.run_sync(lambda c: Base.metadata.create_all(c, tables))
    for batch in batches:
        async with await configuration.session(engine) as session, configuration.begin_transaction(session):
            await event_persister.write_events(session=session, events=list(batch))
    async with await configuration.session(engine) as session:
        there = set(await session.scalars(select(Event.id)))
    await engine.dispose()
    return there


@pytest.mark.parametrize("again", ["all of a batch", "one twice", "some with new ones"])
def test_events_that_come_once_more_take_no_new_ones_with_them(
    again: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, new = some_events(3), some_events(1200)
    batch = {"all of a batch": old, "one twice": [*old, new[0], new[0]], "some with new ones": [*new, *old]}[again]
    monkeypatch.setattr(event_persister, "write_events", event_persister.write_events)
    if again != "some with new ones":
        with pytest.raises(IntegrityError):
            asyncio.run(sent_in_turn(tmp_path / "stock.db", old, batch))
    keep_each_event_once()
    there = asyncio.run(sent_in_turn(tmp_path / "ours.db", old, batch))
    assert there == {event.id for event in [*old, *batch]}
