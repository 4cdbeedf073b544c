"""Open time between two moments, against counting minute by minute."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from backroom.domain.open_time import OpenTime
from backroom.domain.opening import OpeningHours

MARKET = OpeningHours.parse({"fri": ["17:00-01:00"], "sat": ["10:00-13:00", "15:00-01:00"]}, "Europe/Berlin")
FIRST = datetime(2026, 10, 20, tzinfo=UTC)
LAST = FIRST + timedelta(days=14)
OPEN = OpenTime(MARKET, FIRST, LAST)


def test_a_night_at_the_market_is_eight_hours() -> None:
    friday = datetime(2026, 10, 30, 12, tzinfo=UTC)
    assert OPEN.seconds(friday, friday + timedelta(hours=20)) == 8 * 3600


def test_before_the_doors_open_no_time_passes() -> None:
    monday = datetime(2026, 10, 26, 8, tzinfo=UTC)
    assert OPEN.seconds(monday, monday + timedelta(days=4)) == 0
    assert OPEN.seconds(monday + timedelta(days=6), monday) == 0


_minutes = st.integers(0, 14 * 24 * 60)


@given(_minutes, st.integers(0, 300))
def test_open_time_is_what_is_counted_minute_by_minute(start: int, length: int) -> None:
    begin = FIRST + timedelta(minutes=start)
    end = min(begin + timedelta(minutes=length), LAST)
    counted = sum(MARKET.is_open(begin + timedelta(minutes=n)) for n in range(int((end - begin).total_seconds() // 60)))
    assert OPEN.seconds(begin, end) == counted * 60


@given(_minutes, _minutes, _minutes)
def test_open_time_of_two_spans_in_a_row_is_that_of_both(one: int, two: int, three: int) -> None:
    a, b, c = (FIRST + timedelta(minutes=n) for n in sorted((one, two, three)))
    assert abs(OPEN.seconds(a, b) + OPEN.seconds(b, c) - OPEN.seconds(a, c)) < 1e-6
