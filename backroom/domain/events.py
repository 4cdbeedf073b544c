"""Events: a pop-up, a night market, a parking lot with the shop on wheels, from its plan to its last count.

What belongs here: what an event is, the hours people write, and the moves that time makes by itself. What does not:
what must be there before it may open (`readiness`), the pieces it borrows (`leases`), its rows (`backroom.store`).

An event has a life: planned → ready (all that is required is there) → live (orders are routed to its booth) → closed →
settled (every piece is accounted for). One that is called off is closed without ever having been live.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from itertools import pairwise

from backroom.domain.errors import Refuse
from backroom.domain.opening import instant, zone
from backroom.domain.power import Load, Supply, hours_of, in_words

_SESSION = re.compile(r"(\d{4}-\d{2}-\d{2})[ T]([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]):([0-5]\d)")
# What letters become in a code.
_PLAIN: dict[int, str] = {ord("ä"): "ae", ord("ö"): "oe", ord("ü"): "ue", ord("ß"): "ss"}


class EventState(StrEnum):
    """The life of an event. READY and PLANNED change places as long as what is required comes and goes."""

    PLANNED = "planned"
    READY = "ready"
    LIVE = "live"
    CLOSED = "closed"
    SETTLED = "settled"


BEFORE_THE_END = (EventState.PLANNED, EventState.READY, EventState.LIVE)


class BadHours(Refuse):
    """Opening hours that nobody could keep; the message quotes what was written."""

    cause = "bad_hours"


@dataclass(frozen=True, slots=True, order=True)
class Session:
    """The booth is open from `opens` until just before `closes`, both aware UTC."""

    opens: datetime
    closes: datetime

    @property
    def hours(self) -> float:
        return (self.closes - self.opens).total_seconds() / 3600


@dataclass(frozen=True, slots=True)
class Event:
    """An event: where and when, and what stands at its booth.

    `code` is its name in commands and addresses; `location` the booth's id in the shop file; `place` the ground in
    words, `latitude` and `longitude` where it is, if that is not where the shop file has the booth; `tills` are device
    names, `printers` those of the location's printers that come along.
    """

    code: str
    name: str
    template: str
    location: str
    place: str
    sessions: tuple[Session, ...]
    state: EventState = EventState.PLANNED
    tills: tuple[str, ...] = ()
    printers: tuple[str, ...] = ()
    loads: tuple[Load, ...] = ()
    supply: Supply | None = None
    latitude: float | None = None
    longitude: float | None = None

    def __post_init__(self) -> None:
        check_sessions(self.sessions)

    @property
    def starts_at(self) -> datetime:
        return self.sessions[0].opens

    @property
    def ends_at(self) -> datetime:
        return self.sessions[-1].closes

    @property
    def comes_along(self) -> tuple[str, ...]:
        """What stands at the booth, in words: its tills, its printers and its power, a line each."""
        return (
            f"Tills: {', '.join(self.tills) or 'none named'}",
            f"Printers: {', '.join(self.printers) or 'none'}",
            f"Power: {in_words(self.loads, self.supply)}",
        )

    @property
    def longest_hours(self) -> float:
        """The hours of the longest session: between two of them there is time to refuel."""
        return max(session.hours for session in self.sessions)

    def is_open(self, at: datetime) -> bool:
        """Whether somebody is at the booth at this instant."""
        return any(session.opens <= at < session.closes for session in self.sessions)

    def power_until(self, at: datetime, full: Iterable[datetime] = ()) -> datetime | None:
        """When a battery or a generator is empty at the average draw; None for mains, and where nobody can say.

        It was full when the session under way began, as between two of them there is time for it, or later at one of
        `full`.
        """
        hours = hours_of(self.loads, self.supply)
        moments = [moment for moment in (*(one.opens for one in self.sessions), *full) if moment <= at]
        return max(moments) + timedelta(hours=hours) if hours is not None and moments else None


def read_session(text: str, timezone: str) -> Session:
    """A day and its hours as people write them, `2026-11-28 15:00-01:00`; BadHours, quoting it, for anything else.

    A closing that is not later than its opening is of the next day.
    """
    wrong = BadHours(f"{text!r} is no day with its hours", remedy="Write it like 2026-11-28 15:00-01:00.")
    match = _SESSION.fullmatch(text.strip())
    if match is None:
        raise wrong
    try:
        day = date.fromisoformat(match[1])
    except ValueError:
        raise wrong from None
    opens, closes = time(int(match[2]), int(match[3])), time(int(match[4]), int(match[5]))
    closing_day = day if closes > opens else day + timedelta(days=1)
    local = zone(timezone)
    return Session(instant(day, opens, local), instant(closing_day, closes, local, last=True))


def check_sessions(sessions: Sequence[Session]) -> None:
    """BadHours unless there is a session, each has a length, and they follow one another without overlapping."""
    if not sessions:
        raise BadHours("an event needs its hours", remedy="Write at least one day, such as 2026-11-28 15:00-22:00.")
    for session in sessions:
        if session.opens >= session.closes:
            raise BadHours(f"{session.opens:%Y-%m-%d} closes before it opens", remedy="Write opening, then closing.")
    for before, after in pairwise(sessions):
        if after.opens < before.closes:
            raise BadHours(
                f"the hours of {before.opens:%Y-%m-%d} and {after.opens:%Y-%m-%d} overlap or are out of order",
                remedy="Write the days in their order, each ending before the next begins.",
            )


def code_of(name: str, day: date) -> str:
    """The name of an event in commands: its words in small letters, and its first day."""
    words = re.sub(r"[^a-z0-9]+", "-", name.lower().translate(_PLAIN)).strip("-")
    return f"{words[:40].strip('-') or 'event'}-{day.isoformat()}"


def due_move(event: Event, *, ready: bool, at: datetime) -> EventState | None:
    """The state that an event goes to by itself now, None when it stays; ask again until it stays.

    What is required may come and go until it is live. At its start a ready one goes live; at its end any closes. An
    event that is live stays so when something required is lost: then no order is routed to its booth (`shut_because`),
    until it is mended or the event is over.
    """
    if event.state not in BEFORE_THE_END:
        return None
    if at >= event.ends_at:
        return EventState.CLOSED
    if event.state is EventState.PLANNED:
        return EventState.READY if ready else None
    if event.state is EventState.READY:
        if not ready:
            return EventState.PLANNED
        return EventState.LIVE if at >= event.starts_at else None
    return None


def shut_because(event: Event | None, *, missing: Sequence[str], at: datetime) -> str:
    """Why no order is routed to the booth of this event now, "" when it is; `missing` names what is required.

    None stands for a booth that has events and none before its end.
    """
    if event is None:
        return "it has no event now"
    if event.state is not EventState.LIVE:
        return f"its event {event.code} is {event.state}"
    if at >= event.ends_at:
        return f"its event {event.code} is over"
    if missing:
        return f"its event {event.code} lacks {', '.join(missing)}"
    return ""
