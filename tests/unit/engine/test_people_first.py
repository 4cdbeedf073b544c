"""What Prefect's server knows of a request before it serves it, and when the page of a run is answered."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from backroom.engine.people_first import REMEMBERED, PeopleFirst, for_a_person, only_reads
from backroom.engine.run_pages import RunPages

A, B = "0b30a1de-0000-4000-8000-00000000000a", "0b30a1de-0000-4000-8000-00000000000b"
BROWSER, WORKER = {"user-agent": "Mozilla/5.0 (X11)"}, {"user-agent": "prefect/3.8.8"}


async def _told(request: Request) -> JSONResponse:
    await request.body()
    said = {"person": for_a_person(), "reads": only_reads()}
    if request.url.path.endswith("/refuses/create_flow_run"):
        return JSONResponse({"detail": "no such parameter", "body": {"flow_id": B}} | said, status_code=422)
    if request.url.path.endswith("/create_flow_run"):
        return JSONResponse({"id": A, "flow_id": B, "packed": "accept-encoding" in request.headers} | said)
    return JSONResponse(said)


def _client(app: Any) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test")


def ask(*requests: tuple[str, str, dict[str, str]], body: dict[str, str] | None = None) -> list[dict[str, Any]]:
    """What the server knew of each of these, one after the other; each has the same body."""
    app = PeopleFirst(Starlette(routes=[Route("/{path:path}", _told, methods=["GET", "POST", "PATCH"])]))

    async def all_of_them() -> list[dict[str, Any]]:
        async with _client(app) as client:
            return [
                (await client.request(method, path, headers=who, json=body)).json() for method, path, who in requests
            ]

    return asyncio.run(all_of_them())


def test_a_browser_is_a_person_and_a_worker_is_none() -> None:
    told = ask(("POST", "/api/flow_runs/filter", BROWSER), ("POST", "/api/flow_runs/filter", WORKER))
    assert [one["person"] for one in told] == [True, False]


def test_what_is_said_of_a_run_that_somebody_looked_at_is_for_that_person() -> None:
    told = ask(
        ("POST", f"/api/flow_runs/{A}/set_state", WORKER),
        ("GET", f"/api/flow_runs/{A}", BROWSER),
        ("POST", f"/api/flow_runs/{A}/set_state", WORKER),
        ("PATCH", f"/api/flow_runs/{B}", WORKER),
    )
    assert [one["person"] for one in told] == [False, True, True, False]


def test_what_a_run_shows_is_for_whoever_looked_at_the_run() -> None:
    looks, shows = ("GET", f"/api/flow_runs/{A}", BROWSER), ("POST", "/api/artifacts/", WORKER)
    assert [one["person"] for one in ask(looks, shows, body={"key": "order", "flow_run_id": A})] == [True, True]
    assert [one["person"] for one in ask(looks, shows, body={"key": "order", "flow_run_id": B})] == [True, False]
    assert [one["person"] for one in ask(looks, shows)] == [True, False]


def test_a_run_that_was_asked_for_in_a_browser_is_that_persons_before_its_page_is_opened() -> None:
    create = "/api/deployments/d/create_flow_run"
    made, told = ask(("POST", create, BROWSER), ("POST", f"/api/flow_runs/{A}/set_state", WORKER))
    assert made["id"] == A
    assert not made["packed"]
    assert told["person"]
    made, told = ask(("POST", create, WORKER), ("POST", f"/api/flow_runs/{A}/set_state", WORKER))
    assert not told["person"]


def test_a_refused_run_is_answered_as_it_was() -> None:
    (refused,) = ask(("POST", "/api/deployments/refuses/create_flow_run", BROWSER))
    assert refused["detail"] == "no such parameter"


def test_who_looked_at_hundreds_of_runs_is_known_by_the_last_of_them() -> None:
    seen = [f"{number:08x}-0000-4000-8000-000000000000" for number in range(REMEMBERED + 1)]
    looks = [("GET", f"/api/flow_runs/{run}", BROWSER) for run in seen]
    told = ask(*looks, *(("POST", f"/api/flow_runs/{run}/set_state", WORKER) for run in (seen[0], seen[-1])))
    assert [one["person"] for one in told[-2:]] == [False, True]


@pytest.mark.parametrize(
    ("method", "path", "reads"),
    [
        ("GET", "/api/work_pools/hub/queues/desk", True),
        ("POST", "/api/work_pools/hub/get_scheduled_flow_runs", True),
        ("PATCH", "/api/work_pools/hub/queues/desk", False),
        ("POST", "/api/work_pools/hub/queues", False),
        ("GET", "/api/csrf-token", False),
    ],
)
def test_two_routes_are_known_to_read_only(method: str, path: str, reads: bool) -> None:
    assert ask((method, path, WORKER))[0]["reads"] is reads


class ARun:
    """A run as Prefect's API answers it, that goes through its states at each look."""

    def __init__(self, *states: str, age: timedelta = timedelta(), due: timedelta = timedelta()) -> None:
        self._states: Iterator[str] = iter(states)
        self._last, self._age, self._due = "", age, due
        self.looks = 0

    async def answer(self, _: Request) -> JSONResponse:
        self.looks += 1
        self._last = next(self._states, self._last)
        now = datetime.now(UTC)
        state = {"type": self._last, "timestamp": (now - self._age).isoformat()}
        return JSONResponse({"state": state, "next_scheduled_start_time": (now + self._due).isoformat()})


def opened(run: ARun, who: dict[str, str], wait_seconds: float = 5.0) -> str:
    """The state that whoever opens the run's page is shown."""
    app = RunPages(Starlette(routes=[Route("/api/flow_runs/{id}", run.answer)]), wait_seconds)

    async def open_it() -> str:
        async with _client(app) as client:
            found = (await client.get(f"/api/flow_runs/{A}", headers=who)).content
        return str(json.loads(found)["state"]["type"])

    return asyncio.run(open_it())


def test_whoever_opens_a_run_they_have_just_asked_for_sees_its_end() -> None:
    assert opened(ARun("SCHEDULED", "PENDING", "RUNNING", "COMPLETED"), BROWSER) == "COMPLETED"


def test_a_worker_is_answered_at_once() -> None:
    assert opened(ARun("PENDING", "COMPLETED"), WORKER) == "PENDING"


def test_a_run_that_does_not_end_is_shown_as_it_is() -> None:
    began = time.monotonic()
    assert opened(ARun("RUNNING"), BROWSER, 0.3) == "RUNNING"
    assert time.monotonic() - began < 3


@pytest.mark.parametrize(
    "run",
    [
        ARun("RUNNING", "COMPLETED", age=timedelta(minutes=1)),
        ARun("SCHEDULED", "COMPLETED", due=timedelta(hours=1)),
        ARun("PAUSED", "COMPLETED"),
        ARun("FAILED", "COMPLETED"),
    ],
    ids=["long under way", "planned for later", "waits for a person", "at its end"],
)
def test_nobody_waits_for_what_will_not_end_just_now(run: ARun) -> None:
    assert opened(run, BROWSER) != "COMPLETED"
    assert run.looks == 1


def test_a_run_that_is_not_there_is_said_so_at_once() -> None:
    async def missing(_: Request) -> JSONResponse:
        return JSONResponse({"detail": "none"}, 404)

    app = RunPages(Starlette(routes=[Route("/api/flow_runs/{id}", missing)]))

    async def open_it() -> int:
        async with _client(app) as client:
            return (await client.get(f"/api/flow_runs/{A}", headers=BROWSER)).status_code

    assert asyncio.run(open_it()) == 404
