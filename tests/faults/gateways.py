"""Gateways that are killed and started again, each a process of its own.

What belongs here: starting and killing them. What does not: what is delivered to them, and what must be there
afterwards (`test_full_disk`).

`python -m tests.faults.gateways` imports the gateway once and forks one whenever it is asked: a start takes
milliseconds, and its end is a real one.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import httpx

from backroom.cli.environments import Ports, environment_of
from backroom.cli.processes import ROOT
from backroom.gateway.__main__ import main as serve
from backroom.shop.room import Room
from tests.running import wait_until


@dataclass
class Gateway:
    """The gateway of a shop: it can be killed and started again."""

    room: Room
    ports: Ports
    log: Path
    asked: IO[str]
    answers: IO[str]
    pid: int = 0

    def __post_init__(self) -> None:
        self.client = httpx.Client(timeout=5, limits=httpx.Limits(max_keepalive_connections=0))

    def start(self) -> None:
        self.asked.write("start\n")
        self.asked.flush()
        self.pid = int(json.loads(self.answers.readline()))
        wait_until(self.works, "the gateway")

    def works(self) -> bool:
        assert self.lives(), self.log.read_text()[-2000:]
        try:
            return self.client.get(f"{self.ports.pages}/health").status_code == 200
        except httpx.TransportError:
            return False

    def lives(self) -> bool:
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return False
        return True

    def kill(self) -> None:
        os.kill(self.pid, signal.SIGKILL)
        wait_until(lambda: not self.lives(), "the gateway to be gone")
        self.pid = 0


@contextmanager
def a_gateway(room: Room, ports: Ports, log: Path) -> Iterator[Gateway]:
    """The gateway of a room on its ports, not started yet; killed with the body where it still runs."""
    # Prefect is away, as it may be: the gateway does not need it to take orders.
    environment = environment_of(room, ports) | {"PREFECT_HOME": str(log.parent / "prefect")}
    command = [sys.executable, "-m", "tests.faults.gateways"]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with log.open("wb") as out, subprocess.Popen(command, env=environment, cwd=ROOT, stderr=out, **pipes) as process:  # type: ignore[call-overload]
        gateway = Gateway(room, ports, log, process.stdin, process.stdout)
        try:
            yield gateway
        finally:
            if gateway.pid:
                with suppress(ProcessLookupError):
                    os.kill(gateway.pid, signal.SIGKILL)
            process.stdin.close()


def main() -> None:
    # Nobody waits for those that are killed.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    for _ in sys.stdin:
        child = os.fork()
        if child == 0:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            try:
                serve()
            finally:
                sys.stderr.flush()
                os._exit(1)
        print(json.dumps(child), flush=True)


if __name__ == "__main__":
    main()
