"""The evening's time: set by hand, or many times as fast as a clock, and standing while somebody works."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

from simulation.clock import RunningClock, StandingClock

OPENS = datetime(2036, 11, 29, 16, tzinfo=UTC)


def test_a_standing_clock_is_set_and_never_goes_back() -> None:
    clock = StandingClock(OPENS)
    clock.set(OPENS + timedelta(hours=1))
    clock.set(OPENS)
    assert clock() == OPENS + timedelta(hours=1)


def test_a_running_clock_stands_while_somebody_works_and_knows_later_what_time_it_was() -> None:
    clock = RunningClock(OPENS, 3600)
    with clock.standing():
        stood, began = clock(), time.time()
        time.sleep(0.02)
        assert clock() == stood
        ended = time.time()
    assert clock.at(began) == clock.at(ended) == stood
    assert clock.at(ended + 10) - stood >= timedelta(hours=9)
    assert clock() < stood + timedelta(hours=9)
