"""Opening hours by the wall clock: weeks, nights and the two days on which clocks change."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import islice, pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backroom.domain.opening import WEEKDAYS, OpeningHours

BERLIN = "Europe/Berlin"
SHOP = OpeningHours.parse({"mon": ["09:00-13:00", "14:00-18:00"], "sat": ["10:00-02:00"]}, BERLIN)


def berlin(text: str, fold: int = 0) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(BERLIN), fold=fold)


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        ("2026-11-23T08:59:59", False),
        ("2026-11-23T09:00", True),
        ("2026-11-23T13:00", False),
        ("2026-11-23T14:00", True),
        ("2026-11-24T10:00", False),
        ("2026-11-28T23:30", True),
        ("2026-11-29T01:59", True),
        ("2026-11-29T02:00", False),
    ],
)
def test_a_range_includes_its_opening_and_not_its_closing_minute(at: str, expected: bool) -> None:
    assert SHOP.is_open(berlin(at)) is expected


def test_the_next_opening_is_now_while_it_is_open() -> None:
    now = berlin("2026-11-23T10:15")
    assert SHOP.next_opening(now) == now


def test_after_closing_the_next_opening_is_found_days_later() -> None:
    assert SHOP.next_opening(berlin("2026-11-23T18:00")) == berlin("2026-11-28T10:00")


def test_the_next_opening_is_said_in_utc() -> None:
    assert SHOP.next_opening(berlin("2026-11-23T08:00")).tzinfo is UTC


def test_the_same_clock_time_is_another_instant_in_summer() -> None:
    assert SHOP.next_opening(datetime(2026, 7, 6, tzinfo=UTC)) == datetime(2026, 7, 6, 7, tzinfo=UTC)
    assert SHOP.next_opening(datetime(2026, 11, 23, tzinfo=UTC)) == datetime(2026, 11, 23, 8, tzinfo=UTC)


def test_an_opening_the_clocks_jump_over_is_the_first_minute_after_the_jump() -> None:
    night = OpeningHours.parse({"sun": ["02:30-05:00"]}, BERLIN)
    assert night.next_opening(berlin("2026-03-29T00:00")) == berlin("2026-03-29T03:00")


def test_a_range_that_lies_in_the_jump_is_left_out() -> None:
    night = OpeningHours.parse({"sun": ["02:00-02:45"]}, BERLIN)
    assert night.next_opening(berlin("2026-03-29T00:00")) == berlin("2026-04-05T02:00")


def test_a_bar_stays_open_through_the_repeated_hour() -> None:
    bar = OpeningHours.parse({"sat": ["20:00-02:30"]}, BERLIN)
    assert bar.is_open(berlin("2026-10-25T02:15", fold=0))
    assert bar.is_open(berlin("2026-10-25T02:45", fold=0))
    assert bar.is_open(berlin("2026-10-25T02:15", fold=1))
    assert not bar.is_open(berlin("2026-10-25T02:30", fold=1))


def test_the_repeated_hour_is_not_counted_twice_when_two_ranges_share_it() -> None:
    hours = OpeningHours.parse({"sun": ["01:00-02:30", "02:30-04:00"]}, BERLIN)
    first, second = islice(hours.ranges_from(berlin("2026-10-25T00:00")), 2)
    assert first[1] == second[0]
    assert second[1] - first[0] == timedelta(hours=4)


def test_the_whole_week_can_be_open() -> None:
    always = OpeningHours.parse({key: ["00:00-24:00"] for key in WEEKDAYS}, BERLIN)
    assert always.is_open(berlin("2026-11-23T00:00"))
    assert always.is_open(berlin("2026-11-23T23:59"))


@pytest.mark.parametrize(
    ("table", "part"),
    [
        ({"monday": ["09:00-18:00"]}, "monday"),
        ({"mon": ["9-18"]}, "9-18"),
        ({"mon": ["09:00-25:00"]}, "09:00-25:00"),
        ({"mon": ["09:60-18:00"]}, "09:60-18:00"),
        ({"mon": ["09:00-24:30"]}, "00:30"),
        ({"mon": ["09:00-09:00"]}, "09:00-09:00"),
        ({"mon": [9]}, "9"),
        ({"mon": "09:00-18:00"}, "09:00-18:00"),
        ({"mon": ["09:00-13:00", "12:00-18:00"]}, "09:00-13:00 overlaps mon 12:00-18:00"),
        ({"mon": ["09:00-13:00", "09:00-18:00"]}, "overlaps"),
        ({"sat": ["22:00-03:00"], "sun": ["02:00-05:00"]}, "sat 22:00-03:00 overlaps sun"),
        ({"sun": ["22:00-03:00"], "mon": ["02:00-05:00"]}, "sun 22:00-03:00 overlaps mon"),
        ({}, "without a single range"),
        ({"mon": []}, "without a single range"),
    ],
)
def test_what_cannot_be_read_is_quoted(table: dict[str, list[str]], part: str) -> None:
    with pytest.raises(ValueError, match=part):
        OpeningHours.parse(table, BERLIN)


def test_an_unknown_time_zone_is_named() -> None:
    with pytest.raises(ValueError, match="Europe/Bärlin"):
        OpeningHours.parse({"mon": ["09:00-18:00"]}, "Europe/Bärlin")


ZONES = st.sampled_from(["UTC", BERLIN, "America/New_York", "America/Havana", "Australia/Lord_Howe", "Asia/Kathmandu"])
INSTANTS = st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - bounds


@st.composite
def weeks(draw: st.DrawFn) -> OpeningHours:
    """Weeks with up to two ranges a day, some over midnight, none overlapping."""
    table: dict[str, list[str]] = {}
    for day in draw(st.sets(st.sampled_from(WEEKDAYS), min_size=1)):
        minutes = sorted(draw(st.sets(st.integers(181, 1439), min_size=2, max_size=4)))
        pairs = list(zip(minutes[::2], minutes[1::2], strict=False))
        table[day] = [f"{a // 60:02}:{a % 60:02}-{b // 60:02}:{b % 60:02}" for a, b in pairs]
        if draw(st.booleans()):
            last = pairs[-1][0]
            table[day][-1] = f"{last // 60:02}:{last % 60:02}-{draw(st.sampled_from(['00:00', '01:30', '03:00']))}"
            table[day][-1] = table[day][-1].replace("-00:00", "-24:00")
    return OpeningHours.parse(table, draw(ZONES))


@given(hours=weeks(), at=INSTANTS)
def test_it_is_open_at_its_next_opening_which_is_never_in_the_past(hours: OpeningHours, at: datetime) -> None:
    opening = hours.next_opening(at)
    assert opening >= at
    assert hours.is_open(opening)
    assert hours.is_open(at) == (opening == at)


@given(hours=weeks(), at=INSTANTS)
def test_ranges_come_in_order_and_never_overlap(hours: OpeningHours, at: datetime) -> None:
    ranges = list(islice(hours.ranges_from(at), 20))
    assert ranges[0][1] > at
    for (opens, closes), (next_opens, _) in pairwise(ranges):
        assert opens < closes <= next_opens


@given(hours=weeks(), at=INSTANTS)
def test_on_ordinary_days_open_means_that_the_wall_clock_stands_in_a_range(hours: OpeningHours, at: datetime) -> None:
    local_zone = ZoneInfo(hours.timezone)
    around = {(at + timedelta(hours=h)).astimezone(local_zone).utcoffset() for h in range(-48, 49, 6)}
    if len(around) > 1:
        return
    local = at.astimezone(local_zone)
    today, yesterday = hours.week[local.weekday()], hours.week[local.weekday() - 1]
    by_the_clock = any(
        r.opens <= local.time() and (local.time() < r.closes or r.closes <= r.opens) for r in today
    ) or any(r.closes <= r.opens and local.time() < r.closes for r in yesterday)
    assert hours.is_open(at) is by_the_clock
