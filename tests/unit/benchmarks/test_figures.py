"""The arithmetic of the benchmark."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.figures import Ratio, Sample, percentile, ratio, sample, summary

TOLD = {"orders": 50, "seconds": 2.0, "cpu_s": 0.5, "p50_s": 0.1, "p95_s": 0.4, "peak_mb": 90.0}
TOLD |= {"counts": {"n": 50}, "due": {"n": 50}}


def one(seconds: float, **more: float) -> Sample:
    return sample({**TOLD, "seconds": seconds, **more})


def test_a_percentile_is_the_smallest_value_that_so_many_do_not_exceed() -> None:
    values = [5.0, 1.0, 4.0, 2.0, 3.0]
    assert [percentile(values, percent) for percent in (0, 20, 50, 95, 100)] == [1, 1, 3, 5, 5]


@given(st.lists(st.floats(0, 1e6), min_size=1), st.floats(0, 100))
def test_a_percentile_is_one_of_the_values_and_covers_its_share(values: list[float], percent: float) -> None:
    found = percentile(values, percent)
    assert found in values
    assert sum(value <= found for value in values) >= percent / 100 * len(values) - 1e-6


def test_there_is_no_percentile_of_nothing() -> None:
    with pytest.raises(ValueError, match="nothing"):
        percentile([], 50)


def test_a_sample_is_what_a_child_told_by_order() -> None:
    found = sample({**TOLD, "at_once": 4})
    assert (found.orders_per_s, found.cpu_ms_per_order, found.counts) == (25.0, 10.0, {"n": 50})


@pytest.mark.parametrize("wrong", [{"orders": 0}, {"seconds": 0.0}])
def test_a_sample_of_nothing_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="no measurement"):
        sample({**TOLD, **wrong})


def test_a_sample_without_counts_is_refused() -> None:
    with pytest.raises(KeyError):
        sample({name: value for name, value in TOLD.items() if name != "counts"})


def test_a_ratio_compares_round_by_round_and_tells_its_spread() -> None:
    assert ratio({1: 100.0, 2: 300.0, 3: 200.0}, {1: 10.0, 2: 10.0, 3: 40.0}) == Ratio(
        median=10.0, least=5.0, most=30.0
    )


def test_a_round_that_one_of_both_missed_shifts_no_other() -> None:
    assert ratio({1: 100.0, 3: 300.0}, {2: 1.0, 3: 30.0}) == Ratio(10.0, 10.0, 10.0)


def test_systems_that_share_no_round_have_no_ratio() -> None:
    assert ratio({1: 100.0}, {2: 10.0}) is None


def test_a_summary_takes_speed_from_the_rounds_and_latency_from_the_trickle() -> None:
    rounds = [one(1.0, cpu_s=1.0), one(2.0, peak_mb=120.0), one(4.0)]
    assert summary(rounds, one(50.0, p50_s=0.7, p95_s=1.5)) == {
        "orders_per_s": 25.0,
        "cpu_ms_per_order": 10.0,
        "p50_s": 0.7,
        "p95_s": 1.5,
        "peak_mb": 120.0,
    }


def test_a_summary_says_none_of_what_was_not_measured() -> None:
    assert set(summary([], None).values()) == {None}


def test_latency_is_of_the_rounds_where_nothing_trickled() -> None:
    assert summary([one(1.0, p50_s=0.1), one(1.0, p50_s=0.2), one(1.0, p50_s=0.3)], None)["p50_s"] == 0.2
