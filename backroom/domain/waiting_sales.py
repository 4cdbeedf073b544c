"""What a till may say of a sale whose pieces its customer waits for: when they are ready, or why nobody knows.

What belongs here: that rule, over an order and its parts. What does not: reading them (`backroom.store.waiting_sales`),
making the promise (`backroom.domain.print_queue`), and the words (`backroom.till.waits`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from backroom.domain.model import FulfilmentState, OrderState

# Of so many of a till's newest sales: more than anybody waits for at one till, and two kilobytes at the most.
NEWEST = 40


class Wait(StrEnum):
    """How a sale stands: QUEUED has no time yet, PROMISED has one, READY is made; ELSEWHERE is made at another place;
    SHORT waits for pieces and HELD for a person; CANCELLED is made no more."""

    QUEUED = "queued"
    PROMISED = "promised"
    READY = "ready"
    ELSEWHERE = "elsewhere"
    SHORT = "short"
    HELD = "held"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class PartOfSale:
    """The work on a sale at one place; `promised_at` is the time that stands for it, None where none was given."""

    location: str
    state: FulfilmentState
    made: bool
    promised_at: datetime | None


_OF_ORDER = {
    OrderState.CANCELLED: Wait.CANCELLED,
    OrderState.FULFILLED: Wait.READY,
    OrderState.HELD: Wait.HELD,
    OrderState.BACKORDERED: Wait.SHORT,
}


def first_asked(last: int) -> int:
    """The number of the oldest sale that is asked about where `last` is the newest."""
    return max(0, last - NEWEST + 1)


def wait_of(order: OrderState, parts: Sequence[PartOfSale], here: str) -> tuple[Wait, datetime | None]:
    """How a sale of the till at `here` stands, and its time where it is PROMISED: that of its last part. Of one that
    lacks the time of a single part nobody can say when it is ready."""
    if order in _OF_ORDER:
        return _OF_ORDER[order], None
    under_way = [part for part in parts if part.state is not FulfilmentState.CANCELLED]
    if any(part.state is FulfilmentState.HELD for part in under_way):
        return Wait.HELD, None
    if any(part.location != here for part in under_way):
        return Wait.ELSEWHERE, None
    left = [part for part in under_way if not part.made]
    if under_way and not left:
        return Wait.READY, None
    times = [part.promised_at for part in left if part.promised_at is not None]
    if times and len(times) == len(left):
        return Wait.PROMISED, max(times)
    return Wait.QUEUED, None
