"""A worker process for tests, and a wait for a condition."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TypeVar

import pytest

from tests.prefect_server import PrefectServer, without_prefect

T = TypeVar("T")
ROOT = Path(__file__).parents[3]
OURS = ("backroom.engine.run_worker",)


def until(look: Callable[[], T], seconds: float, what: str) -> T:
    """The first truthy answer of `look`; an AssertionError after `seconds`."""
    deadline = time.monotonic() + seconds
    while not (seen := look()):
        assert time.monotonic() < deadline, f"waited {seconds} s for {what}"
        time.sleep(0.02)
    return seen


class WorkerProcess:
    """A worker of ours in a process of its own; on a machine of its own as well, where it gets a `home` there."""

    def __init__(
        self, server: PrefectServer, pool: str, folder: Path, command: Sequence[str] = OURS, home: Path | None = None
    ) -> None:
        self.server, self.pool, self.log = server, pool, folder / f"worker-{pool}.log"
        self._environment = without_prefect(dict(os.environ)) | server.environment() | {"PYTHONUNBUFFERED": "1"}
        if home is not None:
            self._environment["PREFECT_HOME"] = str(home)
        self._command = [sys.executable, "-m", *command, "--pool", pool, "--name", f"{pool}-w"]
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, **environment: str) -> None:
        """Start it, with what is said here over its environment."""
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command,
                env=self._environment | environment,
                cwd=ROOT,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        until(lambda: "started!" in self.log.read_text(), 120, "the worker to start")

    @property
    def returncode(self) -> int | None:
        assert self._process is not None
        return self._process.poll()

    def send(self, number: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(number)

    def end(self, number: signal.Signals, within: float = 45) -> int:
        self.send(number)
        assert self._process is not None
        code = self._process.wait(within)
        # A word of the last start must not be taken for one of the next.
        self.log.rename(self.log.with_suffix(f".{time.monotonic_ns()}.log"))
        return code

    def kill(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.wait()


@pytest.fixture(scope="module")
def worker(running_prefect: PrefectServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[WorkerProcess]:
    """A worker on the pool `engine-tests`."""
    process = WorkerProcess(running_prefect, "engine-tests", tmp_path_factory.mktemp("worker"))
    process.start()
    yield process
    process.kill()
