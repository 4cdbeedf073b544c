"""What becomes of a cancelled order's money: by who cancelled, how it was paid, and what its channel can do."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backroom.domain.cancelling import (
    BY_SOURCE,
    CANCELLED_THERE,
    WHAT_TO_DO,
    CancelledOrder,
    ChannelMoney,
    Way,
    Why,
    follows,
    is_owed,
)
from backroom.domain.model import PaymentStatus

PAID = PaymentStatus.PAID
HERE = "cancelled_by_staff"
CALL = ChannelMoney(pays_back=True, cancelling_pays_back=False, told=True)
REASONS = (HERE, "out_of_stock", "customer", *sorted(BY_SOURCE))

some_orders = st.builds(
    CancelledOrder,
    st.sampled_from(REASONS),
    st.sampled_from(list(PaymentStatus)),
    st.integers(-100, 10_000),
    kept=st.booleans(),
    exchange=st.booleans(),
    changed_there=st.booleans(),
)
channels = st.builds(ChannelMoney, st.booleans(), st.booleans(), st.booleans())


@pytest.mark.parametrize(
    ("order", "channel", "way"),
    [
        (CancelledOrder(HERE, PAID, 2900), CALL, (Way.BY_CALL, None)),
        (CancelledOrder(HERE, PAID, 2900), ChannelMoney(True, False, False), (Way.BY_CALL, None)),
        (CancelledOrder(HERE, PAID, 2900), ChannelMoney(False, False, True), (Way.BY_HAND, Why.NO_CALL)),
        (CancelledOrder(HERE, PAID, 2900), ChannelMoney(True, True, True), (Way.WITH_CANCELLATION, None)),
        (CancelledOrder(HERE, PAID, 2900), ChannelMoney(True, True, False), (Way.BY_HAND, Why.CANCEL_THERE)),
        (CancelledOrder(HERE, PAID, 2900, changed_there=True), CALL, (Way.BY_HAND, Why.CHANGED_THERE)),
        (CancelledOrder(HERE, PaymentStatus.PENDING, 2900), CALL, (Way.NOTHING, None)),
        (CancelledOrder(HERE, PaymentStatus.REFUNDED, 2900), CALL, (Way.NOTHING, None)),
        (CancelledOrder(CANCELLED_THERE, PAID, 2900), CALL, (Way.NOTHING, None)),
        (CancelledOrder(HERE, PAID, 0), CALL, (Way.NOTHING, None)),
        (CancelledOrder(HERE, PAID, 2900, kept=True), CALL, (Way.NOTHING, None)),
        (CancelledOrder(HERE, PAID, 2900, exchange=True), CALL, (Way.NOTHING, None)),
    ],
)
def test_every_row_of_the_rule(order: CancelledOrder, channel: ChannelMoney, way: tuple[Way, Why | None]) -> None:
    assert follows(order, channel) == way


@given(some_orders, channels)
def test_what_its_source_cancelled_or_nobody_paid_is_never_paid_back(
    order: CancelledOrder, channel: ChannelMoney
) -> None:
    if order.reason in BY_SOURCE or order.payment is not PAID or order.left_minor <= 0 or order.kept or order.exchange:
        assert follows(order, channel) == (Way.NOTHING, None)
        assert not is_owed(order)
    else:
        assert follows(order, channel)[0] is not Way.NOTHING


@given(some_orders, channels)
def test_money_comes_back_by_one_way_alone_and_where_its_cancellation_gives_it_no_call_does(
    order: CancelledOrder, channel: ChannelMoney
) -> None:
    way, why = follows(order, channel)
    if way is Way.BY_CALL:
        assert channel.pays_back
        assert not channel.cancelling_pays_back
        assert not order.changed_there
    if way is Way.WITH_CANCELLATION:
        assert channel.cancelling_pays_back
        assert channel.told
    assert (why is not None) == (way is Way.BY_HAND)


def test_a_person_is_told_what_to_do_for_each_reason() -> None:
    assert set(WHAT_TO_DO) == set(Why)
