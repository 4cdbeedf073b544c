"""What becomes of the money of an order that is cancelled: whether it is owed back, and who pays it.

What belongs here: the rule, by who cancelled, how the order stands with its money, and what its channel can do. What
does not: how much a piece cost (`refunds`), and the rows (`backroom.store.cancelled_refunds`).

Whoever cancels an order at its channel settles its money there: nothing follows from it here. Where a channel's own
cancellation gives the money back, that is the only way: two ways would pay twice.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from backroom.domain.model import PaymentStatus

CANCELLED_THERE = "cancelled_at_channel"
DELETED_THERE = "deleted_at_channel"
# The reasons of cancellations that an order's source made.
BY_SOURCE = frozenset({CANCELLED_THERE, DELETED_THERE})


class Way(StrEnum):
    """How money comes back: NOTHING is owed, the channel's call for refunds pays it, its own cancellation does, or a
    person pays it in the channel's own pages."""

    NOTHING = "nothing"
    BY_CALL = "by_call"
    WITH_CANCELLATION = "with_cancellation"
    BY_HAND = "by_hand"


class Why(StrEnum):
    """Why a person has to pay it back."""

    NO_CALL = "no_call"
    CANCEL_THERE = "cancel_there"
    CHANGED_THERE = "changed_there"


WHAT_TO_DO: Mapping[str, str] = {
    Why.NO_CALL: "Its channel pays nothing back by itself. Pay it back there, or where it was paid, then say so here.",
    Why.CANCEL_THERE: (
        "At its channel a cancellation gives the money back, and was not told. Cancel it there, then say so here."
    ),
    Why.CHANGED_THERE: (
        "It was changed at its channel while it was made. Look there what was paid, pay that back, then say so here."
    ),
}


@dataclass(frozen=True, slots=True)
class CancelledOrder:
    """A cancelled order and its money, in minor units: `left_minor` is what it cost, less what was paid back before.

    `reason` is the code it was cancelled for; `kept` a person's word that its money stays; `exchange` says that it was
    sent for a piece that came back, whose money is the return's; `changed_there` that its source changed it after it
    was begun, so that what was paid is not known here.
    """

    reason: str
    payment: PaymentStatus
    left_minor: int
    kept: bool = False
    exchange: bool = False
    changed_there: bool = False


@dataclass(frozen=True, slots=True)
class ChannelMoney:
    """What an order's channel can do: pay back by a call, pay back by being told of the cancellation, and whether it
    is told of this one."""

    pays_back: bool
    cancelling_pays_back: bool
    told: bool


def is_owed(order: CancelledOrder) -> bool:
    """Whether anything is to be paid back: it was paid, and neither its source, a person nor a return settled that."""
    settled = order.reason in BY_SOURCE or order.kept or order.exchange
    return order.payment is PaymentStatus.PAID and order.left_minor > 0 and not settled


def way_of(channel: ChannelMoney, *, changed_there: bool) -> tuple[Way, Why | None]:
    """How what is owed comes back, and why a person has to pay it, where one has."""
    if channel.cancelling_pays_back:
        return (Way.WITH_CANCELLATION, None) if channel.told else (Way.BY_HAND, Why.CANCEL_THERE)
    if changed_there:
        return Way.BY_HAND, Why.CHANGED_THERE
    return (Way.BY_CALL, None) if channel.pays_back else (Way.BY_HAND, Why.NO_CALL)


def follows(order: CancelledOrder, channel: ChannelMoney) -> tuple[Way, Why | None]:
    """What follows from a cancellation: the whole rule in one."""
    return way_of(channel, changed_there=order.changed_there) if is_owed(order) else (Way.NOTHING, None)
