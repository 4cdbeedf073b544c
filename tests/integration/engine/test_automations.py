"""Alerts that Prefect starts by itself, and deployments that are made twice."""

from __future__ import annotations

from pathlib import Path

import pytest

from backroom.engine.automations import ensure_alerts
from backroom.engine.deploy import DeploymentSpec, apply, location_tag
from backroom.engine.wake import RunRequest, Waker
from tests.integration.engine.conftest import WorkerProcess, until
from tests.prefect_server import PrefectServer

pytestmark = [pytest.mark.prefect, pytest.mark.slow]

FLOWS = "tests/flows_for_engine.py"


def test_deployments_made_twice_are_one_with_one_schedule(running_prefect: PrefectServer) -> None:
    spec = DeploymentSpec(
        f"{FLOWS}:quick", "twice", "twice", [location_tag("booth-a")], {"path": "/dev/null"}, every_seconds=3600
    )
    first, second = apply([spec]), apply([spec])
    assert first == second
    deployment = running_prefect.get(f"/deployments/{second['quick/twice']}")
    assert deployment["tags"] == ["location:booth-a"]
    assert [one["schedule"]["interval"] for one in deployment["schedules"]] == [3600]
    assert deployment["work_pool_name"] == "twice"
    assert deployment["parameter_openapi_schema"]["required"] == ["path"]
    assert running_prefect.get("/work_pools/twice")["type"] == "backroom"


def test_a_schedule_taken_away_is_gone(running_prefect: PrefectServer) -> None:
    spec = DeploymentSpec(f"{FLOWS}:quick", "unscheduled", "twice", cron="0 4 * * *")
    apply([spec])
    (made,) = apply([DeploymentSpec(f"{FLOWS}:quick", "unscheduled", "twice")]).values()
    assert running_prefect.get(f"/deployments/{made}")["schedules"] == []


def test_a_failed_order_a_failed_sweep_failed_checks_and_a_booth_that_went_away_start_an_alert(
    running_prefect: PrefectServer, worker: WorkerProcess, tmp_path: Path
) -> None:
    path = tmp_path / "alerts"
    apply(
        [
            DeploymentSpec(f"{FLOWS}:alert", "alert", worker.pool, parameters={"path": str(path)}),
            DeploymentSpec(f"{FLOWS}:order", "order", worker.pool),
            DeploymentSpec(f"{FLOWS}:sweep", "sweep", worker.pool),
            DeploymentSpec(f"{FLOWS}:data_quality", "hourly", worker.pool),
        ]
    )
    assert ensure_alerts() == ensure_alerts()
    # Automations are read by the server's trigger service a moment after they are made.
    waker = Waker(running_prefect.api_url, running_prefect.auth)
    waker.start_order_run("A-1042", "alert-test-1")
    until(lambda: path.exists() and "A-1042" in path.read_text(), 60, "the alert of the failed order")
    (run,) = running_prefect.post("/flow_runs/filter", {"flow_runs": {"name": {"any_": ["A-1042"]}}})
    assert "A-1042: the run failed for good" in path.read_text()
    assert f"/v2/runs/flow-run/{run['id']}\n" in path.read_text()
    # A sweep that fails every minute tells so once.
    for number in range(3):
        waker.start(RunRequest("sweep/sweep", f"sweep {number}", f"failing-sweep-{number}"))
    until(lambda: "sweep/sweep: its run failed" in path.read_text(), 60, "the alert of the failed sweep")
    waker.start(RunRequest("data-quality/hourly", "checks", "failing-checks"))
    told = "data-quality/hourly: its run failed, what it looks after is not of now"
    until(lambda: told in path.read_text(), 60, "the alert of the failed checks")
    (pool,) = running_prefect.post("/work_pools/filter", {"work_pools": {"name": {"any_": [worker.pool]}}})
    # The event that the server's own foreman sends when a pool's workers have been silent for 90 s.
    running_prefect.post(
        "/events",
        [
            {
                "event": "prefect.work-pool.not-ready",
                "resource": {
                    "prefect.resource.id": f"prefect.work-pool.{pool['id']}",
                    "prefect.resource.name": worker.pool,
                },
                "occurred": pool["updated"],
                "id": "00000000-0000-4000-8000-000000000001",
            }
        ],
    )
    until(lambda: f"{worker.pool}: its worker is silent" in path.read_text(), 60, "the alert of the booth")
    assert path.read_text().endswith(f"/v2/work-pools/work-pool/{worker.pool}\n")
    assert path.read_text().count("sweep/sweep: its run failed") == 1
    assert waker.close(5)


def test_an_alert_paused_by_a_person_stays_paused(running_prefect: PrefectServer, worker: WorkerProcess) -> None:
    apply([DeploymentSpec(f"{FLOWS}:alert", "alert", worker.pool, parameters={"path": "/dev/null"})])
    first, *_ = ensure_alerts()
    running_prefect.patch(f"/automations/{first}", {"enabled": False})
    ensure_alerts()
    assert running_prefect.get(f"/automations/{first}")["enabled"] is False
    running_prefect.patch(f"/automations/{first}", {"enabled": True})


def test_a_run_request_for_a_deployment_that_is_not_there_is_counted_as_lost(running_prefect: PrefectServer) -> None:
    waker = Waker(running_prefect.api_url, running_prefect.auth)
    waker.start(RunRequest("nobody/nowhere", "lost", "lost"))
    assert not waker.close(20)
    assert waker.lost == 1
