"""The traffic of a shop as rows: how many orders each channel brought, how long it was silent, what waits unread.

Days are those of the shop's own calendar, and only days that are over count.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import Connection

from backroom.domain.opening import zone
from backroom.domain.quality import longest_silence, usual
from backroom.domain.shop import Shop
from backroom.store.quality.figures import accepted_by_day, uncounted_since, unread_since
from backroom.store.quality.orders import COUNTED_AFTER
from backroom.store.quality.windows import Rows

WEEKS = 8
WEEK = timedelta(days=7)
# A channel that sends once a day may be a day late.
SILENCE_LEAST_DAYS = 2
UNREAD_AT_MOST = timedelta(hours=1)
DOOR = "front door"


def traffic_rows(connection: Connection, at: datetime, shop: Shop) -> Rows:
    """A row for each channel of the shop file, and one for the front door as a whole."""
    yesterday = at.astimezone(zone(shop.owner.timezone)).date() - timedelta(days=1)
    first = yesterday - WEEKS * WEEK
    counted = accepted_by_day(connection, first.isoformat(), yesterday.isoformat())
    rows = [_of_channel(channel.id, counted.get(channel.id, {}), yesterday) for channel in shop.channels]
    return [*rows, _of_door(connection, at)]


def _of_channel(channel: str, counts: Mapping[str, int], yesterday: date) -> dict[str, Any]:
    """How many orders came yesterday, and on the same weekdays before; how long none came, and was usual."""
    # Days before its first order say nothing about a channel.
    begun = date.fromisoformat(min(counts)) if counts else yesterday
    weekdays = [yesterday - week * WEEK for week in range(1, WEEKS + 1)]
    band = usual([counts.get(day.isoformat(), 0) for day in weekdays if day >= begun])
    days = [date.fromisoformat(day).toordinal() for day in counts]
    silence = longest_silence(days)
    return _row(channel) | {
        "orders": counts.get(yesterday.isoformat(), 0) if band else None,
        "usual_low": band.low if band else None,
        "usual_high": band.high if band else None,
        "silence_days": yesterday.toordinal() - max(days) if silence is not None else None,
        "longest_silence_days": max(silence, SILENCE_LEAST_DAYS) if silence is not None else None,
    }


def _of_door(connection: Connection, at: datetime) -> dict[str, Any]:
    unread, uncounted = unread_since(connection), uncounted_since(connection)
    return _row(DOOR) | {
        "unread_s": (at - unread).total_seconds() if unread else 0.0,
        "unread_at_most_s": UNREAD_AT_MOST.total_seconds(),
        "uncounted_s": (at - uncounted).total_seconds() if uncounted else 0.0,
        "uncounted_at_most_s": COUNTED_AFTER.total_seconds(),
    }


def _row(key: str) -> dict[str, Any]:
    columns = (
        *("orders", "usual_low", "usual_high", "silence_days", "longest_silence_days"),
        *("unread_s", "unread_at_most_s", "uncounted_s", "uncounted_at_most_s"),
    )
    return {"key": key, "number": "", **dict.fromkeys(columns)}
