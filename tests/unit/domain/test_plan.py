"""The plan of the first 30 days: steps are done by what the data shows, in order, and each says what is next."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backroom.domain.plan import LEAST_AT_AN_EVENT, WEEKS, EventDay, Known, Rates, compared, next_step, steps
from backroom.insight.plan.page import headline, markdown, rows

NOTHING = Known(today="2026-11-25")
# Every step done, in order: what the data shows then.
GROWN: tuple[tuple[str, dict[str, object]], ...] = (
    ("past", {"before": Rates(8.0, 5.0, 0.2, 3.5)}),
    ("shop", {"has_shop": True, "orders": 40, "channels": ("web",)}),
    ("paid", {"compared": frozenset({"web"})}),
    ("list", {"lost_now": 0}),
    ("costs", {"costs": True}),
    ("rules", {"rules": ("local", "else"), "routed": {"local": 15, "else": 25}, "used": {"hub": 40}}),
    ("stock", {"week_of_a_sku": 4, "low_stock": 5}),
    ("booth", {"booths": ("booth-a",)}),
    ("partner", {"answers": {"partner": "Nadel", "partner_price": "6.50", "event_date": "2026-12-12"}}),
    ("evening", {"event_days": (EventDay("2026-12-12", LEAST_AT_AN_EVENT, 900.0, 0.05),)}),
    ("week", {"days_since": 7}),
    ("decision", {"answers": {"decision": "go_on"}}),
)


def test_the_steps_are_done_one_after_the_other_as_the_data_shows_them() -> None:
    known = NOTHING
    for name, shown in GROWN:
        following = next_step(steps(known))
        assert following is not None
        assert following.name == name
        shown = shown | {"answers": {**known.answers, **shown["answers"]}} if "answers" in shown else shown  # type: ignore[dict-item]
        known = replace(known, **shown)  # type: ignore[arg-type]
    assert next_step(steps(known)) is None
    assert headline(known) == "Day 1 of 30: 12 of 12 steps are done."


def test_every_week_has_steps_and_every_step_a_command() -> None:
    found = steps(NOTHING)
    assert [step.week for step in found] == sorted(step.week for step in found)
    assert {step.week for step in found} == set(WEEKS)
    assert all(step.action.command.startswith("backroom ") and step.says.endswith(".") for step in found)


def says(known: Known, name: str) -> tuple[bool, str]:
    return next((step.done, step.says) for step in steps(known) if step.name == name)


def test_a_rule_that_is_never_used_is_named() -> None:
    known = replace(NOTHING, rules=("fair", "else"), routed={"else": 30}, locations=("hub", "south"), used={"hub": 30})
    assert says(known, "rules") == (
        False,
        "30 orders were routed in 30 days by 1 of 2 rules. Never used: fair. Nothing was made at south.",
    )


def test_a_threshold_that_covers_no_week_is_said_with_the_one_that_does() -> None:
    known = replace(NOTHING, low_stock=2, week_of_a_sku=5)
    step = next(step for step in steps(known) if step.name == "stock")
    assert not step.done
    assert step.action.words == "Write low_stock = 5 into [stock] of shop.toml."


def test_a_channel_whose_list_is_old_is_compared_again() -> None:
    known = replace(NOTHING, has_shop=True, channels=("web", "friends"), compared=frozenset({"web"}))
    step = next(step for step in steps(known) if step.name == "paid")
    assert not step.done
    assert step.action.command == "backroom audit lost --paid FILE --channel friends"


def test_an_evening_of_a_few_orders_was_no_event() -> None:
    few = replace(NOTHING, event_days=(EventDay("2026-12-12", LEAST_AT_AN_EVENT - 1, 900.0, 0.0),), days_since=9)
    assert says(few, "evening") == (
        False,
        "On 2026-12-12 9 orders were served, half of them within 15 min; 0 % of the prints failed.",
    )
    assert says(few, "week")[0] is False


def test_before_and_after_are_compared_where_both_are_known() -> None:
    known = replace(NOTHING, before=Rates(8.0, 5.0, 0.2, None), after=Rates(1.5, None, 0.05, 1.0))
    assert compared(known) == ["lost: was 8.0 in a thousand, is 1.5 in a thousand", "late: was 20.0%, is 5.0%"]
    assert "late: was 20.0%, is 5.0%" in markdown(known)


def test_the_day_counts_from_the_first_thing_that_was_done() -> None:
    assert replace(NOTHING, started="2026-11-14").day == 12
    assert headline(replace(NOTHING, started="2026-09-01")).startswith("Day 86:")


@given(st.sets(st.sampled_from([name for name, _ in GROWN])))
def test_at_most_one_step_is_the_next_one(shown: set[str]) -> None:
    known = NOTHING
    for name, data in GROWN:
        if name in shown:
            known = replace(known, **data)  # type: ignore[arg-type]
    told = [row["state"] for row in rows(known)]
    open_steps = [place for place, state in enumerate(told) if state != "done"]
    assert [place for place, state in enumerate(told) if state == "next"] == open_steps[:1]


@pytest.mark.parametrize("has_shop", [False, True])
def test_before_the_shop_moves_in_the_plan_says_how(has_shop: bool) -> None:
    step = next(step for step in steps(replace(NOTHING, has_shop=has_shop)) if step.name == "shop")
    assert step.action.command == ("backroom up" if has_shop else "backroom init")
