"""Commands about orders, as somebody or a program types them: what they say, in words and as JSON."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from typer.testing import CliRunner, Result

from backroom.cli.app import app
from backroom.cli.prepare import prepare
from backroom.cli.processes import ROOT
from backroom.domain.errors import BackroomError
from backroom.shop.room import Room
from tests.integration.gateway.conftest import SKU, make_order


@pytest.fixture
def room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, httpserver: HTTPServer) -> Iterator[Room]:
    """The demo shop in a home folder of its own, and a Prefect that takes every wake-up."""
    home = tmp_path / "home"
    shutil.copytree(ROOT / "data", home, ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    httpserver.expect_request(re.compile("/.*")).respond_with_json({"id": "d-1"})
    monkeypatch.setenv("PREFECT_API_URL", httpserver.url_for("/api"))
    monkeypatch.setenv("BACKROOM_HOME", str(home))
    monkeypatch.setenv("COLUMNS", "300")
    room = prepare(home)
    yield room
    room.close()


def typed(*words: str) -> Result:
    return CliRunner().invoke(app, list(words))


def answered(*words: str, code: int = 0) -> Any:
    """What a command says with --json: one document and nothing else."""
    result = typed(*words, "--json")
    assert result.exit_code == code, result.output
    return json.loads(result.stdout)


def refused(*words: str) -> str:
    """The sentence of an error of ours, which `main` prints."""
    error = typed(*words).exception
    assert isinstance(error, BackroomError), repr(error)
    return str(error)


def test_holding_with_a_note_shows_the_note_and_stores_it_sealed(room: Room) -> None:
    number = make_order(room, location="booth-a")
    assert answered("order", "hold", number.lower(), "--note", "Frau Novak ruft zurück") == {
        "order": number,
        "state": "held",
        "hold_reason": "asked_by_staff",
    }
    assert "Frau Novak ruft zurück" in " ".join(typed("order", "show", number).stdout.split())
    told = answered("order", "show", number)
    assert told["history"][-1]["note"] == "Frau Novak ruft zurück"
    assert told["history"][-1]["data"] == {"reason": "asked_by_staff"}
    for file in room.home.glob("shop.db*"):
        assert b"Novak" not in file.read_bytes()


def test_every_act_on_an_order_answers_a_program(room: Room) -> None:
    number = make_order(room, location="booth-a")
    answered("order", "hold", number)
    assert answered("order", "release", number)["state"] == "released"
    assert answered("order", "retry", number)["state"] == "released"
    assert answered("order", "cancel", number, "--note", "they rang")["state"] == "cancelled"
    [decision] = answered("order", "explain", number)["decisions"]
    assert decision["outcome"] == "assigned"
    assert number in decision["sentence"]


def test_a_scan_answers_a_program_and_a_wrong_piece_is_exit_code_one(room: Room) -> None:
    number = make_order(room, location="local-hub", from_stock=1, to_print=0)
    wrong = answered("scan", "local-hub", number, "nonsense", code=1)
    assert (wrong["accepted"], wrong["left"]) == (False, 1)
    assert answered("scan", "local-hub", number, SKU) == {"order": number, "accepted": True, "reason": "", "left": 0}
