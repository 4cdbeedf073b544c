"""The runs that a worker's process has: won, signed, run, stopped, and left in the state that they should have.

What belongs here: one run from the moment it was found to a state in which nobody need look after it. What does not:
which runs are found and when (`worker`), a run's thread (`threads`), the runs of dead processes (`reaper`).
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
from collections.abc import Callable, Iterator
from uuid import UUID

import httpx
from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.filters import FlowRunFilter
from prefect.client.schemas.objects import FlowRun, State
from prefect.exceptions import Abort
from prefect.states import AwaitingRetry, Cancelling

from backroom.engine.background import Background
from backroom.engine.ends import end_for, handed_back
from backroom.engine.giving_back import give_end
from backroom.engine.patience import until_answered
from backroom.engine.reaper import owner
from backroom.engine.taking import win
from backroom.engine.threads import Flows, RunThread
from backroom.engine.wakes import SUSPENDED

log = logging.getLogger(__name__)

CANCEL_GRACE = 10.0
DRAIN_GRACE = 30.0
LAST_GRACE = 2.0


class OwnRuns:
    """At most `most` runs at a time, signed with `signature` and this process's id; all in one event loop.

    While `draining` none is begun, and nobody waits for a server that is away. `push` is called where there may be
    something to take: when there was no room for more, or a run is wanted again.
    """

    def __init__(self, signature: str, most: int, background: Background, push: Callable[[], None]) -> None:
        self.signature = signature
        self.most = most
        self.flows = Flows()
        self.draining = False
        self._background = background
        self._push = push
        self._runs: dict[UUID, RunThread] = {}
        self._nothing_to_wait_for = asyncio.Event()

    def __len__(self) -> int:
        return len(self._runs)

    def __iter__(self) -> Iterator[UUID]:
        return iter(self._runs)

    def __contains__(self, run_id: object) -> bool:
        return run_id in self._runs

    @property
    def who(self) -> str:
        """Whose they are, as it stands in each of them."""
        return owner(self.signature, os.getpid())

    @property
    def has_room(self) -> bool:
        """Whether another run may be taken."""
        return not self.draining and len(self._runs) < self.most

    def begin(self, client: PrefectClient, flow_run: FlowRun) -> bool:
        """Carry it in the background; False where there is no room for it, or it is here already, for it was retried or
        resumed before its thread has quite ended."""
        if flow_run.id in self._runs:
            self._runs[flow_run.id].wanted_again = True
            return False
        if not self.has_room:
            return False
        self._runs[flow_run.id] = RunThread(flow_run)
        self._background.spawn(self.carry(client, flow_run))
        return True

    async def carry(self, client: PrefectClient, flow_run: FlowRun) -> None:
        """Win it, run it, and see to its end. What cannot be settled is told in the log, and the reaper's."""
        run = self._runs.setdefault(flow_run.id, RunThread(flow_run))
        try:
            if not await win(client, run.id, self.who, self._is_draining):
                return
            flow = self.flows.at_hand(flow_run.deployment_id)
            if flow is None or flow.isasync or flow_run.infrastructure_pid:
                # What begins at once signs with its first word (`client_for_a_run`). What somebody else has signed is
                # ours from now on: the reaper of a process that died would give it back while it begins here.
                self._background.spawn(self._sign(client, run))
            outcome = await self._run_flow_of(client, run)
            # Left as it is, it would be nobody's for a minute.
            await until_answered(lambda: _settle(client, run, outcome), self._is_draining)
        except Abort as refused:
            log.debug("run %s was not to be taken: %s", run.id, refused)
        except Exception as error:  # noqa: BLE001 - the reaper gives back what could not be settled
            log.warning("run %s could not be settled (%r)", run.id, error)
        finally:
            if run.wanted_again or len(self._runs) >= self.most:
                self._push()
            self._runs.pop(run.id, None)
            if self.draining and not self._runs:
                self._nothing_to_wait_for.set()

    async def look_for_stops(self, client: PrefectClient) -> None:
        """Stop those that somebody has cancelled or suspended. Raises Prefect's and httpx's errors when the API is
        away."""
        if not self._runs:
            return
        asked = {"id": {"any_": list(self._runs)}, "state": {"type": {"any_": ["CANCELLING", "PAUSED"]}}}
        for found in await client.read_flow_runs(flow_run_filter=FlowRunFilter.model_validate(asked)):
            run = self._runs.get(found.id)
            if run is None or run.cancelled or found.state is None:
                continue
            if found.state.name == SUSPENDED:
                run.stop_at_next_task(found.state)
            elif found.state.is_cancelling():
                run.cancelled = True
                self._background.spawn(self._cancel(run))

    async def drain(self, client: PrefectClient) -> None:
        """Wait for what runs, and hand back what is left; `hurry` shortens the wait."""
        await self._until_empty(DRAIN_GRACE)
        for run in list(self._runs.values()):
            run.handed_back = True
            run.stop_at_next_task(AwaitingRetry())
        self._nothing_to_wait_for.clear()
        await self._until_empty(LAST_GRACE)
        for run in list(self._runs.values()):
            try:
                await give_end(client, run.id, handed_back(run))
            except httpx.HTTPError as error:
                log.warning("run %s could not be handed back (%r): the next start does it", run.id, error)

    def hurry(self) -> None:
        """Wait no longer for what runs."""
        self._nothing_to_wait_for.set()

    def _is_draining(self) -> bool:
        return self.draining

    async def _run_flow_of(self, client: PrefectClient, run: RunThread) -> State | BaseException:
        deployment = run.flow_run.deployment_id
        if deployment is None:
            return LookupError("the run has no deployment")
        try:
            flow = await until_answered(lambda: self.flows.of(client, deployment), self._is_draining)
        except Exception as error:  # noqa: BLE001 - whatever a flow's module raises is told by its run
            return error
        return await run.run(flow, self.who)

    async def _sign(self, client: PrefectClient, run: RunThread) -> None:
        async def sign() -> None:
            # What is over needs no name any more.
            if run.id in self._runs:
                await client.update_flow_run(run.id, infrastructure_pid=self.who)

        await until_answered(sign, gives_up=lambda: False)

    async def _cancel(self, run: RunThread) -> None:
        run.stop_at_next_task(Cancelling())
        await asyncio.sleep(CANCEL_GRACE)
        if self._runs.get(run.id) is run:
            run.abort()

    async def _until_empty(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds if self._runs else 0.0):
                await self._nothing_to_wait_for.wait()


async def _settle(client: PrefectClient, run: RunThread, outcome: State | BaseException) -> None:
    """Give a run that the engine left without an end the state it should have."""
    if isinstance(outcome, State) and outcome.is_final():
        return
    state = (await client.read_flow_run(run.id)).state
    end = end_for(run, outcome, state.type) if state is not None else None
    if end is None:
        return
    await give_end(client, run.id, end)
    if end.is_crashed():
        log.error("run %s ended with an error", run.id, exc_info=outcome if isinstance(outcome, Exception) else None)
