"""One cause is one breaker, and later attempts spread out."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backroom.domain.breaker import FIRST_WAIT, LONGEST_WAIT, MOST_FAILURES, next_attempt, trip

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


def test_ten_of_one_cause_are_ten_runs_and_eleven_are_one_breaker() -> None:
    assert trip({"printer_down": 10}) == ()
    assert trip({"printer_down": 11}) == ("printer_down",)


def test_each_cause_counts_for_itself() -> None:
    assert trip({"b": 12, "a": 11, "c": 10}) == ("a", "b")
    assert trip({"a": 3, "b": 2}, limit=2) == ("a",)


def test_the_first_wait_is_short_and_a_late_one_is_capped() -> None:
    assert FIRST_WAIT / 2 <= next_attempt(1, NOW, "busy", seed="A-1") - NOW <= FIRST_WAIT
    assert LONGEST_WAIT / 2 <= next_attempt(10**9, NOW, "busy", seed="A-1") - NOW <= LONGEST_WAIT


def test_what_fails_on_and_on_is_tried_for_hours_before_a_person_is_asked() -> None:
    waits = [next_attempt(n, NOW, "busy", seed="A-1") - NOW for n in range(1, MOST_FAILURES)]
    assert timedelta(hours=2) < sum(waits, timedelta()) < timedelta(hours=5)


def test_there_is_no_attempt_before_the_first() -> None:
    with pytest.raises(ValueError, match="no 0"):
        next_attempt(0, NOW, "busy", seed="A-1")


def test_orders_that_failed_together_do_not_come_back_together() -> None:
    assert len({next_attempt(3, NOW, "busy", seed=f"A-{n}") for n in range(50)}) == 50


@given(st.integers(1, 10**6), st.text(), st.text())
def test_a_wait_is_the_same_each_time_and_within_its_bounds(attempts: int, cause: str, seed: str) -> None:
    at = next_attempt(attempts, NOW, cause, seed=seed)
    assert at == next_attempt(attempts, NOW, cause, seed=seed)
    assert FIRST_WAIT / 2 <= at - NOW <= LONGEST_WAIT


@given(st.integers(1, 30), st.text())
def test_two_attempts_later_the_wait_is_never_shorter(attempts: int, seed: str) -> None:
    soon = next_attempt(attempts, NOW, "busy", seed=seed) - NOW
    later = next_attempt(attempts + 2, NOW, "busy", seed=seed) - NOW
    assert later >= min(soon, LONGEST_WAIT / 2)
