"""`backroom worker` as somebody at a booth types it: it takes runs, starts what exits again, outlives the server."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from backroom.domain.locations import PrinterSpec
from backroom.engine.deploy import DeploymentSpec, apply
from tests.benches import Bench, open_bench
from tests.prefect_server import PrefectServer, asking, without_prefect
from tests.running import wait_until
from tests.shops import BOOTH, Floor
from tests.sqlite_only import database_url

__all__ = ["database_url"]

pytestmark = [pytest.mark.prefect, pytest.mark.slow, pytest.mark.timeout(600)]

ROOT = Path(__file__).resolve().parents[2]
AWAY_SECONDS = 20.0
# Alone on its machine. Beside other tests the bound tells only that nothing waited for a longer and longer pause.
WORKS_WITHIN = 45.0 if "PYTEST_XDIST_WORKER" in os.environ else 15.0


@dataclass
class BoothWorker:
    """`backroom worker` in a process of its own, on a machine of its own, beside one folder for a printer."""

    server: PrefectServer
    bench: Bench
    home: Path
    process: subprocess.Popen[bytes]

    def pages(self) -> int:
        """How many jobs came out of its printer."""
        return len(list((self.home / "press").glob("*.json")))

    def prints(self, why: str) -> None:
        """One order for the booth, and a run for it, as a wake-up asks for one."""
        self.bench.orders(1)
        deployment = self.server.get(f"/deployments/name/print-jobs/{BOOTH}")
        body = {"name": why, "parameters": {"location": BOOTH}, "idempotency_key": why}
        self.server.post(f"/deployments/{deployment['id']}/create_flow_run", body)

    def child(self) -> int | None:
        """The process that takes runs, if there is one now."""
        listed = [path.read_text().split() for path in Path(f"/proc/{self.process.pid}/task").glob("*/children")]
        pids = [int(pid) for each in listed for pid in each if takes_runs(pid)]
        assert len(pids) <= 1
        return pids[0] if pids else None


def takes_runs(pid: str) -> bool:
    """Whether it is the worker, and not the keeper beside it."""
    try:
        return b"backroom.engine.run_worker" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except FileNotFoundError:
        return False


@pytest.fixture
def worker(floor: Floor, tmp_path: Path) -> Iterator[BoothWorker]:
    """A Prefect server, the shop's gateway, and `backroom worker --location booth` between them."""
    server, home = PrefectServer(tmp_path / "prefect", auth="backroom:for-the-booth"), tmp_path / "laptop"
    server.start()
    try:
        with asking(server), open_bench(floor, [PrinterSpec("press", "folder:press", ("dtg",))]) as bench:
            apply([DeploymentSpec("flows/print_jobs.py:print_jobs", BOOTH, BOOTH, (), {"location": BOOTH})])
            environment = without_prefect(dict(os.environ)) | {
                "PREFECT_API_URL": server.api_url,
                "PREFECT_API_AUTH_STRING": server.auth,
                "BACKROOM_GATEWAY_URL": bench.url,
                "BACKROOM_BOOTH_KEY": bench.key,
                "BACKROOM_HOME": str(home),
            }
            command = [sys.executable, "-c", "from backroom.cli.app import main; main()", "worker", "--location", BOOTH]
            process = subprocess.Popen(command, env=environment, cwd=ROOT)
            try:
                yield BoothWorker(server, bench, home, process)
            finally:
                process.terminate()
                process.wait(60)
    finally:
        server.stop()


def test_a_booths_worker_takes_runs_starts_again_what_exits_and_works_soon_after_the_server_is_back(
    worker: BoothWorker,
) -> None:
    worker.prints("first")
    wait_until(lambda: worker.pages() == 1, "the first run to print")

    first = worker.child()
    assert first is not None
    os.kill(first, signal.SIGKILL)
    wait_until(lambda: worker.child() not in (None, first), "its child to be started again")
    worker.prints("after the kill")
    wait_until(lambda: worker.pages() == 2, "the run after the kill to print")

    survivor = worker.child()
    worker.server.stop()
    time.sleep(AWAY_SECONDS)
    worker.server.start()
    back = time.monotonic()
    worker.prints("after the server")
    wait_until(lambda: worker.pages() == 3, "the run after the server's absence to print")
    works = time.monotonic() - back
    print(f"\nprints {works:.1f} s after the server is back, {WORKS_WITHIN:g} s are allowed")
    assert worker.child() == survivor, "it ended, where it had to go on by itself"
    assert works < WORKS_WITHIN

    worker.process.terminate()
    assert worker.process.wait(60) == 0
    assert not Path(f"/proc/{survivor}").exists()
