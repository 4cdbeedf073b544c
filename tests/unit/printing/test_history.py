"""When a printer's silence proves something."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from backroom.printing.history import SLACK_S, history_reaches_back

seconds = st.integers(0, 10_000)


@given(up_time=seconds, age=seconds, ended=st.lists(seconds), kept=st.none() | seconds)
def test_a_printer_that_started_after_the_call_began_proves_nothing(
    up_time: int, age: int, ended: list[int], kept: int | None
) -> None:
    if age >= up_time:
        assert not history_reaches_back(age_s=age, up_time_s=up_time, kept_s=kept, ended_at_s=ended)


@given(up_time=seconds, ends=st.lists(seconds, max_size=8, unique=True), keeps=st.integers(0, 8), began=seconds)
def test_a_history_that_forgot_the_job_is_never_believed(up_time: int, ends: list[int], keeps: int, began: int) -> None:
    """Our job ended at or after it began; a printer that keeps the latest `keeps` jobs has forgotten it."""
    ours_ended = began
    if began > up_time:
        return
    all_ends = sorted({*ends, ours_ended})
    listed = all_ends[len(all_ends) - min(keeps, len(all_ends)) :]
    if ours_ended not in listed:
        assert not history_reaches_back(age_s=up_time - began, up_time_s=up_time, kept_s=None, ended_at_s=listed)


def test_a_job_that_ended_before_the_call_began_shows_that_nothing_since_was_forgotten() -> None:
    assert history_reaches_back(age_s=20, up_time_s=100, kept_s=None, ended_at_s=[75, 90])
    assert not history_reaches_back(age_s=20, up_time_s=100, kept_s=None, ended_at_s=[80 - SLACK_S, 90])


def test_a_printer_that_keeps_its_jobs_longer_than_that_is_believed() -> None:
    assert history_reaches_back(age_s=20, up_time_s=100, kept_s=60, ended_at_s=[])
    assert not history_reaches_back(age_s=60, up_time_s=100, kept_s=60, ended_at_s=[])
