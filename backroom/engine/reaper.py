"""Runs that nobody runs any more: those a killed process left Running, or waiting for it to try them once more, given
back so that they complete by themselves.

What belongs here: telling such runs apart. What does not: their next state (`backroom.engine.ends`), nor the shop's own
claims, whose leases end by themselves: a run that is given back finds in the database what is left to do.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from uuid import UUID

from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.filters import FlowRunFilter, WorkPoolFilter
from prefect.client.schemas.objects import FlowRun

from backroom.engine.ends import end_of_orphan
from backroom.engine.giving_back import give_end, waits_for_its_process

# Between two looks of a living worker a run may be about to start or to end.
SETTLED = timedelta(seconds=30)
# A run is won, and begun, before its owner is written down; a process may die in between. One that lives writes it
# within seconds.
UNSIGNED = timedelta(seconds=60)
UNFINISHED = {
    "operator": "or_",
    "type": {"any_": ["RUNNING", "PENDING", "CANCELLING"]},
    "name": {"any_": ["AwaitingRetry"]},
}


def owner(worker: str, pid: int) -> str:
    """What is written to a run's infrastructure_pid: which process of the worker that signs so has it."""
    return f"{worker}:{pid}"


def is_orphan(run: FlowRun, worker: str, running_here: Collection[UUID], at: datetime, *, just_started: bool) -> bool:
    """Whether an unfinished run belongs to the worker that signs so, and has no thread anywhere.

    `just_started` is for the look at start: its name is locked here, so whatever it signed is of a dead process.
    """
    if run.id in running_here or run.state is None:
        return False
    if run.state.is_scheduled() and not waits_for_its_process(run):
        return False
    age = at - run.state.timestamp
    if run.infrastructure_pid is None:
        return age > UNSIGNED
    return run.infrastructure_pid.rpartition(":")[0] == worker and (just_started or age > SETTLED)


async def reap(
    client: PrefectClient, pool: str, worker: str, running_here: Collection[UUID], *, just_started: bool
) -> list[UUID]:
    """Give back the orphans of a worker; returns their ids. Raises httpx errors when the API is away."""
    known = set(running_here)
    looked_for = FlowRunFilter.model_validate({"state": UNFINISHED})
    in_pool = WorkPoolFilter.model_validate({"name": {"any_": [pool]}})
    reaped: list[UUID] = []
    offset = 0
    while page := await client.read_flow_runs(
        flow_run_filter=looked_for, work_pool_filter=in_pool, limit=200, offset=offset
    ):
        at = datetime.now(UTC)
        for run in page:
            if is_orphan(run, worker, known | set(running_here), at, just_started=just_started):
                await give_end(client, run.id, end_of_orphan(run))
                reaped.append(run.id)
        offset += len(page)
    return reaped
