"""What is fetched by its customer: how long it waits, and what is done about it.

What belongs here: the states and the dates. What does not: how a parcel is sent (`tracking`), storing
(`backroom.store.parcel_desk`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Literal


class CollectState(StrEnum):
    """READY lies at its place; COLLECTED was handed over to whoever showed its code; PUT_BACK was never fetched."""

    READY = "ready"
    COLLECTED = "collected"
    PUT_BACK = "put_back"


MOVES: dict[CollectState, frozenset[CollectState]] = {
    CollectState.READY: frozenset({CollectState.COLLECTED, CollectState.PUT_BACK}),
    CollectState.COLLECTED: frozenset(),
    CollectState.PUT_BACK: frozenset({CollectState.COLLECTED}),
}


@dataclass(frozen=True, slots=True)
class ParcelRules:
    """What the shop does about parcels after their label (`[parcels]` of the shop file).

    After `ask_hours` without news a carrier is asked; after `quiet_days` somebody is shown the parcel. What lies ready
    is reminded of after `remind_days`, and shown to somebody after `keep_days`. 0 is never. `tell` are the messages
    that customers get, of TOLD.
    """

    ask_hours: int = 6
    quiet_days: int = 10
    remind_days: int = 3
    keep_days: int = 14
    tell: tuple[str, ...] = ("delivered", "delivery_failed", "collect_reminder")


TOLD = ("delivered", "delivery_failed", "collect_reminder")


def due(
    ready_at: datetime, at: datetime, rules: ParcelRules, *, reminded: bool
) -> Literal["", "remind", "uncollected"]:
    """What is due about something that lies ready: the last step first, so that what was missed is not made up for."""
    waits = at - ready_at
    if rules.keep_days and waits >= timedelta(days=rules.keep_days):
        return "uncollected"
    if rules.remind_days and waits >= timedelta(days=rules.remind_days) and not reminded:
        return "remind"
    return ""
