"""Where a parcel is, made of whatever was told of it: twice, late and out of order."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backroom.domain.tracking import (
    ENDED,
    HOLDS,
    MOVES,
    WHAT_TO_DO,
    ParcelState,
    TrackingEvent,
    asks_for,
    delivered_at,
    hold_for,
    standing,
)

S = ParcelState
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


def at(hour: int, state: ParcelState, detail: str = "") -> TrackingEvent:
    return TrackingEvent(state, NOON + timedelta(hours=hour), detail)


USUAL = (
    at(0, S.ANNOUNCED),
    at(5, S.HANDED_OVER),
    at(9, S.IN_TRANSIT),
    at(20, S.OUT_FOR_DELIVERY),
    at(23, S.DELIVERED),
)


def test_a_parcel_of_which_nothing_was_told_has_its_label_and_no_more() -> None:
    assert standing([]).state is S.ANNOUNCED
    assert standing([]).since is None


def test_the_usual_way_ends_at_the_door() -> None:
    assert [standing(USUAL[:n]).state for n in range(1, 6)] == [one.state for one in USUAL]
    assert delivered_at(USUAL) == NOON + timedelta(hours=23)


def test_a_late_scan_of_what_was_delivered_changes_nothing() -> None:
    assert standing([*USUAL, at(30, S.IN_TRANSIT)]).state is S.DELIVERED


def test_a_parcel_that_was_driven_out_and_not_delivered_goes_out_again() -> None:
    told = [*USUAL[:4], at(21, S.FAILED, "nobody_home"), at(22, S.IN_TRANSIT), at(40, S.OUT_FOR_DELIVERY)]
    assert standing(told[:5]).state is S.FAILED
    assert standing(told).state is S.OUT_FOR_DELIVERY


def test_what_is_delivered_after_it_turned_back_was_delivered_to_us() -> None:
    told = [*USUAL[:4], at(30, S.RETURNING), at(40, S.IN_TRANSIT), at(60, S.DELIVERED)]
    assert standing(told).state is S.RETURNED
    assert delivered_at(told) is None


def test_a_label_that_was_taken_back_and_is_scanned_all_the_same_was_used() -> None:
    told = [at(0, S.ANNOUNCED), at(1, S.CANCELLED), at(9, S.IN_TRANSIT)]
    assert standing(told[:2]).state is S.CANCELLED
    assert standing(told).state is S.IN_TRANSIT
    assert asks_for(S.IN_TRANSIT, refunded=True) == "used_after_refund"


@pytest.mark.parametrize("state", S)
def test_each_state_that_asks_for_somebody_says_what_to_do(state: ParcelState) -> None:
    reason = asks_for(state)
    assert (reason == "") == (state not in (S.FAILED, S.RETURNING, S.RETURNED))
    assert not reason or WHAT_TO_DO[reason]


def test_every_state_has_its_moves_and_a_delivery_is_not_undone_by_a_scan() -> None:
    assert set(MOVES) == set(S)
    assert not MOVES[S.DELIVERED] & {S.IN_TRANSIT, S.OUT_FOR_DELIVERY, S.HANDED_OVER, S.ANNOUNCED}
    assert MOVES[S.RETURNED] == frozenset()
    assert {S.DELIVERED, S.RETURNED, S.CANCELLED} == ENDED


EVENTS = st.lists(
    st.builds(at, st.integers(0, 12), st.sampled_from(S), st.sampled_from(["", "arrived_at_facility"])), max_size=12
)


@given(events=EVENTS, seed=st.randoms(use_true_random=False), doubles=st.integers(1, 3))
def test_the_order_in_which_news_come_and_how_often_does_not_matter(events, seed, doubles):
    shuffled = events * doubles
    seed.shuffle(shuffled)
    assert standing(shuffled) == standing(events)


@given(events=EVENTS)
def test_news_one_by_one_make_the_same_as_all_at_once_and_only_by_moves_that_there_are(events):
    ordered = sorted(set(events), key=lambda one: (one.at, list(S).index(one.state), one.detail))
    before = standing([])
    for count in range(1, len(ordered) + 1):
        now = standing(ordered[:count])
        assert now.state == before.state or now.state in MOVES[before.state]
        # Time does not go back.
        assert before.since is None or now.since is not None
        assert before.since is None or now.since >= before.since
        before = now
    assert before == standing(events)


@given(events=EVENTS)
def test_where_a_parcel_is_was_told_by_somebody_or_is_its_label(events):
    now = standing(events)
    if now.since is None:
        assert now.state is S.ANNOUNCED
    else:
        told = {one.state for one in events if one.at == now.since}
        assert now.state in told or (now.state is S.RETURNED and S.DELIVERED in told)


@given(states=st.lists(st.sampled_from(S), max_size=5))
def test_an_order_is_held_for_the_gravest_of_what_its_parcels_ask_for(states):
    reason = hold_for(asks_for(state) for state in states)
    grave = [S.RETURNED, S.RETURNING, S.FAILED]
    worst = next((state for state in grave if state in states), None)
    assert reason == (HOLDS[worst] if worst else "")


def test_what_a_person_need_not_see_to_at_once_holds_no_order() -> None:
    assert hold_for(["quiet", "used_after_refund", "refund_rejected", "uncollected", ""]) == ""
