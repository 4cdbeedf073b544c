"""The traffic of a shop as rows: what is usual on a weekday, how long a channel was silent, what waits unread."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import count
from typing import Any

import pytest
from sqlalchemy import insert

from backroom.quality.traffic import DOOR, traffic_rows
from backroom.store.database import Database
from backroom.store.tables import counters, history, order_facts
from tests.shops import a_shop

AT = datetime(2026, 11, 25, 9, tzinfo=UTC)
YESTERDAY = date(2026, 11, 24)
_ids = count(1)


def accepted(database: Database, day: date, orders: int) -> None:
    names = ("parcels", "label_minor", "pieces", "printed", "print_tries", "print_rejects", "emails", "texts")
    zeros = dict.fromkeys((*names, "messages_failed", "oversold", "digest"), 0)
    rows = [
        {
            "order_id": next(_ids),
            "number": "A-1",
            "person_id": 1,
            "way": "online",
            "channel": "web",
            "placed_at": AT,
            "accepted_day": day.isoformat(),
            "shipped_day": "",
            **zeros,
        }
        for _ in range(orders)
    ]
    if rows:
        database.write(lambda c: c.execute(insert(order_facts), rows))


def weeks(database: Database, orders: Sequence[int]) -> None:
    """So many orders on the weekday of yesterday, of yesterday first and then back in time, and one on each other day
    of a fortnight."""
    for week, number in enumerate(orders):
        accepted(database, YESTERDAY - week * timedelta(days=7), number)


def rows_of(database: Database) -> dict[str, dict[str, Any]]:
    with database.read() as connection:
        return {row["key"]: row for row in traffic_rows(connection, AT, a_shop())}


def test_yesterday_is_compared_with_the_same_weekday_of_eight_weeks(database: Database) -> None:
    weeks(database, [3, 40, 41, 39, 40, 42, 38, 40, 41])
    web = rows_of(database)["web"]
    assert (web["orders"], web["usual_low"]) == (3, 21)


def test_a_channel_without_a_past_is_compared_with_nothing(database: Database) -> None:
    weeks(database, [3, 40])
    web = rows_of(database)["web"]
    assert (web["orders"], web["usual_low"], web["silence_days"]) == (None, None, None)


def test_a_weekday_without_orders_counts_once_the_channel_has_begun(database: Database) -> None:
    weeks(database, [0, 0, 40, 0, 40])
    web = rows_of(database)["web"]
    assert web["orders"] == 0
    assert web["usual_high"] > 40


def test_a_channel_that_fell_silent_is_measured_by_its_longest_silence(database: Database) -> None:
    for back in range(6, 20):
        accepted(database, YESTERDAY - timedelta(days=back), 1)
    web = rows_of(database)["web"]
    assert (web["silence_days"], web["longest_silence_days"]) == (6, 2)


def test_figures_that_are_behind_are_measured_by_the_oldest_entry_they_have_not_read(database: Database) -> None:
    entry = {"order_id": 1, "event": "order.accepted", "data": {}, "at": AT - timedelta(hours=5)}
    database.write(lambda c: c.execute(insert(history), [entry, entry | {"at": AT}]))
    assert rows_of(database)[DOOR]["uncounted_s"] == 0
    database.write(lambda c: c.execute(insert(counters).values(name="kpi.history", value=0)))
    door = rows_of(database)[DOOR]
    assert door["uncounted_s"] == pytest.approx(5 * 3600)
    assert door["uncounted_s"] > door["uncounted_at_most_s"]


def test_a_front_door_where_nothing_waits_is_as_fresh_as_can_be(database: Database) -> None:
    assert rows_of(database)[DOOR]["unread_s"] == 0
