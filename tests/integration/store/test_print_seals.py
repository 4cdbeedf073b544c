"""When a payload that is handed out now dies, on both databases."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import Connection, update

from backroom.domain.events import Event, EventState, Session
from backroom.store import events
from backroom.store.database import Database, now
from backroom.store.print_seals import AFTER_THE_END, LIFE, dies_at
from backroom.store.tables import events as events_table

LIVE, CLOSED, PLANNED = EventState.LIVE, EventState.CLOSED, EventState.PLANNED
HERE, ELSEWHERE = "booth-a", "booth-b"

# An event as its state, how many hours from now it ends, and where it is.
Told = tuple[EventState, float] | tuple[EventState, float, str]


def life(database: Database, *told: Told) -> timedelta:
    """How long a payload lives that is sealed now at a booth with these events."""

    def work(connection: Connection) -> timedelta:
        at = now(connection)
        for number, (state, hours, *where) in enumerate(told):
            ends = at + timedelta(hours=hours)
            sessions = (Session(ends - timedelta(hours=6), ends),)
            code = f"event-{number}"
            events.add(connection, Event(code, code, "street", (*where, HERE)[0], "", sessions), (), at, "Ada")
            connection.execute(update(events_table).where(events_table.c.code == code).values(state=state))
        return dies_at(connection, HERE, at) - at

    return database.write(work)


@pytest.mark.parametrize("hours", [0.05, 3, 11.99])
def test_at_a_live_event_it_dies_at_its_end(database: Database, hours: float) -> None:
    assert life(database, (LIVE, hours)) == timedelta(hours=hours)


def test_at_a_live_event_of_several_days_it_dies_after_half_a_day(database: Database) -> None:
    assert life(database, (LIVE, 12.01)) == LIFE == timedelta(hours=12)


@pytest.mark.parametrize("state", [state for state in EventState if state is not LIVE])
def test_at_a_booth_whose_event_is_not_live_it_lives_no_longer_than_it_takes_to_print_it(
    database: Database, state: EventState
) -> None:
    assert life(database, (state, 3)) == AFTER_THE_END == timedelta(minutes=15)


def test_an_event_that_is_past_its_end_and_was_not_closed_yet_counts_as_over(database: Database) -> None:
    assert life(database, (LIVE, -0.01)) == AFTER_THE_END


def test_at_a_place_that_has_no_events_it_lives_half_a_day(database: Database) -> None:
    assert life(database) == LIFE


def test_the_events_of_other_booths_count_for_nothing(database: Database) -> None:
    assert life(database, (LIVE, 3, ELSEWHERE), (CLOSED, -3, ELSEWHERE)) == LIFE


@pytest.mark.parametrize(
    ("told", "hours"), [(((CLOSED, -20), (LIVE, 5), (PLANNED, 30)), 5), (((LIVE, 4), (LIVE, 1)), 1)]
)
def test_of_several_events_at_a_booth_those_that_are_live_count_and_the_first_to_end(
    database: Database, told: tuple[Told, ...], hours: float
) -> None:
    assert life(database, *told) == timedelta(hours=hours)
