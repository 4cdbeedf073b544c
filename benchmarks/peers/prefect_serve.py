"""Stock Prefect: a flow run for each order by `serve()`, with a `prefect server` of its own and default settings.

    python -m benchmarks.peers.prefect_serve --orders 16 --at-once 16

Runs in the project's own environment, since Prefect is its dependency, but in a folder of its own, where the project's
`prefect.toml` is not read. `--at-once` is `serve(limit=…)`; each run is a process, as `serve()` does it.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from uuid import UUID

from benchmarks.peers.measuring import STEPS, Options, Peer, main
from benchmarks.peers.processes import alive, answers, free_port, hold, let_loose, running, wait_for

# `serve()` asks for runs every ten seconds (PREFECT_RUNNER_POLL_FREQUENCY); held for longer, it asks as soon as it may.
POLL_SECONDS = 10
DEPLOYMENT = "orders"
ROOT = Path(__file__).parents[2]


class PrefectServe(Peer):
    @classmethod
    def warm(cls, options: Options) -> int:
        """A run costs seconds, and each is a process of its own: the first shows that all of it is up."""
        return 1

    def start(self) -> None:
        port = free_port()
        os.chdir(self.folder)
        for name in [name for name in os.environ if name.startswith("PREFECT_")]:
            del os.environ[name]
        os.environ |= {
            "PREFECT_HOME": str(self.folder / "prefect"),
            "PREFECT_API_URL": f"http://127.0.0.1:{port}/api",
            "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
            "PYTHONPATH": str(ROOT),
        }
        self._start(["-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", str(port)], "server")
        wait_for(answers(f"http://127.0.0.1:{port}/api/health", self._process, self._log), "Prefect's server", 90)
        self._start(["-m", "benchmarks.peers.prefect_flow", DEPLOYMENT, str(self.options.at_once)], "serve")
        self._served = self._process
        # Only now: Prefect reads its settings when it is imported.
        from prefect.client.orchestration import get_client
        from prefect.exceptions import ObjectNotFound

        self._client = get_client(sync_client=True)
        self._deployment: UUID | None = None

        def deployed() -> bool:
            alive(self._served, self._log)
            try:
                self._deployment = self._client.read_deployment_by_name(f"fulfil/{DEPLOYMENT}").id
            except ObjectNotFound:
                return False
            return True

        wait_for(deployed, "the served deployment")

    def send(self, order: int) -> None:
        assert self._deployment is not None
        self._client.create_flow_run_from_deployment(self._deployment, parameters={"order": order})

    def fill(self, orders: range) -> None:
        hold(self._served)
        held = time.monotonic()
        for order in orders:
            self.send(order)
        time.sleep(max(held + POLL_SECONDS - time.monotonic(), 0))

    def begin(self) -> None:
        let_loose(self._served)

    def counts(self, orders: int) -> dict[str, int]:
        # An order's end is marked in its last line; that its run ended is told to the server just after, and that its
        # tasks did comes as events.
        wait_for(lambda: self._completed("flow_runs") >= orders, "the last run's state", 30)
        wait_for(lambda: self._completed("task_runs") >= len(STEPS) * orders, "the last task's state", 30)
        return {f"{kind}_completed": self._completed(kind) for kind in ("flow_runs", "task_runs")}

    def expected(self, orders: int) -> dict[str, int]:
        return {"flow_runs_completed": orders, "task_runs_completed": len(STEPS) * orders}

    def _completed(self, kind: str) -> int:
        """How many runs of flows or tasks the server has as completed."""
        answer = self._client._client.post(f"/{kind}/count", json={kind: {"state": {"type": {"any_": ["COMPLETED"]}}}})
        return int(answer.raise_for_status().json())

    def _start(self, arguments: list[str], name: str) -> None:
        self._log = self.folder / f"prefect-{name}.log"
        self._process = self.stack.enter_context(running([sys.executable, *arguments], self._log, folder=self.folder))


if __name__ == "__main__":
    sys.exit(main(PrefectServe))
