"""What is left of an order of which something was paid back at its source."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from backroom.domain.model import IncomingLine, IncomingOrder, PaymentStatus
from backroom.domain.part_refunds import left_of

AT = datetime(2026, 11, 2, tzinfo=UTC)


def an_order(*lines: IncomingLine, total: int, payment: PaymentStatus = PaymentStatus.PAID) -> IncomingOrder:
    return IncomingOrder(
        channel="lantern",
        external_id="o1",
        external_name="L-1",
        placed_at=AT,
        updated_at=AT,
        currency="EUR",
        lines=lines,
        total_minor=total,
        shipping_minor=490,
        payment=payment,
    )


def gap(order: IncomingOrder) -> int:
    """By how much its parts and its total differ."""
    worth = sum(line.unit_price_minor * line.quantity - line.discount_minor for line in order.lines)
    return worth + order.shipping_minor - order.discount_minor + order.tax_added_minor - order.total_minor


TWO = IncomingLine("11", "TEE", 2, 2900, discount_minor=201)
ONE = IncomingLine("12", "PATCH", 1, 900)
ORDER = an_order(TWO, ONE, total=2 * 2900 - 201 + 900 + 490)


def test_a_piece_that_was_paid_back_is_gone_with_what_was_paid_for_it() -> None:
    left = left_of(ORDER, 2799, {"11": 1})
    assert [(line.sku, line.quantity) for line in left.lines] == [("TEE", 1), ("PATCH", 1)]
    assert (left.total_minor, left.payment, gap(left)) == (ORDER.total_minor - 2799, PaymentStatus.PAID, 0)


def test_a_line_of_which_all_was_paid_back_is_gone() -> None:
    assert left_of(ORDER, 900, {"12": 1}).lines == (TWO,)


def test_money_alone_takes_no_piece() -> None:
    left = left_of(ORDER, 500, {})
    assert left.lines == ORDER.lines
    assert (left.discount_minor, left.total_minor, gap(left)) == (500, ORDER.total_minor - 500, 0)


def test_what_was_kept_of_it_comes_on_top() -> None:
    left = left_of(ORDER, 400, {"12": 1})
    assert (left.tax_added_minor, gap(left)) == (500, 0)


def test_all_of_the_money_or_all_of_the_pieces_is_paid_back() -> None:
    for left in (left_of(ORDER, ORDER.total_minor, {}), left_of(ORDER, 6000, {"11": 2, "12": 1})):
        assert (left.payment, left.lines) == (PaymentStatus.REFUNDED, ORDER.lines)


def test_what_is_not_paid_is_left_as_it_is() -> None:
    order = an_order(TWO, total=5000, payment=PaymentStatus.PENDING)
    assert left_of(order, 5000, {"11": 2}) == order


LINES = st.lists(
    st.builds(
        lambda number, quantity, price, off: IncomingLine(
            str(number), "TEE", quantity, price, discount_minor=min(off, price * quantity)
        ),
        st.integers(1, 3),
        st.integers(1, 9),
        st.integers(0, 5000),
        st.integers(0, 3000),
    ),
    min_size=1,
    max_size=4,
)


@given(
    lines=LINES,
    total=st.integers(0, 200_000),
    refunded=st.integers(0, 200_000),
    pieces=st.dictionaries(st.sampled_from(["1", "2", "3"]), st.integers(1, 12)),
)
def test_what_is_left_adds_up_as_the_whole_did_and_no_piece_comes_from_nowhere(lines, total, refunded, pieces):
    order = an_order(*lines, total=total)
    left = left_of(order, refunded, pieces)
    assert gap(left) == gap(order)
    had, has = (sum(line.quantity for line in one.lines) for one in (order, left))
    if left.payment is PaymentStatus.PAID:
        of = {id_: sum(line.quantity for line in lines if line.external_id == id_) for id_ in pieces}
        assert has == had - sum(min(count, of[id_]) for id_, count in pieces.items()) > 0
        assert left.total_minor > 0 or refunded == 0
        assert all(line.discount_minor >= 0 and line.quantity > 0 for line in left.lines)
    else:
        assert has == had
