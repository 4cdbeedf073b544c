"""A real Prefect server for tests: one process a session, on a free port, in a folder of its own.

`PrefectServer` may also be started by a test itself, when it wants one to stop and to start again.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
import requests

from backroom.engine.server import api_url, client_environment, server_environment

STARTS_WITHIN = 150.0
ENDS_WITHIN = 20.0
DATABASE = "prefect.db"
KEPT = Path(__file__).parents[1] / ".pytest_cache" / "prefect"


def free_port() -> int:
    """A port that nobody uses at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def without_prefect(environment: dict[str, str]) -> dict[str, str]:
    """An environment without the settings of whoever runs the tests."""
    return {name: value for name, value in environment.items() if not name.startswith("PREFECT")}


def lay_migrated_database(home: Path) -> None:
    """Put an empty Prefect database with all its tables into a server's folder, unless it has one already.

    Migrating one takes the server ten seconds; every server of the tests would pay them.
    """
    if (home / DATABASE).exists():
        return
    kept = KEPT / f"prefect-{version('prefect')}.db"
    if not kept.exists():
        _migrate(kept)
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    shutil.copy(kept, home / DATABASE)


def _migrate(kept: Path) -> None:
    KEPT.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        environment = without_prefect(dict(os.environ)) | server_environment(Path(folder), free_port(), "")
        command = [sys.executable, "-m", "prefect", "server", "database", "upgrade", "-y"]
        subprocess.run(command, env=environment, check=True, capture_output=True, timeout=STARTS_WITHIN)
        with closing(sqlite3.connect(Path(folder) / DATABASE)) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        # Whoever looks meanwhile sees all of it or nothing.
        part = KEPT / f"{os.getpid()}.part"
        shutil.copy(Path(folder) / DATABASE, part)
    part.rename(kept)


class PrefectServer:
    """A server process that can be stopped and started again on the same port and database."""

    def __init__(self, home: Path, auth: str = "", database_url: str | None = None) -> None:
        self.home = home
        self.port = free_port()
        self.auth = auth
        self.api_url = api_url(self.port)
        self._on_sqlite = database_url is None
        self._environment = server_environment(home, self.port, auth, database_url)
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self.home.mkdir(parents=True, exist_ok=True)
        if self._on_sqlite:
            lay_migrated_database(self.home)
        with (self.home / "server.log").open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "backroom.engine.prefect_server"],
                env=without_prefect(dict(os.environ)) | self._environment,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        deadline = time.monotonic() + STARTS_WITHIN
        while not self.is_up():
            assert self._process.poll() is None, (self.home / "server.log").read_text()[-2000:]
            assert time.monotonic() < deadline, "the Prefect server did not start"
            time.sleep(0.1)

    def is_up(self) -> bool:
        try:
            return requests.get(f"{self.api_url}/health", timeout=2, auth=self._login()).ok
        except requests.RequestException:
            return False

    def stop(self) -> None:
        if self._process is None:
            return
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(ENDS_WITHIN)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None

    def environment(self) -> dict[str, str]:
        """What a worker or another client process needs."""
        return client_environment(self.api_url, self.auth, self.home)

    def get(self, path: str) -> Any:
        answer = requests.get(f"{self.api_url}{path}", timeout=20, auth=self._login())
        answer.raise_for_status()
        return answer.json()

    def post(self, path: str, body: dict[str, Any]) -> Any:
        answer = requests.post(f"{self.api_url}{path}", json=body, timeout=20, auth=self._login())
        answer.raise_for_status()
        return answer.json() if answer.content else None

    def patch(self, path: str, body: dict[str, Any]) -> None:
        requests.patch(f"{self.api_url}{path}", json=body, timeout=20, auth=self._login()).raise_for_status()

    def _login(self) -> tuple[str, str] | None:
        user, _, password = self.auth.partition(":")
        return (user, password) if self.auth else None


@contextmanager
def asking(server: PrefectServer) -> Iterator[None]:
    """Let Prefect's clients in this process talk to a server, and to no other."""
    from prefect.settings import PREFECT_API_AUTH_STRING, PREFECT_API_URL, temporary_settings

    names = ("PREFECT_API_URL", "PREFECT_API_AUTH_STRING")
    before = {name: os.environ.get(name) for name in names}
    os.environ["PREFECT_API_URL"], os.environ["PREFECT_API_AUTH_STRING"] = server.api_url, server.auth
    try:
        with temporary_settings({PREFECT_API_URL: server.api_url, PREFECT_API_AUTH_STRING: server.auth or None}):
            yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def everything(
    post: Callable[[str, dict[str, Any]], Any], path: str, body: dict[str, Any] | None = None
) -> list[dict[str, Any]]:
    """All that a list of Prefect's has, page by page: one answer has 200 at the most."""
    found: list[dict[str, Any]] = []
    while page := post(path, (body or {}) | {"limit": 200, "offset": len(found)}):
        found += page
    return found


@pytest.fixture(scope="session")
def running_prefect(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrefectServer]:
    """The session's server, with this process's clients talking to it."""
    server = PrefectServer(tmp_path_factory.mktemp("prefect"), auth="backroom:for-tests")
    server.start()
    try:
        with asking(server):
            yield server
    finally:
        server.stop()


@pytest.fixture(scope="session")
def prefect_server(running_prefect: PrefectServer) -> str:
    """The API address of the session's server."""
    return running_prefect.api_url


def artifacts(key: str) -> list[str]:
    """What was shown under a key at the server that this process asks, the newest first."""
    from prefect.client.orchestration import get_client
    from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterKey
    from prefect.client.schemas.sorting import ArtifactSort

    with get_client(sync_client=True) as client:
        found: list[Any] = client.read_artifacts(
            artifact_filter=ArtifactFilter(key=ArtifactFilterKey(any_=[key])), sort=ArtifactSort.CREATED_DESC
        )
    return [str(one.data) for one in found]
