"""Work pools and deployments, made or brought up to date by plain calls, so that doing it again changes nothing.

What belongs here: turning a `DeploymentSpec` into Prefect's deployment. What does not: which deployments a shop has;
the caller builds the specs.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.actions import DeploymentScheduleCreate, WorkPoolCreate
from prefect.client.schemas.schedules import CronSchedule, IntervalSchedule
from prefect.exceptions import ObjectAlreadyExists, ObjectNotFound
from prefect.flows import Flow, load_flow_from_entrypoint
from prefect.utilities.callables import parameter_schema

from backroom.domain.errors import Refuse
from backroom.engine.worker import BackroomWorker


class SpecRefused(Refuse):
    """A deployment spec contradicts itself or names a flow that does not load."""

    cause = "deployment_spec"


@dataclass(frozen=True, slots=True)
class DeploymentSpec:
    """One deployment: the flow at `entrypoint` (`flows/order.py:order`) under a name, served by a pool.

    At most one of `every_seconds` and `cron` (UTC) gives it a schedule. `concurrency` is the most runs at a time,
    None for any number; what is more waits. `queue` is a work queue of the pool, empty for its default one.
    """

    entrypoint: str
    name: str
    pool: str
    tags: Sequence[str] = ()
    parameters: Mapping[str, Any] = field(default_factory=dict)
    every_seconds: float | None = None
    cron: str | None = None
    concurrency: int | None = None
    description: str = ""
    queue: str = ""

    def __post_init__(self) -> None:
        if self.every_seconds is not None and self.cron is not None:
            raise SpecRefused(f"deployment {self.name} has two schedules", remedy="Keep one of them.")


def location_tag(location: str) -> str:
    """The tag by which the UI filters what belongs to a location."""
    return f"location:{location}"


def ensure_pool(client: SyncPrefectClient, name: str) -> None:
    """Make a work pool of our worker's type unless there is one of that name; its settings are then the ops lead's."""
    try:
        client.read_work_pool(name)
    except ObjectNotFound:
        try:
            template = BackroomWorker.get_default_base_job_template()
            client.create_work_pool(WorkPoolCreate(name=name, type=BackroomWorker.type, base_job_template=template))
        except ObjectAlreadyExists:
            # Its worker started at the same moment, and made it.
            return


def apply(specs: Iterable[DeploymentSpec]) -> dict[str, str]:
    """Make or update pools and deployments; returns `flow/deployment` → id.

    Flows are loaded, so that a wrong entrypoint is told here and not by a run. Raises SpecRefused for one that does
    not load, and Prefect's own errors when the API refuses or is away.
    """
    made: dict[str, str] = {}
    flows: dict[str, Flow[..., Any]] = {}
    pools: set[str] = set()
    with get_client(sync_client=True) as client:
        for spec in specs:
            if spec.pool not in pools:
                ensure_pool(client, spec.pool)
                pools.add(spec.pool)
            if spec.entrypoint not in flows:
                flows[spec.entrypoint] = _load(spec.entrypoint)
            flow = flows[spec.entrypoint]
            made[f"{flow.name}/{spec.name}"] = _upsert(client, spec, flow)
    return made


def _load(entrypoint: str) -> Flow[..., Any]:
    try:
        return load_flow_from_entrypoint(entrypoint, use_placeholder_flow=False)
    except Exception as error:
        raise SpecRefused(f"the flow {entrypoint} does not load: {error!r}") from error


def _upsert(client: SyncPrefectClient, spec: DeploymentSpec, flow: Flow[..., Any]) -> str:
    deployment_id = client.create_deployment(
        flow_id=client.create_flow_from_name(flow.name),
        name=spec.name,
        work_pool_name=spec.pool,
        work_queue_name=spec.queue or None,
        entrypoint=spec.entrypoint,
        parameters=dict(spec.parameters),
        tags=list(spec.tags),
        schedules=_schedules(spec),
        concurrency_limit=spec.concurrency,
        description=spec.description or flow.description,
        parameter_openapi_schema=parameter_schema(flow).model_dump(exclude_unset=True),
        enforce_parameter_schema=True,
        path=".",
        # Prefect's stock process worker runs a flow in an empty folder unless it is told where the code is.
        pull_steps=[{"prefect.deployments.steps.set_working_directory": {"directory": str(Path.cwd())}}],
    )
    return str(deployment_id)


def _schedules(spec: DeploymentSpec) -> list[DeploymentScheduleCreate]:
    if spec.every_seconds is not None:
        interval = IntervalSchedule(interval=timedelta(seconds=spec.every_seconds))
        return [DeploymentScheduleCreate(schedule=interval, active=True)]
    if spec.cron is not None:
        return [DeploymentScheduleCreate(schedule=CronSchedule(cron=spec.cron, timezone="UTC"), active=True)]
    return []
