"""The processes of one shop on one machine.

What belongs here: which processes a shop file asks for. What does not: their environments (`environments`), keeping
them alive (`backroom.engine.supervise`), and the deployments they serve (`backroom.engine.deployments`).
"""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import requests

import backroom
from backroom.cli.environments import (
    Ports,
    environment_of,
    environment_of_server,
    environment_of_worker,
    login_of,
    pools_of,
)
from backroom.domain.errors import AskPerson
from backroom.domain.shop import QUALITY_POOL
from backroom.engine.server import DESK, WAVES
from backroom.engine.supervise import Child
from backroom.shop.room import Room

ROOT = Path(backroom.__file__).resolve().parent.parent
READY_SECONDS = 2.0
# A wave takes what the processor has to spare: whoever presses a button in the UI, or a channel that waits for its
# answer, does not wait for it.
WORKER_NICE = 10
# Nobody waits for the checks of data quality.
QUALITY_NICE = 19
KNOWN_SECONDS = 180
_SEE_SERVER = "See logs/prefect-server.log in the home folder."
WORKER_READY_WITHIN = 180.0


class PortTaken(AskPerson):
    """Another program listens there."""

    cause = "port_taken"


class NotMadeKnown(AskPerson):
    """Prefect refused deployments or blocks."""

    cause = "not_made_known"


def free_ports() -> Ports:
    """Two ports nobody listens on now."""
    sockets = [socket.socket() for _ in range(2)]
    try:
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return Ports(*(one.getsockname()[1] for one in sockets))
    finally:
        for one in sockets:
            one.close()


def check_free(ports: Ports) -> None:
    """PortTaken when something listens there already."""
    for port, what in ((ports.prefect, "Prefect"), (ports.gateway, "the gateway")):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                raise PortTaken(
                    f"port {port} for {what} is in use", remedy="Is Backroom running already? Or choose another port."
                )


def server_child(room: Room, ports: Ports, database_url: str | None = None) -> Child:
    """Prefect's server, with its own database in the home folder unless told otherwise."""
    (room.home / "prefect").mkdir(mode=0o700, exist_ok=True)
    environment = environment_of_server(room, ports, database_url)
    argv = [sys.executable, "-m", "backroom.engine.prefect_server", "--host", "127.0.0.1", "--port", str(ports.prefect)]
    return Child(
        "prefect-server",
        argv,
        env=environment,
        cwd=ROOT,
        ready=_answers(f"{ports.api}/health", login_of(room)),
        ready_within=120,
    )


def gateway_child(room: Room, ports: Ports) -> Child:
    argv = [sys.executable, "-m", "backroom.gateway"]
    ready = _answers(f"{ports.pages}/health")
    return Child("gateway", argv, env=environment_of(room, ports), cwd=ROOT, ready=ready)


def worker_child(pool: str, environment: Mapping[str, str], queue: str = "", number: int = 1) -> Child:
    """A worker of our own type for a pool, or one of its queues; which keys it holds stands in its environment.

    Of several for the same, each has its number, and with it a name of its own: by its name a worker knows its runs.
    """
    called, nice = (DESK, 0) if queue == DESK else (pool, WORKER_NICE)
    if number > 1:
        called = f"{called}-{number}"
    argv = [sys.executable, "-m", "backroom.engine.run_worker", "--pool", pool, "--name", f"backroom {called}"]
    if queue:
        argv += ["--queue", queue]
    env = {"PYTHONUNBUFFERED": "1", **environment}
    return Child(f"worker-{called}", argv, env=env, cwd=ROOT, nice=nice)


def keeper_child(location: str, environment: Mapping[str, str]) -> Child:
    """The print loop of a booth that goes on without Prefect and without the shop."""
    argv = [sys.executable, "-m", "backroom.printing.keeper", "--location", location]
    return Child("keeper", argv, env={"PYTHONUNBUFFERED": "1", **environment}, cwd=ROOT)


def worker_children(
    room: Room, ports: Ports, *, without: frozenset[str] = frozenset(), hub_workers: int = 1
) -> list[Child]:
    """One worker for each pool of the shop, the hub's first and data quality's last; the hub's pool has a further one
    for its desk.

    `hub_workers` share the hub's waves.
    """
    hub = room.shop.location(room.shop.hub).pool
    at_hub = [*((WAVES, number) for number in range(1, hub_workers + 1)), (DESK, 1)]
    children = []
    for pool in pools_of(room.shop):
        if pool in without:
            continue
        for queue, number in at_hub if pool == hub else [("", 1)]:
            child = worker_child(pool, environment_of_worker(room, ports, pool), queue, number)
            ready = _serves(room, ports, pool, child.name.replace("worker-", "backroom ", 1))
            # They import for seconds, and none needs another: all at once, and beside the gateway.
            children.append(replace(child, ready=ready, ready_within=WORKER_READY_WITHIN, alongside=True))
    if QUALITY_POOL not in without:
        # The shop is open without it: it is not waited for.
        child = worker_child(QUALITY_POOL, environment_of_worker(room, ports, QUALITY_POOL))
        children.append(replace(child, nice=QUALITY_NICE, alongside=True))
    return children


def make_known(room: Room, ports: Ports) -> None:
    """Deployments, pools, automations and blocks, as the shop file and the secrets say; safe to do again.

    In a process of its own: Prefect reads its settings when it is imported, and no command needs it otherwise.
    """
    argv = [sys.executable, "-m", "blocks.register"]
    environment = environment_of(room, ports)
    try:
        done = subprocess.run(  # noqa: S603 - argv is ours, and no shell reads it
            argv, env=environment, cwd=ROOT, timeout=KNOWN_SECONDS, stdout=subprocess.PIPE, text=True, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise NotMadeKnown(f"Prefect did not answer within {KNOWN_SECONDS} s.", remedy=_SEE_SERVER) from error
    if done.returncode:
        # An error of ours is its sentence; anything else has shown its traceback.
        raise NotMadeKnown(done.stdout.strip() or "Prefect did not take the deployments.", remedy=_SEE_SERVER)


def _serves(room: Room, ports: Ports, pool: str, worker: str) -> Callable[[], bool]:
    """Whether Prefect has heard of a worker of that name that serves a pool."""
    url, online = f"{ports.api}/work_pools/{pool}/workers/filter", {"workers": {"status": {"any_": ["ONLINE"]}}}

    def ready() -> bool:
        answer = _ask("POST", url, login_of(room), online)
        return answer is not None and any(one["name"] == worker for one in answer.json())

    return ready


def _answers(url: str, login: tuple[str, str] | None = None) -> Callable[[], bool]:
    return lambda: _ask("GET", url, login) is not None


def _ask(method: str, url: str, login: tuple[str, str] | None, body: object = None) -> requests.Response | None:
    """The answer, if there is one and it is a good one."""
    try:
        answer = requests.request(method, url, json=body, auth=login, timeout=READY_SECONDS)
    except requests.RequestException:
        return None
    return answer if answer.ok else None
