"""News: what a source says later about an order that we have, applied by the source's own clock.

What belongs here: which of our steps an update, a cancellation, a refund or a deletion leads to, by where the order
stands. What does not: reading messages (`tasks.validate`), and which of two is the newer one (`backroom.domain.news`).

It does not matter in which order messages come, or whether a webhook or a look brought them: each tells the whole state
of an order at a moment of its source, and the newest one stands in the end.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, RowMapping

from backroom.domain import news as rules
from backroom.domain.cancelling import CANCELLED_THERE
from backroom.domain.model import Delivery, OrderState, PaymentStatus, StepOutcome
from backroom.domain.own_artwork import base_of
from backroom.store import cancelled_refunds, cancelling, desk, history, orders
from backroom.store.claims import Claim
from backroom.store.order_rows import NewOrder, held_for
from backroom.store.parcel_desk import lies_ready
from backroom.store.returns import of_order

BEFORE_WORK = (OrderState.ACCEPTED, OrderState.ROUTED, OrderState.RESERVED, OrderState.BACKORDERED)
_REFUNDED = "payment_refunded"
_OF_PAYMENT = ("payment_pending", _REFUNDED)
# Holds for what the source itself said: its newer words may end them.
_OF_ITS_WORDS = frozenset(
    {*_OF_PAYMENT, "unknown_sku", "artwork_unfit", "address", "address_incomplete", "unreachable", "location_missing"}
    | {"totals_do_not_add_up", "currency_not_ours", "email_unusable", "phone_unusable", rules.WHILE_MAKING}
)
_ENDINGS = (rules.CANCELLED, rules.PAID_BACK, rules.DELETED)


def apply_news(
    connection: Connection, known: orders.KnownOrder, news: NewOrder, claim: Claim, at: datetime
) -> StepOutcome:
    """Apply what a source says later about an order we have.

    Nothing begun: it starts over. Being made: what does not touch the making is noted, the rest is a Hold for a
    person. A cancellation is carried out until the label, and is a Hold after it, as is any other change then. The
    outcome is `waiting` where a label is just being bought: come back in a moment.
    """
    incoming = news.incoming
    changed = news.fingerprint != known.fingerprint
    ours = known.source_at, rules.finality(known.payment, cancelled=known.state is OrderState.CANCELLED)
    theirs = incoming.updated_at, rules.finality(incoming.payment, cancelled=incoming.cancelled)
    if rules.is_stale(ours, theirs, same=not changed):
        return _told(connection, known, "news.stale", {}, claim, at, "stale")
    order = desk.find(connection, known.number)
    if (
        known.state is OrderState.CANCELLED
        and not incoming.cancelled
        and news.key
        and _cancelled_there(connection, known)
    ):
        return _reopen(connection, known, news, claim, at)
    if known.state in desk.ENDED:
        return _late(connection, known, news, order, claim, at)
    if incoming.cancelled:
        return _cancel(connection, known, news, claim, at)
    held_at_intake = known.state is OrderState.HELD and not order["held_from"]
    if known.state in BEFORE_WORK or held_at_intake or (changed and known.state is OrderState.RELEASED):
        return _start_over(connection, known, news, claim, at)
    if changed and known.state is OrderState.HELD:
        return _change_held(connection, known, news, order, claim, at)
    orders.note_news(connection, known.id, news)
    reason = _paid_back(connection, known) if news.hold_reason == _REFUNDED else news.hold_reason
    # What a person was asked about already, and let go on, is not asked again because the source repeats it.
    asked = any(_asked(connection, known.id, one) for one in (reason, news.hold_reason))
    same = not changed and incoming.payment is known.payment and asked
    if reason and not same:
        return _hold(connection, known, reason)
    if known.state is OrderState.HELD and order["hold_reason"] in _OF_PAYMENT and not news.hold_reason:
        if _changed_beneath(connection, known.id):
            return _hold(connection, known, rules.WHILE_MAKING)
        # What this owes in wake-ups the sweep sends, within a minute.
        desk.release(connection, known.number, "", claim.location)
        return _told(connection, known, "news.noted", {"paid": True}, claim, at, "advanced")
    return _told(connection, known, "news.noted", {"changed": changed}, claim, at)


def apply_deletion(
    connection: Connection, known: orders.KnownOrder, said_at: datetime, claim: Claim, at: datetime
) -> StepOutcome:
    """An order was deleted at its source. What the source said of a later moment stands, and what it said before does
    not bring the order back, whenever that comes."""
    if known.source_at > said_at:
        return _told(connection, known, "news.stale", {"deleted": True}, claim, at, "stale")
    if known.state in desk.ENDED:
        orders.date_news(connection, known.id, said_at)
        return _told(connection, known, "news.noted", {"deleted": True}, claim, at)
    try:
        cancelling.cancel(connection, known.number, "", rules.DELETED)
    except desk.BeingWorkedOn:
        return StepOutcome(known.number, "waiting", "being_labelled")
    except desk.NotPossibleNow:
        orders.date_news(connection, known.id, said_at)
        return _hold_at_its_end(connection, known, rules.DELETED, claim, at)
    orders.date_news(connection, known.id, said_at)
    return StepOutcome(known.number, "cancelled", rules.DELETED)


def _start_over(
    connection: Connection, known: orders.KnownOrder, news: NewOrder, claim: Claim, at: datetime
) -> StepOutcome:
    if not desk.start_over(connection, known.id):
        return _change_begun(connection, known, news)
    return _begin_again(connection, known, news, claim, at)


def _change_begun(connection: Connection, known: orders.KnownOrder, news: NewOrder) -> StepOutcome:
    """It was changed after its work began, and is made as it was: a person compares the two. That it was paid back
    whole weighs more, and they hear of that first."""
    orders.note_news(connection, known.id, news)
    outcome = _hold(connection, known, rules.CHANGED if desk.is_labelled(connection, known.id) else rules.WHILE_MAKING)
    if _newly_paid_back(known, news):
        outcome = _hold(connection, known, _paid_back(connection, known))
    return outcome


def _begin_again(
    connection: Connection, known: orders.KnownOrder, news: NewOrder, claim: Claim, at: datetime
) -> StepOutcome:
    """With the newer words, from the beginning."""
    state = OrderState.HELD if news.hold_reason else OrderState.ACCEPTED
    orders.apply_news(connection, known, news, state=state, token=None if news.hold_reason else claim.token)
    _told(connection, known, "order.changed", {"reason": news.hold_reason}, claim, at)
    return StepOutcome(known.number, "held" if news.hold_reason else "advanced", news.hold_reason)


def _change_held(
    connection: Connection,
    known: orders.KnownOrder,
    news: NewOrder,
    order: RowMapping,
    claim: Claim,
    at: datetime,
) -> StepOutcome:
    """A held order was changed. Before any work it takes the newer words; what somebody of the shop holds stays held,
    what was held for the source's own words is judged by the newer ones. After that a person must know of them."""
    if not desk.start_over(connection, known.id):
        return _change_begun(connection, known, news)
    if order["hold_reason"] in _OF_ITS_WORDS:
        return _begin_again(connection, known, news, claim, at)
    reason = news.hold_reason or order["hold_reason"]
    kept = held_for(news, reason)
    orders.apply_news(connection, known, kept, state=OrderState.HELD, token=None, held_from=OrderState.ACCEPTED.value)
    _told(connection, known, "order.changed", {"reason": reason}, claim, at)
    return StepOutcome(known.number, "held", reason)


def _cancel(
    connection: Connection, known: orders.KnownOrder, news: NewOrder, claim: Claim, at: datetime
) -> StepOutcome:
    try:
        cancelling.cancel(connection, known.number, "", CANCELLED_THERE)
    except desk.BeingWorkedOn:
        return StepOutcome(known.number, "waiting", "being_labelled")
    except desk.NotPossibleNow:
        orders.note_news(connection, known.id, news)
        reason = rules.PAID_BACK if _newly_paid_back(known, news) else rules.CANCELLED
        return _hold_at_its_end(connection, known, reason, claim, at)
    orders.note_late_news(connection, known.id, news)
    return StepOutcome(known.number, "cancelled")


def _reopen(
    connection: Connection, known: orders.KnownOrder, news: NewOrder, claim: Claim, at: datetime
) -> StepOutcome:
    """Its source had cancelled it and takes that back: a payment came after the time for it was over."""
    _told(connection, known, "order.reopened", {}, claim, at)
    return _begin_again(connection, known, news, claim, at)


def _late(
    connection: Connection,
    known: orders.KnownOrder,
    news: NewOrder,
    order: RowMapping,
    claim: Claim,
    at: datetime,
) -> StepOutcome:
    """It has ended here. Where its parcel may still be stopped, a person is asked; the rest is noted."""
    incoming = news.incoming
    reason = ""
    if known.state is OrderState.FULFILLED:
        had = [(base_of(line["sku"]), line["quantity"]) for line in orders.lines_of(connection, [known.id])[known.id]]
        reason = rules.asks(
            delivery=Delivery(order["delivery"]),
            left_at=order["ended_at"] or at,
            at=at,
            cancelled=incoming.cancelled,
            paid_back=_newly_paid_back(known, news),
            comes_back=bool(of_order(connection, known.id)),
            changed=news.fingerprint != known.fingerprint,
            fewer=rules.only_fewer(had, incoming.lines),
            lies_ready=lies_ready(connection, known.id),
        )
    orders.note_late_news(connection, known.id, news)
    if known.state is OrderState.CANCELLED:
        _settle_money(connection, known, news, at)
    if reason in _ENDINGS:
        return _hold_at_its_end(connection, known, reason, claim, at)
    if reason:
        return _hold(connection, known, reason)
    told: dict[str, object] = {"cancelled": incoming.cancelled, "payment": incoming.payment.value}
    late = incoming.cancelled and known.state is OrderState.FULFILLED
    return _told(connection, known, "news.too_late" if late else "news.noted", told, claim, at)


def _settle_money(connection: Connection, known: orders.KnownOrder, news: NewOrder, at: datetime) -> None:
    """It was cancelled before: what its channel has paid back is not owed any more, and what was paid too late is."""
    if news.incoming.payment is PaymentStatus.REFUNDED:
        cancelled_refunds.paid_there(connection, known.id, at)
    elif known.payment is PaymentStatus.PENDING and not news.incoming.cancelled:
        # What this owes in wake-ups the sweep sends, within a minute.
        cancelled_refunds.owe_late(connection, known.id, at)


def _hold_at_its_end(
    connection: Connection, known: orders.KnownOrder, reason: str, claim: Claim, at: datetime
) -> StepOutcome:
    """Cancelled, paid back or deleted after its label: a person is asked once. A source repeats it with all that it
    says later."""
    if any(_asked(connection, known.id, one) for one in _ENDINGS):
        return _told(connection, known, "news.noted", {"cancelled": True}, claim, at)
    return _hold(connection, known, reason)


def _newly_paid_back(known: orders.KnownOrder, news: NewOrder) -> bool:
    """Whether it was paid back whole since we last heard: of what was so before its label, a person has decided."""
    return news.incoming.payment is PaymentStatus.REFUNDED and known.payment is not PaymentStatus.REFUNDED


def _paid_back(connection: Connection, known: orders.KnownOrder) -> str:
    """Why an order is held that was paid back whole: after its label it cannot simply be cancelled."""
    return rules.PAID_BACK if desk.is_labelled(connection, known.id) else _REFUNDED


def _changed_beneath(connection: Connection, order_id: int) -> bool:
    """Whether an order that is held for its payment was held for a change just before: both were told at once."""
    reasons = [data.get("reason") for data in history.all_of(connection, order_id, "order.held")]
    return reasons[-2:-1] == [rules.WHILE_MAKING]


def _hold(connection: Connection, known: orders.KnownOrder, reason: str) -> StepOutcome:
    desk.hold_for_news(connection, known.number, reason)
    return StepOutcome(known.number, "held", reason)


def _asked(connection: Connection, order_id: int, reason: str) -> bool:
    """Whether an order was on hold for this reason before."""
    return any(data.get("reason") == reason for data in history.all_of(connection, order_id, "order.held"))


def _cancelled_there(connection: Connection, known: orders.KnownOrder) -> bool:
    """Whether it was its source that cancelled it, and nobody here."""
    cancelled = history.all_of(connection, known.id, "order.cancelled")
    return bool(cancelled) and cancelled[-1].get("reason") in ("", CANCELLED_THERE, rules.DELETED)


def _told(
    connection: Connection,
    known: orders.KnownOrder,
    event: str,
    data: dict[str, object],
    claim: Claim,
    at: datetime,
    result: str = "changed",
) -> StepOutcome:
    history.record(connection, [history.Entry(known.id, event, data)], at=at, run_id=claim.run_id)
    return StepOutcome(known.number, result)
