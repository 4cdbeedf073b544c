"""The warm worker against a real Prefect server: fast, at most once, and never at a loss."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from backroom.engine.deploy import DeploymentSpec, apply
from backroom.engine.wake import RunRequest, Waker
from tests.integration.engine.conftest import WorkerProcess, until
from tests.prefect_server import PrefectServer

pytestmark = [pytest.mark.prefect, pytest.mark.slow]

FLOWS = "tests/flows_for_engine.py"


@pytest.fixture(scope="module")
def deployed(running_prefect: PrefectServer) -> PrefectServer:
    names = {"quick": "quick", "slow": "slow", "fails-once": "fails_once", "exits": "exits"}
    apply([DeploymentSpec(f"{FLOWS}:{function}", "test", "engine-tests") for function in names.values()])
    return running_prefect


@pytest.fixture
def waker(deployed: PrefectServer) -> Iterator[Waker]:
    waker = Waker(deployed.api_url, deployed.auth)
    yield waker
    waker.close(5)


def start(waker: Waker, flow: str, path: Path, key: str, **parameters: Any) -> None:
    waker.start(RunRequest(f"{flow}/test", key, key, {"path": str(path), **parameters}))


def words(path: Path) -> list[str]:
    return [line.split()[0] for line in path.read_text().splitlines()] if path.exists() else []


def runs_named(server: PrefectServer, name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = server.post("/flow_runs/filter", {"flow_runs": {"name": {"any_": [name]}}})
    return found


def state_of(server: PrefectServer, name: str) -> str:
    found = runs_named(server, name)
    return str(found[0]["state"]["name"]) if found else ""


def test_a_run_starts_fast_after_it_was_asked_for(
    deployed: PrefectServer, worker: WorkerProcess, waker: Waker, tmp_path: Path
) -> None:
    start(waker, "quick", tmp_path / "warm-up", "warm-up")
    until((tmp_path / "warm-up").exists, 30, "the first run")
    took = []
    for number in range(20):
        path = tmp_path / str(number)
        asked = time.time()
        start(waker, "quick", path, f"fast-{number}")
        until(lambda path=path: words(path), 15, "a run")
        took.append(float(path.read_text().split()[1]) - asked)
        until(lambda number=number: state_of(deployed, f"fast-{number}") == "Completed", 15, "its end")
    took.sort()
    print(f"asked -> first task over 20: p50 {statistics.median(took):.3f} s, p95 {took[18]:.3f} s, all {took}")
    assert statistics.median(took) < 1.0
