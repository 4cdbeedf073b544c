"""A shop for commands: the demo shop in a home folder of its own, and a Prefect that takes every wake-up."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_httpserver import HTTPServer

from backroom.cli.output import console
from backroom.cli.prepare import prepare
from backroom.cli.processes import ROOT
from backroom.shop.demo_samples import approve_samples
from backroom.shop.room import Room


@pytest.fixture
def room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, httpserver: HTTPServer) -> Iterator[Room]:
    home = tmp_path / "home"
    shutil.copytree(ROOT / "data", home, ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    httpserver.expect_request(re.compile("/.*")).respond_with_json({"id": "d-1"})
    monkeypatch.setenv("PREFECT_API_URL", httpserver.url_for("/api"))
    monkeypatch.setenv("BACKROOM_HOME", str(home))
    # Who sets COLUMNS for us (a runner of tests may) fixes the width at the first import.
    monkeypatch.setattr(console, "_width", 300)
    room = prepare(home)
    approve_samples(room)
    yield room
    room.close()
