"""Restate: a service whose handler makes six durable steps (`ctx.run_typed`), called through the server's ingress.

    python -m benchmarks.peers.restate_service --orders 500 --at-once 16

As its documentation advises: the server as it comes (its log flushed at every commit), the Python SDK served by
Hypercorn over HTTP/2 with its settings for production. `--at-once` clients each call for one order and wait for its
end; each order's number is its idempotency key, so that a call that is repeated is not a second order.
"""

from __future__ import annotations

import http.client
import json
import os
import queue
import subprocess
import sys
import threading
import urllib.request
from pathlib import Path

import restate

from benchmarks.peers.measuring import DOMAIN, STEPS, Peer, main, steps_of_this_process
from benchmarks.peers.processes import NotStarted, answers, free_port, running, wait_for
from benchmarks.peers.stopwatch import Stopwatch

SERVER = Path(__file__).parents[2] / ".bench" / "node_modules" / ".bin" / "restate-server"

orders = restate.Service("orders")


class RestateService(Peer):
    def start(self) -> None:
        self._ingress, self._admin = free_port(), free_port()
        self._start_server()
        self._start_service()
        self._waiting: queue.SimpleQueue[int] = queue.SimpleQueue()
        self._may_begin = threading.Event()
        self.begin()
        for _ in range(self.options.at_once):
            threading.Thread(target=self._call_on, daemon=True).start()

    def send(self, order: int) -> None:
        self._waiting.put(order)

    def fill(self, orders: range) -> None:
        self._may_begin.clear()
        for order in orders:
            self.send(order)

    def begin(self) -> None:
        self._may_begin.set()

    def counts(self, orders: int) -> dict[str, int]:
        # An order's end is marked in its last step; that its invocation ended is written just after.
        wait_for(lambda: self._completed() >= orders, "the last invocation's record", 10)
        steps = self._ask("SELECT count(*) AS n FROM sys_journal WHERE entry_type = 'Command: Run'")
        return {"invocations_succeeded": self._completed(), "steps": int(str(steps[0]["n"]))}

    def expected(self, orders: int) -> dict[str, int]:
        return {"invocations_succeeded": orders, "steps": len(STEPS) * orders}

    def _completed(self) -> int:
        rows = self._ask("SELECT count(*) AS n FROM sys_invocation WHERE completion_result = 'success'")
        return int(str(rows[0]["n"]))

    def _call_on(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self._ingress)
        while True:
            self._may_begin.wait()
            order = self._waiting.get()
            self._may_begin.wait()
            headers = {"content-type": "application/json", "idempotency-key": f"order-{order}"}
            connection.request("POST", "/orders/fulfil", json.dumps(order), headers)
            answer = connection.getresponse()
            answer.read()
            if answer.status != http.client.OK:
                print(f"order {order}: the ingress answered {answer.status}", file=sys.stderr)

    def _ask(self, query: str) -> list[dict[str, object]]:
        told = self._post("/query", {"query": query})["rows"]
        return list(told)

    def _post(self, path: str, body: dict[str, object]) -> dict[str, list[dict[str, object]]]:
        request = urllib.request.Request(
            f"http://127.0.0.1:{self._admin}{path}",
            json.dumps(body).encode(),
            {"content-type": "application/json", "accept": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
            return dict(json.load(answer))

    def _start_server(self) -> None:
        if not SERVER.exists():
            raise NotStarted(f"{SERVER} is not there: npm did not install @restatedev/restate-server")
        log = self.folder / "restate.log"
        settings = {
            "RESTATE_BASE_DIR": str(self.folder / "restate"),
            "RESTATE_BIND_IP": "127.0.0.1",
            "RESTATE_BIND_PORT": str(free_port()),
            "RESTATE_INGRESS__BIND_ADDRESS": f"127.0.0.1:{self._ingress}",
            "RESTATE_ADMIN__BIND_ADDRESS": f"127.0.0.1:{self._admin}",
            "RESTATE_LISTEN_MODE": "tcp",
            "RESTATE_DISABLE_TELEMETRY": "true",
            "DO_NOT_TRACK": "1",
        }
        server = self.stack.enter_context(running([str(SERVER), "--no-logo"], log, settings))
        for port, path in ((self._admin, "/health"), (self._ingress, "/restate/health")):
            self._ready(f"http://127.0.0.1:{port}{path}", server, log)

    def _start_service(self) -> None:
        port = free_port()
        log = self.folder / "hypercorn.log"
        # What the documentation gives for production; a worker for each core.
        settings = self.folder / "hypercorn.toml"
        settings.write_text(
            f'bind = "127.0.0.1:{port}"\n'
            "h2_max_concurrent_streams = 2147483647\n"
            "keep_alive_max_requests = 2147483647\n"
            "keep_alive_timeout = 2147483647\n"
            f"workers = {self.options.processes}\n"
        )
        command = [sys.executable, "-m", "hypercorn", "--config", str(settings), "benchmarks.peers.restate_service:app"]
        service = self.stack.enter_context(running(command, log))
        self._ready(f"http://127.0.0.1:{port}/health", service, log)
        self._post("/deployments", {"uri": f"http://127.0.0.1:{port}"})

    def _ready(self, url: str, process: subprocess.Popen[bytes], log: Path) -> None:
        wait_for(answers(url, process, log), url)


class _Work:
    """The steps in a serving process, made at its first call."""

    _made: _Work | None = None

    def __init__(self) -> None:
        self.steps = steps_of_this_process()
        self.stopwatch = Stopwatch.inherited()
        self.bare = not os.environ[DOMAIN]

    @classmethod
    def here(cls) -> _Work:
        if cls._made is None:
            cls._made = cls()
        return cls._made


async def _nothing(order: int) -> None:
    """A bare step; a coroutine, which the SDK runs without a thread."""


@orders.handler()
async def fulfil(context: restate.Context, order: int) -> None:
    """One order's six steps; the steps on the database run in the SDK's threads."""
    work = _Work.here()
    work.stopwatch.begun(order)
    for name in STEPS:
        await context.run_typed(name, _nothing if work.bare else work.steps[name], order=order)
    work.stopwatch.ended(order)


app = restate.app(services=[orders])


if __name__ == "__main__":
    sys.exit(main(RestateService))
