"""How much of each fault is tried, with which seed, and the lines of figures at the end.

Every test of a fault that was collected has its line, whatever became of it: what was skipped or died is no silence.

`BACKROOM_FAULTS` is `short` (the default: a selection for every run of the tests), `faults` (the whole table with
shortened clocks and samples) or `full` (real durations and every commit). `BACKROOM_SEED` replays the seed of a line.
"""

from __future__ import annotations

import os
import random
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import pytest

T = TypeVar("T")

LEVELS = ("short", "faults", "full")
HELD, BROKEN, NOT_TRIED = "held", "BROKEN", "NOT TRIED"
# What of all lines makes sense as one sum, in the last line.
_SUMS = ("kills", "orders", "deliveries", "attempts", "jobs", "inputs", "rounds", "sequences", "twice", "lost")
_NAME, _FIGURES, _SEED = "fault", "fault-figures", "fault-seed"


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


@dataclass
class Line:
    """What became of one test of a fault."""

    nodeid: str
    name: str
    end: str
    figures: dict[str, Any]
    seed: int | None = None
    why: str = ""

    def __str__(self) -> str:
        said = " ".join(f"{key}={value}" for key, value in self.figures.items())
        again = "" if self.seed is None else f"seed={self.seed}"
        parts = (f"{self.end:<9} {self.name:<14}", said, again, self.why)
        line = " ".join(part for part in parts if part)
        # A line that did not hold is asked for again at once: its whole command lies beside it.
        return line if self.end == HELD else f"{line}\n          {self.replay()}"

    def replay(self) -> str:
        """The command that does it once more."""
        seed = "" if self.seed is None else f" BACKROOM_SEED={self.seed}"
        return f"BACKROOM_FAULTS={level()}{seed} .venv/bin/pytest '{self.nodeid}'"


_lines: dict[str, Line] = {}


def last_line(lines: Sequence[Line]) -> str:
    """One line for all: how many held, what was broken or left out, and the sums."""
    ends = Counter(line.end for line in lines)
    parts = [f"faults ({level()}): {ends[HELD]} of {len(lines)} lines held"]
    parts += [f"{ends[end]} {end.lower()}" for end in (BROKEN, NOT_TRIED) if ends[end]]
    for key in _SUMS:
        found = [line.figures[key] for line in lines if isinstance(line.figures.get(key), int)]
        if found:
            parts.append(f"{key} {sum(found)}")
    seconds = [
        (value, line.name)
        for line in lines
        for key, value in line.figures.items()
        if key.startswith("slowest_") and isinstance(value, (int, float))
    ]
    if seconds:
        slowest, name = max(seconds)
        parts.append(f"slowest {slowest:g} s ({name})")
    return ", ".join(parts)


@pytest.fixture
def fault(request: pytest.FixtureRequest) -> Iterator[Fault]:
    """The fault that the test's mark names: `@pytest.mark.fault("F2")`."""
    seed = int(os.environ.get("BACKROOM_SEED") or random.SystemRandom().randrange(1_000_000))
    one = Fault(name_of(request.node), seed)
    began = time.monotonic()
    print(f"{one.name}: BACKROOM_SEED={one.seed}")
    yield one
    one.tell(seconds=round(time.monotonic() - began, 1))
    request.node.user_properties += [(_FIGURES, one.figures), (_SEED, one.seed)]


def name_of(item: pytest.Item) -> str:
    """The line's name: what the mark says, and which of the test's parameters it is."""
    mark = item.get_closest_marker("fault")
    assert mark is not None, "a test of a fault names it"
    parameters = getattr(item, "callspec", None)
    return f"{mark.args[0]} {parameters.id}" if parameters is not None else str(mark.args[0])


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The name goes with every report, so that a test that never came to its figures has a line as well."""
    for item in items:
        if item.get_closest_marker("fault") is not None:
            item.user_properties.append((_NAME, name_of(item)))


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """The lines come back with the reports, so that they also come from other processes."""
    told = dict(report.user_properties)
    if _NAME not in told:
        if report.when == "???" and "tests/faults/" in report.nodeid:
            # Its process died, and took the name with it.
            _lines[report.nodeid] = Line(report.nodeid, report.nodeid.split("::")[-1], BROKEN, {}, why="died")
        return
    line = _lines.setdefault(report.nodeid, Line(report.nodeid, str(told[_NAME]), HELD, {}))
    if report.skipped:
        line.end, line.why = NOT_TRIED, f"({_reason(report)})"
    elif report.failed:
        line.end = BROKEN
    line.figures = dict(told.get(_FIGURES, line.figures))
    line.seed = told.get(_SEED, line.seed)


def _reason(report: pytest.TestReport) -> str:
    return str(report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr).removeprefix("Skipped: ")


def _in_order() -> list[Line]:
    return sorted(_lines.values(), key=lambda line: (line.name, line.nodeid))


def pytest_terminal_summary(terminalreporter: Any) -> None:
    lines = _in_order()
    if lines:
        terminalreporter.section(f"faults ({level()})")
    for line in lines:
        terminalreporter.write_line(str(line))


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Whoever asks for the whole table is not told that all is well while a part of it could not be tried."""
    left_out = any(line.end == NOT_TRIED for line in _lines.values()) and not hasattr(session.config, "workerinput")
    if left_out and level() != "short" and exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_unconfigure(config: pytest.Config) -> None:
    """One line for all, as the last one."""
    if _lines and not hasattr(config, "workerinput"):
        print(last_line(_in_order()))
