"""What an event tells everybody: its phase, how a piece stands, and how long a print takes."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backroom.domain.event_page import FEW, Phase, Standing, minutes_until, offers_of, phase_of, standing_of
from backroom.domain.events import Event, EventState, Session
from backroom.domain.print_queue import Foreseen, promise
from tests.shops import a_variant

FIRST = datetime(2026, 11, 28, 15, tzinfo=UTC)
HOUR = timedelta(hours=1)
SESSIONS = (Session(FIRST, FIRST + 7 * HOUR), Session(FIRST + 24 * HOUR, FIRST + 31 * HOUR))


def event(state: EventState) -> Event:
    return Event("fair", "Fair", "street", "booth-a", "the square", SESSIONS, state)


@pytest.mark.parametrize(
    ("state", "opened", "shut", "hours", "expected"),
    [
        (EventState.PLANNED, False, "not live", -2, (Phase.PLANNED, FIRST)),
        (EventState.READY, False, "not live", -2, (Phase.PLANNED, FIRST)),
        (EventState.LIVE, True, "", 1, (Phase.OPEN, FIRST + 7 * HOUR)),
        (EventState.LIVE, True, "", -1, (Phase.OPEN, FIRST + 7 * HOUR)),
        (EventState.LIVE, True, "its permit is gone", 1, (Phase.PAUSED, None)),
        (EventState.PLANNED, False, "not live", 1, (Phase.PAUSED, None)),
        (EventState.LIVE, True, "", 8, (Phase.BREAK, FIRST + 24 * HOUR)),
        (EventState.LIVE, True, "", 25, (Phase.OPEN, FIRST + 31 * HOUR)),
        (EventState.LIVE, True, "", 31, (Phase.OVER, None)),
        (EventState.CLOSED, True, "closed", 2, (Phase.OVER, None)),
        (EventState.SETTLED, True, "settled", 40, (Phase.OVER, None)),
        (EventState.CLOSED, False, "closed", -5, (Phase.CALLED_OFF, None)),
    ],
)
def test_the_phase_is_that_of_somebody_who_wants_to_come(
    state: EventState, opened: bool, shut: str, hours: int, expected: tuple[Phase, datetime | None]
) -> None:
    assert phase_of(event(state), was_opened=opened, shut=shut, at=FIRST + hours * HOUR) == expected


@given(st.sampled_from(EventState), st.booleans(), st.sampled_from(["", "x"]), st.integers(-600, 3000))
def test_every_state_has_a_phase_and_a_turn_that_is_still_to_come(
    state: EventState, opened: bool, shut: str, minutes: int
) -> None:
    at = FIRST + timedelta(minutes=minutes)
    phase, turn = phase_of(event(state), was_opened=opened, shut=shut, at=at)
    assert turn is None or turn > at
    assert (phase is Phase.OPEN) <= (state is EventState.LIVE and not shut)


@given(st.integers(0, 10_000), st.booleans(), st.none() | st.integers(5, 600))
def test_no_count_is_told_but_of_few(there: int, printable: bool, minutes: int | None) -> None:
    standing, count = standing_of(there, printable=printable, minutes=minutes)
    if standing is Standing.FEW:
        assert count == there <= FEW
    elif standing is Standing.MADE_HERE:
        assert (there, count) == (0, minutes or 0)
    else:
        assert count == 0
    assert (standing is Standing.SOLD_OUT) == (there == 0 and not printable)


@given(st.integers(0, 50_000), st.integers(0, 30), st.integers(0, 3599))
def test_what_is_told_is_no_sooner_than_what_would_be_promised_less_its_step(
    seconds: int, handling: int, into: int
) -> None:
    at = FIRST + timedelta(seconds=into)
    sure = at + timedelta(seconds=seconds)
    hands = timedelta(minutes=handling)
    told = minutes_until(Foreseen(sure, sure), hands, at)
    assert told % 5 == 0
    assert told > 0
    assert at + timedelta(minutes=told) >= sure + hands
    assert abs(at + timedelta(minutes=told) - promise(Foreseen(sure, sure), hands)) <= timedelta(minutes=5)


BLANK = replace(a_variant("BLANK-BLK-M", printable=False), tags=("blank", "tee"))
PRINTED = replace(a_variant("PRINTED-BLK-M"), tags=("tee",))
RACK = replace(a_variant("RACK-BLK-M", printable=False), tags=("tee",))


def test_what_lies_there_and_what_is_printed_there_is_offered_and_blanks_are_not() -> None:
    elsewhere = a_variant("ELSEWHERE-BLK-M", printable=False)
    offers = offers_of([BLANK, PRINTED, RACK, elsewhere], {RACK.sku: 2, BLANK.sku: 9}, {"dtg": 10})
    told = {piece.sku: (piece.standing, piece.count) for offer in offers for piece in offer.pieces}
    assert told == {PRINTED.sku: (Standing.MADE_HERE, 10), RACK.sku: (Standing.FEW, 2)}
    assert offers[0].printed
    assert not offers[1].printed


def test_without_blanks_nothing_is_printed_and_uncounted_blanks_are_no_lack() -> None:
    [offer] = offers_of([BLANK, PRINTED], {BLANK.sku: 0}, {"dtg": 10})
    assert offer.pieces[0].standing is Standing.SOLD_OUT
    [offer] = offers_of([BLANK, PRINTED], {}, {"dtg": 10})
    assert offer.pieces[0].standing is Standing.MADE_HERE


def test_what_no_printer_prints_at_the_moment_is_printed_nobody_can_say_when() -> None:
    [offer] = offers_of([PRINTED], {}, {"dtg": None})
    assert (offer.pieces[0].standing, offer.pieces[0].count) == (Standing.MADE_HERE, 0)


def test_what_needs_another_process_than_the_printers_here_is_not_offered() -> None:
    assert offers_of([PRINTED], {}, {"transfer": 10}) == ()


def test_what_no_sample_stands_for_is_offered_only_where_it_lies() -> None:
    assert offers_of([PRINTED], {}, {"dtg": 10}, {PRINTED.sku}) == ()
    [offer] = offers_of([PRINTED], {PRINTED.sku: 2}, {"dtg": 10}, {PRINTED.sku})
    assert offer.pieces[0].standing is Standing.FEW
    assert not offer.printed
