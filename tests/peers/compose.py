"""What `deployments/containers/compose.yaml` says, run without containers: the same commands, on this machine.

What belongs here: reading the file, and starting its services in their order, each with its own command and
environment. PostgreSQL and Redis, whose images are not ours, are the machine's own, as private ones. What a container
would give a process is put in its place: other services' names become addresses here, `/shop` the home folder, and the
image's programs those of a virtual environment.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.prefect_server import free_port

COMPOSE = Path("deployments/containers/compose.yaml")
_VARIABLE = re.compile(r"\$\$|\$\{(\w+)(?::([-?])([^}]*))?\}")
STEP_WITHIN, HEALTHY_WITHIN, STOP_WITHIN = 240.0, 240.0, 60.0
LOOK_SECONDS = 0.5


def services(path: Path = COMPOSE) -> dict[str, dict[str, Any]]:
    """The services as they are written, with what they share merged in."""
    read: dict[str, dict[str, Any]] = yaml.safe_load(path.read_text(encoding="utf-8"))["services"]
    return read


def interpolated(text: str, variables: Mapping[str, str]) -> str:
    """A value as Compose passes it on (compose-spec, "Interpolation"); KeyError for a variable that must be set."""

    def value(found: re.Match[str]) -> str:
        name, kind, default = found.groups()
        if name is None:
            return "$"
        return variables.get(name) or default if kind == "-" else variables[name]

    return _VARIABLE.sub(value, text)


@dataclass
class Composed:
    """The services as processes. `places` says what stands here for what a container would see; the longest one fits.

    `programs` is the folder of the image's programs, `work` its working directory, `extra` the image's own variables.
    """

    variables: Mapping[str, str]
    places: Mapping[str, str]
    programs: Path
    work: Path
    logs: Path
    extra: Mapping[str, str] = field(default_factory=dict)
    running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def here(self, text: str) -> str:
        """A word of the file as it has to be on this machine."""
        inside = "|".join(re.escape(place) for place in sorted(self.places, key=len, reverse=True))
        return re.sub(inside, lambda found: self.places[found[0]], interpolated(str(text), self.variables))

    def up(self, *names: str) -> None:
        """Start these services and what they depend on, each when what it depends on is as far as it has to be."""
        known = services()
        for name in names:
            if name in self.running:
                continue
            needed: Mapping[str, Mapping[str, str]] = known[name].get("depends_on", {})
            self.up(*(other for other in needed if "image" not in known[other] or "build" in known[other]))
            self._start(name, known[name])
            if known[name].get("restart") == "no":
                assert self.running[name].wait(STEP_WITHIN) == 0, self.said(name)
            elif "healthcheck" in known[name]:
                self._until_healthy(name, known[name])

    def stop(self) -> None:
        for process in reversed(self.running.values()):
            process.terminate()
        for process in self.running.values():
            try:
                process.wait(STOP_WITHIN)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def said(self, name: str) -> str:
        return (self.logs / f"{name}.log").read_text(errors="replace")[-3000:]

    def environment(self, service: Mapping[str, Any]) -> dict[str, str]:
        """All that a container's process would see: the service's own words, and where the image's programs are."""
        words = {name: self.here(value) for name, value in service.get("environment", {}).items()}
        path = os.pathsep.join((str(self.programs), os.environ.get("PATH", os.defpath)))
        return {"PATH": path, "HOME": str(self.logs), "LANG": "C.UTF-8", **self.extra, **words}

    def _start(self, name: str, service: Mapping[str, Any]) -> None:
        argv = [self.here(word) for word in service["command"]]
        self.running[name] = self._popen(argv, service, name)

    def _until_healthy(self, name: str, service: Mapping[str, Any]) -> None:
        kind, *argv = service["healthcheck"]["test"]
        assert kind == "CMD"
        deadline = time.monotonic() + HEALTHY_WITHIN
        while self._popen([self.here(word) for word in argv], service, f"{name}-health").wait(30):
            assert self.running[name].poll() is None, self.said(name)
            assert time.monotonic() < deadline, self.said(name)
            time.sleep(LOOK_SECONDS)

    def _popen(self, argv: Sequence[str], service: Mapping[str, Any], log: str) -> subprocess.Popen[bytes]:
        environment = self.environment(service)
        program = shutil.which(argv[0], path=environment["PATH"])
        assert program is not None, f"the image has no {argv[0]}"
        with (self.logs / f"{log}.log").open("ab") as file:
            return subprocess.Popen(
                [program, *argv[1:]], env=environment, cwd=self.work, stdout=file, stderr=subprocess.STDOUT
            )


@contextmanager
def running_redis(folder: Path) -> Iterator[int]:
    """A private redis-server as the compose file starts it, on a free port; skips where it is not installed."""
    program = shutil.which("redis-server")
    if program is None:
        pytest.skip("NO REDIS: redis-server is not installed (apt install redis-server)")
    port = free_port()
    _, *options = services()["redis"]["command"]
    argv = [program, *options, "--port", str(port), "--bind", "127.0.0.1", "--dir", str(folder)]
    process = subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield port
    finally:
        process.terminate()
        process.wait(10)


@contextmanager
def running_postgres(user: str, database: str) -> Iterator[int]:
    """A private PostgreSQL of this machine's own, since Prefect wants its extension pg_trgm, on a free port.

    It is made as its image makes one: a database for a user, then what the compose file lets it run once.
    """
    programs = max(Path("/usr/lib/postgresql").glob("*/bin"), default=None, key=lambda path: int(path.parent.name))
    if programs is None:
        pytest.skip("NO POSTGRESQL OF THE SYSTEM: apt install postgresql")
    port = free_port()
    # As root it refuses to run, and its own user must reach the folder: pytest's are closed to others.
    folder = Path(tempfile.mkdtemp(prefix="backroom-postgres-"))
    own = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"] if os.geteuid() == 0 else []
    if own:
        shutil.chown(folder, "postgres", "postgres")
    data = str(folder / "data")
    asked = ["--auth=trust", f"--username={user}", "--encoding=UTF8", "--no-sync"]
    subprocess.run([*own, programs / "initdb", "-D", data, *asked], check=True, capture_output=True, timeout=120)
    options = ["-p", str(port), "-k", str(folder), "-c", "listen_addresses=127.0.0.1", "-c", "fsync=off"]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([*own, programs / "postgres", "-D", data, *options], stdout=log, stderr=log)
    at = ["-h", "127.0.0.1", "-p", str(port), "-U", user]
    try:
        deadline = time.monotonic() + HEALTHY_WITHIN
        while subprocess.run([programs / "pg_isready", *at], capture_output=True, timeout=30).returncode:
            assert process.poll() is None, (folder / "log").read_text()
            assert time.monotonic() < deadline, (folder / "log").read_text()
            time.sleep(LOOK_SECONDS)
        subprocess.run([programs / "createdb", *at, database], check=True, timeout=60)
        subprocess.run(
            [programs / "psql", *at, "-d", database, "-f", COMPOSE.parent / "prefect-database.sql"],
            check=True,
            capture_output=True,
            timeout=60,
        )
        yield port
    finally:
        # SIGINT: fast shutdown, whoever is still connected.
        process.send_signal(signal.SIGINT)
        process.wait(30)
        shutil.rmtree(folder, ignore_errors=True)
