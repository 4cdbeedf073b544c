"""From when on a source is looked at, where a paid order is found, and when its trouble is told."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backroom.domain.reconciliation import DAYS_BACK, OVERDUE, OVERLAP, Found, Look, begins_at, find, is_overdue

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
MOMENTS = st.integers(0, 100_000).map(lambda minutes: NOW - timedelta(minutes=minutes))


@given(MOMENTS, st.one_of(st.none(), MOMENTS))
def test_every_look_reaches_behind_the_last_one_and_no_further_than_a_month_or_our_beginning(
    starts_at: datetime, seen_until: datetime | None
) -> None:
    begin = begins_at(Look.RECENT, NOW, starts_at, seen_until)
    assert begin >= max(starts_at - OVERLAP, NOW - DAYS_BACK)
    if seen_until is not None and seen_until - OVERLAP > NOW - DAYS_BACK and seen_until > starts_at:
        assert begin == seen_until - OVERLAP
    assert begins_at(Look.FULL, NOW, starts_at, seen_until) == max(starts_at - OVERLAP, NOW - DAYS_BACK) <= begin


@pytest.mark.parametrize(
    ("said", "found"),
    [
        ({}, Found.MISSING),
        ({"sent": True}, Found.SENT),
        ({"sent": True, "earlier": True}, Found.EARLIER),
        ({"earlier": True, "settled": True}, Found.SETTLED),
        ({"settled": True, "quarantined": True}, Found.QUARANTINE),
        ({"quarantined": True, "waiting": True}, Found.WAITING),
    ],
)
def test_the_first_class_that_holds_is_the_orders(said: dict[str, bool], found: Found) -> None:
    assert find(cancelled=None, **said) is found
    assert find(cancelled=False, **said) is Found.OURS
    assert find(cancelled=True, **said) is Found.CANCELLED


def test_a_source_is_overdue_an_hour_after_its_last_complete_look_or_its_first_try() -> None:
    late = NOW - OVERDUE - timedelta(seconds=1)
    assert not is_overdue(NOW, NOW - OVERDUE, late)
    assert is_overdue(NOW, late, late)
    assert is_overdue(NOW, None, late)
    assert not is_overdue(NOW, None, NOW)
