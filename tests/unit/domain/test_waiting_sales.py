"""What a till may say of a sale that somebody waits for."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backroom.domain.model import FulfilmentState, OrderState
from backroom.domain.waiting_sales import NEWEST, PartOfSale, Wait, first_asked, wait_of

HERE, AT = "booth-a", datetime(2026, 11, 28, 18, 40, tzinfo=UTC)
WAITS = PartOfSale(HERE, FulfilmentState.MAKING, False, AT)
MADE = PartOfSale(HERE, FulfilmentState.MADE, True, None)
UNPROMISED = PartOfSale(HERE, FulfilmentState.MAKING, False, None)
AWAY = PartOfSale("hub", FulfilmentState.OPEN, False, None)
DROPPED = PartOfSale("hub", FulfilmentState.CANCELLED, False, None)
HELD = PartOfSale(HERE, FulfilmentState.HELD, False, AT)
LATER = PartOfSale(HERE, FulfilmentState.OPEN, False, AT + timedelta(minutes=9))

orders = st.sampled_from(OrderState)
parts = st.lists(
    st.builds(
        PartOfSale,
        st.sampled_from([HERE, "hub"]),
        st.sampled_from(FulfilmentState),
        st.booleans(),
        st.none() | st.integers(0, 90).map(lambda minutes: AT + timedelta(minutes=minutes)),
    ),
    max_size=4,
)


@pytest.mark.parametrize(
    ("order", "of", "is_"),
    [
        (OrderState.ACCEPTED, [], (Wait.QUEUED, None)),
        (OrderState.RELEASED, [UNPROMISED], (Wait.QUEUED, None)),
        (OrderState.RELEASED, [WAITS], (Wait.PROMISED, AT)),
        (OrderState.RELEASED, [WAITS, MADE], (Wait.PROMISED, AT)),
        (OrderState.RELEASED, [WAITS, LATER, DROPPED], (Wait.PROMISED, LATER.promised_at)),
        (OrderState.RELEASED, [WAITS, UNPROMISED], (Wait.QUEUED, None)),
        (OrderState.RELEASED, [MADE, MADE], (Wait.READY, None)),
        (OrderState.FULFILLED, [MADE], (Wait.READY, None)),
        (OrderState.RELEASED, [AWAY, DROPPED], (Wait.ELSEWHERE, None)),
        (OrderState.RELEASED, [HELD, LATER], (Wait.HELD, None)),
        (OrderState.HELD, [], (Wait.HELD, None)),
        (OrderState.BACKORDERED, [DROPPED], (Wait.SHORT, None)),
        (OrderState.CANCELLED, [DROPPED], (Wait.CANCELLED, None)),
    ],
)
def test_a_sale_stands_as_the_last_of_its_parts_does(
    order: OrderState, of: list[PartOfSale], is_: tuple[Wait, datetime | None]
) -> None:
    assert wait_of(order, of, HERE) == is_


@given(orders, parts)
def test_a_time_is_said_with_a_promise_alone_and_is_never_before_one_that_stands(
    order: OrderState, of: list[PartOfSale]
) -> None:
    state, at = wait_of(order, of, HERE)
    assert (at is not None) == (state is Wait.PROMISED)
    if at is not None:
        still = [one for one in of if one.state is not FulfilmentState.CANCELLED and not one.made]
        assert all(one.location == HERE and one.promised_at is not None and one.promised_at <= at for one in still)


@given(st.integers(0, 10**15))
def test_of_a_tills_sales_the_newest_are_asked_about(last: int) -> None:
    assert 0 <= first_asked(last) <= last
    assert last - first_asked(last) + 1 <= NEWEST
