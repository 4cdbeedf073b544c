"""Where a parcel is: what its carrier said of it, in whatever order that came, made into one state.

What belongs here: the states, the moves between them, and what each asks of a person. What does not: one carrier's
words (`backroom.carriers`), storing (`backroom.store.tracking`).

What a carrier tells comes twice, late and out of order. So the state is made anew from everything that was told, by the
time at which each thing happened: the same news gives the same state, whichever way they came.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class ParcelState(StrEnum):
    """A parcel's way. ANNOUNCED has a label, and nobody has said that its carrier has it.

    FAILED is a delivery that was tried, or a parcel that is damaged or lost: it may still arrive. RETURNING is on its
    way back to us, RETURNED is here. CANCELLED is a label that was taken back.
    """

    ANNOUNCED = "announced"
    HANDED_OVER = "handed_over"
    IN_TRANSIT = "in_transit"
    OUT_FOR_DELIVERY = "out_for_delivery"
    AT_PICKUP_POINT = "at_pickup_point"
    DELIVERED = "delivered"
    FAILED = "failed"
    RETURNING = "returning"
    RETURNED = "returned"
    CANCELLED = "cancelled"


_S = ParcelState
_ON_ITS_WAY = frozenset({_S.IN_TRANSIT, _S.OUT_FOR_DELIVERY, _S.AT_PICKUP_POINT})
_ARRIVING = frozenset({_S.DELIVERED, _S.FAILED, _S.RETURNING, _S.RETURNED})

# What was driven out and not delivered goes back to the depot. Scans after a delivery are late ones; only a parcel that
# was refused afterwards, or delivered to the wrong door, still moves. A label that was taken back and is scanned all
# the same was used.
MOVES: Mapping[ParcelState, frozenset[ParcelState]] = {
    _S.ANNOUNCED: frozenset({_S.HANDED_OVER, _S.CANCELLED}) | _ON_ITS_WAY | _ARRIVING,
    _S.HANDED_OVER: _ON_ITS_WAY | _ARRIVING,
    _S.IN_TRANSIT: _ON_ITS_WAY | _ARRIVING,
    _S.OUT_FOR_DELIVERY: _ON_ITS_WAY | _ARRIVING,
    _S.AT_PICKUP_POINT: _ON_ITS_WAY | _ARRIVING,
    _S.FAILED: _ON_ITS_WAY | _ARRIVING,
    _S.DELIVERED: frozenset({_S.FAILED, _S.RETURNING, _S.RETURNED}),
    _S.RETURNING: frozenset({_S.RETURNED}),
    _S.RETURNED: frozenset(),
    _S.CANCELLED: frozenset({_S.HANDED_OVER}) | _ON_ITS_WAY | _ARRIVING,
}

# After these nothing is expected any more, and nobody is asked.
ENDED = frozenset({_S.DELIVERED, _S.RETURNED, _S.CANCELLED})

# Of things that happened at the same moment, the one further on its way counts as the later.
_RANK = {state: rank for rank, state in enumerate(ParcelState)}

# What a person is asked to do about a parcel, by the reason it is shown for.
WHAT_TO_DO: Mapping[str, str] = {
    "failed": "Its delivery failed. Ask the carrier why, and the customer whether the address is right.",
    "returning": "It is coming back to you. Ask the customer, then send it anew or pay it back when it is here.",
    "returned": "It came back. Scan its return label at the return station, then send it anew or pay it back.",
    "quiet": "Nobody has heard of it for long. Ask the carrier where it is.",
    "used_after_refund": "Its label was taken back, and the parcel is on its way: the carrier may charge it.",
    "refund_rejected": "The carrier pays nothing back for its label. Ask there why, if it was never used.",
    "uncollected": "Nobody has fetched it. Call the customer, then hand it over or put its pieces back.",
}


# What an order is held for, by what its parcel asks; the one further down is the graver.
HOLDS: Mapping[str, str] = {
    _S.FAILED.value: "delivery_failed",
    _S.RETURNING.value: "parcel_returning",
    _S.RETURNED.value: "parcel_returned",
}


@dataclass(frozen=True, slots=True)
class TrackingEvent:
    """One thing that happened to a parcel. `at` is when it happened, by whoever scanned it; `detail` is the carrier's
    code for it (`arrived_at_facility`), never a sentence: those name people and streets."""

    state: ParcelState
    at: datetime
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a parcel is, and since when; None for one of which nothing was told."""

    state: ParcelState
    since: datetime | None


def standing(events: Iterable[TrackingEvent]) -> Standing:
    """The state that all of these make, by their own times. Doubles and what cannot follow change nothing.

    What is delivered after it turned back was delivered to us.
    """
    now = Standing(_S.ANNOUNCED, None)
    for event in sorted(set(events), key=lambda one: (one.at, _RANK[one.state], one.detail)):
        state = event.state
        if state is _S.DELIVERED and now.state is _S.RETURNING:
            state = _S.RETURNED
        if state is not now.state and state in MOVES[now.state]:
            now = Standing(state, event.at)
    return now


def delivered_at(events: Iterable[TrackingEvent]) -> datetime | None:
    """When the customer got it, None for one that was not delivered to them, or came back since."""
    now = standing(events)
    return now.since if now.state is _S.DELIVERED else None


def hold_for(asked: Iterable[str]) -> str:
    """What an order is held for whose parcels ask for these (`asks_for`), the gravest of them; empty for none."""
    known = set(asked)
    return next((reason for ask, reason in reversed(list(HOLDS.items())) if ask in known), "")


def asks_for(state: ParcelState, *, refunded: bool = False) -> str:
    """Why a parcel in this state is shown to a person; empty where it is on its way. `refunded`: its label was
    taken back."""
    if refunded and state not in (_S.ANNOUNCED, _S.CANCELLED):
        return "used_after_refund"
    return state.value if state in (_S.FAILED, _S.RETURNING, _S.RETURNED) else ""
