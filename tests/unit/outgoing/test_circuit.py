"""A circuit opens after failures in a row, and one call finds out for all."""

from __future__ import annotations

from backroom.outgoing.circuit import FAILURES, OPEN_SECONDS, Circuit, Rest


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_it_opens_after_failures_in_a_row_only() -> None:
    circuit = Circuit(clock=Clock())
    for _ in range(FAILURES - 1):
        circuit.failed()
    circuit.worked()
    circuit.failed()
    assert circuit.rest() is None
    for _ in range(FAILURES - 1):
        circuit.failed()
    assert circuit.rest() == Rest(OPEN_SECONDS, asked=False)


def test_one_call_finds_out_while_the_others_wait() -> None:
    clock = Clock()
    circuit = Circuit(clock=clock)
    for _ in range(FAILURES):
        circuit.failed()
    clock.now += OPEN_SECONDS
    assert circuit.rest() is None
    assert circuit.rest() == Rest(OPEN_SECONDS, asked=False)
    circuit.worked()
    assert circuit.rest() is None


def test_what_the_other_side_asks_for_is_kept_from_the_first_failure() -> None:
    clock = Clock()
    circuit = Circuit(clock=clock)
    circuit.failed(asked=120.0)
    assert circuit.rest() == Rest(120, asked=True)
    clock.now += 120
    assert circuit.rest() is None


def test_what_was_asked_for_stands_though_a_call_that_had_left_before_comes_back_well() -> None:
    circuit = Circuit(clock=Clock())
    circuit.failed(asked=120.0)
    circuit.worked()
    assert circuit.rest() == Rest(120, asked=True)
