"""Events: hours as people write them, codes, and the moves that the clock and the list make by themselves."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backroom.domain.events import (
    BadHours,
    Event,
    EventState,
    Session,
    check_sessions,
    code_of,
    due_move,
    read_session,
    shut_because,
)
from backroom.domain.lifecycle import Kind, check_move, is_end
from backroom.domain.power import Load, Supply

BERLIN = "Europe/Berlin"
SATURDAY = read_session("2026-11-28 15:00-01:00", BERLIN)
SUNDAY = read_session("2026-11-29 12:00-20:00", BERLIN)
MARKET = Event("market", "Market", "street", "booth", "the square", (SATURDAY, SUNDAY))


def test_hours_that_end_in_the_night_end_on_the_next_day() -> None:
    assert Session(datetime(2026, 11, 28, 14, tzinfo=UTC), datetime(2026, 11, 29, 0, tzinfo=UTC)) == SATURDAY
    assert SATURDAY.hours == 10


def test_the_night_in_which_clocks_go_back_has_an_hour_more() -> None:
    assert read_session("2026-10-24 20:00-04:00", BERLIN).hours == 9


@pytest.mark.parametrize(
    "text", ["", "saturday 15:00-22:00", "2026-11-31 15:00-22:00", "2026-11-28 15-22", "15:00-22:00"]
)
def test_what_is_no_day_with_its_hours_is_quoted(text: str) -> None:
    with pytest.raises(BadHours) as refused:
        read_session(text, BERLIN)
    assert repr(text) in str(refused.value)
    assert "2026-11-28 15:00-01:00" in refused.value.remedy


def test_days_that_overlap_or_come_out_of_order_are_refused() -> None:
    early = read_session("2026-11-28 23:00-02:00", BERLIN)
    for sessions in ((), (SUNDAY, SATURDAY), (SATURDAY, early), (Session(SUNDAY.closes, SUNDAY.opens),)):
        with pytest.raises(BadHours):
            check_sessions(sessions)


def test_an_event_is_open_in_its_hours_and_not_between_them() -> None:
    assert (MARKET.starts_at, MARKET.ends_at) == (SATURDAY.opens, SUNDAY.closes)
    assert MARKET.is_open(SATURDAY.opens)
    assert not MARKET.is_open(SATURDAY.closes)
    assert MARKET.is_open(SUNDAY.closes - timedelta(seconds=1))


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("Nachtmarkt an der Spree", "nachtmarkt-an-der-spree-2026-11-28"),
        ("Große Höfe!", "grosse-hoefe-2026-11-28"),
        ("夜市", "event-2026-11-28"),
    ],
)
def test_a_code_is_made_of_the_name_and_the_first_day(name: str, code: str) -> None:
    assert code_of(name, date(2026, 11, 28)) == code


MINUTE = timedelta(minutes=1)


@pytest.mark.parametrize(
    ("state", "ready", "at", "expected"),
    [
        ("planned", False, SATURDAY.opens - MINUTE, None),
        ("planned", True, SATURDAY.opens - MINUTE, "ready"),
        ("ready", True, SATURDAY.opens - MINUTE, None),
        ("ready", False, SATURDAY.opens - MINUTE, "planned"),
        ("ready", True, SATURDAY.opens, "live"),
        ("planned", False, SATURDAY.opens, None),
        ("live", True, SUNDAY.closes - MINUTE, None),
        ("live", False, SATURDAY.opens, None),
        ("live", True, SUNDAY.closes, "closed"),
        ("planned", False, SUNDAY.closes, "closed"),
        ("closed", True, SUNDAY.closes, None),
        ("settled", True, SUNDAY.closes, None),
    ],
)
def test_the_clock_and_the_list_move_an_event(state: str, ready: bool, at: datetime, expected: str | None) -> None:
    assert due_move(replace(MARKET, state=EventState(state)), ready=ready, at=at) == expected


@given(st.lists(st.tuples(st.booleans(), st.integers(-3000, 3000)), max_size=30))
def test_whatever_comes_and_goes_an_event_only_moves_as_its_life_allows_and_ends_closed(
    looks: list[tuple[bool, int]],
) -> None:
    event = MARKET
    for ready, minutes in [*sorted(looks, key=lambda look: look[1]), (False, 10_000)]:
        at = SATURDAY.opens + minutes * MINUTE
        for _ in range(len(EventState)):
            due = due_move(event, ready=ready, at=at)
            if due is None:
                break
            check_move(Kind.EVENT, event.state, due)
            event = replace(event, state=due)
        else:
            pytest.fail("it does not come to rest")
        if event.state is EventState.LIVE:
            assert shut_because(event, missing=(), at=at) == ""
    assert event.state is EventState.CLOSED
    assert not is_end(Kind.EVENT, event.state)


def test_a_battery_is_full_when_its_day_begins_and_when_somebody_said_so() -> None:
    """430 W of 2150 Wh are five hours."""
    on = replace(MARKET, loads=(Load("press", "press", 430),), supply=Supply("battery", 3000, watt_hours=2150))
    five, hour = timedelta(hours=5), timedelta(hours=1)
    assert on.power_until(SATURDAY.opens - hour) is None
    assert on.power_until(SATURDAY.opens) == SATURDAY.opens + five
    assert on.power_until(SATURDAY.closes) == SATURDAY.opens + five
    assert on.power_until(SUNDAY.opens + hour) == SUNDAY.opens + five
    changed = SUNDAY.opens + 2 * hour
    assert on.power_until(SUNDAY.opens + 3 * hour, [SATURDAY.opens, changed]) == changed + five
    assert on.power_until(SUNDAY.opens + hour, [changed]) == SUNDAY.opens + five
    assert replace(on, supply=Supply("mains", 3680)).power_until(SUNDAY.opens) is None
    assert replace(on, loads=()).power_until(SUNDAY.opens) is None


def test_a_booth_is_open_only_while_its_event_is_live_and_lacks_nothing() -> None:
    live = replace(MARKET, state=EventState.LIVE)
    at = SATURDAY.opens
    assert shut_because(live, missing=(), at=at) == ""
    assert shut_because(live, missing=("permit", "power"), at=at) == "its event market lacks permit, power"
    assert shut_because(live, missing=(), at=SUNDAY.closes) == "its event market is over"
    assert shut_because(MARKET, missing=(), at=at) == "its event market is planned"
    assert shut_because(None, missing=(), at=at) == "it has no event now"
