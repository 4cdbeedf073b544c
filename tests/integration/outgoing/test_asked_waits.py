"""What another side asks to wait holds for every process and after a restart, and for nobody else."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from pytest_httpserver import HTTPServer

from backroom.domain.errors import BackroomError
from backroom.outgoing.circuit import close_all, keep_in
from backroom.outgoing.client import Account, Client
from backroom.outgoing.errors import ServiceAway, ServiceSilent
from backroom.store.asked_waits import WaitsBook
from backroom.store.database import Database


@pytest.fixture(autouse=True)
def book(database: Database) -> Iterator[WaitsBook]:
    """This process knows nothing, and keeps what it is asked in a database."""
    close_all()
    book = WaitsBook(database)
    before = keep_in(book)
    yield book
    keep_in(before)
    close_all()


def call(server: HTTPServer, path: str = "x", *, at: str = "/api", again: bool = True) -> BackroomError:
    """A call that another side does not take, or of which it is not known."""
    expected = ServiceAway if again else (ServiceAway, ServiceSilent)
    with Client(Account("Test Shop", server.url_for(at))) as calls, pytest.raises(expected) as away:
        calls.call("POST", path, about="k", json={}, again=again)
    return away.value


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize("as_date", [False, True])
def test_a_fresh_process_does_not_call_who_asked_to_be_left_alone(
    httpserver: HTTPServer, status: int, as_date: bool
) -> None:
    until = datetime.now(UTC) + timedelta(hours=2)
    said = format_datetime(until, usegmt=True) if as_date else "7200"
    httpserver.expect_request("/api/x").respond_with_data("", status=status, headers={"Retry-After": said})
    call(httpserver)
    close_all()
    away = call(httpserver)
    assert len(httpserver.log) == 1
    assert isinstance(away, ServiceAway)
    assert away.retry_after is not None
    assert abs(away.retry_after - timedelta(hours=2)) < timedelta(seconds=10)
    assert away.nothing_happened
    assert f"asked to be left alone until {until:%Y-%m-%d %H:}" in away.message


def test_another_process_heeds_what_this_one_was_asked(httpserver: HTTPServer, database_url: str) -> None:
    httpserver.expect_request("/api/x").respond_with_data("", status=429, headers={"Retry-After": "600"})
    call(httpserver)
    program = (
        "import sys; from backroom.outgoing.circuit import keep_in; from backroom.outgoing.client import *; "
        "from backroom.store.database import Database; from backroom.store.asked_waits import WaitsBook\n"
        "keep_in(WaitsBook(Database(sys.argv[1])))\n"
        "try: Client(Account('Test Shop', sys.argv[2])).call('GET', 'x', about='k')\n"
        "except ServiceAway as away: print(round(away.retry_after.total_seconds()))"
    )
    told = subprocess.run(
        [sys.executable, "-c", program, database_url, httpserver.url_for("/api")],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert 540 < int(told.stdout) <= 600
    assert len(httpserver.log) == 1


def test_a_lost_answer_that_asks_to_wait_is_heeded_as_well(httpserver: HTTPServer) -> None:
    httpserver.expect_request("/api/x").respond_with_data("", status=503, headers={"Retry-After": "600"})
    assert isinstance(call(httpserver, again=False), ServiceSilent)
    close_all()
    call(httpserver)
    assert len(httpserver.log) == 1


def test_nobody_else_waits_for_it(httpserver: HTTPServer) -> None:
    for base in ("/api", "/other"):
        asks = {"Retry-After": "600"}
        httpserver.expect_request(f"{base}/x").respond_with_data("", status=429, headers=asks)
    call(httpserver)
    call(httpserver, at="/other")
    assert len(httpserver.log) == 2


def test_the_longer_of_two_waits_holds(book: WaitsBook) -> None:
    book.ask("Shop", "https://shop.example", 600)
    book.ask("Shop", "https://shop.example", 60)
    assert 590 < book.left("Shop", "https://shop.example") <= 600
    book.ask("Shop", "https://shop.example", 6000)
    assert 5990 < book.left("Shop", "https://shop.example") <= 6000
    assert book.left("Shop", "https://other.example") == 0


def test_a_wait_that_is_over_keeps_nobody_back(httpserver: HTTPServer, book: WaitsBook) -> None:
    httpserver.expect_request("/api/x").respond_with_json({})
    book.ask("Test Shop", httpserver.url_for("/api"), 0.001)
    with Client(Account("Test Shop", httpserver.url_for("/api"))) as calls:
        assert calls.call("GET", "x", about="k").status == 200


def test_a_person_who_tries_now_is_let_through_and_ends_a_wait_that_is_none_any_more(
    httpserver: HTTPServer, book: WaitsBook
) -> None:
    base = httpserver.url_for("/api")
    book.ask("Test Shop", base, 80_000)
    httpserver.expect_request("/api/x").respond_with_json({})
    keep_in(book, by_hand=True)
    with Client(Account("Test Shop", base)) as calls:
        assert calls.call("GET", "x", about="k").status == 200
    assert book.left("Test Shop", base) == 0
