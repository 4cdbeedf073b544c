"""The choice among rates: the cheapest that keeps the promise, and why each of the others was left."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backroom.domain.promise import arrival_date
from backroom.domain.rates import Outcome, Rate, RateChoice, Why, choose_rate

MONDAY = date(2026, 11, 23)


def arrival(days: int) -> date:
    return MONDAY + timedelta(days=days)


def a_rate(service: str, price: int, days: int | None, *, currency: str = "EUR", carrier: str = "world") -> Rate:
    return Rate(carrier, "USPS", service, price, currency, days, f"shp_1/{service}")


IN_THREE_DAYS = arrival(3)


def chosen(*rates: Rate, due: date | None = IN_THREE_DAYS, **more: dict[str, tuple[str, ...]]) -> RateChoice:
    choice = choose_rate(rates, currency="EUR", due=due, arrival=arrival, **more)
    assert choice is not None
    return choice


def test_the_cheapest_that_keeps_the_promise_is_taken_and_not_the_cheapest_of_all():
    slow, ground, express = a_rate("Slow", 300, 9), a_rate("Ground", 500, 3), a_rate("Express", 2000, 1)
    choice = chosen(express, slow, ground)
    assert (choice.rate, choice.outcome, choice.arrives) == (ground, Outcome.IN_TIME, arrival(3))
    assert {one.rate.service: one.why for one in choice.rejected} == {"Slow": Why.TOO_LATE, "Express": Why.DEARER}


def test_a_rate_that_does_not_say_how_long_it_takes_is_no_promise_kept():
    silent, ground = a_rate("Silent", 100, None), a_rate("Ground", 500, 3)
    choice = chosen(silent, ground)
    assert choice.rate == ground
    assert choice.rejected[0].why is Why.DAYS_UNKNOWN


def test_where_nothing_keeps_the_promise_the_first_to_arrive_is_taken_and_said_to_be_late():
    slow, quick = a_rate("Slow", 300, 9), a_rate("Quick", 900, 5)
    choice = chosen(slow, quick, a_rate("Silent", 100, None))
    assert (choice.rate, choice.outcome) == (quick, Outcome.LATE)
    assert {one.rate.service: one.why for one in choice.rejected} == {"Slow": Why.SLOWER, "Silent": Why.DAYS_UNKNOWN}


def test_where_no_rate_says_how_long_it_takes_the_cheapest_is_taken_and_that_is_said():
    choice = chosen(a_rate("A", 300, None), a_rate("B", 200, None))
    assert (choice.rate.service, choice.outcome, choice.arrives) == ("B", Outcome.UNKNOWN, None)


def test_only_allowed_services_are_taken_named_with_or_without_their_carrier():
    cheap, ground = a_rate("First", 100, 2), a_rate("GroundAdvantage", 500, 2)
    for name in ("groundadvantage", "USPS GroundAdvantage"):
        choice = chosen(cheap, ground, services={"world": (name,)})
        assert choice.rate == ground
        assert choice.rejected[0].why is Why.NOT_ALLOWED
    assert choose_rate([cheap], currency="EUR", due=None, arrival=arrival, services={"world": ("Priority",)}) is None
    # What is allowed of one carrier says nothing of another's.
    assert chosen(cheap, ground, services={"elsewhere": ("Priority",)}).rate == cheap


def test_another_currency_is_compared_with_nothing_and_taken_only_alone():
    dollars, euros = a_rate("D", 100, 1, currency="USD"), a_rate("E", 900, 3)
    choice = chosen(dollars, euros)
    assert (choice.rate, choice.rejected[0].why) == (euros, Why.OTHER_CURRENCY)
    assert chosen(dollars).rate == dollars
    both = [dollars, a_rate("C", 100, 1, currency="CHF")]
    assert choose_rate(both, currency="EUR", due=None, arrival=arrival) is None


def test_no_rate_is_no_choice():
    assert choose_rate([], currency="EUR", due=None, arrival=arrival) is None


RATES = st.lists(
    st.builds(
        a_rate,
        st.sampled_from(["First", "Ground", "Priority", "Express"]),
        st.integers(0, 500),
        st.none() | st.integers(0, 12),
        currency=st.sampled_from(["EUR", "EUR", "EUR", "USD"]),
        carrier=st.sampled_from(["world", "bike"]),
    ),
    max_size=8,
    unique=True,
)
DUE = st.none() | st.integers(0, 12).map(arrival)


@given(rates=RATES, due=DUE, seed=st.randoms(use_true_random=False))
def test_the_order_of_the_rates_does_not_matter_and_each_is_taken_or_left_with_a_reason(rates, due, seed):
    choice = choose_rate(rates, currency="EUR", due=due, arrival=arrival)
    shuffled = list(rates)
    seed.shuffle(shuffled)
    assert choose_rate(shuffled, currency="EUR", due=due, arrival=arrival) == choice
    if choice is not None:
        assert {choice.rate, *(one.rate for one in choice.rejected)} == set(rates)
        assert choice.rate not in {one.rate for one in choice.rejected}


@given(rates=RATES, due=DUE)
def test_no_rate_that_keeps_the_promise_is_cheaper_than_the_one_that_was_taken(rates, due):
    choice = choose_rate(rates, currency="EUR", due=due, arrival=arrival)
    comparable = [rate for rate in rates if choice is not None and rate.currency == choice.rate.currency]
    in_time = [rate for rate in comparable if rate.days is not None and (due is None or arrival(rate.days) <= due)]
    if in_time:
        assert choice.outcome is Outcome.IN_TIME
        assert choice.rate in in_time
        assert choice.rate.price_minor == min(rate.price_minor for rate in in_time)
    elif choice is not None:
        assert choice.outcome is not Outcome.IN_TIME


@given(rates=RATES, due=st.integers(0, 12), more=st.integers(0, 10))
def test_a_later_promise_never_costs_more(rates, due, more):
    known = [rate for rate in rates if rate.days is not None and rate.currency == "EUR"]
    soon, later = (choose_rate(known, currency="EUR", due=arrival(d), arrival=arrival) for d in (due, due + more))
    if soon is not None and soon.outcome is Outcome.IN_TIME:
        assert later.rate.price_minor <= soon.rate.price_minor


@pytest.mark.parametrize(("days", "expected"), [(0, 27), (1, 28), (2, 30)])
def test_days_on_the_way_are_those_on_which_carriers_deliver(days, expected):
    friday = datetime(2026, 11, 27, 12, tzinfo=UTC)
    assert arrival_date(friday, days, "Europe/Berlin").day == expected
