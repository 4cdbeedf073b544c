"""What is paid back: together the pieces are what was paid for goods, to the last cent, and none is below zero."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from backroom.domain.refunds import PaidLine, spread, values

LINES = st.lists(
    st.builds(PaidLine, st.just(0), st.integers(1, 5), st.integers(0, 100_000), st.integers(0, 20_000)),
    min_size=1,
    max_size=5,
).map(lambda lines: [PaidLine(n, x.quantity, x.unit_price_minor, x.discount_minor) for n, x in enumerate(lines, 1)])


@given(LINES, st.integers(0, 50_000), st.integers(0, 50_000))
def test_the_pieces_together_are_what_was_paid_for_goods(lines: list[PaidLine], discount: int, tax: int) -> None:
    shares = values(lines, discount_minor=discount, tax_added_minor=tax)
    assert {number: len(one) for number, one in shares.items()} == {line.line_no: line.quantity for line in lines}
    every = [value for one in shares.values() for value in one]
    assert min(every) >= 0
    goods = sum(max(x.quantity * x.unit_price_minor - x.discount_minor, 0) for x in lines)
    assert sum(every) == max(goods - discount + tax, 0)


@given(st.integers(0, 1_000_000), st.lists(st.integers(0, 10_000), min_size=1, max_size=9))
def test_a_share_is_within_one_unit_of_its_weight(total: int, weights: list[int]) -> None:
    shares = spread(total, weights)
    assert sum(shares) == total
    if sum(weights):
        assert all(
            abs(got * sum(weights) - total * wanted) <= sum(weights)
            for got, wanted in zip(shares, weights, strict=True)
        )


def test_an_orders_discount_is_shared_by_what_its_pieces_cost() -> None:
    lines = [PaidLine(1, 2, 3000), PaidLine(2, 1, 4000, 1000)]
    assert values(lines, discount_minor=900, tax_added_minor=0) == {1: [2700, 2700], 2: [2700]}
    assert values(lines, discount_minor=0, tax_added_minor=900) == {1: [3300, 3300], 2: [3300]}


def test_a_cent_that_cannot_be_cut_is_somebodys() -> None:
    assert values([PaidLine(1, 3, 1000)], discount_minor=100, tax_added_minor=0) == {1: [966, 967, 967]}
