"""What is left at the booth, as a till shows it: never below zero, and no sale forgotten."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from backroom.till.left import TAKEN_IN_SECONDS, Left, OwnSales, read_left

SKUS = "ABC"
free = st.dictionaries(st.sampled_from(SKUS), st.integers(-5, 30))
lefts = st.builds(Left, free, st.frozensets(st.sampled_from(SKUS)), st.floats(0, 1e6))


@given(lefts, st.sampled_from(SKUS), st.integers(1, 20))
def test_a_sale_is_asked_about_where_it_is_of_more_than_are_left_and_nobody_prints_it_for_who_waits(
    left: Left, sku: str, count: int
) -> None:
    short = sku in left.free and count > max(0, left.free[sku])
    assert left.lacking(sku, count, in_hand=True) is short
    assert left.lacking(sku, count, in_hand=False) is ((short or sku not in left.free) and sku not in left.printed)


@given(lefts, st.sampled_from(SKUS))
def test_what_is_said_is_never_below_zero_and_nothing_is_said_of_what_nobody_counts(left: Left, sku: str) -> None:
    there = left.of(sku)
    assert (there is None) is (sku not in left.free)
    assert there is None or there >= 0
    assert (f"{there} left" in left.say(sku)) is (there is not None)
    assert ("printed here" in left.say(sku)) is (sku in left.printed)


@pytest.mark.parametrize(
    ("age", "said"),
    [
        (0, ""),
        (19, ""),
        (25, "less than a minute ago"),
        (70, "a minute ago"),
        (720, "12 minutes ago"),
        (7300, "2 hours ago"),
    ],
)
def test_an_old_figure_says_how_old_it_is(age: float, said: str) -> None:
    told = Left({}, frozenset(), age).say_age()
    assert (said in told) if said else told == ""


@pytest.mark.parametrize("told", [None, [], {}, {"free": [], "printed": []}, {"free": {"A": "many"}, "printed": []}])
def test_what_is_no_figure_of_the_shops_is_none(told: object) -> None:
    assert read_left(told, 0) is None


class OneTill(RuleBasedStateMachine):
    """A shop that takes in what it is told after a while, within what the till reckons with, and a till that sells."""

    def __init__(self) -> None:
        super().__init__()
        self.at = 0.0
        self.own = OwnSales(lambda: self.at)
        self.shop = Counter(dict.fromkeys(SKUS, 100))
        self.figure = dict(self.shop)
        self.sold: Counter[str] = Counter()
        self.unheard: dict[int, tuple[str, int]] = {}
        self.told: list[tuple[float, str, int]] = []
        self.seq = 0

    @rule(sku=st.sampled_from(SKUS), count=st.integers(1, 3))
    def sell(self, sku: str, count: int) -> None:
        self.seq += 1
        self.own.sold(self.seq, {sku: count})
        self.unheard[self.seq] = (sku, count)
        self.sold[sku] += count

    @rule(again=st.booleans())
    def tell(self, again: bool) -> None:
        for seq, (sku, count) in self.unheard.items():
            self.own.told(seq)
            if again:
                self.own.told(seq)
            self.told.append((self.at, sku, count))
        self.unheard.clear()

    @rule(seconds=st.floats(0.1, 5))
    def wait(self, seconds: float) -> None:
        self.at += seconds

    @rule()
    def look(self) -> None:
        for told_at, sku, count in list(self.told):
            if told_at + TAKEN_IN_SECONDS <= self.at:
                self.shop[sku] -= count
                self.told.remove((told_at, sku, count))
        self.figure = dict(self.shop)
        self.own.heard(self.at)

    @invariant()
    def every_sale_of_this_till_is_in_what_it_shows_once(self) -> None:
        shown = self.own.less(Left(self.figure, frozenset(), 0))
        assert {sku: 100 - self.sold[sku] for sku in SKUS} == dict(shown.free)


TestOneTill = OneTill.TestCase
TestOneTill.settings = settings(max_examples=40, stateful_step_count=25)
