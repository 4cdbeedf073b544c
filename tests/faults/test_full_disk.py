"""F9 at the gateway: on a full disk and under failing fsync, what was acknowledged is there after kill -9.

The worker is in `test_full_disk_worker`.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

from backroom.channels.signing import sign
from backroom.cli.prepare import PREFECT_AUTH, prepare
from backroom.cli.processes import ROOT, free_ports
from backroom.shop.room import Room
from backroom.shop.secrets import Secrets
from tests.faults.disks import failed_flushes, failing_flushes, no_strace, small_disk
from tests.faults.gateways import a_gateway
from tests.faults.table import Fault

DISK = 8 * 1024 * 1024
CLIENTS = 4
CHANNEL = "web"
# Of each round's deliveries so many come before the trouble, so many in it, and all that were refused after it.
BEFORE, MEANWHILE = 8, 24
GOES_ON_WITHIN = 30.0
# Bytes of log for a refusal, and what else there is to say.
LINE = 400
READ = """
import sqlite3, sys
shop = sqlite3.connect(sys.argv[1])
assert shop.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
print(*(row[0] for row in shop.execute("SELECT external_id FROM inbox")))
"""


@dataclass
class Channel:
    """A channel that repeats what was refused, as all of them do, and knows what was acknowledged."""

    room: Room
    url: str
    acknowledged: set[str] = field(default_factory=set)
    answers: Counter[int] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        # A connection for each delivery: what was kept would be one to a process that is gone.
        self.client = httpx.Client(timeout=60, limits=httpx.Limits(max_keepalive_connections=0))

    def deliver(self, id_: str) -> int:
        """One delivery; 0 where nobody answered."""
        spec = self.room.shop.channel(CHANNEL)
        body = json.dumps({"id": id_, "email": f"{id_}@example.com", "note": "x" * 1_000}).encode()
        headers = sign(spec.kind, body, self.room.secret(spec.secret), shop_domain=spec.shop_domain)
        try:
            answer = self.client.post(f"{self.url}/webhooks/{CHANNEL}", content=body, headers=headers)
        except httpx.TransportError:
            return 0
        self.answers[answer.status_code] += 1
        if answer.status_code == 200:
            self.acknowledged.add(id_)
        else:
            assert answer.status_code == 503, answer.text
            assert int(answer.headers["retry-after"]) > 0
        return answer.status_code

    def deliver_all(self, ids: list[str]) -> dict[str, int]:
        with ThreadPoolExecutor(CLIENTS) as clients:
            return dict(zip(ids, clients.map(self.deliver, ids), strict=True))


def stored(room: Room) -> list[str]:
    """What a fresh process finds in the shop's database."""
    command = [sys.executable, "-c", READ, str(room.home / "shop.db")]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()


def lay_shop(folder: Path) -> Room:
    """The demo shop in a folder."""
    for name in ("shop.toml", "postcodes.csv"):
        shutil.copy(ROOT / "data" / name, folder / name)
    Secrets.read(folder / "secrets.toml").add({PREFECT_AUTH: ""})
    room = prepare(folder)
    room.close()
    return room


@pytest.mark.fault("F9 gateway")
@pytest.mark.timeout(3600)
def test_what_the_gateway_acknowledges_on_a_failing_disk_is_there_and_it_goes_on_by_itself(
    tmp_path: Path, fault: Fault
) -> None:
    rounds = fault.volume(3, 50, 50)
    troubles = ["full", "full later", *([] if no_strace() else ["fsync", "fsync now and then"])]
    counts: Counter[str] = Counter()
    slowest = 0.0
    with ExitStack() as stack:
        disk = stack.enter_context(small_disk(tmp_path / "home", DISK))
        room = lay_shop(disk.folder)
        gateway = stack.enter_context(a_gateway(room, free_ports(), tmp_path / "gateway.log"))
        channel = Channel(room, gateway.ports.pages)
        for number in range(rounds):
            trouble = troubles[(number + fault.seed) % len(troubles)]
            gateway.start()
            pid = gateway.pid
            assert set(channel.deliver_all([f"{number}-before-{one}" for one in range(BEFORE)]).values()) == {200}
            ids = [f"{number}-meanwhile-{one}" for one in range(MEANWHILE)]
            if trouble.startswith("full"):
                # Later: so little is left that the disk runs full in the middle of the deliveries.
                disk.fill(leave=fault.chance.randrange(MEANWHILE * 4096) if trouble == "full later" else 0)
                told = channel.deliver_all(ids)
                disk.empty()
            else:
                flushes = tmp_path / f"flushes-{number}"
                when = "1+1" if trouble == "fsync" else f"{fault.chance.randint(1, 3)}+{fault.chance.randint(2, 3)}"
                with failing_flushes(pid, flushes, when):
                    told = channel.deliver_all(ids)
                counts["failed_flushes"] += failed_flushes(flushes)
                assert failed_flushes(flushes)
                if trouble == "fsync":
                    assert set(told.values()) == {503}, "acknowledged, and no flush had succeeded"
            refused = sum(status != 200 for status in told.values())
            assert 0 not in told.values()
            counts[trouble.split()[0]] += 1
            counts["refused"] += refused
            began = time.monotonic()
            left = [id_ for id_, status in told.items() if status != 200]
            while left:
                assert time.monotonic() - began < GOES_ON_WITHIN, f"{trouble}: it does not take orders again"
                left = [id_ for id_, status in channel.deliver_all(left).items() if status != 200]
            slowest = max(slowest, time.monotonic() - began)
            assert gateway.works()
            assert gateway.lives(), "it was another process that went on"
            gateway.kill()
            there = stored(channel.room)
            assert len(there) == len(set(there)), "a message is there twice"
            assert channel.acknowledged <= set(there), f"{trouble}: acknowledged and lost"
    fault.tell(rounds=rounds, acknowledged=len(channel.acknowledged), **counts)
    fault.tell(slowest_to_go_on_s=round(slowest, 1), answers_200=channel.answers[200], answers_503=channel.answers[503])
    assert counts["refused"]
    log = (tmp_path / "gateway.log").stat().st_size
    assert log < counts["refused"] * LINE, "what is refused for want of space takes the space with its log"
