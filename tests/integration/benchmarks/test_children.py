"""A measurement is a child: its figures are its last line, and nothing of it is left when it fails."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from benchmarks.children import ON_DISK, Failed, measure
from benchmarks.peers.processes import hold, let_loose, running, runs, wait_for

# Starts a grandchild in a session of its own, as servers are; says its id and its folder in a file, and waits.
LEAVES_SOMETHING = """
import os, pathlib, subprocess, sys, time
started = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True)
pathlib.Path(os.environ["TMPDIR"], "left").touch()
pathlib.Path(sys.argv[1]).write_text(f"{started.pid} {os.environ['TMPDIR']}")
print("is still busy", file=sys.stderr, flush=True)
time.sleep(600)
"""


def test_the_figures_are_the_last_line() -> None:
    assert measure([sys.executable, "-c", "print('words'); print('{\"orders\": 3}')"], 60) == {"orders": 3}


def test_a_child_that_fails_says_why() -> None:
    with pytest.raises(Failed, match="no such shop"):
        measure([sys.executable, "-c", "raise SystemExit('no such shop')"], 60)


def test_a_program_that_is_not_there_fails_as_a_measurement_does() -> None:
    with pytest.raises(Failed, match="no-such-python is not installed"):
        measure(["/no-such-python", "-m", "x"], 60)


def test_figures_count_where_the_exit_code_says_only_that_a_goal_is_broken() -> None:
    child = [sys.executable, "-c", "print('{}'); raise SystemExit(3)"]
    assert measure(child, 60, codes=(0, 3)) == {}
    with pytest.raises(Failed, match="ended with 3"):
        measure(child, 60)


def test_a_child_without_figures_fails() -> None:
    with pytest.raises(Failed, match="no JSON"):
        measure([sys.executable, "-c", "print('done')"], 60)


def test_a_child_that_takes_too_long_is_ended_with_what_it_started_and_stored(tmp_path: Path) -> None:
    told = tmp_path / "told"
    with pytest.raises(Failed, match="is still busy"):
        measure([sys.executable, "-c", LEAVES_SOMETHING, str(told)], 5)
    pid, folder = told.read_text().split()
    assert not runs(int(pid))
    assert folder.startswith(ON_DISK)
    assert not Path(folder).exists()


def test_what_is_held_stands_still_until_it_is_let_loose(tmp_path: Path) -> None:
    beats = tmp_path / "beats"
    beats.touch()
    code = f"import time\nwhile True:\n    open({str(beats)!r}, 'a').write('.')\n    time.sleep(0.005)"
    with running([sys.executable, "-c", code], tmp_path / "log") as process:
        wait_for(lambda: beats.stat().st_size > 3, "the first beats")
        hold(process)
        wait_for(lambda: _state(process.pid) == "T", "that it is held")
        held_at = beats.stat().st_size
        assert beats.stat().st_size == held_at
        let_loose(process)
        wait_for(lambda: beats.stat().st_size > held_at, "another beat")
    assert not runs(process.pid)


def _state(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
