"""Fakes for what cannot run in a test: written by hand, each as small as what it stands for allows."""

from __future__ import annotations

from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import TypeVar

from backroom.store.claims import Wakeup

T = TypeVar("T")


@dataclass
class RememberingWaker:
    """Stands in for the engine's waker, which needs Prefect's server: it keeps what it was told.

    Like it, it starts one run for a key, and says whether it did.
    """

    woken: list[tuple[str, str, int]] = field(default_factory=list)
    order_runs: list[tuple[str, str]] = field(default_factory=list)
    breaker_runs: list[int] = field(default_factory=list)
    decision_runs: list[tuple[str, str]] = field(default_factory=list)
    transfer_runs: list[tuple[str, str]] = field(default_factory=list)

    def wake(self, wakeup: Wakeup) -> None:
        self.woken.append((wakeup.stage, wakeup.location, wakeup.generation))

    def start_order_run(self, number: str, key: str) -> Future[bool]:
        return _once(self.order_runs, (number, key))

    def start_decision_run(self, number: str, key: str) -> Future[bool]:
        return _once(self.decision_runs, (number, key))

    def start_transfer_run(self, number: str, key: str) -> Future[bool]:
        return _once(self.transfer_runs, (number, key))

    def start_breaker_run(self, breaker_id: int, key: str) -> Future[bool]:
        return _once(self.breaker_runs, breaker_id)


def _once(started: list[T], asked: T) -> Future[bool]:
    new = asked not in started
    if new:
        started.append(asked)
    answer: Future[bool] = Future()
    answer.set_result(new)
    return answer
