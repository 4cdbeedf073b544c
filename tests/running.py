"""A whole shop running for tests: the same processes as `backroom up`, with the demo shop, on free ports.

What belongs here: starting it, sending orders, waiting for a condition, killing one of its processes. What does not:
what is expected of it.
"""

from __future__ import annotations

import os
import shutil
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import requests
from sqlalchemy import select

from backroom.cli.demo_judge import Verdict, failed_run_names, judge
from backroom.cli.demo_messages import Sender
from backroom.cli.environments import Ports
from backroom.cli.prepare import PREFECT_AUTH, prepare
from backroom.cli.processes import ROOT, free_ports, gateway_child, make_known, server_child, worker_children
from backroom.engine.supervise import Status, Supervisor
from backroom.shop.demo_orders import DemoOrder, demo_orders
from backroom.shop.demo_samples import approve_samples
from backroom.shop.room import Room
from backroom.shop.secrets import Secrets
from backroom.store.story import OrderStory, story
from backroom.store.tables import orders
from tests.databases import PostgresServer
from tests.prefect_server import lay_migrated_database

# Whatever a stalled machine spoils once is tried again by itself, after the sweep's minute and a put-off of another:
# this waits for two such turns. How soon things happen is asked elsewhere, alone (`tests/integration/engine`).
PATIENCE = 240.0


@dataclass(slots=True)
class RunningShop:
    """A shop that runs. `home` is its folder, `api` Prefect's address."""

    room: Room
    ports: Ports
    server: Supervisor
    rest: Supervisor

    @property
    def home(self) -> Path:
        return self.room.home

    @property
    def api(self) -> str:
        return self.ports.api

    def send(self, count: int, seed: int = 1) -> list[DemoOrder]:
        """Send demo orders through the gateway's doors."""
        sample = demo_orders(count, seed, datetime.now(UTC))
        self.send_all(sample)
        return sample

    def sender(self) -> Sender:
        """Whoever delivers to this shop's doors."""
        return Sender(self.room, self.ports.pages, self.ports.api)

    def send_all(self, sample: Sequence[DemoOrder]) -> None:
        sender = self.sender()
        sender.send(sample, lambda: None)
        assert sender.wrong_answers == []

    def status(self, name: str) -> Status:
        """How `prefect-server`, `gateway`, `worker-hub`, `worker-desk` or `worker-booth-a` is."""
        (one,) = [one for one in [*self.server.status(), *self.rest.status()] if one.name == name]
        return one

    def pid(self, name: str) -> int:
        pid = self.status(name).pid
        assert pid is not None, f"{name} does not run"
        return pid

    def kill(self, name: str) -> None:
        """`kill -9` one of our own processes; its supervisor starts it again."""
        os.kill(self.pid(name), signal.SIGKILL)

    def story(self, number: str) -> OrderStory:
        with self.room.database.read() as connection:
            told = story(connection, number)
        assert told is not None
        return told

    def numbers(self, state: str | None = None) -> list[str]:
        """Order numbers, those in one state where it is named."""
        query = select(orders.c.number).order_by(orders.c.id)
        with self.room.database.read() as connection:
            return list(connection.execute(query if state is None else query.where(orders.c.state == state)).scalars())

    def await_endings(self, sample: Sequence[DemoOrder], seconds: float = PATIENCE) -> None:
        """Wait until every one of these orders ended, and ended as it must."""
        verdicts: list[Verdict] = []

        def ended() -> bool:
            verdicts[:] = judge(self.room, sample, ())
            if all(one.ended or one.expected == "failed" for one in verdicts):
                # Prefect is asked last, and seldom: it has enough to do.
                try:
                    verdicts[:] = judge(self.room, sample, failed_run_names(self.api))
                except requests.ConnectionError:
                    # Whoever waits may have killed it, and it is started again.
                    return False
            return all(one.ended for one in verdicts)

        try:
            wait_until(ended, "every order to end", seconds)
        except AssertionError as error:
            error.add_note("\n".join(f"{one.number} {one.kind}: {one.ending}" for one in verdicts if not one.ended))
            raise
        assert [one for one in verdicts if one.wrong] == []

    def prefect(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        """A call of Prefect's REST API."""
        answer = requests.request(method, f"{self.api}{path}", json=body, timeout=60)
        answer.raise_for_status()
        return answer.json() if answer.content else None

    def runs_named(self, name: str) -> list[dict[str, Any]]:
        """Prefect's runs of that name, newest first."""
        body = {"flow_runs": {"name": {"any_": [name]}}, "sort": "EXPECTED_START_TIME_DESC"}
        found: list[dict[str, Any]] = self.prefect("POST", "/flow_runs/filter", body)
        return found


def wait_until(condition: Callable[[], bool], what: str, seconds: float = PATIENCE) -> None:
    """Wait for a condition, looking at it four times a second; fails with what was waited for."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"waited {seconds:g} s for {what}"
        time.sleep(0.25)


@contextmanager
def shop_database(request: pytest.FixtureRequest) -> Iterator[str]:
    """For a fixture with the parameters `sqlite` and `postgres`: the database of shops that are started meanwhile.

    `running_shop` finds PostgreSQL's address where a real shop does.
    """
    with pytest.MonkeyPatch.context() as patch:
        if request.param == "postgres":
            server: PostgresServer = request.getfixturevalue("postgres_server")
            patch.setenv("BACKROOM_SECRET_DATABASE_URL", server.url(server.create()))
        yield request.param


@contextmanager
def running_shop(
    home: Path,
    change: Callable[[str], str] = lambda text: text,
    *,
    without: frozenset[str] = frozenset(),
    hub_workers: int = 1,
    ports: Ports | None = None,
) -> Iterator[RunningShop]:
    """Start the demo shop in `home`; `change` may rewrite its shop file first, pools in `without` get no worker."""
    shutil.copytree(ROOT / "data", home, dirs_exist_ok=True, ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    shop_file = home / "shop.toml"
    shop_file.write_text(change(shop_file.read_text(encoding="utf-8")), encoding="utf-8")
    Secrets.read(home / "secrets.toml").add({PREFECT_AUTH: ""})
    ports = ports or free_ports()
    with ExitStack() as stack:
        room = prepare(home)
        stack.callback(room.close)
        approve_samples(room)
        lay_migrated_database(room.home / "prefect")
        server = stack.enter_context(Supervisor([server_child(room, ports)], home / "logs"))
        make_known(room, ports)
        workers = worker_children(room, ports, without=without, hub_workers=hub_workers)
        children = [gateway_child(room, ports), *workers]
        rest = stack.enter_context(Supervisor(children, home / "logs"))
        yield RunningShop(room, ports, server, rest)
