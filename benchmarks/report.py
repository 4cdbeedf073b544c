"""What the benchmark says: the tables at the end, and the content of results.json.

What belongs here: words, columns and keys. What does not: the arithmetic (`figures`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from benchmarks.figures import Ratio, Sample, ratio, summary
from benchmarks.systems import OURS, PEERS, SYSTEMS, Kind, System

# The goals of issue 3, in orders a second: Backroom whole against the others bare.
GOALS = {"prefect-serve": 100, "dbos-sqlite": 5, "dbos-postgres": 5, "celery": 4, "restate": 2}


@dataclass
class Record:
    """All that was measured: samples by system, kind and round; trickles; what could not be measured, and why."""

    rounds: dict[tuple[str, Kind], dict[int, Sample]] = field(default_factory=dict)
    trickles: dict[tuple[str, Kind], Sample] = field(default_factory=dict)
    settings: dict[str, Sequence[str]] = field(default_factory=dict)
    calibration: dict[str, dict[str, float]] = field(default_factory=dict)
    samples: list[dict[str, Any]] = field(default_factory=list)
    missing: dict[str, str] = field(default_factory=dict)

    def of(self, name: str, kind: Kind) -> dict[int, Sample]:
        return self.rounds.get((name, kind), {})

    def figures(self, kind: Kind) -> dict[str, dict[str, float | None]]:
        """By system, those that were measured in this kind at all."""
        return {
            system.name: summary(list(self.of(system.name, kind).values()), self.trickles.get((system.name, kind)))
            for system in SYSTEMS
            if self.of(system.name, kind) or (system.name, kind) in self.trickles
        }

    def ratios(self) -> dict[str, dict[str, Ratio]]:
        """Orders a second of each of our databases, whole, against each of the others, bare."""
        return {ours.name: found for ours in OURS if (found := self._against(ours))}

    def _against(self, ours: System) -> dict[str, Ratio]:
        speed = {number: one.orders_per_s for number, one in self.of(ours.name, "whole").items()}
        found = {}
        for peer in PEERS:
            other = {number: one.orders_per_s for number, one in self.of(peer.name, "bare").items()}
            if (compared := ratio(speed, other)) is not None:
                found[peer.name] = compared
        return found


def results(record: Record, about: Mapping[str, Any]) -> dict[str, Any]:
    """The content of results.json."""
    return {
        **about,
        "systems": record.figures("whole"),
        "bare": record.figures("bare"),
        "waves_of_one": record.figures("waves of one"),
        "ratios": {
            ours: {peer: asdict(one) for peer, one in against.items()} for ours, against in record.ratios().items()
        },
        "goals": GOALS,
        # Of these, p50_s and p95_s are of a trickle of one order a second; of the others, of their rounds.
        "trickled": {kind: [name for name, of in record.trickles if of == kind] for kind in ("whole", "bare")},
        "settings": {name: " ".join(chosen) for name, chosen in record.settings.items()},
        "calibration": record.calibration,
        "missing": record.missing,
        "samples": record.samples,
    }


def tables(record: Record) -> str:
    """For people: the figures of each system, then the ratios with their spread."""
    lines = []
    for title, kind in (
        ("Whole lifecycle: six steps with their rows, both labels, the message", "whole"),
        ("Bare: six durable steps without domain work", "bare"),
        ("Backroom with waves held at one", "waves of one"),
    ):
        lines += _figures(record, title, kind)  # type: ignore[arg-type]  # the literals above are kinds
    lines += ["", "Orders a second of Backroom, whole, against the others, bare: median (least to most) of the rounds"]
    for ours, against in record.ratios().items():
        for peer, one in against.items():
            goal = GOALS[peer]
            met = "met" if one.median >= goal else "NOT MET"
            lines.append(
                f"  {ours:<18} {peer:<15} {one.median:8.1f} ×  ({one.least:.1f} to {one.most:.1f})"
                f"   goal {goal} ×: {met}"
            )
    if record.missing:
        lines += ["", "NOT MEASURED:"]
        lines += [f"  {name}: {reason.splitlines()[0]}" for name, reason in record.missing.items()]
    return "\n".join(lines)


def _figures(record: Record, title: str, kind: Kind) -> list[str]:
    figures = record.figures(kind)
    if not figures:
        return []
    lines = ["", title]
    lines.append(
        f"  {'':<18} {'orders/s':>9} {'(spread)':>17} {'CPU ms':>8} {'p50 s':>7} {'p95 s':>7} {'MB':>6}  setting"
    )
    for name, one in figures.items():
        speeds = [each.orders_per_s for each in record.of(name, kind).values()]
        spread = f"{min(speeds):.1f} to {max(speeds):.1f}" if len(speeds) > 1 else ""
        setting = " ".join(record.settings.get(name, ()))
        lines.append(
            f"  {name:<18} {_number(one['orders_per_s'], 1):>9} {spread:>17} {_number(one['cpu_ms_per_order'], 1):>8}"
            f" {_number(one['p50_s'], 2):>7} {_number(one['p95_s'], 2):>7} {_number(one['peak_mb'], 0):>6}  {setting}"
        )
    return lines


def _number(value: float | None, digits: int) -> str:
    return "–" if value is None else f"{value:.{digits}f}"
