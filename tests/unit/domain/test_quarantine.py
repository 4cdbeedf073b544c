"""Which findings put a row aside, and how many of one check may."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backroom.domain.holds import what_to_do
from backroom.domain.quality import FindingState, Severity
from backroom.domain.quarantine import (
    IN_QUARANTINE,
    LEAST_HELD,
    MOST_ROWS,
    SHARE,
    Aside,
    is_aside,
    may_join,
    most_held,
    puts_aside,
)

numbers = st.sets(st.integers(1, 60).map(lambda n: f"A-{n}"))


@pytest.mark.parametrize("severity", [Severity.WARNING, Severity.INFO])
def test_a_warning_never_puts_a_row_aside(severity: Severity) -> None:
    assert not puts_aside(severity, "orders")


def test_a_critical_finding_puts_its_row_aside_where_there_is_one() -> None:
    assert puts_aside(Severity.CRITICAL, "orders")
    assert not puts_aside(Severity.CRITICAL, "traffic")


@pytest.mark.parametrize("state", list(FindingState))
@pytest.mark.parametrize("aside", list(Aside))
def test_a_row_is_aside_only_while_its_finding_is_open(state: FindingState, aside: Aside) -> None:
    assert is_aside(state, aside) == (state is FindingState.OPEN and aside is Aside.IN)


def test_the_hold_says_what_to_do() -> None:
    assert what_to_do(IN_QUARANTINE)


@given(numbers, numbers, numbers)
def test_one_check_never_holds_more_than_its_share_of_the_shop(
    there: set[str], new: set[str], under_way: set[str]
) -> None:
    if may_join(there, new, under_way, len(under_way)):
        assert len(there | new) <= MOST_ROWS
        assert len((there | new) & under_way) <= max(LEAST_HELD, len(under_way) // SHARE)


@given(numbers, numbers, numbers)
def test_what_may_join_may_join_again_and_so_may_less_of_it(
    there: set[str], new: set[str], under_way: set[str]
) -> None:
    if may_join(there, new, under_way, len(under_way)):
        assert may_join(there | new, new, under_way, len(under_way))
        assert may_join(there, set(sorted(new)[::2]), under_way, len(under_way))


@given(st.integers(0, 10_000))
def test_the_share_grows_with_the_shop_up_to_what_one_breaker_lets_through(under_way: int) -> None:
    assert LEAST_HELD <= most_held(under_way) <= MOST_ROWS
    assert most_held(under_way) <= most_held(under_way + 1)


def test_two_orders_of_a_quiet_morning_are_held_and_all_eight_of_a_broken_check_are_not() -> None:
    under_way = {f"A-{n}" for n in range(8)}
    assert may_join(set(), {"A-1", "A-2"}, under_way, len(under_way))
    assert not may_join(set(), under_way, under_way, len(under_way))
