"""Opening hours: when somebody is at a location, by its own wall clock.

What belongs here: the weekly table, its textual form in the shop file, and the two questions asked of it. What does
not: holidays and promises made from the hours (`promise`), reading the shop file (`backroom.shop`).

Every question is asked and answered in aware UTC datetimes; the table speaks local time. On the days the clocks
change, a clock time that does not exist is the first minute that does, and one that comes twice opens at its first
and closes at its last occurrence, so no range is ever torn in two.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

_RANGE = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-4]):([0-5]\d)")
_DAY_MINUTES = 24 * 60
_MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True, order=True)
class OpenRange:
    """From `opens` until just before `closes`; a `closes` that is not later than `opens` is on the next day.

    Midnight to midnight is the whole day.
    """

    opens: time
    closes: time

    @property
    def minutes(self) -> int:
        """How long the range is on a day without a clock change."""
        return (_minute_of_day(self.closes) - _minute_of_day(self.opens)) % _DAY_MINUTES or _DAY_MINUTES

    def __str__(self) -> str:
        closes = "24:00" if self.closes == time() else f"{self.closes:%H:%M}"
        return f"{self.opens:%H:%M}-{closes}"


@dataclass(frozen=True, slots=True)
class OpeningHours:
    """A location's week: seven days, Monday first, each with its ranges; `timezone` is an IANA name.

    Raises ValueError when there are not seven days, when no day has a range (a location that never opens could never
    finish anything), when ranges overlap, overnight ones included, or when the time zone does not exist.
    """

    week: tuple[tuple[OpenRange, ...], ...]
    timezone: str

    def __post_init__(self) -> None:
        if len(self.week) != len(WEEKDAYS):
            raise ValueError(f"opening hours need seven days, not {len(self.week)}")
        zone(self.timezone)
        starts = sorted(
            (_minute_of_day(range_.opens) + weekday * _DAY_MINUTES, weekday, range_)
            for weekday, ranges in enumerate(self.week)
            for range_ in ranges
        )
        if not starts:
            raise ValueError("opening hours without a single range: name at least one day, such as mon")
        first_again = (starts[0][0] + len(WEEKDAYS) * _DAY_MINUTES, *starts[0][1:])
        for (start, weekday, range_), (next_start, next_weekday, next_range) in pairwise([*starts, first_again]):
            if start + range_.minutes > next_start:
                raise ValueError(
                    f"{WEEKDAYS[weekday]} {range_} overlaps {WEEKDAYS[next_weekday]} {next_range}: join or part them"
                )

    @classmethod
    def parse(cls, table: Mapping[str, Sequence[str]], timezone: str) -> OpeningHours:
        """Read the shop file's form, `{"mon": ["09:00-18:00"], "sat": ["10:00-02:00"]}`.

        A day that is not named is closed; `10:00-02:00` runs into the next day; `00:00-24:00` is the whole day.
        Raises ValueError that quotes the part it cannot read.
        """
        for day in table:
            if day not in WEEKDAYS:
                raise ValueError(f"{day!r} is not a day: use {', '.join(WEEKDAYS)}")
        return cls(tuple(tuple(_parse_day(day, table.get(day, ()))) for day in WEEKDAYS), timezone)

    def is_open(self, at: datetime) -> bool:
        """Whether somebody is there at this instant."""
        return next(self.ranges_from(at))[0] <= at

    def next_opening(self, at: datetime) -> datetime:
        """The first instant of being open, in UTC: `at` itself while it is open, else the next opening."""
        return max(next(self.ranges_from(at))[0], at.astimezone(UTC))

    def ranges_from(self, at: datetime) -> Iterator[tuple[datetime, datetime]]:
        """Every (opens, closes) that ends after `at`, in order, in UTC, never overlapping, without an end."""
        local_zone = zone(self.timezone)
        day = at.astimezone(local_zone).date() - timedelta(days=1)  # yesterday's range may still be open
        covered = None
        while True:
            for range_ in sorted(self.week[day.weekday()]):
                opens = instant(day, range_.opens, local_zone)
                closing_day = day if range_.closes > range_.opens else day + timedelta(days=1)
                closes = instant(closing_day, range_.closes, local_zone, last=True)
                if covered is not None:
                    opens = max(opens, covered)  # the repeated hour of autumn may belong to two ranges
                if opens < closes:
                    covered = closes
                    if closes > at:
                        yield opens, closes
            day += timedelta(days=1)


def zone(timezone: str) -> ZoneInfo:
    """The time zone of an IANA name; ValueError names the one that does not exist."""
    try:
        return ZoneInfo(timezone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f"{timezone!r} is not a time zone: use an IANA name such as Europe/Berlin") from None


def instant(day: date, clock: time, local_zone: ZoneInfo, *, last: bool = False) -> datetime:
    """The UTC instant of a wall-clock time that may not exist, or exist twice (PEP 495).

    A time the clocks jump over is the first minute after the jump; a repeated one is its first occurrence, or its
    last one when `last` is true.
    """
    wall = datetime.combine(day, clock)
    while True:
        at = wall.replace(tzinfo=local_zone, fold=int(last)).astimezone(UTC)
        if at.astimezone(local_zone).replace(tzinfo=None) == wall:
            return at
        wall += _MINUTE


def _parse_day(day: str, texts: Sequence[str]) -> Iterator[OpenRange]:
    if isinstance(texts, str):
        raise ValueError(f"{day} needs a list of ranges, such as [{texts!r}]")  # noqa: TRY004 - one error for a bad file
    for text in texts:
        match = _RANGE.fullmatch(text) if isinstance(text, str) else None
        if match is None:
            raise ValueError(f"{day} {text!r} is not a range: write it like 09:00-18:00")
        opens_hour, opens_minute, closes_hour, closes_minute = map(int, match.groups())
        if closes_hour == 24 and closes_minute:
            raise ValueError(
                f"{day} {text!r} ends after 24:00: write the next day's time, such as 10:00-00:{closes_minute:02}"
            )
        opens, closes = time(opens_hour, opens_minute), time(closes_hour % 24, closes_minute)
        if opens == closes and text != "00:00-24:00":
            raise ValueError(f"{day} {text!r} has no length: for the whole day write 00:00-24:00")
        yield OpenRange(opens, closes)


def _minute_of_day(clock: time) -> int:
    return clock.hour * 60 + clock.minute
