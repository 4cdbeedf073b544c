"""Settings by environment, and links into the UI."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path

import pytest
import yaml
from pydantic import TypeAdapter

from backroom.engine.runs import artifact_url, run_url, this_run_id
from backroom.engine.server import api_url, client_environment, server_environment

HOME = Path("/shop/prefect")
RUNS_ON_A_PAGE = 100

timedelta_of = TypeAdapter(timedelta).validate_python


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PREFECT_UI_URL", raising=False)
    monkeypatch.setenv("PREFECT_API_URL", "http://127.0.0.1:4300/api")


def test_the_server_keeps_to_localhost_and_to_its_own_folder() -> None:
    environment = server_environment(HOME, 4300, "user:secret")
    assert environment["PREFECT_SERVER_API_HOST"] == "127.0.0.1"
    assert environment["PREFECT_HOME"] == str(HOME)
    assert environment["PREFECT_PROFILES_PATH"].startswith(str(HOME))
    assert environment["PREFECT_SERVER_DATABASE_CONNECTION_URL"] == "sqlite+aiosqlite:////shop/prefect/prefect.db"
    assert environment["PREFECT_SERVER_API_CORS_ALLOWED_ORIGINS"] == "http://127.0.0.1:4300"


@pytest.mark.parametrize("scheme", ["postgresql", "postgresql+psycopg", "postgres", "postgresql+asyncpg"])
def test_any_postgresql_url_is_given_to_the_driver_prefect_has(scheme: str) -> None:
    environment = server_environment(HOME, 4300, "", f"{scheme}://u:p@db/prefect")
    assert environment["PREFECT_SERVER_DATABASE_CONNECTION_URL"] == "postgresql+asyncpg://u:p@db/prefect"


def test_server_and_client_share_the_same_password() -> None:
    server = server_environment(HOME, 4300, "user:secret")
    client = client_environment(api_url(4300), "user:secret")
    assert server["PREFECT_SERVER_API_AUTH_STRING"] == client["PREFECT_API_AUTH_STRING"] == "user:secret"
    assert "PREFECT_API_AUTH_STRING" not in client_environment(api_url(4300), "")


def test_a_page_of_runs_is_not_filled_by_sweeps_to_come() -> None:
    planned = timedelta_of(server_environment(HOME, 4300, "")["PREFECT_SERVER_SERVICES_SCHEDULER_MIN_SCHEDULED_TIME"])
    prefect = yaml.safe_load(Path("prefect.yaml").read_text())
    schedules = [one for deployment in prefect["deployments"] for one in deployment.get("schedules") or ()]
    # Prefect plans at least three runs of each.
    to_come = sum(max(3, planned // timedelta(seconds=one.get("interval", 86_400)) + 1) for one in schedules)
    assert to_come <= RUNS_ON_A_PAGE / 2
    assert planned >= timedelta(minutes=5)  # its scheduler comes by once a minute


def test_every_setting_is_one_that_prefect_knows() -> None:
    from prefect.settings.models.root import Settings

    def names(model: type, found: set[str]) -> set[str]:
        for field in model.model_fields.values():  # type: ignore[attr-defined]
            alias = field.validation_alias
            found |= {str(choice).upper() for choice in getattr(alias, "choices", [])}
            if isinstance(field.annotation, type) and hasattr(field.annotation, "model_fields"):
                prefix = field.annotation.model_config.get("env_prefix", "")
                found |= {f"{prefix}{name}".upper() for name in field.annotation.model_fields}
                names(field.annotation, found)
        return found

    known = names(Settings, {f"PREFECT_{name}".upper() for name in Settings.model_fields})
    ours = {**server_environment(HOME, 1, "a:b"), **client_environment("x", "a:b", HOME)}
    assert {name for name in ours if name.startswith("PREFECT_")} <= known


def test_a_run_has_a_page_in_the_second_ui(api: None) -> None:
    assert run_url("1234") == "http://127.0.0.1:4300/v2/runs/flow-run/1234"


def test_an_artifact_has_a_page_by_its_key(api: None) -> None:
    assert artifact_url("order-a-1042") == "http://127.0.0.1:4300/v2/artifacts/key/order-a-1042"


def test_a_ui_elsewhere_is_linked_where_it_is(api: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PREFECT_UI_URL", "https://ops.example/")
    assert run_url("1234") == "https://ops.example/v2/runs/flow-run/1234"


def test_outside_a_run_there_is_no_run_id() -> None:
    assert "PREFECT__FLOW_RUN_ID" not in os.environ
    assert this_run_id() == ""
