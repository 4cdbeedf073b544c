"""Typing commands in: as words, for a program, and expecting a refusal."""

from __future__ import annotations

import json
from typing import Any

from typer.testing import CliRunner, Result

from backroom.cli.app import app
from backroom.cli.opening import close_rooms
from backroom.domain.errors import BackroomError


def typed(*words: str) -> Result:
    """What a command says, which leaves nothing open, as when its process ends."""
    try:
        return CliRunner().invoke(app, list(words))
    finally:
        close_rooms()


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
