"""News: what a source says later about an order that we have, and which of two messages is the newer one.

What belongs here: order in time, and what news of an order that has left the house asks of a person. What does not:
applying them (`tasks.news`), and what makes an order a Hold before (`validation`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import datetime, timedelta

from backroom.domain.model import Delivery, IncomingLine, PaymentStatus

# Of a parcel that left longer ago nobody can stop anything.
STILL_NEAR = timedelta(days=14)

# Why news make an order a Hold.
CANCELLED = "cancelled_after_label"
PAID_BACK = "refunded_after_label"
CHANGED = "changed_after_label"
DELETED = "deleted_at_channel"
WHILE_MAKING = "changed_while_making"
AFTER_LABEL = (CANCELLED, PAID_BACK, CHANGED, DELETED)
HOLDS = (*AFTER_LABEL, WHILE_MAKING)

_RANKS = {PaymentStatus.PENDING: 0, PaymentStatus.PAID: 1, PaymentStatus.REFUNDED: 2}


def finality(payment: PaymentStatus, *, cancelled: bool) -> int:
    """How far an order has gone at its source: waiting for money, paid, paid back, cancelled.

    Sources tick by the second. Of two messages of one second the one that goes further is the later: nothing that was
    paid back or cancelled is made because its messages changed places on the way.
    """
    return 3 if cancelled else _RANKS[payment]


def is_stale(known: tuple[datetime, int], news: tuple[datetime, int], *, same: bool) -> bool:
    """Whether news are older than what we know, or the same again. Both are (source's time, finality); `same` is
    whether nothing that matters for making and sending differs."""
    if news != known:
        return news < known
    return same


def asks(
    *,
    delivery: Delivery,
    left_at: datetime,
    at: datetime,
    cancelled: bool,
    paid_back: bool,
    comes_back: bool,
    changed: bool,
    fewer: bool,
    lies_ready: bool = False,
) -> str:
    """The reason for which a person must look at an order whose parcel is labelled or gone; empty where none must.
    What `lies_ready` for its customer can still be kept, however long it has.

    What comes back to us by a return (`comes_back`) is settled there. `changed` says that something differs that
    matters for making and sending, `fewer` that pieces were only taken off it: money was given back for them.
    `paid_back` says that all of its money was, after the label; what was so before it is no news.
    """
    over = delivery is not Delivery.SHIP or at - left_at > STILL_NEAR
    if (over and not lies_ready) or comes_back:
        return ""
    if paid_back:
        return PAID_BACK
    if cancelled:
        return CANCELLED
    return CHANGED if changed and not fewer else ""


def only_fewer(ours: Iterable[tuple[str, int]], lines: Iterable[IncomingLine]) -> bool:
    """Whether pieces were taken off what we have, `(sku, quantity)`, and none put to it."""
    had, has = Counter[str](), Counter[str]()
    for sku, quantity in ours:
        had[sku] += quantity
    for line in lines:
        has[line.sku] += line.quantity
    return has < had and has != had
