"""Who gets which variable: a booth's worker gets nothing that opens the shop, however Backroom was started."""

from __future__ import annotations

import os
import shlex

import pytest

from backroom.cli.environments import Ports, environment_of, environment_of_server, environment_of_worker
from backroom.cli.processes import server_child, worker_children
from backroom.shop.room import Room
from tests.integration.cli.typing_in import refused, typed

OPENERS = ("BACKROOM_SECRET_MASTER_KEY", "BACKROOM_SECRET_DATABASE_URL", "BACKROOM_SECRET_WEBHOOK_WEB")


@pytest.fixture
def secrets_around(room: Room, monkeypatch: pytest.MonkeyPatch) -> Room:
    """The shop as a container runs it: its secrets in the environment."""
    for name in OPENERS:
        monkeypatch.setenv(name, "open sesame")
    monkeypatch.setenv("BACKROOM_BOOTH_KEY_ELSEWHERE", "open sesame")
    return room


def test_a_booths_worker_and_prefects_server_get_nothing_that_opens_the_shop(secrets_around: Room) -> None:
    children = {child.name: child.env for child in worker_children(secrets_around, Ports())}
    for name, environment in (*children.items(), ("server", server_child(secrets_around, Ports()).env)):
        assert environment is not None
        assert ("open sesame" in environment.values()) == (name in ("worker-hub", "worker-desk", "worker-quality")), (
            name
        )


def test_a_booths_worker_gets_its_own_key_and_a_home_without_the_shop(secrets_around: Room) -> None:
    environment = environment_of_worker(secrets_around, Ports(), "booth-a")
    keys = {name: value for name, value in environment.items() if name.startswith("BACKROOM_BOOTH_KEY")}
    assert set(keys) == {"BACKROOM_BOOTH_KEY", "BACKROOM_BOOTH_KEY_BOOTH_A"}
    assert set(keys.values()) == {secrets_around.secret("booth_key.booth-a")}
    assert environment["BACKROOM_HOME"] == str(secrets_around.home / "booths" / "booth-a")
    assert environment["PATH"] == os.environ["PATH"]


def test_the_gateway_inherits_the_secrets(secrets_around: Room) -> None:
    environment = environment_of(secrets_around, Ports())
    assert all(environment[name] == "open sesame" for name in OPENERS)
    assert not any(name in environment_of_server(secrets_around, Ports()) for name in OPENERS)


@pytest.mark.parametrize("pool", ["hub", "booth-a"])
def test_a_shell_reads_what_a_pools_worker_would_be_given(room: Room, pool: str) -> None:
    lines = typed("shop", "env", pool).stdout.splitlines()
    read = dict(shlex.split(line)[1].split("=", 1) for line in lines)
    given = environment_of_worker(room, Ports(), pool)
    assert all(read[name] == value for name, value in given.items() if name.startswith("BACKROOM_"))
    assert ("PREFECT_SERVER_API_AUTH_STRING" in read) == (pool == "hub")


def test_a_shell_on_another_machine_is_told_where_prefect_and_the_gateway_are(room: Room) -> None:
    elsewhere = ["--prefect-api", "http://hub.example:4200/api", "--gateway-url", "http://hub.example:8600/"]
    lines = typed("shop", "env", *elsewhere).stdout.splitlines()
    read = dict(shlex.split(line)[1].split("=", 1) for line in lines)
    assert read["PREFECT_API_URL"] == "http://hub.example:4200/api"
    assert read["PREFECT_UI_URL"] == "http://hub.example:4200/v2"
    assert read["BACKROOM_GATEWAY_URL"] == "http://hub.example:8600"
    assert read["BACKROOM_BOOTH_KEY_MAIN_HUB"] == room.secret("booth_key.main-hub")


def test_hub_workers_that_share_its_waves_have_names_of_their_own(room: Room) -> None:
    children = worker_children(room, Ports(), hub_workers=3)
    names = [child.argv[child.argv.index("--name") + 1] for child in children]
    shared = ["backroom hub", "backroom hub-2", "backroom hub-3", "backroom desk"]
    assert names == [*shared, "backroom booth-a", "backroom quality"]
    assert [child.name for child in children] == [name.replace("backroom ", "worker-") for name in names]
    serving = {name: "default" in child.argv for name, child in zip(names, children, strict=True)}
    assert [name for name, waves in serving.items() if waves] == names[:3]


def test_an_unknown_pool_lists_the_pools(room: Room) -> None:
    assert "hub, booth-a" in refused("shop", "env", "booth-b")
