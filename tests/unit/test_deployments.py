"""What stands in `deployments/` names only what there is: settings, programs, folders, ports, each other."""

from __future__ import annotations

import configparser
import re
import shlex
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.core import TyperGroup
from typer.main import get_command

from backroom.cli.app import app
from backroom.domain.shop import QUALITY_POOL
from backroom.engine.server import DESK, server_environment

FOLDER = Path("deployments")
COMPOSE = FOLDER / "containers" / "compose.yaml"
CONTAINERFILE = FOLDER / "containers" / "Containerfile"
UNIT = FOLDER / "systemd" / "backroom-hub@.service"
# What `backroom up` sets because its server is a child on SQLite in the home folder; a container is none.
OF_ONE_MACHINE = {
    "PREFECT_HOME",
    "PREFECT_PROFILES_PATH",
    "PREFECT_API_URL",
    "PREFECT_SERVER_API_HOST",
    "PREFECT_SERVER_API_PORT",
    "PREFECT_SERVER_DATABASE_CONNECTION_URL",
    "PREFECT_SERVER_API_CORS_ALLOWED_ORIGINS",
    "PREFECT_SERVER_API_AUTH_STRING",
    "PREFECT_API_AUTH_STRING",
}


@pytest.fixture(scope="module")
def composed() -> dict[str, Any]:
    read: dict[str, Any] = yaml.safe_load(COMPOSE.read_text(encoding="utf-8"))
    return read


@pytest.fixture(scope="module")
def ours(composed: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The services that run our image."""
    return {name: one for name, one in composed["services"].items() if "build" in one}


def words(service: dict[str, Any]) -> list[str]:
    """A service's command as words; what a shell is given is taken apart as well."""
    command = list(service["command"])
    if command[:2] == ["sh", "-c"]:
        script = command[2].replace("$$", "$").replace('eval "$(', "").replace(')"', " ")
        return shlex.split(script.replace("&&", " ; "))
    return command


def commands(service: dict[str, Any]) -> Iterator[list[str]]:
    """The simple commands in it."""
    one: list[str] = []
    for word in [*words(service), ";"]:
        if word == ";":
            yield one[1:] if one[:1] == ["exec"] else one
            one = []
        else:
            one.append(word)


def test_prefects_processes_get_the_settings_that_backroom_up_chooses(ours: dict[str, dict[str, Any]]) -> None:
    chosen = server_environment(Path("/shop"), 4200, "user:password")
    chosen = {name: value for name, value in chosen.items() if name not in OF_ONE_MACHINE}
    for name in ("prefect-database", "prefect-api", "prefect-services"):
        environment = ours[name]["environment"]
        assert {setting: environment.get(setting) for setting in chosen} == chosen
        assert OF_ONE_MACHINE - environment.keys() <= {
            "PREFECT_PROFILES_PATH",
            "PREFECT_API_URL",
            "PREFECT_SERVER_API_HOST",
            "PREFECT_SERVER_API_PORT",
        }


def test_every_command_of_ours_has_the_options_that_it_is_given(ours: dict[str, dict[str, Any]]) -> None:
    seen = 0
    for name, service in ours.items():
        for argv in commands(service):
            if argv[0] != "backroom":
                assert argv[0] in ("prefect", "python"), name
                continue
            command, rest = get_command(app), argv[1:]
            while isinstance(command, TyperGroup):
                command = command.commands[rest.pop(0)]
            known = {option for parameter in command.params for option in parameter.opts}
            assert {word for word in rest if word.startswith("--")} <= known, name
            seen += 1
    assert seen >= 4


def test_services_wait_for_services_that_there_are(composed: dict[str, Any]) -> None:
    services = composed["services"]
    for name, service in services.items():
        for other, how in service.get("depends_on", {}).items():
            assert other in services, name
            if how["condition"] == "service_healthy":
                assert "healthcheck" in services[other], (name, other)
            else:
                assert services[other]["restart"] == "no", (name, other)


def test_addresses_are_those_at_which_services_listen(
    composed: dict[str, Any], ours: dict[str, dict[str, Any]]
) -> None:
    listens = {
        "prefect-api": ours["prefect-api"]["command"][-1],
        "gateway": ours["gateway"]["environment"]["BACKROOM_PORT"],
        "postgres": "5432",
        "redis": "6379",
    }
    named = set(re.findall(r"\b([a-z-]+):(\d{4})\b", COMPOSE.read_text(encoding="utf-8")))
    assert {(name, port) for name, port in named if name in composed["services"]} == set(listens.items())
    for name in ("prefect-api", "gateway"):
        (published,) = composed["services"][name]["ports"]
        assert published == f"127.0.0.1:{listens[name]}:{listens[name]}"


def test_every_variable_is_in_the_example(composed: dict[str, Any]) -> None:
    asked = set(re.findall(r"(?<!\$)\$\{(\w+)", COMPOSE.read_text(encoding="utf-8")))
    example = (FOLDER / "containers" / "shop.env.example").read_text(encoding="utf-8")
    assert asked == set(re.findall(r"^#?(\w+)=", example, re.MULTILINE))


def test_files_and_folders_that_are_named_are_there(composed: dict[str, Any], ours: dict[str, dict[str, Any]]) -> None:
    build = ours["gateway"]["build"]
    root = (COMPOSE.parent / build["context"]).resolve()
    assert root == Path.cwd()
    assert (root / build["dockerfile"]).samefile(CONTAINERFILE)
    mounted = [volume.split(":")[0] for one in composed["services"].values() for volume in one.get("volumes", [])]
    assert all((COMPOSE.parent / path).is_file() for path in mounted if path.startswith("."))
    copied = re.findall(r"^COPY (.+) \S+$", CONTAINERFILE.read_text(encoding="utf-8"), re.MULTILINE)
    sources = {source for line in copied for source in line.split()}
    assert all((root / source).exists() for source in sources)
    packages = tomllib.loads(Path("pyproject.toml").read_text(encoding="utf-8"))["tool"]["hatch"]["build"]["targets"]
    assert set(packages["wheel"]["packages"]) <= sources


def test_workers_have_names_of_their_own_and_serve_what_there_is(ours: dict[str, dict[str, Any]]) -> None:
    started = [
        argv for service in ours.values() for argv in commands(service) if argv[:3] == ["prefect", "worker", "start"]
    ]
    names = [argv[argv.index("--name") + 1] for argv in started]
    assert len(names) == len(set(names)) >= 4
    assert {argv[argv.index("--pool") + 1] for argv in started} == {"hub", QUALITY_POOL}
    assert [argv[argv.index("--work-queue") + 1] for argv in started if "--work-queue" in argv] == [DESK]


def test_the_systemd_unit_starts_a_worker_that_keeps_its_name() -> None:
    unit = configparser.RawConfigParser(strict=False)
    unit.optionxform = str  # type: ignore[assignment]
    unit.read(UNIT, encoding="utf-8")
    shell, flag, script = shlex.split(unit["Service"]["ExecStart"])
    assert (shell, flag) == ("/bin/sh", "-c")
    assert "exec .venv/bin/prefect worker start --pool hub --name" in script
    assert "%H-%i" in script
    assert "backroom shop env --prefect-api" in script
    # A drain takes half a minute, and is not cut short.
    assert int(unit["Service"]["TimeoutStopSec"]) > 40
