"""A message that would wake somebody waits until no clock that may be theirs has quiet hours, and not a minute more."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backroom.domain.quiet_hours import QuietHours, may_go
from backroom.messaging.clocks import zones_of

BERLIN, NEW_YORK, AUCKLAND = "Europe/Berlin", "America/New_York", "Pacific/Auckland"
NIGHT = QuietHours(time(21), time(8))
STEP = timedelta(minutes=15)
# Days around which clocks change in one of these places.
_DAYS = ((3, 8), (3, 29), (4, 5), (9, 27), (10, 25), (11, 1))
CHANGES = tuple(datetime(2026, month, day, tzinfo=UTC) for month, day in _DAYS)


def berlin(text: str, fold: int = 0) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(BERLIN), fold=fold)


def goes(at: datetime, *zones: str, quiet: QuietHours = NIGHT, home: str = BERLIN) -> datetime:
    return may_go(quiet, "sms", "order_updates", at, zones, home)


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        ("2026-11-26T20:59:59", "2026-11-26T20:59:59"),
        ("2026-11-26T21:00", "2026-11-27T08:00"),
        ("2026-11-27T03:00", "2026-11-27T08:00"),
        ("2026-11-27T07:59", "2026-11-27T08:00"),
        ("2026-11-27T08:00", "2026-11-27T08:00"),
        ("2026-03-28T22:00", "2026-03-29T08:00"),
        ("2026-10-24T22:00", "2026-10-25T08:00"),
    ],
)
def test_a_message_of_the_night_goes_in_the_morning(at: str, expected: str) -> None:
    assert goes(berlin(at), BERLIN) == berlin(expected)


def test_a_night_is_an_hour_shorter_in_spring_and_longer_in_autumn() -> None:
    waited = {day: goes(berlin(f"{day}T22:00"), BERLIN) - berlin(f"{day}T22:00").astimezone(UTC) for day in
              ("2026-03-28", "2026-10-24", "2026-11-26")}  # fmt: skip
    assert [w.total_seconds() / 3600 for w in waited.values()] == [9, 11, 10]


def test_a_morning_that_the_clocks_skip_begins_when_they_have_jumped() -> None:
    early = QuietHours(time(22), time(2, 30))
    assert goes(berlin("2026-03-29T00:00"), BERLIN, quiet=early) == berlin("2026-03-29T03:00")


def test_quiet_hours_over_noon_end_the_same_day() -> None:
    nap = QuietHours(time(13), time(15))
    assert goes(berlin("2026-11-26T14:00"), BERLIN, quiet=nap) == berlin("2026-11-26T15:00")
    assert goes(berlin("2026-11-26T23:00"), BERLIN, quiet=nap) == berlin("2026-11-26T23:00")


def test_it_is_the_recipients_night_that_counts() -> None:
    at = berlin("2026-11-26T10:00")
    assert goes(at, NEW_YORK) == datetime(2026, 11, 26, 13, tzinfo=UTC)
    assert goes(at) == at
    assert goes(at, NEW_YORK, quiet=QuietHours(time(21), time(8), recipients_clock=False)) == at


def test_other_media_and_purposes_know_no_night() -> None:
    at = berlin("2026-11-26T23:00")
    only = QuietHours(time(21), time(8), purposes=frozenset({"marketing"}))
    assert may_go(NIGHT, "email", "order_updates", at, (), BERLIN) == at
    assert may_go(only, "sms", "order_updates", at, (), BERLIN) == at
    assert may_go(only, "sms", "marketing", at, (), BERLIN) == berlin("2026-11-27T08:00")
    assert may_go(None, "sms", "marketing", at, (), BERLIN) == at


def test_where_no_hour_suits_all_clocks_the_shops_counts() -> None:
    short = QuietHours(time(10), time(9))
    at = berlin("2026-11-26T12:00")
    assert goes(at, BERLIN, NEW_YORK, AUCKLAND, quiet=short) == berlin("2026-11-27T09:00")


def test_hours_that_end_when_they_begin_are_refused() -> None:
    with pytest.raises(ValueError, match="quiet hours"):
        QuietHours(time(8), time(8))


def test_a_number_tells_which_clocks_may_be_its_own() -> None:
    assert zones_of("+4915112345678") == (BERLIN,)
    assert zones_of("+12125550100") == (NEW_YORK,)
    assert len(zones_of("+79161234567")) > 1
    assert zones_of("+8881234") == zones_of("nonsense") == ()


def is_quiet(at: datetime, quiet: QuietHours, zone: str) -> bool:
    now = at.astimezone(ZoneInfo(zone)).time()
    if quiet.begins < quiet.ends:
        return quiet.begins <= now < quiet.ends
    return now >= quiet.begins or now < quiet.ends


def comes_twice(at: datetime, zone: str) -> bool:
    """Whether the clock shows this time twice: then a range begins at the first and ends at the last."""
    there = at.astimezone(ZoneInfo(zone))
    return there.replace(fold=0).utcoffset() != there.replace(fold=1).utcoffset()


clock = st.integers(0, 95).map(lambda quarter: time(quarter // 4, quarter % 4 * 15))
hours = st.tuples(clock, clock).filter(lambda pair: pair[0] != pair[1]).map(lambda pair: QuietHours(*pair))
around = st.tuples(st.sampled_from(CHANGES), st.integers(-120, 192)).map(lambda drawn: drawn[0] + drawn[1] * STEP)
places = st.lists(st.sampled_from([BERLIN, NEW_YORK, AUCKLAND, "Europe/Moscow", "Asia/Kolkata"]), max_size=3)


@given(hours, around, places)
def test_it_goes_at_the_first_minute_that_wakes_nobody(quiet: QuietHours, at: datetime, zones: list[str]) -> None:
    then = goes(at, *zones, quiet=quiet)
    assert then >= at
    assert then - at <= timedelta(days=2, hours=2)
    clocks = zones or [BERLIN]
    if any(comes_twice(then, zone) for zone in clocks):
        return
    awake = [not is_quiet(then, quiet, zone) for zone in clocks]
    if not all(awake):
        # They agree on no hour within a day: then the shop's clock decides.
        assert not is_quiet(then, quiet, BERLIN)
        assert all(
            any(is_quiet(at + n * STEP, quiet, zone) or comes_twice(at + n * STEP, zone) for zone in clocks)
            for n in range(96)
        )
        return
    step = at
    while step < then:
        assert any(is_quiet(step, quiet, zone) or comes_twice(step, zone) for zone in clocks)
        step += STEP
