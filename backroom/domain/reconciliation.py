"""Reconciliation: where each paid order of a source is found among ours, and from when on we look.

What belongs here: the classes that a paid order may fall into, how far back each look goes, and when trouble with a
source is told to people. What does not: asking sources (`backroom.channels`), and SQL (`backroom.store`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

# Shopify shows 60 days to a key that may only read orders, and a month is long enough to notice.
DAYS_BACK = timedelta(days=30)
# Sources tell of a change a little after its own time, and their clock is theirs.
OVERLAP = timedelta(minutes=15)
# Four looks in a row that came to nothing.
OVERDUE = timedelta(hours=1)


class Look(StrEnum):
    """RECENT is what changed since the last one, every quarter of an hour; FULL is 30 days, every night."""

    RECENT = "recent"
    FULL = "full"


class Found(StrEnum):
    """Where a paid order of a source is: OURS; CANCELLED here though it is paid there; its message WAITING at our door
    or in QUARANTINE; SETTLED by a person who said why it will not come; SENT by somebody else, as its source says;
    EARLIER than the day from which on the channel's orders are ours; MISSING."""

    OURS = "ours"
    CANCELLED = "cancelled"
    WAITING = "waiting"
    QUARANTINE = "quarantine"
    SETTLED = "settled"
    SENT = "sent"
    EARLIER = "earlier"
    MISSING = "missing"


@dataclass(frozen=True, slots=True)
class Figures:
    """What one look counted. `listed` orders had changed at the source, of which `paid` are to be made; those fall
    into the classes. `behind` are orders of ours of which the source has newer news. `fetched` came through our door
    now; `missing` is what is unaccounted after that."""

    listed: int = 0
    paid: int = 0
    ours: int = 0
    cancelled: int = 0
    waiting: int = 0
    quarantine: int = 0
    settled: int = 0
    sent: int = 0
    earlier: int = 0
    behind: int = 0
    fetched: int = 0
    missing: int = 0


def begins_at(look: Look, at: datetime, starts_at: datetime, seen_until: datetime | None) -> datetime:
    """From which moment of the source's clock on its changes are listed.

    `starts_at` is when the channel's orders began to be ours, `seen_until` the newest change of the last complete look.
    One of a time that is still to come hides nothing: we look from `at` on, as after any other.
    """
    earliest = max(starts_at - OVERLAP, at - DAYS_BACK)
    if look is Look.FULL or seen_until is None:
        return earliest
    return max(earliest, min(seen_until, at) - OVERLAP)


def find(
    *,
    cancelled: bool | None,
    waiting: bool = False,
    quarantined: bool = False,
    settled: bool = False,
    sent: bool = False,
    earlier: bool = False,
) -> Found:
    """The class of a paid order, the first that holds. `cancelled` is whether ours is, None where it is not ours."""
    if cancelled is not None:
        return Found.CANCELLED if cancelled else Found.OURS
    for holds, found in (
        (waiting, Found.WAITING),
        (quarantined, Found.QUARANTINE),
        (settled, Found.SETTLED),
        (earlier, Found.EARLIER),
        (sent, Found.SENT),
    ):
        if holds:
            return found
    return Found.MISSING


def is_overdue(at: datetime, looked_at: datetime | None, tried_since: datetime) -> bool:
    """Whether people must hear that a source cannot be looked at; what is away for a moment comes back by itself."""
    return at - (looked_at or tried_since) > OVERDUE
