"""Fakes for what cannot run in a test: written by hand, each as small as what it stands for allows."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class RememberingWaker:
    """Stands in for the engine's waker, which needs Prefect's server: it keeps what it was told."""

    woken: list[tuple[str, str, int]] = field(default_factory=list)
    order_runs: list[tuple[str, str]] = field(default_factory=list)
    breaker_runs: list[tuple[int, int]] = field(default_factory=list)
    decision_runs: list[tuple[str, str]] = field(default_factory=list)

    def wake(self, stage: str, location: str, generation: int) -> None:
        self.woken.append((stage, location, generation))

    def start_order_run(self, number: str, key: str) -> None:
        self.order_runs.append((number, key))

    def start_decision_run(self, number: str, key: str) -> None:
        self.decision_runs.append((number, key))

    def start_breaker_run(self, breaker_id: int, probe: int = 0) -> None:
        self.breaker_runs.append((breaker_id, probe))
