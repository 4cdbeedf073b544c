"""Reject rates: too many is what is no chance any more, and a batch is worse only where that is certain."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backroom.domain.reject_rates import Made, Rate, drift, rate_of, rates, too_many
from backroom.domain.sample_rules import SampleRules
from backroom.domain.samples import Batches, Combination

NOON = datetime(2026, 11, 28, 12, tzinfo=UTC)
OWL = Combination("owl.png", "blank-tee", "Ink", "dtg", "press-1")
RULES = SampleRules(require=True)


def made(pieces: int, bad: int, *, ink: str = "", printer: str = "press-1", minute: int = 0) -> Made:
    return Made(OWL, "booth", printer, Batches("", ink), pieces, bad, NOON + timedelta(minutes=minute))


def test_two_bad_prints_close_nothing() -> None:
    assert not too_many(Rate(2, 2), RULES)
    assert not too_many(Rate(9, 9), RULES)
    assert too_many(Rate(10, 10), RULES)


def test_a_share_that_may_be_chance_closes_nothing() -> None:
    assert not too_many(Rate(20, 4), RULES)
    assert too_many(Rate(20, 6), RULES)
    assert too_many(Rate(200, 32), RULES)
    assert not too_many(Rate(200, 20), RULES)


@given(st.integers(0, 400), st.integers(0, 400))
def test_more_bad_prints_never_open_and_more_good_ones_never_close(pieces: int, bad: int) -> None:
    bad = min(bad, pieces)
    if too_many(Rate(pieces, bad), RULES):
        assert bad / pieces > RULES.most_rejects
        assert too_many(Rate(pieces + 1, bad + 1), RULES)
    elif pieces >= RULES.least_prints:
        assert not too_many(Rate(pieces + 1, bad), RULES)


@pytest.mark.parametrize(("share", "least", "most"), [(0.02, 0.0, 0.005), (0.05, 0.0, 0.03), (0.3, 0.99, 1.0)])
def test_a_good_printer_is_seldom_closed_though_it_is_looked_at_after_every_reject(
    share: float, least: float, most: float
) -> None:
    """Over 500 evenings of 200 prints: looking often makes chance findings likelier, so that is what is counted."""
    evenings = 500
    closed = sum(_closes(random.Random(seed), share) for seed in range(evenings)) / evenings
    assert least <= closed <= most


def _closes(dice: random.Random, share: float) -> bool:
    bad = 0
    for pieces in range(1, 201):
        if dice.random() < share:
            bad += 1
            if too_many(Rate(pieces, bad), RULES):
                return True
    return False


def test_rates_are_counted_group_by_group() -> None:
    every = [made(10, 1), made(5, 2, printer="press-2", minute=3), made(5, 0, minute=-5)]
    found = rates(every, lambda one: one.printer)
    assert {name: (rate.pieces, rate.bad) for name, rate in found.items()} == {"press-1": (15, 1), "press-2": (5, 2)}
    assert rate_of(every) == Rate(20, 3, NOON - timedelta(minutes=5))
    assert rate_of(every).words == "3 of 20 bad (15%, between 5% and 36%)"
    assert Rate(0, 0).words == "none printed"


def test_a_batch_is_beside_those_before_it() -> None:
    every = [made(100, 2, ink="K1"), made(100, 3, ink="K2"), made(60, 20, ink="K3")]
    second, third = drift(["K0", "K1", "K2", "K3"], every, lambda one: one.batches.ink, RULES)
    assert (second.batch, second.worse) == ("K2", False)
    assert (third.batch, third.before.pieces, third.before.bad, third.worse) == ("K3", 200, 5, True)
    assert drift(["K1"], every, lambda one: one.batches.ink, RULES) == []


def test_few_prints_of_a_new_batch_say_nothing_yet() -> None:
    every = [made(100, 2, ink="K1"), made(3, 1, ink="K2")]
    (found,) = drift(["K1", "K2"], every, lambda one: one.batches.ink, RULES)
    assert not found.worse
