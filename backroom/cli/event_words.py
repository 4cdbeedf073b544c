"""What people type about events, read: booths, places, printers, days. And an event's list as rows of a table."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from backroom.domain.errors import AskPerson
from backroom.domain.events import Event
from backroom.domain.locations import Location
from backroom.domain.opening import instant
from backroom.domain.power import Load
from backroom.domain.readiness import Check, judge
from backroom.domain.shop import Shop

# A printer at a busy booth prints most of the time.
BUSY = 0.75


class BadWords(AskPerson):
    """What was typed cannot be used; the remedy says what to type."""

    cause = "bad_words"


def booth_of(shop: Shop, at: str) -> Location:
    """The booth of this id, or the only one; BadWords for a hub, which no market may close."""
    booths = [place for place in shop.locations if place.kind == "booth"]
    listed = ", ".join(place.id for place in booths)
    if not booths:
        raise BadWords("the shop file has no booth", remedy="Add one: docs/guide/booth.md.")
    if not at and len(booths) > 1:
        raise BadWords("there are several booths", remedy=f"Say which with --at: {listed}.")
    booth = shop.location(at) if at else booths[0]
    if booth not in booths:
        raise BadWords(f"{at} is no booth", remedy=f"There is: {listed}.")
    return booth


def place_of(near: str) -> tuple[float | None, float | None]:
    """`latitude,longitude`, none of them where nothing was typed."""
    if not near:
        return None, None
    match = re.fullmatch(r"\s*(-?\d+(?:\.\d+)?)\s*,\s*(-?\d+(?:\.\d+)?)\s*", near)
    if match is None or abs(float(match[1])) > 90 or abs(float(match[2])) > 180:
        raise BadWords(f"{near!r} is no place", remedy="Write it like 52.5069,13.4418.")
    return float(match[1]), float(match[2])


def printers_of(booth: Location, asked: Sequence[str]) -> tuple[str, ...]:
    """The printers that come along: those asked for, or all of the booth's."""
    there = [printer.name for printer in booth.printers]
    for name in asked:
        if name not in there:
            raise BadWords(f"{booth.id} has no printer {name!r}", remedy=f"It has: {', '.join(there) or 'none'}.")
    return tuple(asked or there)


def moment_of(day: str, local: ZoneInfo) -> datetime | None:
    """The last second of a day such as 2026-12-31 in the shop's own calendar; None where nothing was typed."""
    if not day:
        return None
    try:
        return instant(date.fromisoformat(day) + timedelta(days=1), time(), local) - timedelta(seconds=1)
    except (ValueError, OverflowError):
        raise BadWords(f"{day!r} is no day", remedy="Write it like 2026-12-31.") from None


def what_comes_along(event: Event, local: ZoneInfo) -> list[str]:
    """When the booth is open by the clocks there, and what stands at it, a line each."""
    open_ = [
        f"{one.opens.astimezone(local):%a %Y-%m-%d %H:%M} to {one.closes.astimezone(local):%H:%M}"
        for one in event.sessions
    ]
    return [f"Open: {'; '.join(open_)} ({local.key})", *event.comes_along]


def rows_of_list(event: Event, checks: Iterable[Check], at: datetime) -> list[dict[str, Any]]:
    """Every item of an event's list: who has it in hand, until when, whether it is green and why not."""
    listed = tuple(checks)
    found = judge(event, listed, at)
    why = {gap.check.item: gap.why for gap in (*found.missing, *found.open)}
    return [
        {
            "item": check.item,
            "title": check.title,
            "required": check.required,
            "who": check.who,
            "until": f"{check.due_at.astimezone():%Y-%m-%d}",
            "green": check.item not in why,
            "why": why.get(check.item, ""),
            "note": check.note,
            "file": check.file,
            "good_until": check.good_until,
        }
        for check in listed
    ]


def with_printers(loads: Sequence[Load], booth: Location, coming: Sequence[str]) -> list[Load]:
    """The loads that were named, and beside them each coming printer that nobody named and whose profile knows it.

    A printer that heats or prints now and then draws its idle watts besides: the share makes that its average. With no
    load named at all nothing is said of printers either.
    """
    named = {load.name for load in loads}
    profiles = [
        (one.name, one.profile)
        for one in booth.printers
        if one.name in coming and one.name not in named and one.profile
    ]
    more = [
        Load("printer", name, profile.watts_printing, max(BUSY, profile.watts_idle / profile.watts_printing))
        for name, profile in profiles
    ]
    return [*loads, *more] if loads else []
