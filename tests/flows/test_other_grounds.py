"""The same shop with Prefect's stock process worker: every deployment of prefect.yaml runs there as well."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from backroom.cli.demo_judge import Verdict, failed_run_names, judge
from backroom.cli.environments import BOOTH_KEY, environment_of_worker, worker_variables
from backroom.cli.processes import ROOT
from backroom.shop.demo_orders import DemoOrder, demo_orders
from tests.running import RunningShop, running_shop, wait_until

pytestmark = [pytest.mark.prefect, pytest.mark.timeout(600)]

MOVED = {
    "work_pool_name": "stock",
    "work_queue_name": "default",
    # `uv run` would look around for two seconds before each run.
    "job_variables": {"command": f"{sys.executable} -m prefect.engine"},
}
FINAL = {"COMPLETED", "FAILED", "CRASHED", "CANCELLED"}
# Where the demo's first of each kind ends: each run costs Prefect a process of its own, so one of each is enough.
KINDS = [
    ("fulfilled", "main-hub", True),
    ("fulfilled", "local-hub", True),
    ("fulfilled", "booth-a", True),
    ("failed", "main-hub", False),
    ("held", None, False),
]


def move(shop: RunningShop, name: str) -> str:
    """Give a deployment to the stock pool; returns its id."""
    deployment = shop.prefect("GET", f"/deployments/name/{name}")
    shop.prefect("PATCH", f"/deployments/{deployment['id']}", MOVED)
    return str(deployment["id"])


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningShop]:
    """The demo shop, the deployments that orders pass moved to a stock pool with a stock worker."""
    with running_shop(tmp_path_factory.mktemp("stock")) as shop:
        shop.prefect("POST", "/work_pools/", {"name": "stock", "type": "process"})
        hub, booth = shop.room.shop.location(shop.room.shop.hub).pool, "booth-a"
        stages = [f"{flow}/{place.id}" for flow in ("fulfil", "print-jobs") for place in shop.room.shop.locations]
        for name in ("order-intake/main-hub", *stages, "order/order", "decide/decide"):
            move(shop, name)
        # One stock worker for the printers of all places: it holds the booth's key beside those of the hub's own.
        keys = {
            name: key
            for name, key in worker_variables(shop.room, shop.ports, booth).items()
            if name.startswith(f"{BOOTH_KEY}_")
        }
        worker = subprocess.Popen(
            [sys.executable, "-m", "prefect", "worker", "start", "--pool", "stock", "--type", "process"],
            env=environment_of_worker(shop.room, shop.ports, hub) | keys | {"PREFECT_WORKER_QUERY_SECONDS": "2"},
            cwd=ROOT,
        )
        try:
            yield shop
        finally:
            # Its runs have ended. Asked to stop, Prefect's worker sometimes goes on for minutes: not ours to test.
            worker.kill()
            worker.wait(10)


@pytest.fixture(scope="module")
def sent(shop: RunningShop) -> list[DemoOrder]:
    """One demo order of each kind, sent and ended as it must."""
    first = {
        (order.expect.ending, order.expect.location, order.expect.printed): order
        for order in reversed(demo_orders(16, 1, datetime.now(UTC)))
    }
    sample = [first[kind] for kind in KINDS]
    shop.send_all(sample)
    verdicts: list[Verdict] = []

    def ended() -> bool:
        verdicts[:] = judge(shop.room, sample, failed_run_names(shop.api))
        return all(one.ended for one in verdicts)

    wait_until(ended, "every order to end", 300)
    assert [one for one in verdicts if one.wrong] == []
    return sample


def flows_run_by(shop: RunningShop, pool: str) -> set[str]:
    runs = shop.prefect("POST", "/flow_runs/filter", {"work_pools": {"name": {"any_": [pool]}}})
    names = {flow["id"]: flow["name"] for flow in shop.prefect("POST", "/flows/filter", {})}
    return {names[run["flow_id"]] for run in runs if run["start_time"] is not None}


def test_on_prefects_stock_process_worker_every_order_ends_as_it_must(shop: RunningShop, sent: list[DemoOrder]) -> None:
    assert any(order.expect.ending == "failed" for order in sent)
    assert {order.expect.location for order in sent if order.expect.printed} == {"main-hub", "local-hub", "booth-a"}
    assert flows_run_by(shop, "stock") == {"order-intake", "fulfil", "print-jobs", "order", "decide"}


def test_a_form_that_suspended_on_the_stock_worker_is_answered_and_carried_out(
    shop: RunningShop, sent: list[DemoOrder]
) -> None:
    number = shop.numbers("held")[0]
    name = f"{number} on hold"
    wait_until(lambda: [run["state_name"] for run in shop.runs_named(name)] == ["Suspended"], f"{name} to ask")
    (run,) = shop.runs_named(name)
    shop.prefect("POST", f"/flow_runs/{run['id']}/resume", {"run_input": {"choice": "cancel it"}})
    wait_until(lambda: number in shop.numbers("cancelled"), f"{number} to be cancelled")
    wait_until(lambda: shop.runs_named(name)[0]["state_type"] == "COMPLETED", "its form to end")


def test_what_looks_after_the_others_and_what_counts_runs_on_the_stock_worker_as_well(
    shop: RunningShop, sent: list[DemoOrder]
) -> None:
    asked: dict[str, dict[str, object]] = {
        "sweep/sweep": {},
        "breaker/breaker": {"breaker_id": 1},
        "alert/alert": {"what": "was tried", "subject": "the stock worker"},
        "returns/main-hub": {},
        "refunds/main-hub": {},
        "kpi/hourly": {},
        "kpi/daily": {},
        "audit/hourly": {},
        "retention/retention": {},
        "event/remind": {},
    }
    made = {
        name: shop.prefect("POST", f"/deployments/{move(shop, name)}/create_flow_run", {"parameters": parameters})["id"]
        for name, parameters in asked.items()
    }

    def ended() -> dict[str, tuple[str, str]]:
        runs = {name: shop.prefect("GET", f"/flow_runs/{run}") for name, run in made.items()}
        return {name: (run["state_type"], run["work_pool_name"]) for name, run in runs.items()}

    good = dict.fromkeys(asked, ("COMPLETED", "stock"))
    wait_until(lambda: all(state in FINAL for state, _ in ended().values()), "all of them to end", 300)
    assert ended() == good
