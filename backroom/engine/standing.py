"""Runs that stand in the UI for somebody's trouble: an order's own, a breaker's, a Hold's form; and ending them.

What belongs here: finding those that are not over, and saying that one is. What does not: which trouble is over; the
sweep knows that (`tasks.sweeping`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID

if TYPE_CHECKING:
    from prefect.client.orchestration import SyncPrefectClient

# A run in one of these waits, works, or shows a failure that nobody has mended yet.
FAILED = ("FAILED", "CRASHED")
OPEN = ("SCHEDULED", "PENDING", "RUNNING", "PAUSED", "CANCELLING", *FAILED)
PAUSED = "PAUSED"
_PAGE = 200


@dataclass(frozen=True, slots=True)
class Standing:
    """One open run: its state's type, its parameters, and the key it was started under (empty: by hand)."""

    id: UUID
    state: str
    parameters: dict[str, Any]
    key: str


def standing(deployment: str) -> list[Standing]:
    """The open runs of the deployment `flow/name`. Raises Prefect's and httpx's errors when the API is away."""
    with _client() as client:
        return list(_pages(client, deployment))


def end(run: Standing, message: str) -> None:
    """Set an open run Completed, for what it stood for is over."""
    from prefect.states import Completed

    with _client() as client:
        client.set_flow_run_state(run.id, Completed(message=message), force=True)


def _client() -> SyncPrefectClient:
    # Imported at use: the waker wants the names of the states, and not the two seconds and 80 MB of Prefect.
    from prefect.client.orchestration import get_client

    return get_client(sync_client=True)


def _pages(client: SyncPrefectClient, deployment: str) -> Iterator[Standing]:
    from prefect.client.schemas.filters import DeploymentFilter, FlowFilter, FlowRunFilter

    flow, _, name = deployment.partition("/")
    offset = 0
    while page := client.read_flow_runs(
        flow_filter=FlowFilter.model_validate({"name": {"any_": [flow]}}),
        deployment_filter=DeploymentFilter.model_validate({"name": {"any_": [name]}}),
        flow_run_filter=FlowRunFilter.model_validate({"state": {"type": {"any_": list(OPEN)}}}),
        limit=_PAGE,
        offset=offset,
    ):
        for run in page:
            if run.state is not None:
                yield Standing(run.id, run.state.type.value, dict(run.parameters), run.idempotency_key or "")
        offset += len(page)
