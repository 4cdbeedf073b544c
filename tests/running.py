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

import requests
from sqlalchemy import select

from backroom.cli.demo_messages import Sender
from backroom.cli.environments import Ports
from backroom.cli.prepare import PREFECT_AUTH, prepare
from backroom.cli.processes import ROOT, free_ports, gateway_child, make_known, server_child, worker_children
from backroom.engine.supervise import Supervisor
from backroom.shop.demo_orders import DemoOrder, demo_orders
from backroom.shop.room import Room
from backroom.shop.secrets import Secrets
from backroom.store.story import OrderStory, story
from backroom.store.tables import orders
from tests.prefect_server import lay_migrated_database

PATIENCE = 150.0


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

    def send_all(self, sample: Sequence[DemoOrder]) -> None:
        sender = Sender(self.room, self.ports.pages, self.ports.api)
        sender.send(sample, lambda: None)
        assert sender.wrong_answers == []

    def pid(self, name: str) -> int:
        """The process id of `prefect-server`, `gateway`, `worker-hub`, `worker-desk` or `worker-booth-a`."""
        for one in [*self.server.status(), *self.rest.status()]:
            if one.name == name and one.pid is not None:
                return one.pid
        raise AssertionError(f"{name} does not run")

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
def running_shop(
    home: Path, change: Callable[[str], str] = lambda text: text, *, without: frozenset[str] = frozenset()
) -> Iterator[RunningShop]:
    """Start the demo shop in `home`; `change` may rewrite its shop file first, pools in `without` get no worker."""
    shutil.copytree(ROOT / "data", home, dirs_exist_ok=True, ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    shop_file = home / "shop.toml"
    shop_file.write_text(change(shop_file.read_text(encoding="utf-8")), encoding="utf-8")
    Secrets.read(home / "secrets.toml").add({PREFECT_AUTH: ""})
    ports = free_ports()
    with ExitStack() as stack:
        room = prepare(home)
        stack.callback(room.close)
        lay_migrated_database(room.home / "prefect")
        server = stack.enter_context(Supervisor([server_child(room, ports)], home / "logs"))
        make_known(room, ports)
        children = [gateway_child(room, ports), *worker_children(room, ports, without=without)]
        rest = stack.enter_context(Supervisor(children, home / "logs"))
        yield RunningShop(room, ports, server, rest)
