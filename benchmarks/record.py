"""All that one run of the benchmark measured, and what it did not and why.

What belongs here: keeping it. What does not: verdicts (`verdicts`), words and columns (`report`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from benchmarks.figures import NEEDED, Ratio, Sample, ratio, summary
from benchmarks.systems import OURS, PEERS, SYSTEMS, Kind, System


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Why something was not measured; `asked`: whoever started the run left it out by its name."""

    why: str
    asked: bool = False


@dataclass
class Record:
    """Samples by system, kind and round; trickles; the shop alone; what was left out, what failed, what was repeated
    less often than asked."""

    rounds: dict[tuple[str, Kind], dict[int, Sample]] = field(default_factory=dict)
    trickles: dict[tuple[str, Kind], Sample] = field(default_factory=dict)
    settings: dict[str, Sequence[str]] = field(default_factory=dict)
    calibration: dict[str, dict[str, float]] = field(default_factory=dict)
    tried: dict[str, int] = field(default_factory=dict)
    samples: list[dict[str, Any]] = field(default_factory=list)
    # By the name of the command: what it told.
    alone: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    left_out: dict[str, LeftOut] = field(default_factory=dict)
    failed: list[str] = field(default_factory=list)
    fewer: dict[str, str] = field(default_factory=dict)

    @property
    def is_whole(self) -> bool:
        """Whether everything was measured that was not left out by its name, without a failure or a shortfall."""
        return not self.failed and all(one.asked for one in self.left_out.values())

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

    def counted_back(self) -> dict[str, dict[str, dict[str, list[int]]]]:
        """By kind and system, all its rounds and its trickle together: how many were found and how many are due."""
        found: dict[str, dict[str, dict[str, list[int]]]] = {}
        for system in SYSTEMS:
            for kind in ("whole", "bare", "waves of one"):
                samples = list(self.of(system.name, kind).values())  # type: ignore[arg-type]  # these are kinds
                if (system.name, kind) in self.trickles:
                    samples.append(self.trickles[system.name, kind])  # type: ignore[index]  # the same
                names = [name for name in NEEDED if any(name in one.due for one in samples)]
                if names:
                    found.setdefault(kind, {})[system.name] = {
                        name: [sum(one.counts[name] for one in samples), sum(one.due[name] for one in samples)]
                        for name in names
                    }
        return found

    def _against(self, ours: System) -> dict[str, Ratio]:
        speed = {number: one.orders_per_s for number, one in self.of(ours.name, "whole").items()}
        found = {}
        for peer in PEERS:
            other = {number: one.orders_per_s for number, one in self.of(peer.name, "bare").items()}
            if (compared := ratio(speed, other)) is not None:
                found[peer.name] = compared
        return found
