"""Which measurements a run makes, what it does with those that fail, and how it ends.

The children are real processes, but what they say is made up: here it is about the run and not about speed.
"""

from __future__ import annotations

import json
import signal
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from benchmarks import bench
from benchmarks.systems import SYSTEMS, System

SAYS = """
import json, sys
orders = int(sys.argv[sys.argv.index("--trickle" if "--trickle" in sys.argv else "--orders") + 1])
due = dict.fromkeys(("orders_fulfilled", "labels", "delivered", "prints"), orders)
told = {"orders": orders, "seconds": orders / 100, "cpu_s": 0.1, "p50_s": 0.2, "p95_s": 0.4, "peak_mb": 90.0}
"""
WELL = f'{SAYS}print(json.dumps(told | {{"counts": due, "due": due}}))'
SHORT = f'{SAYS}print(json.dumps(told | {{"counts": due | {{"labels": orders - 1}}, "due": due}}))'
SHORT_TRICKLE = f"""{SAYS}
counts = due | ({{"prints": 0}} if "--trickle" in sys.argv else {{}})
print(json.dumps(told | {{"counts": counts, "due": due}}))
"""
ABSENT = "raise SystemExit('redis-server is not there')"
SETTINGS = (("--at-once", "1"), ("--at-once", "2"), ("--at-once", "4"))

Run = Callable[..., tuple[int, dict[str, Any]]]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Run]:
    """A quick run of two systems, with programs of ours in the place of some: how it ended, and results.json."""
    results = tmp_path / "results.json"
    kept = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def run(*arguments: str, says: Mapping[str, str], absent: Mapping[str, str] | None = None) -> tuple[int, Any]:
        systems = tuple(
            System(one.name, sys.executable, ("-c", says.get(one.name, WELL)), 100, 10, 100, SETTINGS)
            for one in SYSTEMS
            if one.name in {"backroom-sqlite", "celery"}
        )
        for name, value in (
            ("SYSTEMS", systems),
            ("PEERS", systems[1:]),
            ("RESULTS", results),
            ("ROOT", tmp_path),
            ("equip", lambda: dict(absent or {})),
        ):
            monkeypatch.setattr(bench, name, value)
        ended = bench.main(["--quick", "--seed", "1", "--without", "latency", "--without", "idle", *arguments])
        return ended, json.loads(results.read_text())

    yield run
    for number, handler in kept.items():
        signal.signal(number, handler)


def kinds(told: Mapping[str, Any], name: str) -> set[tuple[str, str]]:
    return {(one["kind"], one["what"]) for one in told["samples"] if one["system"] == name}


def test_a_run_measures_all_that_the_goals_name_without_being_asked(run: Run) -> None:
    ended, told = run(says={})
    assert kinds(told, "backroom-sqlite") >= {
        *(("whole", what) for what in ("calibration", "whole", "trickle")),
        ("bare", "bare"),
        ("waves of one", "waves of one"),
    }
    assert kinds(told, "celery") >= {("bare", "bare"), ("whole", "whole"), ("whole", "trickle")}
    assert (ended, told["exit_code"], told["failed"]) == (0, 0, [])


def test_what_is_beside_the_goals_is_measured_once_even_where_time_is_up(run: Run) -> None:
    ended, told = run("--minutes", "0", says={})
    assert ended == 0
    assert {("bare", "bare"), ("waves of one", "waves of one")} <= kinds(told, "backroom-sqlite")
    assert ("whole", "whole") in kinds(told, "celery")
    assert told["fewer_rounds"] == {"celery, bare, trickle": "it would not end within 0 minutes"}


def test_a_system_that_does_not_start_is_left_out_with_its_reason_and_the_run_ends_with_1(run: Run) -> None:
    ended, told = run(says={"celery": ABSENT})
    assert (ended, told["exit_code"]) == (1, 1)
    assert "redis-server is not there" in told["left_out"]["celery"]["why"]
    assert told["left_out"]["celery"]["asked"] is False
    assert "backroom-sqlite" in told["systems"]


def test_a_system_that_cannot_be_installed_is_left_out_with_its_reason_and_the_run_ends_with_1(run: Run) -> None:
    ended, told = run(says={}, absent={"celery": "redis-server is not installed"})
    assert ended == 1
    assert told["left_out"]["celery"] == {"why": "redis-server is not installed", "asked": False}
    assert kinds(told, "celery") == set()


@pytest.mark.parametrize("asked", [("--without", "celery"), ("--only", "backroom-sqlite")])
def test_a_system_that_is_left_out_by_its_name_is_named_and_the_run_ends_with_0(run: Run, asked: Sequence[str]) -> None:
    ended, told = run(*asked, says={"celery": ABSENT}, absent={"celery": "redis-server is not installed"})
    assert ended == 0
    assert told["left_out"]["celery"]["asked"] is True


@pytest.mark.parametrize(("says", "turn"), [(SHORT, "calibration"), (SHORT_TRICKLE, "trickle")])
def test_a_shortfall_fails_the_run_and_what_fell_short_stands_in_the_results(run: Run, says: str, turn: str) -> None:
    ended, told = run(says={"backroom-sqlite": says})
    assert ended == 1
    assert told["failed"][0].startswith(f"backroom-sqlite, whole, {turn}: ValueError: read back afterwards")
    assert any("refused" in one for one in told["samples"])
    assert "backroom-sqlite, whole" not in str(told["trickled"])
