"""The pages of events as files: right within seconds after stock has changed, and left alone while nothing has."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import update

from backroom.domain.events import EventState
from backroom.durable import locked
from backroom.eventpage import files
from backroom.gateway.page_files import PageFiles
from backroom.gateway.serve import server
from backroom.shop.room import Room
from backroom.store.database import now
from backroom.store.tables import print_jobs, stock_levels
from tests.integration.gateway.conftest import Gateway, RecordingWaker, make_order
from tests.integration.gateway.test_event_page import become, plan, publish, take
from tests.printers import wait_for


@pytest.fixture
def fair(gateway: Gateway) -> Gateway:
    plan(gateway)
    become(gateway, EventState.LIVE)
    return gateway


@pytest.fixture
def folder(fair: Gateway) -> Path:
    return fair.room.home / "public"


@pytest.fixture
def pages(fair: Gateway, folder: Path) -> PageFiles:
    """Whoever keeps the files, after the first look."""
    one = PageFiles(fair.room, folder)
    assert "fair/live.json" in one.look()
    return one


def posters(folder: Path) -> list[object]:
    told: list[object] = json.loads((folder / "fair" / "live.json").read_bytes())["pieces"]["POSTER"]
    return told


@contextmanager
def a_gateway(room: Room) -> Iterator[None]:
    """A gateway of the product's own, in a thread, beside the one that writes no files."""
    running = server(room, RecordingWaker(), port=0)
    thread = threading.Thread(target=running.run, daemon=True)
    thread.start()
    try:
        wait_for(lambda: running.started)
        yield
    finally:
        running.should_exit = True
        thread.join(20)
    assert not thread.is_alive()


def test_a_running_gateway_writes_what_another_process_has_sold_within_seconds(fair: Gateway, folder: Path) -> None:
    room = replace(fair.room, shop=replace(fair.room.shop, event_pages_folder="public"))
    with a_gateway(room):
        wait_for(lambda: (folder / "fair" / "live.json").is_file())
        assert posters(folder) == ["in_stock", 0]
        take(fair, 2)
        wait_for(lambda: posters(folder) == ["few", 2], deadline_s=10)
        publish(fair, there=False)
        wait_for(lambda: not (folder / "fair" / "live.json").exists(), deadline_s=10)


def test_nothing_is_made_or_written_while_nothing_that_is_shown_has_changed(
    fair: Gateway, pages: PageFiles, folder: Path
) -> None:
    # A file that is missing is what a look that writes would mend.
    (folder / "fair" / "live.json").unlink()
    assert pages.look() == []
    elsewhere = update(stock_levels).where(stock_levels.c.location == "hub").values(on_hand=stock_levels.c.on_hand - 1)
    fair.room.database.write(lambda c: c.execute(elsewhere))
    assert pages.look() == []
    take(fair, 1)
    assert "fair/live.json" in pages.look()
    assert posters(folder) == ["few", 3]


def test_a_print_that_is_asked_for_or_done_is_looked_at_and_so_is_an_event_that_closes(
    fair: Gateway, pages: PageFiles, folder: Path
) -> None:
    make_order(fair.room)
    page = folder / "fair" / "live.json"
    page.unlink()
    assert "fair/live.json" in pages.look()
    page.unlink()
    assert pages.look() == []
    fair.room.database.write(lambda c: c.execute(update(print_jobs).values(state="done")))
    assert "fair/live.json" in pages.look()
    with fair.room.database.read() as connection:
        opened = now(connection)
    become(fair, EventState.CLOSED, opened_at=opened)
    assert "fair/live.json" in pages.look()
    assert json.loads(page.read_bytes())["phase"] == "over"
    become(fair, EventState.SETTLED)
    pages.look()
    assert pages.look() == []


def test_a_folder_that_takes_nothing_is_said_once_and_written_as_soon_as_it_does(
    fair: Gateway, folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder.write_text("a file stands in its place")
    pages = PageFiles(fair.room, folder)
    with caplog.at_level(logging.ERROR, "backroom.gateway.page_files"):
        for _ in range(3):
            assert pages.look_patiently() == []
    assert len(caplog.records) == 1
    assert "were not written" in caplog.text
    folder.unlink()
    assert "fair/live.json" in pages.look_patiently()


def test_two_that_write_take_turns_and_the_later_look_stands(fair: Gateway, pages: PageFiles, folder: Path) -> None:
    done = threading.Event()

    def sweep() -> None:
        files.write_all(fair.room, folder)
        done.set()

    with locked(folder):
        waiting = threading.Thread(target=sweep)
        waiting.start()
        # It has not looked yet: what is sold while it waits for its turn is in what it writes.
        take(fair, 2)
        assert not done.wait(0.2)
    assert done.wait(20)
    waiting.join(20)
    assert posters(folder) == ["few", 2]
    assert "fair/live.json" not in pages.look()
