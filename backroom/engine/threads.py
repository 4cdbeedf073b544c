"""Flow runs as threads of the worker's process, and the flows they run, loaded once.

What belongs here: running and stopping one run. What does not: which runs to take (`worker`), and what becomes of their
states (`own_runs`).
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import ctypes
import functools
import gc
import inspect
import logging
import ssl
import threading
from pathlib import Path
from typing import Any
from uuid import UUID

import certifi
from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.filters import WorkPoolFilter
from prefect.client.schemas.objects import FlowRun, State
from prefect.exceptions import Abort
from prefect.flows import Flow, load_flow_from_entrypoint
from prefect.settings import (
    PREFECT_API_SSL_CERT_FILE,
    PREFECT_API_TLS_INSECURE_SKIP_VERIFY,
    PREFECT_FLOWS_HEARTBEAT_FREQUENCY,
    temporary_settings,
)

from backroom.engine.prefect_seams import client_for_a_run, interrupt, run_flow

log = logging.getLogger(__name__)


class RunThread:
    """One flow run of this process. Everything but its body happens in the worker's event loop.

    `cancelled` and `handed_back` say why it was stopped, for whoever settles its state; `wanted_again` that it is due
    once more already.
    """

    def __init__(self, flow_run: FlowRun) -> None:
        self.flow_run = flow_run
        self.cancelled = False
        self.handed_back = False
        self.wanted_again = False
        self._thread: threading.Thread | None = None

    @property
    def id(self) -> UUID:
        return self.flow_run.id

    async def run(self, flow: Flow[..., Any], signature: str) -> State | BaseException:
        """Run to the end, signed: the state it ended in, or whatever left the engine (a Pause, an Abort, a lost
        server)."""
        loop = asyncio.get_running_loop()
        outcome: asyncio.Future[State | BaseException] = loop.create_future()

        def settle(result: State | BaseException) -> None:
            if not outcome.done():
                outcome.set_result(result)

        def body() -> None:
            result: State | BaseException
            try:
                result = _settings_of_runs().copy().run(_run_here, flow, self.flow_run, signature)
            except BaseException as error:  # noqa: BLE001 - even SystemExit in a flow must not end the worker
                result = error
            # The loop is closed when the worker has gone already; then nobody asks any more.
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(settle, result)

        # A daemon, so that a run that hangs cannot keep the process from ending.
        self._thread = threading.Thread(target=body, daemon=True, name=f"run {self.flow_run.name}")
        self._thread.start()
        return await outcome

    def stop_at_next_task(self, state: State) -> None:
        """Let it end before its next task."""
        interrupt(self.id, state)

    def abort(self) -> None:
        """Raise Abort in its thread as soon as that runs Python again; a blocking call ends first."""
        thread = self._thread
        if thread is not None and thread.is_alive() and thread.ident is not None:
            ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread.ident), ctypes.py_object(Abort))


def _run_here(flow: Flow[..., Any], flow_run: FlowRun, signature: str) -> State:
    with client_for_a_run(_tls(), flow_run, signature):
        result = run_flow(flow, flow_run)
        return asyncio.run(result) if inspect.iscoroutine(result) else result  # type: ignore[return-value]


@functools.cache
def _settings_of_runs() -> contextvars.Context:
    """The context in which every run starts: an empty one, but for settings. Made once, as it costs 80 ms."""

    def settle() -> contextvars.Context:
        # The heartbeat thread is joined at a run's end in steps of a second; the reaper does without heartbeats.
        with temporary_settings({PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None}):
            return contextvars.copy_context()

    return contextvars.Context().run(settle)


@functools.cache
def _tls() -> ssl.SSLContext | bool:
    """What clients of runs trust, read once: Prefect reads its file of authorities for each client, in 50 ms."""
    if PREFECT_API_TLS_INSECURE_SKIP_VERIFY.value():
        return False
    return ssl.create_default_context(cafile=PREFECT_API_SSL_CERT_FILE.value() or certifi.where())


class Flows:
    """Flows by deployment, each entrypoint loaded once for the life of the process: new code needs a restart."""

    def __init__(self) -> None:
        self._flows: dict[str, Flow[..., Any]] = {}
        self._entrypoints: dict[UUID, str] = {}
        self._lock = asyncio.Lock()

    def forget_entrypoints(self) -> None:
        """Look deployments up anew: they may have been changed."""
        self._entrypoints.clear()

    def at_hand(self, deployment_id: UUID | None) -> Flow[..., Any] | None:
        """The flow of a deployment, where neither the server nor a module has to be asked."""
        return self._flows.get(self._entrypoints[deployment_id]) if deployment_id in self._entrypoints else None

    async def of(self, client: PrefectClient, deployment_id: UUID) -> Flow[..., Any]:
        """The flow of a deployment. Raises what its import raises, and Prefect's errors when the API is away."""
        if deployment_id not in self._entrypoints:
            deployment = await client.read_deployment(deployment_id)
            self._entrypoints[deployment_id] = _resolve(deployment.entrypoint or "", deployment.path)
        return await self.load(self._entrypoints[deployment_id])

    async def load(self, entrypoint: str) -> Flow[..., Any]:
        """The flow at an entrypoint, loaded in a thread the first time."""
        async with self._lock:
            if entrypoint not in self._flows:
                self._flows[entrypoint] = await asyncio.to_thread(
                    load_flow_from_entrypoint, entrypoint, use_placeholder_flow=False
                )
        return self._flows[entrypoint]

    async def load_pool(self, client: PrefectClient, pool: str) -> None:
        """Load a pool's flows before the first run asks for them; one that does not load is told by its run."""
        here = WorkPoolFilter.model_validate({"name": {"any_": [pool]}})
        try:
            for deployment in await client.read_deployments(work_pool_filter=here):
                await self.of(client, deployment.id)
        except Exception as error:  # noqa: BLE001 - a comfort only
            log.info("flows of %s are loaded when they are needed (%r)", pool, error)
        # What is loaded by now stays for the life of the process. The cyclic collector looked through all of Prefect
        # three times in 1,000 orders, 0.17 s each time: a seventh of what they took.
        gc.collect()
        gc.freeze()


def _resolve(entrypoint: str, path: str | None) -> str:
    """An entrypoint as this process finds it: beside the worker, else where it was deployed from."""
    file, colon, name = entrypoint.rpartition(":")
    if not colon or path is None or Path(file).exists() or not (Path(path) / file).exists():
        return entrypoint
    return f"{Path(path) / file}:{name}"
