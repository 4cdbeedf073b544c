"""How much of each fault is tried, with which seed, and the lines of figures at the end.

`BACKROOM_FAULTS` is `short` (the default: a selection for every run of the tests), `faults` (the whole table with
shortened clocks and samples) or `full` (real durations and every commit). `BACKROOM_SEED` replays the seed of a line.
"""

from __future__ import annotations

import os
import random
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, TypeVar

import pytest

T = TypeVar("T")

LEVELS = ("short", "faults", "full")
_LINE = "fault"
_told: list[tuple[str, bool, str]] = []


@dataclass
class Fault:
    """One line of the table: its number, the seed of its chance, and what was seen."""

    name: str
    seed: int
    figures: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.chance = random.Random(self.seed)

    def volume(self, short: T, faults: T, full: T) -> T:
        """What of the three stands for the level that was asked for."""
        return {"short": short, "faults": faults, "full": full}[level()]

    def tell(self, **figures: Any) -> None:
        """Figures for the line, in order."""
        self.figures |= figures


def level() -> str:
    asked = os.environ.get("BACKROOM_FAULTS", "short")
    assert asked in LEVELS, f"BACKROOM_FAULTS is one of {', '.join(LEVELS)}"
    return asked


@pytest.fixture
def fault(request: pytest.FixtureRequest) -> Iterator[Fault]:
    """The fault that the test's mark names: `@pytest.mark.fault("F2")`."""
    mark = request.node.get_closest_marker("fault")
    assert mark is not None, "a test of a fault names it"
    parameters = getattr(request.node, "callspec", None)
    name = f"{mark.args[0]} {parameters.id}" if parameters is not None else mark.args[0]
    one = Fault(name, int(os.environ.get("BACKROOM_SEED") or random.SystemRandom().randrange(1_000_000)))
    began = time.monotonic()
    print(f"{one.name}: BACKROOM_SEED={one.seed}")
    yield one
    said = " ".join(f"{key}={value}" for key, value in one.figures.items())
    line = f"{one.name:<14} {said} seconds={time.monotonic() - began:.1f} seed={one.seed}"
    request.node.user_properties.append((_LINE, line))


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """The lines come back with the reports, so that they also come from other processes."""
    if report.when == "call":
        _told.append((report.nodeid, report.passed, ""))
    elif report.when == "teardown":
        for name, line in report.user_properties:
            if name == _LINE:
                ends = [passed for nodeid, passed, _ in _told if nodeid == report.nodeid]
                _told[:] = [one for one in _told if one[0] != report.nodeid]
                _told.append((report.nodeid, all(ends) and bool(ends), line))


def pytest_terminal_summary(terminalreporter: Any) -> None:
    lines = sorted((line, held) for _, held, line in _told if line)
    if lines:
        terminalreporter.section(f"faults ({level()})")
    for line, held in lines:
        terminalreporter.write_line(f"{'held  ' if held else 'BROKEN'} {line}")


def pytest_unconfigure(config: pytest.Config) -> None:
    """One line for all, as the last one."""
    ends = [held for _, held, line in _told if line]
    if ends and not hasattr(config, "workerinput"):
        print(f"faults ({level()}): {sum(ends)} of {len(ends)} lines held")
