"""What the benchmark says of a goal: held, broken, or not measured and why; and how a command ends by it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks import goals
from benchmarks.goals import BROKEN, HELD, NOT_MEASURED, Goal
from benchmarks.verdicts import of_idle, of_latency

AT_MOST = Goal("answer", 50, "ms", 10)
AT_LEAST = Goal("speed", 184, "/s", 10, at_least=True)


def spread(p50: float, p95: float, samples: int) -> dict[str, Any]:
    return {"to_printer_s": {"p50": p50, "p95": p95, "p99": p95, "most": p95, "samples": samples}}


def latency(**more: Any) -> dict[str, Any]:
    """What `benchmarks.latency` tells of a good run."""
    answers = {"answer_ms": {"p50": 3.0, "p99": 40.0, "samples": 3000}, "refused": 0, "stored": 3000}
    told = {"rate": 100.0, "answers": answers | {"fulfilled_meanwhile": 9}, "past": 100_000}
    return told | {"to_printer": spread(0.8, 1.0, 60), "to_printer_past": spread(0.9, 1.1, 60)} | more


def verdicts(told: dict[str, Any]) -> dict[str, str]:
    return {one.measure: one.verdict for one in of_latency(told)}


def test_a_limit_itself_holds_and_what_is_beyond_it_is_broken() -> None:
    assert [AT_MOST.judge(figure, 10).verdict for figure in (50, 50.01)] == [HELD, BROKEN]
    assert [AT_LEAST.judge(figure, 10).verdict for figure in (184, 183.9)] == [HELD, BROKEN]


def test_too_few_samples_make_no_verdict_and_the_line_says_how_many_there_were() -> None:
    judged = AT_MOST.judge(1, 9)
    assert (judged.verdict, judged.measured) == (NOT_MEASURED, "1 ms (9 orders)")
    assert "9 orders are too few: 10" in judged.why


def test_what_has_no_figure_is_not_measured_with_its_reason() -> None:
    assert AT_MOST.judge(None, 0, "celery was left out").why == "celery was left out"
    assert AT_MOST.judge(None, 0).verdict == NOT_MEASURED


@given(st.floats(0, 1e6), st.integers(0, 10_000), st.sampled_from(["", "a reason"]))
def test_a_goal_is_held_only_by_enough_samples_within_its_limit(figure: float, samples: int, why: str) -> None:
    verdict = AT_MOST.judge(figure, samples, why).verdict
    assert (verdict == HELD) == (figure <= 50 and samples >= 10 and not why)
    assert (verdict == BROKEN) == (figure > 50 and samples >= 10 and not why)


def test_every_goal_has_a_line_with_measure_goal_figure_and_verdict_and_the_last_sums_up() -> None:
    judged = [AT_MOST.judge(60, 10), AT_LEAST.judge(200, 10), AT_LEAST.judge(None, 0)]
    first, second, third, last = goals.lines(judged)
    assert first.split() == ["answer", "goal", "≤", "50", "ms", "60", "ms", "(10", "orders)", "BROKEN"]
    assert second.endswith("held")
    assert third.endswith("NOT MEASURED: it was not measured")
    assert last == "3 goals: 1 held, 1 BROKEN, 1 NOT MEASURED"
    assert [one["verdict"] for one in json.loads(json.dumps(goals.told(judged)))] == [BROKEN, HELD, NOT_MEASURED]


def test_a_broken_goal_ends_a_command_with_a_code_of_its_own() -> None:
    assert goals.code([AT_MOST.judge(50, 10), AT_MOST.judge(None, 0)]) == 0
    assert goals.code([AT_MOST.judge(50, 10), AT_MOST.judge(51, 10)]) == 3


def test_a_good_run_of_latency_holds_all_its_goals() -> None:
    assert set(verdicts(latency()).values()) == {HELD}


@pytest.mark.parametrize(("share", "later"), [("p50", (1.01, 1.1)), ("p95", (0.9, 1.26))])
def test_a_past_that_makes_half_or_nineteen_of_twenty_slower_than_its_limit_is_broken(
    share: str, later: tuple[float, float]
) -> None:
    told = latency(to_printer_past=spread(*later, 60))
    assert [name for name, verdict in verdicts(told).items() if verdict == BROKEN] == [
        f"the same at 100,000 past orders, {share}"
    ]
    assert goals.code(of_latency(told)) == 3


def test_a_smaller_past_or_fewer_orders_than_sixty_are_no_verdict() -> None:
    smaller = verdicts(latency(past=200))
    assert [name for name, verdict in smaller.items() if verdict == NOT_MEASURED] == [
        "the same at 100,000 past orders, p50",
        "the same at 100,000 past orders, p95",
    ]
    fewer = verdicts(latency(to_printer=spread(0.8, 1.0, 12)))
    assert sum(verdict == NOT_MEASURED for verdict in fewer.values()) == 4


def test_an_answered_webhook_that_is_not_stored_breaks_a_goal_of_its_own() -> None:
    told = latency()
    told["answers"] = told["answers"] | {"stored": 2999, "fulfilled_meanwhile": 0}
    assert verdicts(told)["webhooks that were refused, or answered and not stored"] == BROKEN


def test_answers_while_no_wave_runs_or_at_a_lower_rate_are_no_verdict() -> None:
    told = latency()
    told["answers"] = told["answers"] | {"fulfilled_meanwhile": 0}
    assert verdicts(told)["webhook answer at 100/s while waves run, p99"] == NOT_MEASURED
    assert verdicts(latency(rate=20.0))["webhook answer at 100/s while waves run, p99"] == NOT_MEASURED


def test_what_was_not_asked_of_latency_is_not_measured() -> None:
    assert set(verdicts({"rate": 100.0}).values()) == {NOT_MEASURED}
    assert len(verdicts({"rate": 100.0})) == 6


def test_the_idle_system_is_judged_by_a_minute_or_more() -> None:
    assert [one.verdict for one in of_idle({"idle_percent_of_a_core": 4.8, "seconds": 60.0})] == [HELD]
    assert [one.verdict for one in of_idle({"idle_percent_of_a_core": 5.1, "seconds": 60.0})] == [BROKEN]
    assert [one.verdict for one in of_idle({"idle_percent_of_a_core": 1.0, "seconds": 5.0})] == [NOT_MEASURED]
