"""Which of two messages is the newer one, and what news of a parcel that left ask of a person."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from backroom.domain.model import Delivery, IncomingLine, PaymentStatus
from backroom.domain.news import CANCELLED, CHANGED, PAID_BACK, STILL_NEAR, asks, finality, is_stale, only_fewer

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
MOMENTS = st.tuples(
    st.integers(0, 2).map(lambda second: NOON + timedelta(seconds=second)),
    st.builds(
        lambda payment, cancelled: finality(payment, cancelled=cancelled), st.sampled_from(PaymentStatus), st.booleans()
    ),
)


@given(MOMENTS, MOMENTS, st.booleans())
def test_of_two_different_moments_exactly_one_is_stale_beside_the_other(
    one: tuple[datetime, int], other: tuple[datetime, int], same: bool
) -> None:
    if one != other:
        assert is_stale(one, other, same=same) is not is_stale(other, one, same=same)
    else:
        assert is_stale(one, other, same=same) is same


@given(MOMENTS, MOMENTS, MOMENTS)
def test_what_is_stale_beside_something_stale_is_stale(
    a: tuple[datetime, int], b: tuple[datetime, int], c: tuple[datetime, int]
) -> None:
    if is_stale(a, b, same=False) and is_stale(b, c, same=False):
        assert is_stale(a, c, same=False)


def test_nothing_that_is_over_is_made_because_messages_changed_places() -> None:
    steps = [finality(payment, cancelled=False) for payment in ("pending", "paid", "refunded")]  # type: ignore[arg-type]
    assert steps == sorted(set(steps))
    assert all(finality(payment, cancelled=True) > max(steps) for payment in PaymentStatus)


def asked(**changes: object) -> str:
    said: dict[str, object] = {
        "delivery": Delivery.SHIP,
        "left_at": NOON,
        "at": NOON + timedelta(days=1),
        "cancelled": False,
        "paid_back": False,
        "comes_back": False,
        "changed": False,
        "fewer": False,
    }
    return asks(**said | changes)  # type: ignore[arg-type]


def test_what_news_of_a_parcel_that_left_ask() -> None:
    assert asked() == ""
    assert asked(cancelled=True) == CANCELLED
    assert asked(cancelled=True, paid_back=True) == PAID_BACK
    assert asked(paid_back=True) == PAID_BACK
    assert asked(changed=True) == CHANGED
    assert asked(changed=True, fewer=True) == "", "money for a part of it went back"


@given(st.sampled_from([Delivery.COLLECT, Delivery.CARRY_OUT]), st.booleans(), st.booleans())
def test_nobody_is_asked_of_what_has_no_parcel_comes_back_or_left_long_ago(
    delivery: Delivery, cancelled: bool, paid_back: bool
) -> None:
    news = {"cancelled": cancelled, "paid_back": paid_back, "changed": True}
    assert asked(**news, delivery=delivery) == ""
    assert asked(**news, comes_back=True) == ""
    assert asked(**news, at=NOON + STILL_NEAR + timedelta(seconds=1)) == ""


@given(st.sampled_from([Delivery.COLLECT, Delivery.SHIP]), st.sampled_from(["cancelled", "paid_back", "changed"]))
def test_what_lies_ready_for_its_customer_can_be_kept_however_long_it_has(delivery: Delivery, what: str) -> None:
    expected = {"cancelled": CANCELLED, "paid_back": PAID_BACK, "changed": CHANGED}[what]
    late = NOON + STILL_NEAR + timedelta(days=30)
    assert asked(**{what: True}, delivery=delivery, at=late, lies_ready=True) == expected
    assert asked(**{what: True}, delivery=delivery, at=late, lies_ready=True, comes_back=True) == ""


def line(sku: str, quantity: int) -> IncomingLine:
    return IncomingLine("1", sku, quantity, 100)


def test_pieces_that_were_only_taken_off_are_told_from_a_change() -> None:
    had = [("A", 2), ("A", 1), ("B", 1)]
    assert only_fewer(had, [line("A", 3)])
    assert only_fewer(had, [line("A", 1), line("B", 1)])
    assert not only_fewer(had, [line("A", 3), line("B", 1)]), "the same pieces"
    assert not only_fewer(had, [line("A", 4)])
    assert not only_fewer(had, [line("C", 1)])
