"""Promises: by when a location must hand a parcel over, and when the buyer may expect it.

What belongs here: dates made from a channel's SLA, a location's opening hours and a calendar. What does not: how a
date is said in a language (`backroom.messaging.templates`), which SLA a channel has (`backroom.domain.shop`).
"""

from __future__ import annotations

from collections.abc import Container
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from backroom.domain.opening import OpeningHours, instant, zone
from backroom.domain.shop import SlaSpec

SUNDAY = 6


@dataclass(frozen=True, slots=True)
class DeliveryWindow:
    """The first and the last day, in the buyer's calendar, on which the parcel may come; ValueError when reversed."""

    from_date: date
    to_date: date

    def __post_init__(self) -> None:
        if self.to_date < self.from_date:
            raise ValueError(f"a delivery window cannot end on {self.to_date}, before it begins on {self.from_date}")


def ship_by(placed_at: datetime, sla: SlaSpec, hours: OpeningHours) -> datetime:
    """The UTC instant by which an order must be handed over: `sla.handling_hours` hours of open doors after it counts.

    An order counts from when it is placed; one placed after `sla.cutoff`, by the location's wall clock, counts from
    the next local midnight. Without handling hours it is due as soon as somebody is there. Raises ValueError when the
    cut-off is not HH:MM or the handling hours are negative.
    """
    if sla.handling_hours < 0:
        raise ValueError(f"SLA {sla.id!r} has {sla.handling_hours} handling hours")
    local_zone = zone(hours.timezone)
    placed_on = placed_at.astimezone(local_zone).date()
    counts_from = placed_at.astimezone(UTC)
    if counts_from > instant(placed_on, time.fromisoformat(sla.cutoff), local_zone, last=True):
        counts_from = instant(placed_on + timedelta(days=1), time(), local_zone)

    left = timedelta(hours=sla.handling_hours)
    if not left:
        return hours.next_opening(counts_from)
    for opens, closes in hours.ranges_from(counts_from):
        begin = max(opens, counts_from)
        if begin + left <= closes:
            return begin + left
        left -= closes - begin
    raise AssertionError("opening hours never end")


def delivery_window(
    handed_over_at: datetime,
    sla: SlaSpec,
    timezone: str,
    holidays: Container[date] = frozenset(),
    closed_weekdays: AbstractSet[int] = frozenset({SUNDAY}),
) -> DeliveryWindow:
    """The days on which a parcel may arrive that was handed over at this instant, in the time zone it travels in.

    Transit days are days on which the carrier delivers: neither in `holidays` nor in `closed_weekdays` (Monday is 0).
    Zero transit days is the day of the hand-over itself where that is such a day, else the next one. Raises
    ValueError when no weekday is left, when a number of days is negative or the window reversed.
    """
    if sla.transit_days_min < 0:
        raise ValueError(f"SLA {sla.id!r} has {sla.transit_days_min} transit days")

    def day(transit_days: int) -> date:
        return arrival_date(handed_over_at, transit_days, timezone, holidays, closed_weekdays)

    return DeliveryWindow(day(sla.transit_days_min), day(sla.transit_days_max))


def arrival_date(
    handed_over_at: datetime,
    transit_days: int,
    timezone: str,
    holidays: Container[date] = frozenset(),
    closed_weekdays: AbstractSet[int] = frozenset({SUNDAY}),
) -> date:
    """The day on which a parcel arrives that is on its way for so many days; the rest is as for `delivery_window`."""
    if closed_weekdays >= set(range(7)):
        raise ValueError("a carrier that is closed on all seven weekdays never delivers")

    def delivers_on(day: date) -> bool:
        return day not in holidays and day.weekday() not in closed_weekdays

    day = handed_over_at.astimezone(zone(timezone)).date()
    while transit_days > 0 or not delivers_on(day):
        day += timedelta(days=1)
        transit_days -= delivers_on(day)
    return day
