"""Giving a run the state that it was left without, so that a worker is offered it again where it is to go on.

What belongs here: saying it to the server. What does not: which state that is (`ends`), and which runs need one
(`own_runs`, `reaper`).

A flow with retries is retried by the process that runs it: as soon as its first try has failed the server calls it
`in_process`, and offers it to no worker from then on (get-runs-from-worker-queues.sql.jinja of Prefect's server, and
`RetryFailedFlows` of its core_policy.py; seen with 3.8.8). When that process is gone the run would wait for ever.
"""

from __future__ import annotations

from uuid import UUID

from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.objects import FlowRun, State

IN_PROCESS, RESCHEDULE = "in_process", "reschedule"


def waits_for_its_process(run: FlowRun) -> bool:
    """Whether a run waits to be tried again, and only the process that had it may do so."""
    return run.state is not None and run.state.is_scheduled() and run.empirical_policy.retry_type == IN_PROCESS


async def give_end(client: PrefectClient, run_id: UUID, end: State) -> None:
    """Set a run's state, whatever the server's rules say. Raises httpx errors; doing it again is safe."""
    if end.is_scheduled():
        policy = (await client.read_flow_run(run_id)).empirical_policy
        if policy.retry_type == IN_PROCESS:
            offered = policy.model_copy(update={"retry_type": RESCHEDULE})
            await client.update_flow_run(run_id, empirical_policy=offered)
    await client.set_flow_run_state(run_id, end, force=True)
