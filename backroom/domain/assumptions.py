"""Assumptions of a check: what is taken for granted, between which ends it may lie, and who says so.

What belongs here: the values, and how an answer swings with each of them. What does not: reading them from a file
(`backroom.shop.assumptions`), which ones a check needs (`automation`, `hosting`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date

Values = Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Assumption:
    """A figure with its ends; `source` says where it is from, or that it is an assumption to be replaced."""

    name: str
    value: float
    low: float
    high: float
    unit: str
    source: str


@dataclass(frozen=True, slots=True)
class Assumptions:
    """All of a check's; amounts are in whole units of `currency`, as of a day."""

    as_of: date
    currency: str
    each: tuple[Assumption, ...]

    def values(self) -> dict[str, float]:
        return {one.name: one.value for one in self.each}

    def swings(self, answer: Callable[[Values], float]) -> list[tuple[str, float, float]]:
        """(name, answer at its low end, at its high end) for each, all others as they are; widest first."""
        usual = self.values()
        swung = [
            (one.name, answer(usual | {one.name: one.low}), answer(usual | {one.name: one.high}))
            for one in self.each
            if one.low != one.high
        ]
        return sorted(swung, key=lambda one: abs(one[2] - one[1]), reverse=True)
