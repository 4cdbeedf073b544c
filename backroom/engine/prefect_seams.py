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

import httpx
from prefect import flow_engine, results
from prefect._flow_run_suspension import mark_flow_run_suspension_requested
from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.objects import FlowRun, State
from prefect.context import SyncClientContext
from prefect.events.worker import EventsWorker
from prefect.flows import Flow
from prefect.logging.handlers import APILogHandler
from prefect.utilities.engine import propose_state

from backroom.engine.patience import Patient

STARTED_BY_THIS_WORKER = "observe_flow_run_suspension"
SAID_AT_THE_START, GIVES_A_NAME = "update_flow_run", "set_flow_run_name"
CALLS, CARRIED_BY = "_client", "_transport"
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


def client_for_a_run(verify: ssl.SSLContext | bool, flow_run: FlowRun, signature: str) -> SyncClientContext:
    """The one client that a run and everything under it share, with TLS settings that were read before.

    It says less than Prefect's, as each of these is a transaction of the server's: who has the run goes with what the
    engine says at its start, and a name that the run has already is not given to it again. A server that is away it
    asks every second (`patience`).
    """
    context = SyncClientContext(httpx_settings={"verify": verify})
    # Whoever asks for "the client" without settings of his own is to get this one: Prefect compares them.
    context._httpx_settings = None
    client = context.client
    # Not by `httpx_settings`: with a transport in there, httpx would look for no proxy.
    calls = getattr(client, CALLS)
    setattr(calls, CARRIED_BY, Patient(getattr(calls, CARRIED_BY)))
    say, give_name = client.update_flow_run, client.set_flow_run_name

    def say_and_sign(flow_run_id: UUID, **said: Any) -> httpx.Response:
        signed = {"infrastructure_pid": signature} if flow_run_id == flow_run.id else {}
        return say(flow_run_id, **signed | said)

    def give_another_name(flow_run_id: UUID, name: str) -> httpx.Response | None:
        return None if (flow_run_id, name) == (flow_run.id, flow_run.name) else give_name(flow_run_id, name)

    setattr(client, SAID_AT_THE_START, say_and_sign)
    setattr(client, GIVES_A_NAME, give_another_name)
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
