"""Forecasts of one series, against numbers computed by hand; and the distribution around them."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backroom.domain.intermittent import (
    croston,
    distribution,
    naive,
    quantile,
    sba,
    sba_with_open_wait,
    with_open_wait,
)

SERIES = st.lists(st.integers(0, 12), max_size=12)


def test_crostons_forecast_is_the_smoothed_size_by_the_smoothed_interval() -> None:
    # Demands 4 and 2 after 2 and 3 periods; the second step is a half, so both are means: 3 pieces every 2.5 periods.
    assert croston([0, 4, 0, 0, 2]) == pytest.approx(3 / 2.5)
    # With a step of 0.6 for the second: 4 + 0.6 (2 - 4) = 2.8, and 2 + 0.6 (3 - 2) = 2.6.
    assert croston([0, 4, 0, 0, 2], alpha=0.6) == pytest.approx(2.8 / 2.6)


def test_the_approximation_takes_half_of_alpha_away_where_demand_is_seldom() -> None:
    assert sba([0, 4, 0, 0, 2], alpha=0.2) == pytest.approx(0.9 * croston([0, 4, 0, 0, 2], alpha=0.2))


def test_the_approximation_leaves_a_series_alone_that_has_even_demand_at_every_market() -> None:
    assert sba([3, 3, 4, 3]) == croston([3, 3, 4, 3])


def test_what_sold_once_and_never_again_fades() -> None:
    assert croston([3, 0, 0, 0, 0, 0]) == pytest.approx(3)
    assert with_open_wait([3, 0, 0, 0, 0, 0]) == pytest.approx(0.5)


def test_what_plans_are_made_by_is_sba_that_sees_the_wait_since_the_last_demand() -> None:
    assert sba_with_open_wait([0, 4, 0, 0, 2]) == sba([0, 4, 0, 0, 2])
    assert sba_with_open_wait([3, 0, 0, 0, 0, 0], alpha=0.2) == pytest.approx(0.9 * 0.5)
    assert sba_with_open_wait([3, 3, 4, 3]) == croston([3, 3, 4, 3])


def test_the_naive_forecast_is_the_last_market() -> None:
    assert naive([9, 0, 2]) == 2


METHODS = [naive, croston, sba, with_open_wait, sba_with_open_wait]


@pytest.mark.parametrize("method", METHODS)
def test_without_a_past_and_without_demand_nothing_is_forecast(method: object) -> None:
    assert callable(method)
    assert method([]) == method([0, 0, 0]) == 0


@given(SERIES)
def test_forecasts_lie_within_what_was_seen(series: list[int]) -> None:
    for method in METHODS:
        assert 0 <= method(series) <= max(series, default=0) + 1e-9


@given(SERIES)
def test_with_few_demands_the_open_wait_makes_it_the_plain_mean(series: list[int]) -> None:
    if 0 < sum(demand > 0 for demand in series) <= 6:
        assert with_open_wait(series) == pytest.approx(sum(series) / len(series))


@given(st.floats(0.001, 400), st.floats(0, 3))
def test_a_distribution_has_its_mean_and_variance_and_adds_up(mean: float, unevenness: float) -> None:
    variance = mean + unevenness * mean**2
    chances = distribution(mean, variance)
    assert math.isclose(sum(chances), 1.0, abs_tol=1e-9)
    assert min(chances) >= 0
    found = sum(count * chance for count, chance in enumerate(chances))
    # What is beyond the tail is put into its last place.
    assert found == pytest.approx(mean, rel=0.01, abs=0.001)
    assert sum((count - found) ** 2 * chance for count, chance in enumerate(chances)) <= variance * 1.01 + 0.01


def test_chances_are_those_of_the_books() -> None:
    # Poisson with mean 2, and a negative binomial with r = 2 and p = 1/2 (mean 2, variance 4).
    assert distribution(2, 2)[:3] == pytest.approx((math.exp(-2), 2 * math.exp(-2), 2 * math.exp(-2)))
    assert distribution(2, 4)[:3] == pytest.approx((1 / 4, 1 / 4, 3 / 16))


def test_a_quantile_is_the_fewest_pieces_that_are_enough() -> None:
    chances = (0.25, 0.25, 0.3, 0.2)
    assert [quantile(chances, share) for share in (0.1, 0.25, 0.26, 0.5, 0.8, 0.81, 1.0)] == [0, 0, 1, 1, 2, 3, 3]
