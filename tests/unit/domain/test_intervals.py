"""Intervals of shares: published examples, and what must hold of any."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backroom.domain.intervals import difference, wilson


@pytest.mark.parametrize(
    ("some", "of", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_the_interval_of_a_share_is_the_published_one(some: int, of: int, low: float, high: float) -> None:
    # Newcombe, Two-sided confidence intervals for the single proportion, Statistics in Medicine 17 (1998), table I.
    assert wilson(some, of) == pytest.approx((low, high), abs=5e-5)


@pytest.mark.parametrize(
    ("one", "other", "low", "high"),
    [((56, 70), (48, 80), 0.0524, 0.3339), ((9, 10), (3, 10), 0.1705, 0.8090), ((10, 10), (0, 20), 0.6791, 1.0)],
)
def test_the_interval_of_a_difference_is_the_published_one(
    one: tuple[int, int], other: tuple[int, int], low: float, high: float
) -> None:
    # Newcombe, Interval estimation for the difference, Statistics in Medicine 17 (1998), table II, method 10.
    assert difference(*one, *other) == pytest.approx((low, high), abs=5e-5)


@given(st.integers(0, 500), st.integers(1, 500))
def test_a_share_lies_in_its_interval_and_the_interval_within_all_shares(some: int, of: int) -> None:
    some = min(some, of)
    low, high = wilson(some, of)
    assert 0 <= low <= some / of + 1e-12
    assert some / of - 1e-12 <= high <= 1
    more_low, more_high = wilson(some * 10, of * 10)
    assert more_high - more_low < high - low


def test_without_cases_any_share_may_be() -> None:
    assert wilson(0, 0) == (0.0, 1.0)
    assert difference(0, 0, 1, 2) == (-1.0, 1.0)
