"""The same shop on other grounds: on PostgreSQL, and with Prefect's stock process worker."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from backroom.cli.demo_judge import Verdict, failed_run_names, judge
from backroom.cli.environments import environment_of
from backroom.cli.processes import ROOT
from tests.databases import PostgresServer
from tests.running import RunningShop, running_shop, wait_until

pytestmark = [pytest.mark.prefect, pytest.mark.timeout(600)]


def ends_as_it_must(shop: RunningShop, count: int) -> None:
    sample = shop.send(count)
    verdicts: list[Verdict] = []

    def ended() -> bool:
        verdicts[:] = judge(shop.room, sample, failed_run_names(shop.api))
        return all(one.ended for one in verdicts)

    wait_until(ended, "every order to end", 300)
    assert [one for one in verdicts if one.wrong] == []


@pytest.mark.postgres
def test_the_shop_runs_on_postgresql_by_configuration_alone(
    tmp_path: Path, postgres_server: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BACKROOM_SECRET_DATABASE_URL", postgres_server.url(postgres_server.create()))
    with running_shop(tmp_path / "shop") as shop:
        assert not (shop.home / "shop.db").exists()
        ends_as_it_must(shop, 40)


def test_intake_and_fulfilment_also_run_on_prefects_stock_process_worker(tmp_path: Path) -> None:
    with running_shop(tmp_path / "shop") as shop:
        environment = environment_of(shop.room, shop.ports)
        pool = shop.prefect("POST", "/work_pools/", {"name": "stock", "type": "process"})
        assert pool["type"] == "process"
        for name in ("order-intake/main-hub", *(f"fulfil/{place.id}" for place in shop.room.shop.locations)):
            deployment = shop.prefect("GET", f"/deployments/name/{name}")
            shop.prefect("PATCH", f"/deployments/{deployment['id']}", {"work_pool_name": "stock"})
        worker = subprocess.Popen(
            [sys.executable, "-m", "prefect", "worker", "start", "--pool", "stock", "--type", "process"],
            env=environment | {"PREFECT_WORKER_QUERY_SECONDS": "2"},
            cwd=ROOT,
        )
        try:
            ends_as_it_must(shop, 20)
        finally:
            # Its runs have ended. Asked to stop, Prefect's worker sometimes goes on for minutes: not ours to test.
            worker.kill()
            worker.wait(10)
