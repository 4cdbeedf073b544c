"""Automations made by code: who is told when an order's run or a wave fails, or when a booth went away.

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
FAILED_ORDER = "backroom: an order's run failed"
FAILED_WAVE = "backroom: a wave, or the sweep, failed"
FAILED_LOOK = "backroom: figures, checks or plans failed"
GONE_BOOTH = "backroom: a booth went away"

# And the night's, which fails once, over a request that somebody has to answer.
ORDER_FLOWS = ("order", "decide", "breaker", "retention", "transfer")
# Not the alert itself: one that failed would start the next.
WAVE_FLOWS = (
    "sweep",
    "order-intake",
    "fulfil",
    "print-jobs",
    "returns",
    "refunds",
    "parcels",
    "partners",
    "tell-channel",
    "messages",
)
# No order waits for these; without them, nobody would know what is going wrong.
LOOK_FLOWS = ("kpi", "data-quality", "audit", "event", "event-restock", "reconcile", "tell-stock")
# These start again and again while their trouble lasts; who was told once an hour knows.
TOLD_AGAIN = timedelta(hours=1)
_RUN = "/runs/flow-run/{{ flow_run.id }}"


def ensure_alerts(
    order_flows: Sequence[str] = ORDER_FLOWS,
    wave_flows: Sequence[str] = WAVE_FLOWS,
    look_flows: Sequence[str] = LOOK_FLOWS,
    alert: str = ALERT,
) -> list[str]:
    """Make the four automations, or bring them up to date; returns their ids.

    The deployment `alert` must exist and take `what` (a clause), `subject` (the run's name, the deployment's or the
    pool's) and `link` (into the UI), all text. Raises ObjectNotFound when it does not exist.
    """
    with get_client(sync_client=True) as client:
        deployment = client.read_deployment_by_name(alert).id
        return [
            _ensure(client, wanted)
            for wanted in (
                _failed_order(order_flows, deployment),
                _failed_again(FAILED_WAVE, wave_flows, "its run failed, orders may be waiting for it", deployment),
                _failed_again(FAILED_LOOK, look_flows, "its run failed, what it looks after is not of now", deployment),
                _gone_booth(deployment),
            )
        ]


def _failed_order(flow_names: Sequence[str], alert: UUID) -> AutomationCore:
    """Every run of an order or a breaker alerts: there is one for one trouble."""
    trigger = _failed(flow_names, "prefect.resource.id", timedelta(0))
    what = "the run failed for good"
    return _automation(FAILED_ORDER, trigger, alert, what=what, subject="{{ flow_run.name }}", link=_RUN)


def _failed_again(name: str, flow_names: Sequence[str], what: str, alert: UUID) -> AutomationCore:
    """A deployment that fails again and again alerts at once, and then once an hour."""
    trigger = _failed(flow_names, "related:deployment:prefect.resource.id", TOLD_AGAIN)
    return _automation(name, trigger, alert, what=what, subject="{{ flow.name }}/{{ deployment.name }}", link=_RUN)


def _failed(flow_names: Sequence[str], for_each: str, within: timedelta) -> EventTrigger:
    return EventTrigger(
        expect={"prefect.flow-run.Failed", "prefect.flow-run.Crashed"},
        match_related={"prefect.resource.role": "flow", "prefect.resource.name": list(flow_names)},
        for_each={for_each},
        posture=Posture.Reactive,
        threshold=1,
        within=within,
    )


def _gone_booth(alert: UUID) -> AutomationCore:
    trigger = EventTrigger(
        expect={"prefect.work-pool.not-ready"},
        match={"prefect.resource.id": "prefect.work-pool.*"},
        for_each={"prefect.resource.id"},
        posture=Posture.Reactive,
        threshold=1,
        within=timedelta(0),
    )
    link = "/work-pools/work-pool/{{ work_pool.name }}"
    return _automation(
        GONE_BOOTH, trigger, alert, what="its worker is silent", subject="{{ work_pool.name }}", link=link
    )


def _automation(name: str, trigger: EventTrigger, alert: UUID, *, what: str, subject: str, link: str) -> AutomationCore:
    parameters = {"what": what, "subject": subject, "link": f"{ui_url()}{link}"}
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
