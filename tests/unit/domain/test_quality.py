"""What is usual of a count, and of a silence."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from backroom.domain.quality import LEAST, LEAST_DAYS, longest_silence, usual

counts = st.lists(st.integers(0, 5000), min_size=LEAST, max_size=60)


def test_a_few_days_say_nothing_about_what_is_usual() -> None:
    assert usual([40] * (LEAST - 1)) is None
    assert longest_silence(range(LEAST_DAYS - 1)) is None


def test_a_shop_of_forty_orders_a_day_is_usual_within_three_poisson_deviations() -> None:
    band = usual([38, 41, 40, 44, 39, 40, 37, 40])
    assert band is not None
    assert (band.low, band.high) == (21, 59)


def test_one_day_of_a_sale_does_not_make_its_like_usual() -> None:
    band = usual([40, 41, 39, 400, 40, 42, 38, 40])
    assert band is not None
    assert band.high < 100


def test_of_a_channel_that_brings_a_few_orders_none_is_usual() -> None:
    band = usual([2, 0, 3, 1, 2, 4, 1, 2])
    assert band is not None
    assert band.low == 0


def test_the_longest_silence_is_the_widest_gap_between_two_days_with_orders() -> None:
    assert longest_silence([1, 2, 3, 4, 5, 9, 10, 11, 12, 13]) == 4


@given(counts)
def test_the_median_itself_is_always_usual_and_the_band_is_never_below_zero(earlier: list[int]) -> None:
    band = usual(earlier)
    assert band is not None
    assert 0 <= band.low <= sorted(earlier)[len(earlier) // 2] <= band.high


@given(counts, st.permutations(range(8)))
def test_what_is_usual_does_not_hang_on_the_order_of_the_days(earlier: list[int], places: list[int]) -> None:
    shuffled = [earlier[place] for place in places if place < len(earlier)]
    rest = earlier[8:]
    assert usual(shuffled + rest) == usual(earlier)


@given(st.sets(st.integers(0, 400), min_size=LEAST_DAYS))
def test_a_silence_is_at_least_a_day_and_no_longer_than_the_whole_time(days: set[int]) -> None:
    longest = longest_silence(list(days))
    assert longest is not None
    assert 1 <= longest <= max(days) - min(days)
