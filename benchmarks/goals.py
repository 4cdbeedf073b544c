"""The goals of speed, and what is said of a figure: held, BROKEN, or NOT MEASURED with the reason.

What belongs here: limits, how many samples a verdict wants, one line for each. What does not: where a figure comes
from (`verdicts`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

Verdict = Literal["held", "BROKEN", "NOT MEASURED"]
HELD: Verdict = "held"
BROKEN: Verdict = "BROKEN"
NOT_MEASURED: Verdict = "NOT MEASURED"

# How a command ends. 2 is a wrong command line (argparse), 130 is Ctrl-C.
ALL_WELL, NOT_WHOLE, GOALS_BROKEN = 0, 1, 3


@dataclass(frozen=True, slots=True)
class Judged:
    """What is said of one goal. `figure` is None where there is none; `samples` of `of` it comes from."""

    measure: str
    goal: str
    figure: float | None
    unit: str
    samples: int
    of: str
    verdict: Verdict
    why: str = ""

    @property
    def measured(self) -> str:
        """The figure with its unit and the number of samples behind it."""
        if self.figure is None:
            return "–"
        return f"{_said(self.figure, self.unit)} ({self.samples:,} {self.of})"

    def told(self) -> dict[str, object]:
        """For results.json."""
        return {
            "measure": self.measure,
            "goal": self.goal,
            "measured": self.figure,
            "samples": self.samples,
            "of": self.of,
            "verdict": self.verdict,
            "why": self.why,
        }


@dataclass(frozen=True, slots=True)
class Goal:
    """A limit in `unit`, that a figure may not exceed or must reach (`at_least`), judged from so many samples."""

    measure: str
    limit: float
    unit: str
    enough: int
    of: str = "orders"
    at_least: bool = False

    def judge(self, figure: float | None, samples: int, why: str = "", *, where: str = "") -> Judged:
        """The verdict. `why` says what keeps it from being one; `where` is of which database or system it is."""
        verdict = HELD if figure is not None and self._holds(figure) else BROKEN
        if figure is None:
            verdict, why = NOT_MEASURED, why or "it was not measured"
        elif why:
            verdict = NOT_MEASURED
        elif samples < self.enough:
            verdict, why = NOT_MEASURED, f"{samples:,} {self.of} are too few: {self.enough:,} are asked for"
        sign = "≥" if self.at_least else "≤"
        measure = f"{self.measure}, {where}" if where else self.measure
        return Judged(
            measure, f"{sign} {_said(self.limit, self.unit)}", figure, self.unit, samples, self.of, verdict, why
        )

    def _holds(self, figure: float) -> bool:
        return figure >= self.limit if self.at_least else figure <= self.limit


def _against(peer: str, times: float) -> Goal:
    return Goal(f"orders/s against {peer}, bare", times, "×", 5, "rounds", at_least=True)


# Backroom whole, with both labels rendered and messages delivered, against the others bare.
AGAINST: Mapping[str, Goal] = {
    name: _against(name, times)
    for name, times in (
        ("prefect-serve", 100),
        ("dbos-sqlite", 5),
        ("dbos-postgres", 5),
        ("celery", 4),
        ("restate", 2),
    )
}
# 11,000 a minute.
SPEED = Goal("orders/s, 10,000 waiting", 184, "/s", 10_000, at_least=True)
PROCESSOR = Goal("processor an order at saturation", 5, "ms", 10_000)
WORKERS = Goal("orders/s of two hub workers against one, nothing done twice", 1, "×", 1000, at_least=True)
ANSWER = Goal("webhook answer at 100/s while waves run, p99", 50, "ms", 1000, "webhooks")
DURABLE = Goal("webhooks that were refused, or answered and not stored", 0, "", 1, "webhooks")
PRINT_P50 = Goal("webhook answered → at the printer, one a second, p50", 1.0, "s", 60)
PRINT_P95 = Goal("webhook answered → at the printer, one a second, p95", 2.0, "s", 60)
PAST = 100_000
PAST_P50 = Goal("the same at 100,000 past orders, p50", 1.25, "×", 60)
PAST_P95 = Goal("the same at 100,000 past orders, p95", 1.25, "×", 60)
IDLE = Goal("idle system, three workers", 5, "% of a core", 60, "seconds")


def lines(judged: Sequence[Judged]) -> list[str]:
    """One line for each, and one that sums up."""
    if not judged:
        return []
    wide = max(len(one.measure) for one in judged)
    said = max(len(one.measured) for one in judged)
    found = [
        f"  {one.measure:<{wide}}  goal {one.goal:<15}  {one.measured:<{said}}  {one.verdict}"
        + (f": {one.why}" if one.why else "")
        for one in judged
    ]
    return [*found, summed(judged)]


def summed(judged: Sequence[Judged]) -> str:
    """How many there are of each verdict."""
    count = Counter(one.verdict for one in judged)
    return f"{len(judged)} goals: {count[HELD]} held, {count[BROKEN]} BROKEN, {count[NOT_MEASURED]} NOT MEASURED"


def code(judged: Sequence[Judged]) -> int:
    """How a command ends that measured all it was asked to."""
    return GOALS_BROKEN if any(one.verdict == BROKEN for one in judged) else ALL_WELL


def told(judged: Sequence[Judged]) -> list[dict[str, Any]]:
    """For JSON."""
    return [one.told() for one in judged]


def _said(figure: float, unit: str) -> str:
    number = f"{figure:,.0f}" if figure == int(figure) else f"{figure:,.2f}"
    return f"{number}{unit}" if unit.startswith("/") else f"{number} {unit}".strip()
