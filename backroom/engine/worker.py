"""The worker type `backroom`: runs flows warm, in threads of its own process, and takes new runs when it is pushed.

What belongs here: which runs are looked for, and when. What does not: what becomes of one that was found (`own_runs`),
listening (`wakes`), runs of dead processes (`reaper`). The worker outlives whatever the Prefect server does, and ends
only by a signal. Why not Prefect's process worker: `docs/adr/0003-warm-worker.md`.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import random
import signal
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from prefect.client.schemas.filters import FlowRunFilter, WorkPoolFilter, WorkQueueFilter
from prefect.client.schemas.objects import FlowRun
from prefect.settings import PREFECT_CLIENT_MAX_RETRIES, PREFECT_HOME, temporary_settings
from prefect.workers.base import BaseJobConfiguration, BaseVariables, BaseWorker, BaseWorkerResult

from backroom.engine.background import Background
from backroom.engine.instance import default_name, hold_name, identity_of
from backroom.engine.own_runs import DRAIN_GRACE, LAST_GRACE, OwnRuns
from backroom.engine.prefect_seams import ask_once_for_all_runs, send_last_words
from backroom.engine.reaper import reap
from backroom.engine.server import DESK, through_the_gateway
from backroom.engine.wake import this_waker
from backroom.engine.wakes import CANCELLING, SUSPENDED, Booth, Heard, listen_to_gateway, listen_to_prefect
from backroom.engine.waves import wave_is_under_way

log = logging.getLogger(__name__)

MOST_RUNS = 16
AHEAD = timedelta(seconds=10)
# Clocks of two machines differ; the server itself holds a run back until its time.
SKEW = timedelta(seconds=1)
# In a wave Prefect's events arrive up to ten seconds late: whoever pressed a button then is not kept waiting for them.
# A worker that has no part in the wave, because it serves the desk alone, asks the shop whether there is one.
BUSY_SECONDS = 1.0
DESK_SECONDS = 0.5
# Prefect tells of a run a moment before it commits it: who hears of one and finds none looks once more.
AGAIN_SECONDS = 0.5
# Several workers of a pool hear of a run at the same moment, always in the same order: the first would take all.
SHARE_SECONDS = 0.015


class BackroomWorker(BaseWorker[BaseJobConfiguration, BaseVariables, BaseWorkerResult]):
    """A worker for pools of type `backroom`. At most `limit` runs at a time, 16 unless said otherwise."""

    type = "backroom"
    job_configuration = BaseJobConfiguration
    _description = "Run flows warm, in threads of the worker's own process."

    @classmethod
    def get_default_base_job_template(cls) -> dict[str, Any]:
        """No job variables: a thread has no command and no environment of its own. What a pool offers is checked by
        Prefect's server at every run that is made, which took 30 ms for the four that change nothing here."""
        return {"job_configuration": {"labels": {}}, "variables": {"type": "object", "properties": {}}}

    def __init__(
        self,
        work_pool_name: str,
        work_queues: list[str] | None = None,
        name: str | None = None,
        *,
        limit: int | None = None,
        **rest: Any,
    ) -> None:
        super().__init__(work_pool_name, work_queues, name or default_name(work_pool_name), **rest)
        self.pool = work_pool_name
        self.queues = list(work_queues or [])
        self._background = Background(f"worker {self.name}")
        self.runs = OwnRuns(self.name, limit or MOST_RUNS, self._background, self.push)
        self._pushed = asyncio.Event()
        self._polling = asyncio.Lock()
        self._reaped_once = False

    async def start(
        self, run_once: bool = False, with_healthcheck: bool = False, printer: Callable[..., None] = print
    ) -> None:
        """Work until SIGTERM or SIGINT, then drain. Raises WorkerRunsAlready when the name is taken here."""
        held = await asyncio.to_thread(hold_name, self.name, PREFECT_HOME.value(), DRAIN_GRACE + 15)
        self.runs.signature = f"{self.name} {identity_of(held)}"
        ask_once_for_all_runs()
        loop = asyncio.get_running_loop()
        # The client's own retries sleep up to 2ⁿ s: the worker asks again by itself, and sooner.
        with held, temporary_settings({PREFECT_CLIENT_MAX_RETRIES: 0}):
            working = loop.create_task(super().start(run_once, with_healthcheck, printer))
            for number in (signal.SIGTERM, signal.SIGINT):
                loop.add_signal_handler(number, self._stop, working)
            try:
                await working
            except asyncio.CancelledError:
                if not self.runs.draining:
                    raise
            finally:
                for number in (signal.SIGTERM, signal.SIGINT):
                    loop.remove_signal_handler(number)
                left_running = bool(self.runs)
                self._background.cancel()
        if left_running:
            # Their threads cannot be ended, and the task runners' threads would be waited for.
            os._exit(0)

    async def setup(self) -> None:
        """Prepare, then listen. The server may be away."""
        await super().setup()
        self._background.spawn(self._take_when_pushed())
        if not through_the_gateway():
            self._background.spawn(listen_to_prefect(self.pool, self._hear, self.push))
        if (booth := Booth.from_environment()) is not None:
            self._background.spawn(listen_to_gateway(booth, self.push))
        self._background.spawn(self.runs.flows.load_pool(self.client, self.pool))

    async def sync_with_backend(self) -> None:
        """Every half minute: heartbeat and orphans. Never raises."""
        self.runs.flows.forget_entrypoints()
        try:
            await super().sync_with_backend()
            first = not self._reaped_once
            reaped = await reap(self.client, self.pool, self.runs.signature, self.runs, just_started=first)
            if first and not through_the_gateway():
                # What the process before this one had taken and not yet signed is nobody's for a minute, a booth's too:
                # the sweep wakes it under a new name.
                this_waker().look_around()
            self._reaped_once = True
        except Exception as error:  # noqa: BLE001 - no answer of the server may end the worker
            log.warning("worker %s: no word from the Prefect server (%r)", self.name, error)
            return
        if reaped:
            log.warning("worker %s: %d runs of a dead process go on: %s", self.name, len(reaped), reaped)
            self.push()

    async def get_and_submit_flow_runs(self) -> list[FlowRun]:
        """Every ten seconds: take what is due, and look for cancellations that no event told of. Never raises."""
        await self._look_for_stops()
        return await self._take()

    async def run(
        self, flow_run: FlowRun, configuration: BaseJobConfiguration, task_status: Any = None
    ) -> BaseWorkerResult:
        """Run one flow run here; the way Prefect itself calls a worker, unused by ours."""
        if task_status is not None:
            task_status.started(self.runs.who)
        await self.runs.carry(self.client, flow_run)
        return BaseWorkerResult(status_code=0, identifier=str(flow_run.id))

    def push(self) -> None:
        """Look for runs now. For the worker's own event loop."""
        self._pushed.set()

    async def _take_when_pushed(self) -> None:
        of_the_desk, in_a_wave, came_too_soon = self.queues == [DESK], False, False
        # At a booth the gateway's ring is followed by several looks anyway: `backroom.engine.wakes`.
        hears_of_runs = not through_the_gateway()
        while True:
            pause: float | None = BUSY_SECONDS if self.runs or of_the_desk else None
            if came_too_soon:
                pause = AGAIN_SECONDS
            elif in_a_wave:
                pause = DESK_SECONDS
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._pushed.wait()
            if pushed := self._pushed.is_set():
                await asyncio.sleep(random.uniform(0, SHARE_SECONDS))  # noqa: S311 - a lot, not a secret
            elif of_the_desk:
                in_a_wave = await asyncio.to_thread(wave_is_under_way)
            if pushed or came_too_soon or self.runs or in_a_wave:
                self._pushed.clear()
                taken = await self._take(look_first=hears_of_runs)
                came_too_soon = pushed and not taken and hears_of_runs

    async def _take(self, *, look_first: bool = False) -> list[FlowRun]:
        try:
            async with self._polling:
                return await self._take_due(look_first=look_first)
        except Exception as error:  # noqa: BLE001 - no answer of the server may end the worker
            log.warning("worker %s: could not look for runs (%r)", self.name, error)
            return []

    async def _is_anything_due(self) -> bool:
        # Most looks find nothing: each of a pool's workers hears of all its runs, the desk's of a wave's too. And where
        # the server hands runs out, it writes down that each queue and each deployment is ready: in a wave of 500 those
        # were two in five of all that it wrote.
        # What is due later is found by the look every ten seconds.
        by = datetime.now(UTC) + SKEW
        due = {"state": {"type": {"any_": ["SCHEDULED"]}}, "next_scheduled_start_time": {"before_": by}}
        queues = WorkQueueFilter.model_validate({"name": {"any_": self.queues}}) if self.queues else None
        found = await self.client.count_flow_runs(
            flow_run_filter=FlowRunFilter.model_validate(due),
            work_pool_filter=WorkPoolFilter.model_validate({"name": {"any_": [self.pool]}}),
            work_queue_filter=queues,
        )
        return found > 0

    async def _take_due(self, *, look_first: bool) -> list[FlowRun]:
        if not self.runs.has_room:
            return []
        if look_first and not await self._is_anything_due():
            return []
        now = datetime.now(UTC)
        found = await self.client.get_scheduled_flow_runs_for_work_pool(
            work_pool_name=self.pool, work_queue_names=self.queues, scheduled_before=now + AHEAD
        )
        taken = []
        for flow_run in (entry.flow_run for entry in found):
            due = flow_run.next_scheduled_start_time
            if due is not None and due > now + SKEW:
                asyncio.get_running_loop().call_later(due.timestamp() - now.timestamp(), self.push)
            elif self.runs.begin(self.client, flow_run):
                taken.append(flow_run)
        return taken

    def _hear(self, heard: Heard) -> None:
        if heard.what in (CANCELLING, SUSPENDED):
            # The state counts, not the event: the stream replays its last minute, and the run may have gone on since.
            self._background.spawn(self._look_for_stops())
        else:
            self.push()

    async def _look_for_stops(self) -> None:
        try:
            await self.runs.look_for_stops(self.client)
        except Exception as error:  # noqa: BLE001 - no answer of the server may end the worker
            log.warning("worker %s: could not look for cancellations (%r)", self.name, error)

    def _stop(self, working: asyncio.Task[None]) -> None:
        if self.runs.draining:
            self.runs.hurry()
        else:
            self.runs.draining = True
            self._background.spawn(self._drain(working))

    async def _drain(self, working: asyncio.Task[None]) -> None:
        """Take none, wait for what runs, hand the rest back, end. A second signal shortens the wait."""
        log.info("worker %s: stopping, %d runs to end", self.name, len(self.runs))
        # Whoever is told to stop before it is set up has no client yet, and no runs.
        if self.runs:
            await self.runs.drain(self.client)
        try:
            await asyncio.wait_for(send_last_words(), LAST_GRACE)
        except TimeoutError:
            log.warning("worker %s: its last events could not be sent", self.name)
        working.cancel()
