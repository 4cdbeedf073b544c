"""A circuit opens after failures in a row, and one call finds out for all."""

from __future__ import annotations

from backroom.outgoing.circuit import FAILURES, OPEN_SECONDS, Circuit


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_it_opens_after_failures_in_a_row_only() -> None:
    circuit = Circuit(Clock())
    for _ in range(FAILURES - 1):
        circuit.failed()
    circuit.worked()
    circuit.failed()
    assert circuit.wait_left() == 0
    for _ in range(FAILURES - 1):
        circuit.failed()
    assert circuit.wait_left() == OPEN_SECONDS


def test_one_call_finds_out_while_the_others_wait() -> None:
    clock = Clock()
    circuit = Circuit(clock)
    for _ in range(FAILURES):
        circuit.failed()
    clock.now += OPEN_SECONDS
    assert circuit.wait_left() == 0
    assert circuit.wait_left() == OPEN_SECONDS
    circuit.worked()
    assert circuit.wait_left() == 0


def test_what_the_other_side_asks_for_is_kept_from_the_first_failure() -> None:
    clock = Clock()
    circuit = Circuit(clock)
    circuit.failed(asked=120.0)
    assert circuit.wait_left() == 120
    clock.now += 120
    assert circuit.wait_left() == 0
