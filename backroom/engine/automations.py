"""Automations made by code: who is told when an order's run fails, or when a booth went away.

What belongs here: triggers and the run of `alert/alert` they start. What does not: how an alert reaches a person; that
is the flow's part. Prefect's own notifications want an account; a run wants none, and shows in the UI besides.
Times measured with Prefect 3.8.8: a failed run alerts within 10 s, a booth that went away within 95 s.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.events.actions import RunDeployment
from prefect.events.schemas.automations import AutomationCore, EventTrigger, Posture

from backroom.engine.runs import ui_url

ALERT = "alert/alert"
FAILED_RUN = "backroom: an order's run failed"
GONE_BOOTH = "backroom: a booth went away"


def ensure_alerts(flow_names: Sequence[str] = ("order", "breaker"), alert: str = ALERT) -> list[str]:
    """Make both automations, or bring them up to date; returns their ids.

    The deployment `alert` must exist and take `what` (a clause with a link into the UI) and `subject` (the run's name
    or the pool's), both text. Raises ObjectNotFound when it does not exist.
    """
    with get_client(sync_client=True) as client:
        deployment = client.read_deployment_by_name(alert).id
        return [
            _ensure(client, _failed_run(flow_names, deployment)),
            _ensure(client, _gone_booth(deployment)),
        ]


def _failed_run(flow_names: Sequence[str], alert: UUID) -> AutomationCore:
    trigger = EventTrigger(
        expect={"prefect.flow-run.Failed", "prefect.flow-run.Crashed"},
        match_related={"prefect.resource.role": "flow", "prefect.resource.name": list(flow_names)},
        for_each={"prefect.resource.id"},
        posture=Posture.Reactive,
        threshold=1,
        within=timedelta(0),
    )
    what = f"the run failed for good, see {ui_url()}/runs/flow-run/{{{{ flow_run.id }}}}"
    return _automation(FAILED_RUN, trigger, alert, what=what, subject="{{ flow_run.name }}")


def _gone_booth(alert: UUID) -> AutomationCore:
    trigger = EventTrigger(
        expect={"prefect.work-pool.not-ready"},
        match={"prefect.resource.id": "prefect.work-pool.*"},
        for_each={"prefect.resource.id"},
        posture=Posture.Reactive,
        threshold=1,
        within=timedelta(0),
    )
    what = f"its worker is silent, see {ui_url()}/work-pools/work-pool/{{{{ work_pool.name }}}}"
    return _automation(GONE_BOOTH, trigger, alert, what=what, subject="{{ work_pool.name }}")


def _automation(name: str, trigger: EventTrigger, alert: UUID, **parameters: str) -> AutomationCore:
    values: dict[str, Any] = {key: {"__prefect_kind": "jinja", "template": value} for key, value in parameters.items()}
    return AutomationCore(
        name=name,
        description="Made by Backroom, and changed back when it starts; pause it where it is not wanted.",
        trigger=trigger,
        actions=[RunDeployment(source="selected", deployment_id=alert, parameters=values, job_variables=None)],
    )


def _ensure(client: SyncPrefectClient, wanted: AutomationCore) -> str:
    found = client.request(
        "POST", "/automations/filter", json={"automations": {"name": {"any_": [wanted.name]}}}
    ).json()
    body = wanted.model_dump(mode="json", exclude={"owner_resource"})
    if not found:
        return str(client.request("POST", "/automations/", json=body).json()["id"])
    kept, *doubles = found
    # Whoever paused it in the UI meant it.
    body["enabled"] = kept["enabled"]
    client.request("PUT", "/automations/{id}", path_params={"id": kept["id"]}, json=body)
    for double in doubles:
        client.request("DELETE", "/automations/{id}", path_params={"id": double["id"]})
    return str(kept["id"])
