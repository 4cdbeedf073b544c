"""DBOS: a workflow of six steps for each order, on its own queue, with SQLite or PostgreSQL as system database.

    python -m benchmarks.peers.dbos_queue --database postgres --orders 500 --at-once 16

As its documentation advises: a queue with `worker_concurrency`, a `DBOSClient` that enqueues from outside, executors
in processes of their own, steps as `@DBOS.step()`. The queue is looked at every 20 ms and not every second, which
at 64 at once would allow 64 orders a second at most. SQLite is put into WAL mode with synchronous=FULL, which is as
durable as its default journal and faster.
"""

from __future__ import annotations

import os
import sqlite3
import sys
import threading
from collections.abc import Callable
from pathlib import Path

from dbos import DBOS, DBOSClient

from benchmarks.peers.measuring import STEPS, Peer, main, steps_of_this_process
from benchmarks.peers.processes import alive, running, wait_for
from benchmarks.peers.stopwatch import Stopwatch

QUEUE, WORKFLOW, VERSION = "orders", "order", "1"
URL, EXECUTOR, READY = "BENCH_DBOS_URL", "BENCH_DBOS_EXECUTOR", "BENCH_DBOS_READY"
POLL_SECONDS = 0.02


class DbosQueue(Peer):
    databases = ("sqlite", "postgres")

    def start(self) -> None:
        url = self.engine_url.replace("postgresql://", "postgresql+psycopg://")
        if not url:
            path = self.folder / "engine.db"
            connection = sqlite3.connect(path)
            connection.execute("PRAGMA journal_mode=WAL")
            connection.close()
            url = f"sqlite:///{path}"
        executors = min(self.options.processes, self.options.at_once)
        self._each = self.options.at_once // executors
        for number in range(executors):
            # One after the other: the first makes the tables.
            self._start_executor(number, url)
        self._client = DBOSClient(system_database_url=url)
        self.stack.callback(self._client.destroy)
        queue = self._client.retrieve_queue(QUEUE)
        assert queue is not None
        self._queue = queue
        self.begin()

    def send(self, order: int) -> None:
        self._client.enqueue({"queue_name": QUEUE, "workflow_name": WORKFLOW, "app_version": VERSION}, order)

    def fill(self, orders: range) -> None:
        self._queue.set_worker_concurrency(0)
        for order in orders:
            self.send(order)

    def begin(self) -> None:
        self._queue.set_worker_concurrency(self._each)

    def counts(self, orders: int) -> dict[str, int]:
        def succeeded() -> list[str]:
            found = self._client.list_workflows(name=WORKFLOW, status="SUCCESS", load_input=False, load_output=False)
            return [one.workflow_id for one in found]

        # An order's end is marked in its last step; that its workflow ended is written just after.
        wait_for(lambda: len(succeeded()) >= orders, "the last workflow's record", 10)
        ids = succeeded()
        looked_at = ids[:: max(len(ids) // 20, 1)]
        steps = {len(self._client.list_workflow_steps(id_)) for id_ in looked_at}
        return {"workflows_succeeded": len(ids), "steps_least": min(steps), "steps_most": max(steps)}

    def expected(self, orders: int) -> dict[str, int]:
        return {"workflows_succeeded": orders, "steps_least": len(STEPS), "steps_most": len(STEPS)}

    def _start_executor(self, number: int, url: str) -> None:
        log, ready = self.folder / f"dbos-{number}.log", self.folder / f"dbos-{number}.ready"
        environment = {URL: url, EXECUTOR: f"executor-{number}", READY: str(ready)}
        process = self.stack.enter_context(running([sys.executable, "-m", __spec__.name, "executor"], log, environment))

        def met() -> bool:
            alive(process, log)
            return ready.exists()

        wait_for(met, f"DBOS executor {number}")


def _step(name: str, work: Callable[[int], None]) -> Callable[[int], None]:
    @DBOS.step(name=name)
    def step(order: int) -> None:
        work(order)

    return step


def executor() -> None:
    """One executor process: serves the queue until it is ended."""
    DBOS(
        config={
            "name": "bench",
            "system_database_url": os.environ[URL],
            "executor_id": os.environ[EXECUTOR],
            "application_version": VERSION,
            "log_level": "WARNING",
            # SQLite has one writer: its own waiting for the lock is a sleep, and unfair. Here threads queue for one
            # connection, which is four to six times as fast.
            "sys_db_pool_size": 1 if os.environ[URL].startswith("sqlite") else 20,
        }
    )
    stopwatch = Stopwatch.inherited()
    steps = [_step(name, work) for name, work in steps_of_this_process().items()]

    @DBOS.workflow(name=WORKFLOW)
    def order_(order: int) -> None:
        stopwatch.begun(order)
        for step in steps:
            step(order)
        stopwatch.ended(order)

    DBOS.launch()
    DBOS.register_queue(QUEUE, worker_concurrency=0, polling_interval_sec=POLL_SECONDS, on_conflict="never_update")
    Path(os.environ[READY]).touch()
    threading.Event().wait()


if __name__ == "__main__":
    if sys.argv[1:] == ["executor"]:
        executor()
    else:
        sys.exit(main(DbosQueue))
