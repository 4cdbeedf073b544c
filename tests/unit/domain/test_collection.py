"""What lies ready to be fetched: when it is reminded of, and when somebody is shown it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from backroom.domain.collection import MOVES, CollectState, ParcelRules, due

READY = datetime(2026, 11, 1, 12, tzinfo=UTC)
RULES = ParcelRules(remind_days=3, keep_days=14)


@pytest.mark.parametrize(
    ("days", "reminded", "step"),
    [
        (2.9, False, ""),
        (3, False, "remind"),
        (3, True, ""),
        (13.9, True, ""),
        (14, True, "uncollected"),
        # Nobody looked for weeks: a reminder would come on the day it is put back.
        (14, False, "uncollected"),
    ],
)
def test_what_is_due_follows_the_days_it_has_waited(days: float, reminded: bool, step: str) -> None:
    assert due(READY, READY + timedelta(days=days), RULES, reminded=reminded) == step


def test_nothing_is_due_where_the_shop_wants_none() -> None:
    never = ParcelRules(remind_days=0, keep_days=0)
    assert due(READY, READY + timedelta(days=999), never, reminded=False) == ""


def test_what_was_put_back_may_still_be_fetched_and_what_was_fetched_stays_so() -> None:
    assert MOVES[CollectState.COLLECTED] == frozenset()
    assert CollectState.COLLECTED in MOVES[CollectState.PUT_BACK]
