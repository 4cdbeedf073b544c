"""A booth's worker with nothing but the gateway's address and its own key: what it reaches of Prefect, and what not."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import requests
import websockets

from backroom.domain.locations import PrinterSpec
from backroom.engine.deploy import DeploymentSpec, apply
from backroom.engine.server import client_environment
from backroom.store import booth_devices
from tests.benches import Bench, open_bench
from tests.prefect_server import PrefectServer, asking, without_prefect
from tests.running import wait_until
from tests.shops import BOOTH, HUB, Floor
from tests.sqlite_only import database_url

__all__ = ["database_url"]

pytestmark = [pytest.mark.prefect, pytest.mark.timeout(900)]

ROOT = Path(__file__).resolve().parents[2]
NOBODY = "00000000-0000-4000-8000-000000000000"


@dataclass
class Door:
    """The way to Prefect that a booth has, and the server behind it, on which the test looks with Prefect's own key."""

    server: PrefectServer
    bench: Bench
    deployments: dict[str, str]
    runs: dict[str, str]

    def ask(self, method: str, path: str, body: Any = None, key: str = "") -> httpx.Response:
        url, login = f"{self.bench.url}/booth/prefect{path}", ("booth", key or self.bench.key)
        return httpx.request(method, url, json=body, auth=login, timeout=30)

    def state(self, run: str) -> str:
        return str(self.server.get(f"/flow_runs/{run}")["state_type"])

    async def emit(self, *events: dict[str, Any], key: str = "") -> int | None:
        """Send events as the worker does; the code with which the stream was ended, None where it was not."""
        url = f"{self.bench.url.replace('http', 'ws')}/booth/prefect/events/in"
        async with websockets.connect(url, subprotocols=[websockets.Subprotocol("prefect")]) as socket:
            await socket.send(json.dumps({"type": "auth", "token": f"booth:{key or self.bench.key}"}))
            try:
                assert json.loads(await socket.recv()) == {"type": "auth_success"}
                for event in events:
                    await socket.send(json.dumps(event))
                await asyncio.wait_for(socket.recv(), 2)
            except TimeoutError:
                return None
            except websockets.ConnectionClosed as closed:
                return closed.rcvd.code if closed.rcvd else -1
            return None


@pytest.fixture
def door(floor: Floor, running_prefect: PrefectServer) -> Iterator[Door]:
    """A booth's own deployment and one of the hub's, each with a run that waits."""
    with asking(running_prefect), open_bench(floor, [PrinterSpec("press", "folder:press", ("dtg",))]) as bench:
        apply([DeploymentSpec("flows/print_jobs.py:print_jobs", place, place, (), {"location": place})
               for place in (BOOTH, HUB)])  # fmt: skip
        deployments, runs = {}, {}
        for place in (BOOTH, HUB):
            deployments[place] = running_prefect.get(f"/deployments/name/print-jobs/{place}")["id"]
            made = running_prefect.post(f"/deployments/{deployments[place]}/create_flow_run", {"name": place})
            runs[place] = made["id"]
        yield Door(running_prefect, bench, deployments, runs)


def test_what_is_of_its_own_pool_is_let_through(door: Door) -> None:
    run = door.runs[BOOTH]
    due = door.ask("POST", f"/work_pools/{BOOTH}/get_scheduled_flow_runs", {"work_queue_names": []})
    assert due.status_code == 200, due.text
    assert run in [one["flow_run"]["id"] for one in due.json()]
    assert door.ask("GET", f"/flow_runs/{run}").json()["id"] == run
    told = {"state": {"type": "PENDING", "name": "Pending"}, "force": False}
    assert door.ask("POST", f"/flow_runs/{run}/set_state", told).status_code == 201
    assert door.state(run) == "PENDING"
    assert door.ask("PATCH", f"/flow_runs/{run}", {"infrastructure_pid": "a:1"}).status_code == 204
    line = {"name": "x", "level": 20, "message": "hello", "timestamp": "2026-11-20T10:00:00Z", "flow_run_id": run}
    assert door.ask("POST", "/logs/", [line]).status_code == 201
    flow = door.ask("GET", f"/deployments/{door.deployments[BOOTH]}").json()["flow_id"]
    assert door.ask("GET", f"/flows/{flow}").json()["name"] == "print-jobs"


def test_whatever_is_of_another_pool_is_403_and_nothing_of_it_is_changed_or_told(door: Door) -> None:
    run, pool = door.runs[HUB], HUB
    pending = {"state": {"type": "CANCELLED", "name": "Cancelled"}, "force": True}
    line = {"name": "x", "level": 20, "message": "m", "timestamp": "2026-11-20T10:00:00Z"}
    own = line | {"flow_run_id": door.runs[BOOTH]}
    queue = door.server.get(f"/work_pools/{HUB}/queues/default")["id"]
    asked: list[tuple[str, str, Any]] = [
        ("GET", f"/work_pools/{pool}", None),
        ("POST", f"/work_pools/{pool}/get_scheduled_flow_runs", {}),
        ("POST", f"/work_pools/{pool}/workers/heartbeat", {"name": "w"}),
        ("GET", f"/work_queues/{queue}", None),
        ("GET", f"/deployments/{door.deployments[HUB]}", None),
        ("GET", f"/deployments/name/print-jobs/{HUB}", None),
        ("POST", f"/deployments/{door.deployments[HUB]}/create_flow_run", {}),
        ("POST", f"/deployments/{door.deployments[BOOTH]}/create_flow_run", {}),
        ("GET", f"/flow_runs/{run}", None),
        ("GET", f"/flow_runs/{NOBODY}", None),
        ("POST", f"/flow_runs/{run}/set_state", pending),
        ("PATCH", f"/flow_runs/{run}", {"infrastructure_pid": "a:1"}),
        ("PATCH", f"/flow_runs/{door.runs[BOOTH]}", {"parameters": {"location": HUB}}),
        ("DELETE", f"/flow_runs/{door.runs[BOOTH]}", None),
        ("POST", "/logs/", [line | {"flow_run_id": run}]),
        ("POST", "/logs/", [own, line | {"flow_run_id": run}]),
        ("POST", "/logs/", [line]),
        ("POST", "/logs/filter", {}),
    ]
    for method, path, body in asked:
        answer = door.ask(method, path, body)
        assert answer.status_code == 403, (method, path, answer.status_code)
        assert run not in answer.text
    assert door.state(run) == "SCHEDULED"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/block_types/slug/secret"),
        ("POST", "/block_documents/filter"),
        ("GET", "/block_documents/name/mail"),
        ("POST", "/variables/filter"),
        ("GET", "/variables/name/x"),
        ("POST", "/artifacts/filter"),
        ("POST", "/artifacts/"),
        ("POST", "/work_pools/"),
        ("POST", "/work_pools/filter"),
        ("POST", "/task_runs/filter"),
        ("POST", "/events/filter"),
        ("POST", "/events"),
        ("POST", "/automations/filter"),
        ("GET", "/admin/settings"),
        ("POST", "/admin/database/clear"),
        ("POST", "/concurrency_limits/"),
        ("GET", "/ui/flow_runs/x"),
        ("GET", "/../api/variables"),
        ("GET", "/work_pools/booth/../hub"),
        ("GET", "//flow_runs"),
    ],
)
def test_all_else_of_prefects_api_is_403(door: Door, method: str, path: str) -> None:
    assert door.ask(method, path, {} if method == "POST" else None).status_code in (403, 404)


def test_a_list_shows_its_own_pool_whatever_filter_was_asked_for(door: Door) -> None:
    everything = {"work_pools": {"name": {"any_": [HUB]}}, "flow_runs": None, "limit": 200, "offset": 0}
    found = door.ask("POST", "/flow_runs/filter", everything).json()
    assert {one["work_pool_name"] for one in found} == {BOOTH}
    theirs = door.ask("POST", "/flow_runs/filter", {"flow_runs": {"id": {"any_": [door.runs[HUB]]}}}).json()
    assert theirs == []
    listed = door.ask("POST", "/deployments/filter", {"deployments": {"name": {"any_": [HUB]}}}).json()
    assert {one["work_pool_name"] for one in listed} == {BOOTH}


def event(name: str, resource: str, *runs: str, payload: dict[str, Any] | None = None) -> dict[str, Any]:
    related = [{"prefect.resource.id": f"prefect.flow-run.{run}", "prefect.resource.role": "flow-run"} for run in runs]
    return {
        "id": "0190a8d0-0000-7000-8000-000000000001",
        "occurred": "2026-11-20T10:00:00Z",
        "event": name,
        "resource": {"prefect.resource.id": resource},
        "related": related,
        "payload": payload or {},
    }


def test_events_of_its_own_runs_are_taken_and_any_other_ends_the_stream(door: Door) -> None:
    own, theirs = door.runs[BOOTH], door.runs[HUB]
    task = "prefect.task-run.0190a8d0-0000-7000-8000-00000000000a"
    good = event("prefect.flow-run.heartbeat", f"prefect.flow-run.{own}", own)
    assert asyncio.run(door.emit(good)) is None
    for bad in (
        event("prefect.flow-run.Completed", f"prefect.flow-run.{theirs}"),
        event("prefect.task-run.Completed", task, theirs),
        event("prefect.task-run.Completed", task),
        event("prefect.task-run.Completed", task, own, payload={"task_run": {"flow_run_id": theirs}}),
        event("prefect.task-run.Completed", task, own, payload={"task_run": {"id": NOBODY}}),
        event("prefect.automation.triggered", "prefect.automation.1", own),
        event("backroom.order.ready", "order.1"),
        {"event": 1},
    ):
        assert asyncio.run(door.emit(bad)) == 1008, bad
    assert asyncio.run(door.emit(good, key="bk_booth_nonsense")) == 1008


def test_other_keys_open_nothing_and_a_revoked_one_is_out_at_once(door: Door) -> None:
    path = f"/work_pools/{BOOTH}"
    assert requests.get(f"{door.bench.url}/booth/prefect{path}", timeout=10).status_code == 401
    assert door.ask("GET", path, key="bk_booth_nonsense").status_code == 401
    write = door.bench.floor.room.database.write
    from backroom.store.api_keys import make_key

    for scope, place in (("staff", ""), ("pos", BOOTH), ("booth", HUB)):
        assert door.ask("GET", path, key=write(lambda c, s=scope, p=place: make_key(c, s, s, p))).status_code == 403
    assert door.ask("GET", path).status_code == 200
    write(lambda c: booth_devices.revoke(c, BOOTH))
    assert door.ask("GET", path).status_code == 401
    good = event("prefect.flow-run.heartbeat", f"prefect.flow-run.{door.runs[BOOTH]}", door.runs[BOOTH])
    assert asyncio.run(door.emit(good)) == 1008


@pytest.mark.slow
def test_the_real_worker_prints_dies_comes_back_and_stops_with_nothing_but_the_gateway_and_its_key(
    floor: Floor, running_prefect: PrefectServer, tmp_path: Path
) -> None:
    laptop = tmp_path / "laptop"
    with asking(running_prefect), open_bench(floor, [PrinterSpec("press", "folder:press", ("dtg",))]) as bench:
        apply([DeploymentSpec("flows/print_jobs.py:print_jobs", BOOTH, BOOTH, (), {"location": BOOTH})])
        deployment = running_prefect.get(f"/deployments/name/print-jobs/{BOOTH}")["id"]

        def prints(why: str, pages: int) -> str:
            bench.orders(1)
            body = {"name": why, "parameters": {"location": BOOTH}, "idempotency_key": why}
            run = running_prefect.post(f"/deployments/{deployment}/create_flow_run", body)["id"]
            wait_until(lambda: len(list((laptop / "press").glob("*.json"))) == pages, f"the run {why} to print")
            return str(run)

        clean = {k: v for k, v in without_prefect(dict(os.environ)).items() if not k.startswith("BACKROOM")}
        environment = clean | {
            "BACKROOM_GATEWAY_URL": bench.url,
            "BACKROOM_BOOTH_KEY": bench.key,
            "BACKROOM_HOME": str(laptop),
            "HOME": str(laptop),
        }
        command = [sys.executable, "-c", "from backroom.cli.app import main; main()", "worker", "--location", BOOTH]
        process = subprocess.Popen(command, env=environment, cwd=ROOT)
        try:
            prints("first", 1)

            # Runs of the tests before wait in the same pool: any of them may have taken the job.
            def shown() -> list[Any]:
                asked = {"task_runs": {"name": {"any_": ["A-1001 on press"]}}}
                return [
                    one for one in running_prefect.post("/task_runs/filter", asked) if one["state_type"] == "COMPLETED"
                ]

            wait_until(lambda: bool(shown()), "its task run to be shown")
            run = shown()[0]["flow_run_id"]
            wait_until(lambda: running_prefect.get(f"/flow_runs/{run}")["state_type"] == "COMPLETED", "its end")
            asked_for = {"logs": {"flow_run_id": {"any_": [run]}}}

            def ends() -> bool:
                lines = running_prefect.post("/logs/filter", asked_for)
                return any("Finished in state Completed" in line["message"] for line in lines)

            wait_until(ends, "its log")

            [child] = [
                int(pid)
                for path in Path(f"/proc/{process.pid}/task").glob("*/children")
                for pid in path.read_text().split()
                if b"run_worker" in Path(f"/proc/{pid}/cmdline").read_bytes()
            ]
            os.kill(child, signal.SIGKILL)
            prints("second", 2)
        finally:
            process.terminate()
            assert process.wait(60) == 0
    workers = running_prefect.post(f"/work_pools/{BOOTH}/workers/filter", {})
    assert "backroom booth" in [one["name"] for one in workers]
    auth = client_environment("x", running_prefect.auth)["PREFECT_API_AUTH_STRING"]
    for path in laptop.rglob("*"):
        # What lies in the press is paper, and it is the code's own folder in which Prefect keeps a copy of the code.
        if path.is_file() and not {"press", "storage"} & set(path.relative_to(laptop).parts):
            content = path.read_bytes()
            assert not any(word in content for word in (auth.encode(), b"A-1001", b"A-1002")), path
