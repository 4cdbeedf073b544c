"""`backroom up` as a shop owner types it: it opens what `backroom init` made, stops cleanly, and makes again what
Prefect has lost."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests

from backroom.channels.signing import sign
from backroom.cli.environments import Ports
from backroom.cli.prepare import PREFECT_AUTH
from backroom.cli.processes import ROOT, free_ports
from backroom.shop.room import open_room
from backroom.shop.secrets import Secrets
from backroom.store.story import recent
from tests.prefect_server import lay_migrated_database
from tests.running import wait_until
from tests.shops import an_order

pytestmark = [pytest.mark.prefect, pytest.mark.slow, pytest.mark.timeout(600)]

BACKROOM = [sys.executable, "-c", "from backroom.cli.app import main; main()"]
LOST = ("prefect.db", "prefect.db-wal", "prefect.db-shm")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A shop of `backroom init` that mails by SMTP, with the demo's catalogue."""
    home = tmp_path_factory.mktemp("up") / "shop"
    subprocess.run([*BACKROOM, "init", "--defaults", "--home", str(home)], check=True, timeout=120)
    shop_file = home / "shop.toml"
    shop_file.write_text(shop_file.read_text().replace('mail = "folder"', 'mail = "smtp"'))
    Secrets.read(home / "secrets.toml").add({"smtp.host": "mail.example", "smtp.password": "open sesame"})
    shutil.copy(ROOT / "data" / "catalogue.csv", home)
    return home


@contextmanager
def up(home: Path) -> Iterator[Ports]:
    """`backroom up` until Ctrl-C, which must end it well."""
    ports, told = free_ports(), home / "told.txt"
    lay_migrated_database(home / "prefect")
    argv = [*BACKROOM, "up", "--prefect-port", str(ports.prefect), "--gateway-port", str(ports.gateway)]
    with told.open("w") as out:
        process = subprocess.Popen(argv, env=os.environ | {"BACKROOM_HOME": str(home)}, stdout=out, stderr=out)
    try:
        wait_until(lambda: "is open." in told.read_text() or process.poll() is not None, "the shop to open", 240)
        assert process.poll() is None, told.read_text()
        yield ports
        process.send_signal(signal.SIGINT)
        assert process.wait(90) == 0
        assert "Nothing is lost" in told.read_text()
    finally:
        if process.poll() is None:
            process.terminate()
            process.wait(90)


def prefect(home: Path, ports: Ports, method: str, path: str) -> Any:
    user, _, password = Secrets.read(home / "secrets.toml").get(PREFECT_AUTH).partition(":")
    answer = requests.request(method, f"{ports.api}{path}", json={}, auth=(user, password), timeout=60)
    answer.raise_for_status()
    return answer.json()


def known(home: Path, ports: Ports) -> tuple[set[str], set[str]]:
    """The deployments and the blocks that Prefect has."""
    deployments = {one["name"] for one in prefect(home, ports, "POST", "/deployments/filter")}
    return deployments, {one["name"] for one in prefect(home, ports, "POST", "/block_documents/filter")}


def send(home: Path, ports: Ports) -> None:
    """One signed order, acknowledged."""
    body = json.dumps(an_order(7001, [("TEE-MOTH-INK-M", 1)])).encode()
    headers = sign("shopify", body, Secrets.read(home / "secrets.toml").get("webhook.web"), topic="orders/create")
    answer = requests.post(f"{ports.pages}/webhooks/web", data=body, headers=headers, timeout=60)
    # Beside live workers the database may be crowded.
    assert answer.json()["outcome"] in ("accepted", "spooled")


def states(home: Path) -> list[str]:
    room = open_room(home)
    with room.database.read() as connection:
        found = [str(row["state"]) for row in recent(connection)]
    room.close()
    return found


def test_up_asks_for_its_login_stops_cleanly_and_brings_back_what_prefect_lost(home: Path) -> None:
    with up(home) as ports:
        assert requests.post(f"{ports.api}/deployments/filter", json={}, timeout=60).status_code == 401
        deployments, blocks = known(home, ports)
        assert {"main-hub", "order", "decide", "breaker", "alert", "sweep"} <= deployments
        assert "shop-mail" in blocks
        # Acknowledged, and stopped before anybody could make anything of it.
        send(home, ports)
    for name in LOST:
        (home / "prefect" / name).unlink(missing_ok=True)
    with up(home) as ports:
        assert known(home, ports) == (deployments, blocks)
        wait_until(lambda: states(home) != [] and "accepted" not in states(home), "the order to go on")
        assert len(states(home)) == 1
