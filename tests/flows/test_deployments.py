"""The deployments: those of prefect.yaml are the demo shop's, and every entrypoint is a real flow."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from prefect.client.orchestration import get_client
from prefect.flows import load_flow_from_entrypoint

from backroom.engine.deploy import DeploymentSpec, apply, ensure_pool
from backroom.engine.deployments import specs_of
from backroom.shop.load import load_shop
from tests.prefect_server import PrefectServer, asking, without_prefect

ROOT = Path(__file__).resolve().parents[2]
LISTED = yaml.safe_load((ROOT / "prefect.yaml").read_text(encoding="utf-8"))["deployments"]


def test_prefect_yaml_deploys_exactly_what_up_deploys_for_the_demo_shop() -> None:
    specs = specs_of(load_shop(ROOT / "data" / "shop.toml"))
    made = [
        (
            spec.entrypoint,
            spec.name,
            spec.pool,
            spec.queue or None,
            list(spec.tags),
            dict(spec.parameters),
            _schedules(spec),
        )
        for spec in specs
    ]
    written = [
        (
            one["entrypoint"],
            one["name"],
            one["work_pool"]["name"],
            one["work_pool"].get("work_queue_name"),
            one["tags"],
            one["parameters"],
            one.get("schedules"),
        )
        for one in LISTED
    ]
    assert written == made


def _schedules(spec: DeploymentSpec) -> list[dict[str, object]] | None:
    if spec.cron:
        return [{"cron": spec.cron, "timezone": "UTC"}]
    return [{"interval": int(spec.every_seconds)}] if spec.every_seconds else None


@pytest.mark.parametrize("entrypoint", sorted({one["entrypoint"] for one in LISTED}))
def test_an_entrypoint_loads_as_a_flow_and_not_as_a_placeholder(
    entrypoint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    flow = load_flow_from_entrypoint(entrypoint, use_placeholder_flow=False)
    assert flow.fn.__doc__


@pytest.fixture
def empty_server(tmp_path: Path) -> Iterator[PrefectServer]:
    """A server of the test's own, with nothing but the demo shop's pools: other tests' deployments have these names."""
    server = PrefectServer(tmp_path / "prefect", auth="backroom:for-deploy")
    server.start()
    try:
        with asking(server), get_client(sync_client=True) as client:
            for pool in sorted({one["work_pool"]["name"] for one in LISTED}):
                ensure_pool(client, pool)
            yield server
    finally:
        server.stop()


def deployed(server: PrefectServer) -> dict[str, dict[str, Any]]:
    """What Prefect has, by `flow/deployment`: all that decides what is run, when, where and with what."""
    flows = {flow["id"]: flow["name"] for flow in server.post("/flows/filter", {})}
    kept = ("entrypoint", "work_pool_name", "work_queue_name", "tags", "parameters", "parameter_openapi_schema")
    return {
        f"{flows[one['flow_id']]}/{one['name']}": {
            **{name: one[name] for name in kept},
            "schedules": [
                ({name: value for name, value in each["schedule"].items() if name != "anchor_date"}, each["active"])
                for each in one["schedules"]
            ],
        }
        for one in server.post("/deployments/filter", {})
    }


@pytest.mark.prefect
@pytest.mark.slow
@pytest.mark.timeout(900)
def test_prefect_deploy_all_makes_the_deployments_that_up_makes(empty_server: PrefectServer) -> None:
    command = [sys.executable, "-m", "prefect", "--no-prompt", "deploy", "--all"]
    environment = without_prefect(dict(os.environ)) | empty_server.environment()
    done = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    by_hand = deployed(empty_server)
    by_up = apply(specs_of(load_shop(ROOT / "data" / "shop.toml")))
    assert set(by_hand) == set(by_up)
    assert len(by_hand) == len(LISTED)
    # The same deployments once more, as `up` makes them over those.
    assert deployed(empty_server) == by_hand
