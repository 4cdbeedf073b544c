"""The shop that outgrew one machine: every command of the compose file, on a real PostgreSQL and a real Redis."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest
import requests
from sqlalchemy import func, select

from backroom.cli.demo_judge import judge
from backroom.cli.demo_messages import Sender
from backroom.cli.processes import ROOT
from backroom.shop.demo_messages import DemoOrder, Maker
from backroom.shop.demo_samples import approve_samples
from backroom.shop.demo_stories import border, web_far, web_local, woo_far
from backroom.shop.room import Room, open_room
from backroom.store.tables import history
from tests.peers.compose import Composed, running_postgres, running_redis, services
from tests.prefect_server import free_port
from tests.running import wait_until

pytestmark = [pytest.mark.peer, pytest.mark.prefect, pytest.mark.whole, pytest.mark.timeout(900)]

# `make test-peers` puts it there, beside our own packages: nothing but this way of running needs it.
PREFECT_REDIS = ROOT / ".tools" / "prefect-redis"
# A folder in which somebody did what the Containerfile says, to run what the image holds and nothing else.
IMAGE = os.environ.get("BACKROOM_IMAGE", "")
AUTH = "backroom:for-tests"
STORIES = (web_far, web_local, woo_far, border)
MOST_ROUNDS = 12


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo shop's home folder, as the page says to make one."""
    folder = tmp_path_factory.mktemp("grown") / "shop"
    shutil.copytree(ROOT / "data", folder, ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    folder.chmod(0o700)
    return folder


@pytest.fixture(scope="module")
def composed(home: Path) -> Iterator[Composed]:
    """All services of the compose file, running."""
    if not IMAGE and not PREFECT_REDIS.exists():
        pytest.skip(f"NO PREFECT-REDIS: {PREFECT_REDIS} is not there (make test-peers)")
    logs = home.parent / "logs"
    logs.mkdir()
    database = services()["postgres"]["environment"]
    with ExitStack() as stack:
        redis = stack.enter_context(running_redis(logs))
        postgres = stack.enter_context(running_postgres(database["POSTGRES_USER"], database["POSTGRES_DB"]))
        api, gateway = free_port(), free_port()
        one = Composed(
            variables={"SHOP_HOME": str(home), "POSTGRES_PASSWORD": "secret", "PREFECT_AUTH": AUTH},
            places={
                "postgres:5432": f"127.0.0.1:{postgres}",
                "redis:6379": f"127.0.0.1:{redis}",
                "prefect-api:4200": f"127.0.0.1:{api}",
                "gateway:8600": f"127.0.0.1:{gateway}",
                "0.0.0.0": "127.0.0.1",
                "4200": str(api),
                "8600": str(gateway),
                "/shop": str(home),
                "/tmp/prefect": str(logs / "prefect"),
            },
            programs=Path(IMAGE) / ".venv" / "bin" if IMAGE else Path(sys.executable).parent,
            work=Path(IMAGE or ROOT),
            logs=logs,
            extra={} if IMAGE else {"PYTHONPATH": str(PREFECT_REDIS)},
        )
        stack.callback(one.stop)
        one.up("prefect-services", "gateway", "hub-1", "hub-2", "desk")
        yield one


@pytest.fixture(scope="module")
def room(composed: Composed, home: Path) -> Iterator[Room]:
    """The shop as its gateway has it open."""
    with pytest.MonkeyPatch.context() as patch:
        words = composed.environment(services()["gateway"])
        patch.setenv("BACKROOM_SECRET_DATABASE_URL", words["BACKROOM_SECRET_DATABASE_URL"])
        opened = open_room(home)
    approve_samples(opened)
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def sent(composed: Composed, room: Room) -> list[DemoOrder]:
    """Orders through the gateway until both workers at the hub had some, all ended as they must."""
    maker = Maker(1, datetime.now(UTC))
    sender = Sender(room, f"http://{composed.here('gateway:8600')}", api_of(composed))
    sample: list[DemoOrder] = []
    for _ in range(MOST_ROUNDS):
        more = [order for story in STORIES for order in story(maker)]
        sample += more
        sender.send(more, lambda: None)
        wait_until(partial(all_ended, room, sample), "every order to end", 300)
        if {"hub-1", "hub-2"} <= workers(composed, room):
            break
    assert sender.wrong_answers == []
    assert [one for one in judge(room, sample, set()) if one.wrong] == []
    return sample


def all_ended(room: Room, sample: list[DemoOrder]) -> bool:
    return all(one.ended for one in judge(room, sample, set()))


def api_of(composed: Composed) -> str:
    return f"http://{composed.here('prefect-api:4200')}/api"


def workers(composed: Composed, room: Room) -> set[str]:
    """Who ran the runs that released orders: the names of workers."""
    with room.database.read() as connection:
        runs = connection.execute(select(history.c.run_id).where(history.c.event == "order.released").distinct())
        ids = list(runs.scalars())
    asked = {"flow_runs": {"id": {"any_": ids}}}
    user, _, password = AUTH.partition(":")
    found = requests.post(f"{api_of(composed)}/flow_runs/filter", json=asked, auth=(user, password), timeout=60)
    found.raise_for_status()
    # A worker signs with its name and what tells it from one of the same name elsewhere.
    return {str(run["infrastructure_pid"]).rpartition(" ")[0] for run in found.json()}


def test_orders_are_fulfilled_by_both_workers_of_the_hub(composed: Composed, room: Room, sent: list[DemoOrder]) -> None:
    assert workers(composed, room) >= {"hub-1", "hub-2"}
    with room.database.read() as connection:
        ended = select(func.count()).select_from(history).where(history.c.event == "order.fulfilled")
        assert connection.execute(ended).scalar_one() == len({order.external_id for order in sent})


def test_prefects_events_went_over_redis_and_its_services_ran_beside_the_api(
    composed: Composed, sent: list[DemoOrder]
) -> None:
    port = composed.here("redis:6379").rpartition(":")[2]
    assert "events" in keys(port, database=0)
    assert "prefect-server" in keys(port, database=1)
    assert [composed.running[name].poll() for name in ("prefect-api", "prefect-services")] == [None, None]


def keys(port: str, database: int) -> str:
    asked = ["redis-cli", "-p", port, "-n", str(database), "KEYS", "*"]
    return subprocess.run(asked, capture_output=True, text=True, check=True, timeout=30).stdout
