"""The gateway as a process: it listens on localhost, and SIGTERM ends it in order."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from backroom.shop.secrets import Secrets
from backroom.store.database import Database
from backroom.store.migrate import migrate
from backroom.store.seals import new_master_key
from tests.integration.gateway.conftest import wait_until

DATA = Path(__file__).parents[3] / "data"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "shop.toml").write_bytes((DATA / "shop.toml").read_bytes())
    (tmp_path / "postcodes.csv").write_bytes((DATA / "postcodes.csv").read_bytes())
    names = ("webhook.web", "webhook.friends")
    Secrets(tmp_path / "secrets.toml", {}).add({"master_key": new_master_key()} | dict.fromkeys(names, "hush"))
    database = Database(f"sqlite:///{tmp_path / 'shop.db'}")
    migrate(database.engine)
    database.close()
    return tmp_path


def test_sigterm_ends_it_with_exit_code_0(home: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = os.environ | {"BACKROOM_HOME": str(home), "BACKROOM_PORT": str(port), "PREFECT_API_URL": ""}
    process = subprocess.Popen([sys.executable, "-m", "backroom.gateway"], env=environment)
    try:
        wait_until(lambda: answers(f"http://127.0.0.1:{port}/health"), 60)
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
    finally:
        process.kill()


def answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False
