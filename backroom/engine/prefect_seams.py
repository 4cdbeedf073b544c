"""Every name of Prefect that is not documented and that we lean on. Why, and what we would do without: ADR 0003.

What belongs here: those names, and the one place where one of them is replaced. What does not: logic.
`tests/unit/engine/test_prefect_seams.py` fails when one of them moves, and Prefect is pinned below 3.9.
"""

from __future__ import annotations

import contextlib
import inspect
import ssl
from collections.abc import Callable, Coroutine, Iterator
from functools import cache
from typing import Any, cast
from uuid import UUID

from prefect import flow_engine, results
from prefect._flow_run_suspension import mark_flow_run_suspension_requested
from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.objects import FlowRun, State
from prefect.context import SyncClientContext
from prefect.events.worker import EventsWorker
from prefect.flows import Flow
from prefect.logging.handlers import APILogHandler
from prefect.utilities.engine import propose_state

STARTED_BY_THIS_WORKER = "observe_flow_run_suspension"
ASKED_BY_EVERY_STEP = "_read_server_default_result_storage_block_id"


@contextlib.contextmanager
def _told_by_the_worker(*_: object, **__: object) -> Iterator[None]:
    yield


def ask_once_for_all_runs() -> None:
    """Keep each run from opening an event stream of its own: the worker has one, and tells the runs (`interrupt`). And
    keep each flow and each task from asking the server where results go: none of ours leaves any there."""
    setattr(flow_engine, STARTED_BY_THIS_WORKER, _told_by_the_worker)
    ask: Callable[[], UUID | None] = getattr(results, ASKED_BY_EVERY_STEP)
    setattr(results, ASKED_BY_EVERY_STEP, cache(ask))


def run_flow(flow: Flow[..., Any], flow_run: FlowRun) -> State | Coroutine[Any, Any, State]:
    """Run a flow under an existing flow run in this thread; a coroutine where the flow is async."""
    return cast(
        "State | Coroutine[Any, Any, State]",
        flow_engine.run_flow(flow, flow_run=flow_run, return_type="state"),
    )


def client_for_a_run(verify: ssl.SSLContext | bool) -> SyncClientContext:
    """The one client that a run and everything under it share, with TLS settings that were read before."""
    context = SyncClientContext(httpx_settings={"verify": verify})
    # Whoever asks for "the client" without settings of his own is to get this one: Prefect compares them.
    context._httpx_settings = None
    return context


def interrupt(flow_run_id: UUID, state: State) -> bool:
    """Ask a run of this process to stop at its next task boundary, leaving in `state`; False when it is not here."""
    return mark_flow_run_suspension_requested(flow_run_id, state)


async def propose(client: PrefectClient, flow_run_id: UUID, state: State) -> State:
    """Ask the server for a state; it may answer with another one. Raises Abort when it says no."""
    return await propose_state(client, state, flow_run_id=flow_run_id)


async def send_last_words() -> None:
    """Send the events and logs that wait in this process, before it ends."""
    sent = EventsWorker.drain_all()
    if inspect.isawaitable(sent):
        await sent
    await APILogHandler.aflush()
