"""Dates told to the location and to the buyer."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backroom.domain.opening import WEEKDAYS, OpeningHours
from backroom.domain.promise import DeliveryWindow, delivery_window, ship_by
from backroom.domain.shop import SlaSpec
from tests.unit.domain.test_opening import INSTANTS, ZONES, berlin, weeks

BERLIN = "Europe/Berlin"
HOURS = OpeningHours.parse({key: ["09:00-18:00"] for key in ("mon", "tue", "wed", "thu", "fri")}, BERLIN)
SLA = SlaSpec("web", handling_hours=8, transit_days_min=1, transit_days_max=3, cutoff="14:00")


def test_handling_hours_are_hours_of_open_doors() -> None:
    assert ship_by(berlin("2026-11-23T09:30"), SLA, HOURS) == berlin("2026-11-23T17:30")


def test_hours_that_are_left_at_closing_go_on_in_the_next_morning() -> None:
    assert ship_by(berlin("2026-11-23T13:00"), SLA, HOURS) == berlin("2026-11-24T12:00")


def test_an_order_at_the_cutoff_still_counts_today() -> None:
    assert ship_by(berlin("2026-11-23T14:00"), SLA, HOURS) == berlin("2026-11-24T13:00")


def test_an_order_after_the_cutoff_counts_from_the_next_day() -> None:
    assert ship_by(berlin("2026-11-23T14:00:01"), SLA, HOURS) == berlin("2026-11-24T17:00")


def test_a_friday_evening_order_is_due_on_monday() -> None:
    assert ship_by(berlin("2026-11-27T20:00"), SLA, HOURS) == berlin("2026-11-30T17:00")


def test_a_deadline_may_fall_on_closing_time() -> None:
    assert ship_by(berlin("2026-11-23T10:00"), SLA, HOURS) == berlin("2026-11-23T18:00")


def test_without_handling_hours_it_is_due_when_somebody_is_there() -> None:
    at_once = replace(SLA, handling_hours=0)
    assert ship_by(berlin("2026-11-23T10:00"), at_once, HOURS) == berlin("2026-11-23T10:00")
    assert ship_by(berlin("2026-11-23T06:00"), at_once, HOURS) == berlin("2026-11-23T09:00")


def test_a_night_shift_in_autumn_works_the_repeated_hour() -> None:
    night = OpeningHours.parse({"sat": ["22:00-06:00"]}, BERLIN)
    assert ship_by(berlin("2026-10-24T12:00"), SLA, night) == berlin("2026-10-25T05:00")


@pytest.mark.parametrize("broken", [{"handling_hours": -1}, {"cutoff": "2 pm"}])
def test_an_sla_that_makes_no_sense_is_refused(broken: dict[str, object]) -> None:
    with pytest.raises(ValueError):
        ship_by(berlin("2026-11-23T09:30"), replace(SLA, **broken), HOURS)  # type: ignore[arg-type]


def test_transit_days_skip_sunday() -> None:
    window = delivery_window(berlin("2026-11-27T17:00"), SLA, BERLIN)
    assert window == DeliveryWindow(date(2026, 11, 28), date(2026, 12, 1))


def test_transit_days_skip_holidays_and_other_closed_days() -> None:
    window = delivery_window(
        berlin("2026-12-23T17:00"), SLA, BERLIN, {date(2026, 12, 25), date(2026, 12, 26)}, frozenset({5, 6})
    )
    assert window == DeliveryWindow(date(2026, 12, 24), date(2026, 12, 29))


def test_zero_transit_days_is_the_same_day_or_the_next_one_with_delivery() -> None:
    same_day = replace(SLA, transit_days_min=0, transit_days_max=0)
    assert delivery_window(berlin("2026-11-27T17:00"), same_day, BERLIN).from_date == date(2026, 11, 27)
    assert delivery_window(berlin("2026-11-29T17:00"), same_day, BERLIN).from_date == date(2026, 11, 30)


def test_the_day_of_the_hand_over_is_the_local_one() -> None:
    late = datetime(2026, 11, 24, 23, 30, tzinfo=UTC)
    assert delivery_window(late, SLA, BERLIN).from_date == date(2026, 11, 26)
    assert delivery_window(late, SLA, "UTC").from_date == date(2026, 11, 25)


def test_a_window_across_the_clock_change_counts_days_and_not_hours() -> None:
    window = delivery_window(berlin("2026-03-28T23:30"), SLA, BERLIN, closed_weekdays=frozenset())
    assert window == DeliveryWindow(date(2026, 3, 29), date(2026, 3, 31))


@pytest.mark.parametrize(
    ("sla", "closed"),
    [
        (replace(SLA, transit_days_min=4), frozenset({6})),
        (replace(SLA, transit_days_min=-1), frozenset({6})),
        (SLA, frozenset(range(7))),
    ],
)
def test_a_window_that_cannot_be_is_refused(sla: SlaSpec, closed: frozenset[int]) -> None:
    with pytest.raises(ValueError):
        delivery_window(berlin("2026-11-27T17:00"), sla, BERLIN, closed_weekdays=closed)


slas = st.builds(
    lambda handling, first, more, cutoff: SlaSpec("any", handling, first, first + more, f"{cutoff:%H:%M}"),
    st.integers(0, 60),
    st.integers(0, 6),
    st.integers(0, 6),
    st.times(),
)
later = st.timedeltas(timedelta(0), timedelta(days=10))


@given(at=INSTANTS, after=later, sla=slas, hours=weeks())
def test_who_orders_later_is_never_promised_earlier(
    at: datetime, after: timedelta, sla: SlaSpec, hours: OpeningHours
) -> None:
    due = ship_by(at, sla, hours)
    assert due >= at
    assert ship_by(at + after, sla, hours) >= due


@given(at=INSTANTS, sla=slas, hours=weeks())
def test_an_order_is_due_while_somebody_is_there_to_hand_it_over(
    at: datetime, sla: SlaSpec, hours: OpeningHours
) -> None:
    due = ship_by(at, sla, hours)
    assert hours.is_open(due) or hours.is_open(due - timedelta(microseconds=1))


@given(
    at=INSTANTS,
    after=later,
    sla=slas,
    timezone=ZONES,
    closed=st.sets(st.integers(0, 6), max_size=6).map(frozenset),
    off=st.sets(st.integers(0, 20), max_size=5),
)
def test_a_window_never_lies_before_the_hand_over_nor_on_a_closed_day_and_never_moves_back(
    at: datetime, after: timedelta, sla: SlaSpec, timezone: str, closed: frozenset[int], off: set[int]
) -> None:
    handed_over_on = at.astimezone(ZoneInfo(timezone)).date()
    holidays = {handed_over_on + timedelta(days=days) for days in off}
    window = delivery_window(at, sla, timezone, holidays, closed)
    assert handed_over_on <= window.from_date <= window.to_date
    for day in (window.from_date, window.to_date):
        assert day not in holidays
        assert day.weekday() not in closed
    moved = delivery_window(at + after, sla, timezone, holidays, closed)
    assert moved.from_date >= window.from_date
    assert moved.to_date >= window.to_date


def test_every_weekday_can_be_promised() -> None:
    starts = {
        delivery_window(berlin(f"2026-11-{23 + day}T12:00"), SLA, BERLIN).from_date.weekday()
        for day, _ in enumerate(WEEKDAYS)
    }
    assert starts == {0, 1, 2, 3, 4, 5}
