"""The first minutes: a command too early or a slip in a file gets a sentence that says what to do, and no traceback."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

BACKROOM = [sys.executable, "-c", "from backroom.cli.app import main; main()"]


def said(home: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """What the program itself says, as a terminal shows it."""
    return subprocess.run(
        [*BACKROOM, *words],
        env=os.environ | {"BACKROOM_HOME": str(home), "COLUMNS": "300"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.fixture
def new_home(tmp_path: Path) -> Path:
    """A shop that `backroom init` has just made, and that was never started."""
    home = tmp_path / "home"
    assert said(home, "init", "--defaults").returncode == 0
    return home


def test_init_ends_with_the_next_steps(tmp_path: Path) -> None:
    told = said(tmp_path / "home", "init", "--defaults").stdout
    assert [step for step in ("catalogue.csv", "stock.csv", "artwork", "backroom up") if step not in told] == []
    assert "no_coordinates" not in told
    # Samples can be made once the shop is open.
    assert told.index("backroom up") < told.index("backroom sample new")


@pytest.mark.parametrize("words", [("order", "list"), ("stock", "list"), ("key", "list"), ("quarantine", "list")])
def test_a_command_before_the_first_start_says_to_start_the_shop(new_home: Path, words: tuple[str, ...]) -> None:
    answer = said(new_home, *words)
    assert answer.returncode == 1
    assert "never started" in answer.stderr
    assert "backroom up" in answer.stderr
    assert "Traceback" not in answer.stderr


def test_a_database_that_is_away_is_one_sentence(new_home: Path) -> None:
    with (new_home / "secrets.toml").open("a") as file:
        file.write('database_url = "postgresql+psycopg://shop:secret@127.0.0.1:1/shop"\n')
    answer = said(new_home, "order", "list")
    assert answer.returncode == 1
    assert answer.stderr.startswith("database_away: ")
    assert "Traceback" not in answer.stderr
    assert "shop:secret" not in answer.stderr


@pytest.mark.parametrize("line", ['"webhook.web" = typed without quotes', 'webhook.web = "its name without quotes"'])
def test_a_slip_in_the_secrets_file_names_its_line_and_changes_nothing(new_home: Path, line: str) -> None:
    path = new_home / "secrets.toml"
    text = "".join(one for one in path.read_text().splitlines(keepends=True) if "webhook.web" not in one) + line + "\n"
    path.write_text(text)
    answer = said(new_home, "shop", "auth")
    assert answer.returncode == 1
    assert answer.stderr.startswith("secrets_unreadable: ")
    assert "quotes" in answer.stderr
    assert "Traceback" not in answer.stderr
    assert path.read_text() == text
