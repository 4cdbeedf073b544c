"""The audit: the three failures that cost money, the stages an order can be stuck in, and what is normal there.

What belongs here: the words, and the rule that tells stuck from busy. What does not: reading the shop's rows
(`backroom.store.audit_rows`), finding (`backroom.insight.audit`), and what to do about a finding (`next_action`).

The definitions are what `docs/audit.md` shows; a test holds both together.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Failure(StrEnum):
    """What goes wrong between the money and the door."""

    LOST = "lost"
    WRONG = "wrong"
    SLOW = "slow"


DEFINITIONS = {
    Failure.LOST: (
        "Paid orders that nobody is moving, now: paid at the source and not here, in quarantine, or stuck in a stage "
        "beyond its normal time. An order counts once."
    ),
    Failure.WRONG: (
        "Wrong pieces of the last 7 days: refused scans of a wrong piece or of an unknown code, wrong items that came "
        "back, pieces that came back in the parcel of another order, and codes that stand for two variants."
    ),
    Failure.SLOW: (
        "Late orders: those of the last 7 days that were shipped after their promise (ship by), and those that are "
        "past it now and neither shipped nor lost."
    ),
}


class Stage(StrEnum):
    """Where an order that has not ended stands. Every such order stands in exactly one of them."""

    ARRIVAL = "arrival"
    QUARANTINE = "quarantine"
    INTAKE = "intake"
    HELD = "held"
    BACKORDER = "backorder"
    EXCHANGE = "exchange"
    MAKING = "making"
    PACKING = "packing"
    ANNOUNCING = "announcing"
    NOWHERE = "nowhere"


HOUR = 3600.0
# What is normal where there is little past. Where people work it is time of open doors, else time by the clock.
BY_OPEN_DOORS = frozenset({Stage.QUARANTINE, Stage.HELD, Stage.MAKING, Stage.PACKING})
USUAL: dict[Stage, float] = {
    Stage.ARRIVAL: HOUR / 4,
    Stage.QUARANTINE: 2 * HOUR,
    Stage.INTAKE: HOUR,
    Stage.HELD: 8 * HOUR,
    Stage.BACKORDER: 120 * HOUR,
    Stage.EXCHANGE: 336 * HOUR,
    Stage.MAKING: 8 * HOUR,
    Stage.PACKING: 4 * HOUR,
    Stage.ANNOUNCING: HOUR,
    Stage.NOWHERE: 0.0,
}
LEAST_PASSAGES = 20
PAST_DAYS = 60
_SHARE, _SLACK = 0.95, 1.5
_SHORTEST, _LONGEST = 0.25, 4.0


@dataclass(frozen=True, slots=True)
class Normal:
    """How long a stage normally takes at a place, in seconds; `passages` it was measured from, 0 for a default."""

    seconds: float
    passages: int


def normal_time(stage: Stage, past: Sequence[float]) -> Normal:
    """What nineteen in twenty passages took (nearest rank) and half as much again; the default under 20 passages.

    It is at least a quarter of the default and at most four times as much: a stage that is always slow must not
    become its own excuse.
    """
    usual = USUAL[stage]
    if len(past) < LEAST_PASSAGES:
        return Normal(usual, 0)
    ranked = sorted(past)[math.ceil(len(past) * _SHARE) - 1]
    return Normal(min(max(ranked * _SLACK, usual * _SHORTEST), usual * _LONGEST), len(past))


@dataclass(frozen=True, slots=True)
class Action:
    """What to do next in plain words, the command to type, and the staff page to open; the last two may be empty."""

    words: str
    command: str = ""
    page: str = ""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that went wrong. `kind` is a stable word, `subject` an order's number, a SKU, a place or a stage.

    `place` is a location or a channel. `minor` is what is at stake, or what it cost, in minor units of the shop's
    currency. `waited_s` and `normal_s` are seconds, None where nothing waits. `times` counts what is told at once.
    """

    failure: Failure
    kind: str
    subject: str
    place: str
    why: str
    action: Action
    stage: str = ""
    since: datetime | None = None
    waited_s: float | None = None
    normal_s: float | None = None
    minor: int = 0
    times: int = 1


@dataclass(frozen=True, slots=True)
class Number:
    """One failure as one number for the wall, over `of` (orders or pieces), and its money in minor units."""

    failure: Failure
    count: int
    of: int
    minor: int
