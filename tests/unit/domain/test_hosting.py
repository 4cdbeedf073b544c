"""Queues by hand, by a formula, and what must hold of them whatever comes."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backroom.cli.processes import ROOT
from backroom.domain.hosting import ASSUMPTIONS, MONTH_SECONDS, always_on, mixed, month_cost, serverless
from backroom.shop.assumptions import read_assumptions

OURS = read_assumptions(ROOT / "data" / "hosting.toml", ASSUMPTIONS, "EUR").values()
VALUES = OURS | {
    "run_seconds": 1.0,
    "order_seconds": 0.5,
    "wave_most": 3,
    "cold_start_seconds": 4.0,
    "keep_warm_seconds": 60.0,
    "most_at_once": 2,
    "burst_over_waiting": 1,
}
ARRIVALS = st.lists(st.floats(0, 300, allow_nan=False), max_size=40).map(sorted)


def test_a_worker_takes_what_waits_as_one_wave() -> None:
    # The first begins alone and is done at 1.5; the three that came meanwhile go together, the fifth waits for them.
    served = always_on([0, 0.1, 0.2, 0.3, 1.5, 9], VALUES)
    assert served.latencies == pytest.approx((1.5, 3.9, 3.8, 3.7, 4.0, 1.5))


def test_a_function_starts_cold_stays_warm_and_goes() -> None:
    served = serverless([0, 10, 100], VALUES)
    assert served.latencies == pytest.approx((5.5, 1.5, 5.5))
    assert (served.cold, served.calls, served.most_at_once) == (2, 3, 1)
    assert served.billed_seconds == pytest.approx(12.5)


def test_what_finds_all_functions_busy_waits_for_the_first_that_is_free() -> None:
    served = serverless([0, 0, 0, 0], VALUES)
    assert served.latencies == pytest.approx((5.5, 5.5, 7.0, 7.0))
    assert (served.cold, served.most_at_once) == (2, 2)


def test_functions_help_where_more_wait_than_may() -> None:
    # The first is being done, two wait; the fourth is too many.
    served = mixed([0, 0.1, 0.2, 0.3], VALUES)
    assert served.latencies == pytest.approx((1.5, 3.4, 3.3, 5.5))
    assert served.calls == 1


def test_waiting_is_what_queueing_theory_says() -> None:
    """One by one, by chance, all equally long (M/D/1): the mean wait is ρ·s / (2·(1 − ρ)) (Pollaczek, Khinchine)."""
    chance, at, arrivals = random.Random(7), 0.0, []
    for _ in range(60_000):
        at += chance.expovariate(0.6)
        arrivals.append(at)
    served = always_on(arrivals, VALUES | {"wave_most": 1, "run_seconds": 1.0, "order_seconds": 0.0})
    waited = sum(served.latencies) / len(arrivals) - 1.0
    assert waited == pytest.approx(0.6 / (2 * 0.4), rel=0.05)


def test_arrivals_must_be_in_order() -> None:
    with pytest.raises(ValueError, match="in order"):
        always_on([2, 1], VALUES)


@given(ARRIVALS)
def test_nobody_is_served_faster_than_it_takes_and_everybody_is(arrivals: list[float]) -> None:
    for serve in (always_on, serverless, mixed):
        served = serve(arrivals, VALUES)
        assert len(served.latencies) == len(arrivals)
        assert all(latency >= 1.5 - 1e-9 for latency in served.latencies)
        assert served.cold <= served.calls <= len(arrivals)
        assert served.most_at_once <= 2


@given(ARRIVALS)
def test_mixed_without_a_burst_is_always_on(arrivals: list[float]) -> None:
    patient = VALUES | {"burst_over_waiting": 1e9}
    assert mixed(arrivals, patient).latencies == pytest.approx(always_on(arrivals, patient).latencies)


@given(ARRIVALS)
def test_functions_without_limit_or_cold_start_never_wait(arrivals: list[float]) -> None:
    served = serverless(arrivals, VALUES | {"most_at_once": 1e9, "cold_start_seconds": 0.0})
    assert served.latencies == pytest.approx([1.5] * len(arrivals))


def test_a_bill_is_what_it_is_by_hand() -> None:
    values = VALUES | {
        "calls_per_order": 2,
        "housekeeping_calls_per_hour": 0,
        "vcpu": 1,
        "gib": 0.5,
        "vcpu_second_usd": 0.001,
        "gib_second_usd": 0.0002,
        "million_calls_usd": 1.0,
        "free_vcpu_seconds": 2.5,
        "free_gib_seconds": 0,
        "free_calls": 0,
        "usd": 0.5,
        "machine_month": 6,
        "database_month": 10,
        "prefect_month": 3,
    }
    served = serverless([0, 10, 100], values)
    # 12.5 seconds of functions in exactly a month, six calls.
    usd = 10 * 0.001 + 6.25 * 0.0002 + 6 / 1_000_000
    assert month_cost(served, MONTH_SECONDS, values, machine=False, functions=True) == pytest.approx(13 + usd / 2)
    assert month_cost(served, MONTH_SECONDS, values, machine=True, functions=True) == pytest.approx(16 + usd / 2)
    assert month_cost(served, MONTH_SECONDS, values, machine=True, functions=False) == 6
