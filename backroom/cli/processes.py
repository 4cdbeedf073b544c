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
    auth_of,
    environment_of,
    environment_of_server,
    environment_of_worker,
    pools_of,
)
from backroom.domain.errors import AskPerson
from backroom.engine.server import DESK, WAVES
from backroom.engine.supervise import Child
from backroom.shop.room import Room

ROOT = Path(backroom.__file__).resolve().parent.parent
READY_SECONDS = 2.0
# A wave takes what the processor has to spare: whoever presses a button in the UI, or a channel that waits for its
# answer, does not wait for it.
WORKER_NICE = 10
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
    auth = auth_of(room)
    (room.home / "prefect").mkdir(mode=0o700, exist_ok=True)
    environment = environment_of_server(room, ports, database_url)
    argv = [sys.executable, "-m", "backroom.engine.prefect_server", "--host", "127.0.0.1", "--port", str(ports.prefect)]
    return Child(
        "prefect-server", argv, env=environment, cwd=ROOT, ready=_answers(f"{ports.api}/health", auth), ready_within=120
    )


def gateway_child(room: Room, ports: Ports) -> Child:
    argv = [sys.executable, "-m", "backroom.gateway"]
    ready = _answers(f"{ports.pages}/health", "")
    return Child("gateway", argv, env=environment_of(room, ports), cwd=ROOT, ready=ready)


def worker_child(pool: str, environment: Mapping[str, str], queue: str = "") -> Child:
    """A worker of our own type for a pool, or one of its queues; which keys it holds stands in its environment."""
    argv = [sys.executable, "-m", "backroom.engine.run_worker", "--pool", pool, "--name", _worker_name(pool, queue)]
    if queue:
        argv += ["--queue", queue]
    env = {"PYTHONUNBUFFERED": "1", **environment}
    if queue == DESK:
        # In a wave Prefect's events arrive up to ten seconds late, and somebody waits for this one.
        env["PREFECT_WORKER_QUERY_SECONDS"] = "1"
    nice = 0 if queue == DESK else WORKER_NICE
    return Child(f"worker-{DESK if queue == DESK else pool}", argv, env=env, cwd=ROOT, nice=nice)


def _worker_name(pool: str, queue: str) -> str:
    return f"backroom {DESK if queue == DESK else pool}"


def worker_children(room: Room, ports: Ports, *, without: frozenset[str] = frozenset()) -> list[Child]:
    """One worker for each pool of the shop, the hub's first; the hub's pool has a second one for its desk."""
    hub = room.shop.location(room.shop.hub).pool
    children = []
    for pool in pools_of(room.shop):
        if pool in without:
            continue
        for queue in (WAVES, DESK) if pool == hub else ("",):
            child = worker_child(pool, environment_of_worker(room, ports, pool), queue)
            ready = _serves(room, ports, pool, _worker_name(pool, queue))
            children.append(replace(child, ready=ready, ready_within=WORKER_READY_WITHIN))
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
    user, _, password = auth_of(room).partition(":")

    def ready() -> bool:
        try:
            answer = requests.post(
                f"{ports.api}/work_pools/{pool}/workers/filter",
                json={"workers": {"status": {"any_": ["ONLINE"]}}},
                auth=(user, password) if user else None,
                timeout=READY_SECONDS,
            )
            return answer.ok and any(one["name"] == worker for one in answer.json())
        except requests.RequestException:
            return False

    return ready


def _answers(url: str, auth: str) -> Callable[[], bool]:
    user, _, password = auth.partition(":")

    def ready() -> bool:
        try:
            return requests.get(url, auth=(user, password) if auth else None, timeout=READY_SECONDS).ok
        except requests.RequestException:
            return False

    return ready
