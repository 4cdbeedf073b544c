"""The table of faults says of every test that was collected what became of it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
TESTS = """
import os
import pytest

@pytest.fixture
def small_disk():
    pytest.skip("no small disk")

@pytest.fixture
def broken():
    raise OSError("no server")

@pytest.mark.fault("F1")
def test_that_holds(fault):
    fault.tell(kills=3, slowest_restart_s=4.5)

@pytest.mark.fault("F2")
@pytest.mark.parametrize("database", ["sqlite", "postgres"])
def test_with_parameters(fault, database):
    fault.tell(kills=2, twice=0)
    assert database == "sqlite"

@pytest.mark.fault("F9")
def test_that_cannot_be_tried(small_disk, fault):
    pass

@pytest.mark.fault("F3")
def test_whose_ground_is_broken(broken, fault):
    pass
"""
DIES = """

@pytest.mark.fault("F4")
def test_that_takes_its_process_along(fault):
    os._exit(3)
"""


def ran(folder: Path, tests: str, *arguments: str, level: str = "short") -> tuple[int, list[str]]:
    file = folder / "tests" / "faults" / "test_some.py"
    file.parent.mkdir(parents=True)
    file.write_text(tests)
    (folder / "pytest.ini").write_text("[pytest]\nmarkers = fault\n")
    command = [sys.executable, "-m", "pytest", "-q", "--import-mode=importlib", "-p", "tests.faults.table", *arguments]
    done = subprocess.run(
        [*command, "-p", "no:cacheprovider", "tests"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY), "BACKROOM_FAULTS": level, "BACKROOM_SEED": "11"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return done.returncode, done.stdout.strip().splitlines()


def test_what_was_skipped_or_broke_before_it_began_has_a_line_and_counts(tmp_path: Path) -> None:
    code, said = ran(tmp_path, TESTS)
    assert code == 1
    assert any(one.startswith("held      F1 ") and "kills=3" in one and "seed=11" in one for one in said)
    assert any(one.startswith("BROKEN    F2 postgres ") for one in said)
    assert any(one.startswith("NOT TRIED F9 ") and "(no small disk)" in one for one in said)
    assert any(one.startswith("BROKEN    F3 ") for one in said)
    assert (
        "BACKROOM_FAULTS=short BACKROOM_SEED=11 .venv/bin/pytest"
        " 'tests/faults/test_some.py::test_with_parameters[postgres]'" in (one.strip() for one in said)
    )
    assert said[-1] == (
        "faults (short): 2 of 5 lines held, 2 broken, 1 not tried, kills 7, twice 0, slowest 4.5 s (F1)"
    )


def test_a_process_that_dies_has_a_line_as_well(tmp_path: Path) -> None:
    code, said = ran(tmp_path, TESTS + DIES, "-n", "1")
    assert code == 1
    assert any(one.startswith("BROKEN    ") and "test_that_takes_its_process_along" in one for one in said)
    assert said[-1].startswith("faults (short): 2 of 6 lines held, 3 broken, 1 not tried")


@pytest.mark.parametrize(("level", "right"), [("short", 0), ("faults", 1)])
def test_a_whole_table_with_a_part_left_out_is_no_success(tmp_path: Path, level: str, right: int) -> None:
    only = (
        TESTS[: TESTS.index('@pytest.mark.fault("F2")')]
        + TESTS[TESTS.index('@pytest.mark.fault("F9")') : TESTS.index('@pytest.mark.fault("F3")')]
    )
    code, said = ran(tmp_path, only, level=level)
    assert (code, said[-1].split(",")[0]) == (right, f"faults ({level}): 1 of 2 lines held")


def test_the_page_names_every_fault_that_is_tried_and_no_other() -> None:
    page = (REPOSITORY / "docs" / "faults.md").read_text(encoding="utf-8")
    tests = [path.read_text(encoding="utf-8") for path in (REPOSITORY / "tests" / "faults").glob("test_*.py")]
    named = set(re.findall(r"^\| (F\d+) [^|]*\|", page, re.MULTILINE))
    assert named == {number for text in tests for number in re.findall(r'mark\.fault\("(F\d+)', text)}
    assert len(named) == 11
