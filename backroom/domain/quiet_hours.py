"""Quiet hours: when a message may go that would wake somebody.

What belongs here: the rule, over clocks that are known. What does not: whose clock it is (`backroom.messaging.clocks`),
and where a message waits meanwhile (`backroom.store.waiting_messages`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from functools import lru_cache

from backroom.domain.consent import PURPOSES, Medium, Purpose
from backroom.domain.opening import WEEKDAYS, OpeningHours, OpenRange

# Where many clocks are meant (a mobile number of a wide country), no hour of a day may suit all of them.
PATIENCE = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class QuietHours:
    """From `begins` until just before `ends`, every night (or over noon), for these media and purposes.

    `recipients_clock`: by the clock at the recipient's place where it is known, and not by the shop's.
    """

    begins: time
    ends: time
    media: frozenset[Medium] = frozenset({"sms", "push"})
    purposes: frozenset[Purpose] = frozenset(PURPOSES)
    recipients_clock: bool = True

    def __post_init__(self) -> None:
        if self.begins == self.ends:
            raise ValueError("quiet hours that end when they begin are none, or the whole day")


def may_go(
    quiet: QuietHours | None, medium: Medium, purpose: Purpose, at: datetime, zones: Sequence[str], home: str
) -> datetime:
    """The first instant from `at` on (UTC) at which such a message may go: `at` itself outside quiet hours.

    `zones` are IANA names of the clocks that may be the recipient's: it must be no quiet hour by any of them. Where
    there is none, or they agree on no hour within a day, the shop's (`home`) counts.
    """
    if quiet is None or medium not in quiet.media or purpose not in quiet.purposes:
        return at
    clocks = [_waking(quiet.begins, quiet.ends, zone) for zone in zones] if quiet.recipients_clock else []
    then = at.astimezone(UTC)
    while clocks and then <= at + PATIENCE:
        later = max(clock.next_opening(then) for clock in clocks)
        if later == then:
            return then
        then = later
    return _waking(quiet.begins, quiet.ends, home).next_opening(at)


@lru_cache(maxsize=256)
def _waking(begins: time, ends: time, zone: str) -> OpeningHours:
    return OpeningHours(((OpenRange(ends, begins),),) * len(WEEKDAYS), zone)
