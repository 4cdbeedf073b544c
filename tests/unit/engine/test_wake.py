"""The waker against a server that answers like Prefect's: one run for a key, and nobody waits for a deployment gone."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from concurrent.futures import Future
from dataclasses import dataclass, field

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from backroom.engine.wake import RunRequest, Waker
from backroom.store.claims import Wakeup


@dataclass
class Api:
    """Prefect's API as far as the waker asks it: deployments by name, runs by idempotency key, runs by name."""

    deployments: set[str]
    runs: dict[str, str] = field(default_factory=dict)
    creations: list[str] = field(default_factory=list)
    open_names: set[str] = field(default_factory=set)
    asked_for: list[str] = field(default_factory=list)

    def deployment(self, request: Request) -> Response:
        name = request.path.partition("/deployments/name/")[2]
        self.asked_for.append(name)
        return _json({"id": name.replace("/", "~")}) if name in self.deployments else _json({}, 404)

    def create(self, request: Request) -> Response:
        name = request.path.removesuffix("/create_flow_run").rpartition("/")[2].replace("~", "/")
        if name not in self.deployments:
            return _json({}, 404)
        asked = json.loads(request.data)
        self.creations.append(asked["idempotency_key"])
        new = asked["idempotency_key"] not in self.runs
        self.runs.setdefault(asked["idempotency_key"], asked["name"])
        return _json({"id": asked["idempotency_key"]}, 201 if new else 200)

    def filter(self, request: Request) -> Response:
        names = json.loads(request.data)["flow_runs"]["name"]["any_"]
        return _json([{"id": name} for name in names if name in self.open_names])


def _json(body: object, status: int = 200) -> Response:
    return Response(json.dumps(body), status, content_type="application/json")


@pytest.fixture
def api(httpserver: HTTPServer) -> Api:
    import re

    api = Api({"fulfil/hub", "order/order", "breaker/breaker"})
    httpserver.expect_request(re.compile("/api/deployments/name/.*")).respond_with_handler(api.deployment)
    httpserver.expect_request(re.compile("/api/deployments/.*/create_flow_run")).respond_with_handler(api.create)
    httpserver.expect_request("/api/flow_runs/filter", method="POST").respond_with_handler(api.filter)
    return api


@pytest.fixture
def waker(api: Api, httpserver: HTTPServer) -> Iterator[Waker]:
    waker = Waker(httpserver.url_for("/api"))
    yield waker
    waker.close(5)


def started(asked: Future[bool]) -> bool:
    return asked.result(timeout=5)


def test_a_deployment_that_is_gone_keeps_no_other_wake_up_waiting(waker: Waker, api: Api) -> None:
    began = time.monotonic()
    for generation in range(5):
        waker.wake(Wakeup("fulfilment", "closed-shop", generation))
    waker.wake(Wakeup("fulfilment", "hub", 1))
    assert waker.flush(5)
    assert time.monotonic() - began < 2
    assert list(api.runs) == ["wake:fulfilment:hub:1"]
    assert waker.lost == 5


def test_a_deployment_that_was_made_anew_is_found_under_its_new_id(waker: Waker, api: Api) -> None:
    waker.start(RunRequest("fulfil/hub", "first", "1"))
    assert waker.flush(5)
    waker._deployments["fulfil/hub"] = "an-id-of-before"
    waker.start(RunRequest("fulfil/hub", "second", "2"))
    assert waker.flush(5)
    assert list(api.runs.values()) == ["first", "second"]


def test_whoever_asks_hears_whether_a_run_was_started(waker: Waker) -> None:
    assert started(waker.start_breaker_run(3, "breaker:3"))
    assert not started(waker.start_breaker_run(3, "breaker:3"))
    assert not started(waker.start(RunRequest("nobody/nowhere", "lost", "lost")))


def test_an_order_whose_run_stands_open_gets_no_second_one(waker: Waker, api: Api) -> None:
    assert started(waker.start_order_run("A-1001", "sick:1"))
    api.open_names.add("A-1001")
    assert not started(waker.start_order_run("A-1001", "sick:2"))
    api.open_names.clear()
    assert started(waker.start_order_run("A-1001", "sick:2"))


def test_what_was_said_just_now_is_not_said_again(waker: Waker, api: Api) -> None:
    for _ in range(3):
        waker.wake(Wakeup("fulfilment", "hub", 1))
        assert waker.flush(5)
    waker.wake(Wakeup("fulfilment", "hub", 2))
    assert waker.flush(5)
    assert api.creations == ["wake:fulfilment:hub:1", "wake:fulfilment:hub:2"]


def test_it_is_said_again_later_because_prefect_may_have_forgotten(api: Api, httpserver: HTTPServer) -> None:
    waker = Waker(httpserver.url_for("/api"), said_seconds=0.05)
    deadline = time.monotonic() + 5
    while len(api.creations) < 2 and time.monotonic() < deadline:
        waker.wake(Wakeup("fulfilment", "hub", 1))
        assert waker.flush(5)
    assert api.creations == ["wake:fulfilment:hub:1"] * 2
    waker.close(5)


def test_what_a_run_is_at_already_is_not_said(waker: Waker, api: Api) -> None:
    waker.wake(Wakeup("fulfilment", "hub", 1, attended=True))
    waker.wake(Wakeup("fulfilment", "hub", 2))
    assert waker.flush(5)
    assert api.creations == ["wake:fulfilment:hub:2"]


def test_what_did_not_get_through_is_said_again_at_once(waker: Waker, api: Api) -> None:
    api.deployments.clear()
    waker.wake(Wakeup("fulfilment", "hub", 1))
    assert waker.flush(5)
    assert waker.lost == 1
    api.deployments.add("fulfil/hub")
    waker.wake(Wakeup("fulfilment", "hub", 1))
    assert waker.flush(5)
    assert api.creations == ["wake:fulfilment:hub:1"]


def test_what_did_not_get_through_is_swept_for_as_soon_as_prefect_is_back(api: Api, httpserver: HTTPServer) -> None:
    waker = Waker(httpserver.url_for("/api"), sweep_again_seconds=0.05)
    for generation in (1, 2):
        assert not started(waker.start(RunRequest("nobody/nowhere", "lost", f"lost {generation}")))
    assert api.creations == []
    api.deployments.add("sweep/sweep")
    deadline = time.monotonic() + 10
    while not api.creations:
        assert time.monotonic() < deadline, "no sweep"
        time.sleep(0.02)
    # Once for all of it, and no more when it got through.
    waker.wake(Wakeup("fulfilment", "hub", 3))
    waker.close(5)
    assert [key.partition(":")[0] for key in api.creations] == ["sweep", "wake"]
    assert list(api.runs.values()) == ["sweep asked for", "fulfilment hub #3"]


def test_whoever_asks_for_a_sweep_while_one_waits_gets_no_second_one(waker: Waker, api: Api) -> None:
    api.deployments.add("sweep/sweep")
    api.open_names.add("sweep asked for")
    assert not started(waker.look_around())
    api.open_names.clear()
    assert started(waker.look_around())
    assert list(api.runs.values()) == ["sweep asked for"]
