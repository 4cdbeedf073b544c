"""The sweep keeps the pages of events as files, and a folder that takes nothing does not stop it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from prefect.logging import disable_run_logger
from sqlalchemy import Connection

from backroom.domain.events import Event, Session
from backroom.store import event_page, events
from backroom.store.database import now
from tasks import event_pages
from tasks.event_pages import write_event_pages
from tests.shops import BOOTH, Floor


@pytest.fixture(autouse=True)
def quiet(floor: Floor, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Outside a run, in a shop that keeps its pages in `public`."""
    floor.room = replace(floor.room, shop=replace(floor.room.shop, event_pages_folder="public"))
    monkeypatch.setattr(event_pages, "this_room", lambda: floor.room)
    with disable_run_logger():
        yield


def plan(floor: Floor) -> None:
    def work(connection: Connection) -> None:
        at = now(connection)
        sessions = (Session(at + timedelta(days=1), at + timedelta(days=1, hours=8)),)
        events.add(connection, Event("fair", "Fair", "street", BOOTH, "", sessions), (), at, "Ada")
        event_page.publish(connection, "fair", at, by="Ada", when=at)

    floor.room.database.write(work)


def test_what_changed_is_written_once(floor: Floor) -> None:
    assert write_event_pages.fn() == 0
    plan(floor)
    assert write_event_pages.fn() > 0
    assert (floor.room.home / "public" / "fair" / "index.html").is_file()
    assert write_event_pages.fn() == 0


def test_a_shop_that_keeps_no_files_writes_none(floor: Floor) -> None:
    plan(floor)
    floor.room = replace(floor.room, shop=replace(floor.room.shop, event_pages_folder=""))
    assert write_event_pages.fn() == 0


def test_a_folder_that_takes_nothing_does_not_stop_the_sweep(floor: Floor) -> None:
    plan(floor)
    (floor.room.home / "public").write_text("a file stands in its place")
    assert write_event_pages.fn() == 0
