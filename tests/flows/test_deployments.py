"""The deployments: those of prefect.yaml are the demo shop's, and every entrypoint is a real flow."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from prefect.flows import load_flow_from_entrypoint

from backroom.engine.deploy import DeploymentSpec
from backroom.engine.deployments import specs_of
from backroom.shop.load import load_shop

ROOT = Path(__file__).resolve().parents[2]
LISTED = yaml.safe_load((ROOT / "prefect.yaml").read_text(encoding="utf-8"))["deployments"]


def test_prefect_yaml_deploys_exactly_what_up_deploys_for_the_demo_shop() -> None:
    specs = specs_of(load_shop(ROOT / "data" / "shop.toml"))
    made = [
        (
            spec.entrypoint,
            spec.name,
            spec.pool,
            spec.queue or None,
            list(spec.tags),
            dict(spec.parameters),
            _schedules(spec),
        )
        for spec in specs
    ]
    written = [
        (
            one["entrypoint"],
            one["name"],
            one["work_pool"]["name"],
            one["work_pool"].get("work_queue_name"),
            one["tags"],
            one["parameters"],
            one.get("schedules"),
        )
        for one in LISTED
    ]
    assert written == made


def _schedules(spec: DeploymentSpec) -> list[dict[str, object]] | None:
    if spec.cron:
        return [{"cron": spec.cron, "timezone": "UTC"}]
    return [{"interval": int(spec.every_seconds)}] if spec.every_seconds else None


@pytest.mark.parametrize("entrypoint", sorted({one["entrypoint"] for one in LISTED}))
def test_an_entrypoint_loads_as_a_flow_and_not_as_a_placeholder(
    entrypoint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    flow = load_flow_from_entrypoint(entrypoint, use_placeholder_flow=False)
    assert flow.fn.__doc__
