"""How predictable demand is: the published classes, what few SKUs make, and how it swings."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backroom.domain.demand import Pattern, classify, concentration, season

COUNTS = st.lists(st.integers(0, 50), min_size=8, max_size=60)


@pytest.mark.parametrize(
    ("counts", "pattern"),
    [
        ([5, 6, 5, 4, 5, 6, 5, 5], Pattern.SMOOTH),
        ([5, 0, 0, 5, 0, 0, 5, 0], Pattern.INTERMITTENT),
        ([1, 30, 1, 2, 40, 1, 1, 2], Pattern.ERRATIC),
        ([1, 0, 0, 40, 0, 0, 1, 0], Pattern.LUMPY),
        ([5, 5, 5], Pattern.TOO_SHORT),
        ([0, 0, 0, 0, 0, 0, 0, 0], Pattern.TOO_SHORT),
    ],
)
def test_demand_has_the_pattern_that_was_published(counts: list[int], pattern: Pattern) -> None:
    assert classify(counts).pattern is pattern


def test_the_cut_offs_are_the_published_ones() -> None:
    # 33 periods with 25 demands are an interval of exactly 1.32.
    assert classify([1] * 25 + [0] * 8).pattern is Pattern.INTERMITTENT
    assert classify([1] * 26 + [0] * 7).pattern is Pattern.SMOOTH
    # Sizes 3 and 17 in equal numbers vary by 7² / 10² = 0.49.
    assert classify([3, 17] * 4).pattern is Pattern.ERRATIC
    assert classify([4, 17] * 4).pattern is Pattern.SMOOTH


def test_nobody_wants_less_than_nothing() -> None:
    with pytest.raises(ValueError, match="less than nothing"):
        classify([1, -1])


@given(COUNTS, st.integers(2, 9))
def test_a_pattern_is_the_same_in_dozens_as_in_pieces_and_in_any_order(counts: list[int], times: int) -> None:
    one, many, turned = classify(counts), classify([count * times for count in counts]), classify(counts[::-1])
    assert one.interval == many.interval == turned.interval
    assert one.variation == pytest.approx(many.variation) == pytest.approx(turned.variation)


@given(COUNTS)
def test_an_interval_is_never_below_one_period(counts: list[int]) -> None:
    found = classify(counts)
    assert found.interval >= 1 or not any(counts)
    assert found.variation >= 0


def test_few_skus_make_most_of_it() -> None:
    found = concentration({"A": 80, "B": 10, "C": 5, "D": 5, "E": 0, "F": 0})
    assert (found.skus, found.top_fifth, found.skus_for_80) == (4, 0.8, 1)
    assert concentration({}).skus_for_80 == 0


@given(st.dictionaries(st.text(max_size=3), st.integers(1, 100), min_size=1, max_size=30))
def test_a_fifth_makes_at_least_its_share(pieces: dict[str, int]) -> None:
    found = concentration(pieces)
    assert found.top_fifth >= (-(-len(pieces) // 5)) / len(pieces) - 1e-9
    assert 1 <= found.skus_for_80 <= found.skus


def test_a_week_that_repeats_explains_all_of_it_and_an_even_one_nothing() -> None:
    days = ["mon", "tue", "sat"]
    swinging = season([(day, 30 if day == "sat" else 0) for _ in range(4) for day in days], fewest=4)
    assert swinging is not None
    assert swinging.explained == pytest.approx(1)
    assert swinging.indices["sat"] == pytest.approx(3)
    even = season([(day, 5) for _ in range(4) for day in days], fewest=4)
    assert even is not None
    assert even.explained == 0
    assert season([("mon", 1), ("tue", 1)], fewest=4) is None


@given(st.lists(st.tuples(st.sampled_from(["a", "b", "c"]), st.integers(0, 9)), max_size=40))
def test_no_season_explains_more_than_all_of_it(counts: list[tuple[str, int]]) -> None:
    found = season(counts, fewest=1)
    assert found is None or -1e-9 <= found.explained <= 1 + 1e-9
