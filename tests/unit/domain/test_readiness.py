"""Readiness: what is missing is named with who and until when."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from backroom.domain.events import Event, Session
from backroom.domain.power import Load, Supply
from backroom.domain.readiness import (
    Check,
    CheckState,
    Item,
    Template,
    checks_of,
    due_for_reminder,
    judge,
)

OPENS = datetime(2026, 11, 28, 14, tzinfo=UTC)
CLOSES = OPENS + timedelta(hours=8)
EVENT = Event("market", "Market", "street", "booth", "the square", (Session(OPENS, CLOSES),))
PERMIT = Check("permit", "Permit of the town", True, "Ada", OPENS - timedelta(days=14))
PHOTO = replace(PERMIT, item="photo", title="Photo of the booth", required=False, who="")
POWERED = replace(
    EVENT,
    printers=("press-1",),
    tills=("till-1",),
    loads=(Load("printer", "press-1", 60), Load("till", "till-1", 20), Load("press", "heat press", 1400, 0.25)),
    supply=Supply("mains", 3680),
)


def test_a_missing_item_is_named_with_who_and_until_when() -> None:
    found = judge(EVENT, [PERMIT, PHOTO], OPENS - timedelta(days=20))
    assert not found.green
    (gap,) = found.missing
    assert gap.sentence == "Permit of the town: it is missing. Who: Ada, until 2026-11-14."
    assert not gap.overdue
    assert [one.check.item for one in found.open] == ["photo"]
    assert "Who: nobody yet" in found.open[0].sentence


def test_what_is_there_is_green_and_what_is_not_required_keeps_nobody_out() -> None:
    found = judge(EVENT, [replace(PERMIT, state=CheckState.DONE), PHOTO], OPENS)
    assert found.green
    assert found.open[0].overdue


def test_an_insurance_that_runs_out_before_the_end_is_none() -> None:
    until = replace(PERMIT, state=CheckState.DONE, good_until=CLOSES - timedelta(seconds=1))
    assert "2026-11-28 only" in judge(EVENT, [until], OPENS).missing[0].why
    assert judge(EVENT, [replace(until, good_until=CLOSES)], OPENS).green


def test_what_was_looked_at_and_is_not_good_says_so() -> None:
    failed = replace(PERMIT, state=CheckState.FAILED, note="wrong street")
    (gap,) = judge(EVENT, [failed], OPENS).missing
    assert "it was looked at and is not good (wrong street). Who: Ada" in gap.sentence
    # Why goes into Prefect's logs as well, and a note may name somebody.
    assert gap.why == "it was looked at and is not good"


def test_a_list_is_due_so_many_days_before_the_event() -> None:
    template = Template("t", "T", (Item("permit", "Permit", True, 14, who="Ada"), Item("lamps", "Lamps", False, 0)))
    assert [(one.item, one.due_at, one.who) for one in checks_of(template, OPENS)] == [
        ("permit", OPENS - timedelta(days=14), "Ada"),
        ("lamps", OPENS, ""),
    ]


def test_people_are_reminded_of_what_is_due_soon_or_overdue() -> None:
    late, soon = replace(PERMIT, item="late"), replace(PHOTO, item="soon", due_at=OPENS)
    found = judge(EVENT, [late, soon], OPENS - timedelta(days=3))
    assert [gap.check.item for gap in due_for_reminder(found, OPENS - timedelta(days=3), timedelta(days=3))] == [
        "late",
        "soon",
    ]
    assert [gap.check.item for gap in due_for_reminder(found, OPENS - timedelta(days=4), timedelta(days=3))] == ["late"]


def test_power_is_counted_whatever_somebody_ticked() -> None:
    ticked = replace(PERMIT, item="power", measure="power", state=CheckState.DONE)
    assert not judge(EVENT, [ticked], OPENS).green
    assert judge(POWERED, [replace(ticked, state=CheckState.MISSING)], OPENS).green


@pytest.mark.parametrize("state", list(CheckState))
def test_an_item_is_green_when_it_is_done_and_only_then(state: CheckState) -> None:
    assert judge(EVENT, [replace(PERMIT, state=state)], OPENS).green is (state is CheckState.DONE)
