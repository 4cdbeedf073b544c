"""The states that runs get when the engine left them without one: cancelled, handed back or crashed.

What belongs here: choosing that state. What does not: setting it (`giving_back`). A run that is handed back is
AwaitingRetry: any worker of its pool takes it again at once, under the same id, and finds in the database what is left.
"""

from __future__ import annotations

import httpx
from prefect.client.schemas.objects import FlowRun, State, StateType
from prefect.states import AwaitingRetry, Cancelled, Crashed

from backroom.engine.threads import RunThread

# A run that ended its process, or lost its server, that often would do so for ever.
MOST_STARTS = 5

UNFINISHED = (StateType.RUNNING, StateType.PENDING, StateType.CANCELLING)


def handed_back(run: RunThread) -> State:
    """For a run that a stopping worker could not wait for."""
    if run.cancelled:
        return Cancelled(message="cancelled on request")
    return AwaitingRetry(message="its worker stopped; it goes on where it stood")


def end_for(run: RunThread, outcome: State | BaseException, now: StateType) -> State | None:
    """For a run whose thread is over and that is in state `now` at the server; None when that is where it belongs."""
    if now not in UNFINISHED:
        return None
    if run.cancelled or now == StateType.CANCELLING:
        return Cancelled(message="cancelled on request")
    if run.handed_back:
        return handed_back(run)
    if isinstance(outcome, httpx.HTTPError) and run.flow_run.run_count < MOST_STARTS:
        return AwaitingRetry(message="the Prefect server was away; it goes on where it stood")
    # The type only: the message of an error may hold what must not stand in Prefect's database.
    return Crashed(message=f"the run ended with {type(outcome).__name__}; see the worker's log")


def end_of_orphan(run: FlowRun) -> State:
    """For a run whose process is gone."""
    if run.state is not None and run.state.type == StateType.CANCELLING:
        return Cancelled(message="cancelled on request; its worker was gone")
    if run.run_count >= MOST_STARTS:
        return Crashed(message=f"its worker ended under it, after {run.run_count} starts")
    return AwaitingRetry(message="its worker was gone; it goes on where it stood")
