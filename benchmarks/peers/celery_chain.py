"""Celery: a chain of six tasks for each order, with Redis as broker that flushes every command (`appendfsync always`).

    python -m benchmarks.peers.celery_chain --orders 500 --at-once 4

A chain, because a task is what Celery makes durable: one task with six calls in it would begin again from its first.
As its guide to optimizing advises: late acknowledgement, so that a crash loses nothing; results ignored; a larger
prefetch for short tasks; no gossip, mingle, heartbeat or events. `--at-once` children of its default pool, in
`--processes` workers: several workers talk to the broker side by side, and it flushes once for all that wait.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

import celery
import redis

from benchmarks.peers.measuring import STEPS, Peer, main, steps_of_this_process
from benchmarks.peers.processes import NotStarted, alive, free_port, hold, let_loose, running, wait_for
from benchmarks.peers.stopwatch import Stopwatch

BROKER = "BENCH_BROKER"
QUEUE = "celery"
UNACKED = "unacked"
PREFETCH = 16

app = celery.Celery("bench", broker=os.environ.get(BROKER, "redis://127.0.0.1:1"), set_as_current=False)
app.conf.update(
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    task_ignore_result=True,
    worker_prefetch_multiplier=PREFETCH,
    worker_send_task_events=False,
    broker_connection_retry_on_startup=True,
)


class CeleryChain(Peer):
    def start(self) -> None:
        port = free_port()
        self._redis = self._start_redis(port)
        os.environ[BROKER] = app.conf.broker_url = f"redis://127.0.0.1:{port}/0"
        workers = min(self.options.processes, self.options.at_once)
        self._workers = [self._start_worker(number, self.options.at_once // workers) for number in range(workers)]
        wait_for(lambda: len(app.control.ping(timeout=0.5)) == workers, "the Celery workers")
        self._pushed_before = self._pushes()

    def send(self, order: int) -> None:
        celery.chain(*(step.si(order) for step in steps)).apply_async()

    def fill(self, orders: range) -> None:
        for worker in self._workers:
            hold(worker)
        for order in orders:
            self.send(order)

    def begin(self) -> None:
        for worker in self._workers:
            let_loose(worker)

    def counts(self, orders: int) -> dict[str, int]:
        def left() -> int:
            return int(self._redis.llen(QUEUE)) + int(self._redis.hlen(UNACKED))

        # A task is acknowledged after it has marked the order's end.
        wait_for(lambda: not left(), "the last acknowledgement", 10)
        return {"tasks_pushed": self._pushes() - self._pushed_before, "tasks_left": left()}

    def expected(self, orders: int) -> dict[str, int]:
        return {"tasks_pushed": len(STEPS) * orders, "tasks_left": 0}

    def _pushes(self) -> int:
        """How many messages the broker was given so far, by its own count."""
        return int(self._redis.info("commandstats").get("cmdstat_lpush", {}).get("calls", 0))

    def _start_redis(self, port: int) -> redis.Redis:
        program = shutil.which("redis-server")
        if program is None:
            raise NotStarted("redis-server is not installed: .ci/bench-machine installs it where it may")
        folder = self.folder / "redis"
        folder.mkdir()
        durable = ["--appendonly", "yes", "--appendfsync", "always", "--save", ""]
        log = self.folder / "redis.log"
        process = self.stack.enter_context(
            running([program, "--port", str(port), "--bind", "127.0.0.1", "--dir", str(folder), *durable], log)
        )
        client = redis.Redis(port=port)

        def met() -> bool:
            alive(process, log)
            try:
                return bool(client.ping())
            except redis.ConnectionError:
                return False

        wait_for(met, "redis-server")
        told = client.config_get("append*")
        if told["appendonly"] != "yes" or told["appendfsync"] != "always":
            raise NotStarted(f"Redis is not as durable as the others: {told}")
        return client

    def _start_worker(self, number: int, at_once: int) -> subprocess.Popen[bytes]:
        quiet = ["--without-gossip", "--without-mingle", "--without-heartbeat", "--loglevel", "WARNING"]
        who = ["--hostname", f"worker-{number}@bench", "--concurrency", str(at_once)]
        program = [sys.executable, "-m", "celery", "--app", "benchmarks.peers.celery_chain", "worker"]
        return self.stack.enter_context(running([*program, *who, *quiet], self.folder / f"celery-{number}.log"))


def _task(name: str) -> celery.Task:
    @app.task(name=name)
    def run(order: int) -> None:
        _Work.here().run(name, order)

    return run


class _Work:
    """The steps in a worker's own process: made after the fork, at its first task."""

    _made: _Work | None = None

    def __init__(self) -> None:
        self._steps = steps_of_this_process()
        self._stopwatch = Stopwatch.inherited()
        self._first, *_, self._last = self._steps

    @classmethod
    def here(cls) -> _Work:
        if cls._made is None:
            cls._made = cls()
        return cls._made

    def run(self, name: str, order: int) -> None:
        if name == self._first:
            self._stopwatch.begun(order)
        self._steps[name](order)
        if name == self._last:
            self._stopwatch.ended(order)


steps = [_task(name) for name in STEPS]


if __name__ == "__main__":
    # The tasks belong to the module by its own name, which the worker imports; this one is called __main__.
    from benchmarks.peers import celery_chain

    sys.exit(main(celery_chain.CeleryChain))
