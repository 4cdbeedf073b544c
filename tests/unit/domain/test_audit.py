"""The audit's rules: what is normal, what to do next, whose delay it is, and what failures cost."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backroom.domain.audit import HOUR, LEAST_PASSAGES, USUAL, Stage, normal_time
from backroom.domain.audit_money import failure_costs
from backroom.domain.cost_rates import CostRates
from backroom.domain.delay import act_on_delay, shares_of_delay
from backroom.domain.kpi import STAGES
from backroom.domain.model import PrintJobState
from backroom.domain.next_action import OpenPrint, Standing, next_action, why

AT = datetime(2026, 11, 23, 9, tzinfo=UTC)
ONE = Standing("A-1042", Stage.MAKING, "hub", AT, 2900)


def test_with_little_past_the_usual_time_is_normal() -> None:
    assert normal_time(Stage.MAKING, [HOUR] * (LEAST_PASSAGES - 1)) == normal_time(Stage.MAKING, [])
    assert normal_time(Stage.MAKING, []).seconds == 8 * HOUR


def test_normal_is_what_nineteen_in_twenty_took_and_half_as_much_again() -> None:
    past = [HOUR * hours for hours in (*range(1, 20), 100)]
    # The nineteenth of twenty took 19 hours.
    assert normal_time(Stage.MAKING, past).seconds == 19 * 1.5 * HOUR
    assert normal_time(Stage.MAKING, past).passages == 20


@given(st.sampled_from(Stage), st.lists(st.floats(0, 10**7), max_size=60))
def test_no_past_makes_normal_shorter_than_a_quarter_or_longer_than_four_times_the_usual(
    stage: Stage, past: list[float]
) -> None:
    assert USUAL[stage] / 4 <= normal_time(stage, past).seconds <= USUAL[stage] * 4


@pytest.mark.parametrize("stage", Stage)
def test_every_stage_says_why_it_stands_still_and_what_to_do(stage: Stage) -> None:
    for one in (ONE, replace(ONE, sick=True, reason="no artwork"), replace(ONE, sick=True, reason="x", breaker=3)):
        standing = replace(one, stage=stage)
        action = next_action(standing)
        assert why(standing).endswith(".")
        assert action.words.endswith(".")
        assert action.command.startswith("backroom ")


@pytest.mark.parametrize("state", PrintJobState)
def test_a_print_that_holds_work_up_is_looked_for_at_its_printer(state: PrintJobState) -> None:
    job = OpenPrint(7, state, "press-1", "media-empty", "")
    standing = replace(ONE, print=job, to_scan=1)
    assert "press-1 (media-empty)" in why(standing)
    assert next_action(standing).command == "backroom print queue hub"


def test_pieces_that_nobody_scanned_are_looked_for_on_the_shelf() -> None:
    standing = replace(ONE, to_scan=2)
    assert why(standing) == "2 of its pieces are not scanned."
    assert next_action(standing).page == "/scan/hub"


def test_a_hold_asks_what_its_reason_asks() -> None:
    standing = replace(ONE, stage=Stage.HELD, reason="unknown_sku")
    assert next_action(standing).words.startswith("The catalogue does not know a piece of it.")
    assert next_action(standing).command == "backroom order release A-1042"


def test_a_delay_is_carried_by_the_stages_that_took_longer_than_normal() -> None:
    stages = {"waiting": 60.0, "intake": 60.0, "making": 7260.0, "packing": 3660.0, "announcing": 0.0}
    normal = dict.fromkeys(STAGES, 60.0)
    # Making took 7,200 s too long and packing 3,600: two thirds and one third of 300 s.
    carried = shares_of_delay(stages, normal, 300.0)
    assert carried == {"waiting": 0.0, "intake": 0.0, "making": 200.0, "packing": 100.0, "announcing": 0.0}


_times = st.fixed_dictionaries({stage: st.floats(0, 10**6) for stage in STAGES})


@given(_times, _times, st.floats(0, 10**6))
def test_the_shares_of_a_delay_are_the_whole_delay(
    stages: dict[str, float], normal: dict[str, float], late: float
) -> None:
    carried = shares_of_delay(stages, normal, late)
    assert math.isclose(sum(carried.values()), late, rel_tol=1e-9, abs_tol=1e-9)
    assert min(carried.values()) >= 0


def test_every_stage_that_carries_a_delay_has_something_to_do() -> None:
    for stage in STAGES:
        for printer in ("", "press-1"):
            assert act_on_delay(stage, "hub", printer).command.startswith("backroom ")


def test_failures_cost_what_the_rates_of_the_shop_file_come_to() -> None:
    # 20.00 an hour: 10 minutes are 3.33, 15 are 5.00, 2 are 0.67; a piece is picked in 3 minutes for 1.00.
    costs = failure_costs(CostRates(packaging=60, picking_minutes=3.0, wage_per_hour=2000), 490, "EUR")
    assert (costs.late, costs.caught) == (333, 67)
    assert costs.sent_wrong == 2 * (490 + 100) + 60 + 500
    assert costs.assumed == ()


def test_what_the_shop_file_does_not_say_is_assumed_and_said() -> None:
    costs = failure_costs(CostRates(), None, "EUR")
    assert (costs.wage_per_hour, costs.parcel) == (2000, 500)
    assert "Assumed: an hour of work costs 20.00 EUR ([costs] wage_per_hour)." in list(costs.sentences())
    assert failure_costs(CostRates(), 0, "JPY").wage_per_hour == 2000
