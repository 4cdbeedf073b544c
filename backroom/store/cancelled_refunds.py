"""Refunds of orders that were cancelled here: when one is owed, the waves that pay it, and how it is settled.

What belongs here: the rows. What does not: the rule (`backroom.domain.cancelling`), what all refunds share
(`refunds`), and paying (`tasks.pay_cancelled`).

One that waits is settled once: by its channel's answer, by the news that the channel paid it back on its own, by the
cancellation that the channel was told, or by a person's word. Whoever settles it, and whoever begins the call, holds
its row: there is never more than one of these.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, RowMapping, select, update

from backroom.domain.cancelling import CancelledOrder, Why, is_owed
from backroom.domain.model import OrderState, PaymentStatus
from backroom.domain.news import CHANGED as CHANGED_AFTER_LABEL
from backroom.domain.news import WHILE_MAKING
from backroom.domain.shop import Shop
from backroom.store import effects, history, refunds
from backroom.store.claim_rows import Work, claim_of_order, claim_wave
from backroom.store.claims import Claim, Wakeup, wakeup
from backroom.store.database import now
from backroom.store.news import CANCELLED
from backroom.store.refunds import OF_CANCELLED, WAITING, Owed, of_cancelled
from backroom.store.seals import Seals
from backroom.store.tables import channel_news, orders
from backroom.store.tables import refunds as table
from backroom.store.waiting import HEALTHY, is_due

STAGE = "refunds"
# What a wave may still do something about.
OPEN = OF_CANCELLED & (table.c.state == WAITING) & (table.c.by_hand == "")
# Holds of an order whose source changed it after it was begun.
_CHANGED = (WHILE_MAKING, CHANGED_AFTER_LABEL)
# How long a refund waits for its channel to be told of the cancellation that gives the money back.
LOOK_AGAIN = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Due:
    """A refund of a wave: how its order stands with its money at its channel, what became of the news of the
    cancellation there (empty where nobody tells it), whether it was changed there while it was made, and the state of
    its effect."""

    owed: Owed
    payment: PaymentStatus
    news: str
    changed_there: bool
    effect: str

    @property
    def is_begun(self) -> bool:
        """Whether its call was made, or may have been."""
        return self.effect in (effects.STARTED, effects.UNKNOWN, effects.DONE)


def owe(
    connection: Connection, order: RowMapping, reason: str, actor: str, at: datetime, *, kept: bool = False
) -> None:
    """Write what is owed for an order that is being cancelled, once; nothing by the rule, nothing is written.

    `order` is its row; `kept` is a person's word that the money stays.
    """
    goods_before, shipping_before = refunds.paid_back(connection, order["id"])
    left = order["total_minor"] - goods_before - shipping_before
    cancelled = CancelledOrder(
        reason, PaymentStatus(order["payment"]), left, kept=kept, exchange=order["return_id"] is not None
    )
    if not is_owed(cancelled) or find(connection, order["id"]) is not None:
        return
    shipping = min(max(order["shipping_minor"] - shipping_before, 0), left)
    key = f"refund-{order['number']}-{uuid.uuid4().hex[:12]}"
    refunds.write(
        connection,
        key,
        order["id"],
        left - shipping,
        shipping,
        order["currency"],
        at,
        priority=order["priority"],
    )
    told = {"amount_minor": left, "currency": order["currency"]}
    history.record(connection, [history.Entry(order["id"], "refund.planned", told)], at=at, actor=actor)


def owe_late(connection: Connection, order_id: int, at: datetime) -> None:
    """An order was paid after it had been cancelled here: what it cost is owed, as if it had been paid before."""
    order = connection.execute(select(orders).where(orders.c.id == order_id)).mappings().one()
    cancelled = history.newest(connection, order_id, "order.cancelled")
    if order["state"] == OrderState.CANCELLED:
        owe(connection, order, str(cancelled.get("reason", "")), "", at, kept=bool(cancelled.get("kept")))


def find(connection: Connection, order_id: int) -> RowMapping | None:
    """The refund of a cancelled order, None where it has none."""
    return connection.execute(select(table).where(of_cancelled(order_id))).mappings().one_or_none()


def wakeups(connection: Connection, shop: Shop) -> list[Wakeup]:
    """The wake-up of whoever pays, where something waits for it. Add it to what a cancellation owes."""
    return [wakeup(connection, STAGE, shop.hub)] if waits(connection) else []


def waits(connection: Connection) -> bool:
    """Whether a wave has something to do now."""
    query = select(table.c.id).where(OPEN, is_due(table, now(connection))).limit(1)
    return connection.execute(query).first() is not None


def claim_waiting(connection: Connection, *, hub: str, instance: str, run_id: str, most: int) -> Claim | None:
    """Claim refunds of cancelled orders that are to be paid; None when nothing waits."""
    taken = claim_wave(connection, _work(hub), instance=instance, run_id=run_id, most=most)
    return taken[0] if taken else None


def claim_order(connection: Connection, order_id: int, *, hub: str, instance: str, run_id: str) -> Claim | None:
    """Claim that of one order, sick or not; None when there is none or another run holds it."""
    taken = claim_of_order(connection, _work(hub), order_id, instance=instance, run_id=run_id)
    return taken[0] if taken else None


def claimed(connection: Connection, seals: Seals, token: str) -> list[Due]:
    """The wave's refunds, in the order in which they are paid."""
    query = refunds.listed().where(table.c.claim_token == token, OPEN).order_by(table.c.priority, table.c.id)
    found = refunds.read(connection, seals, query)
    begun = effects.read(connection, [one.key for one in found])
    paid = _payments(connection, [one.order_id for one in found])
    return [
        Due(
            owed,
            paid[owed.order_id],
            _told(connection, owed.order_id),
            any(one.get("reason") in _CHANGED for one in history.all_of(connection, owed.order_id, "order.held")),
            begun[owed.key]["state"] if owed.key in begun else effects.PLANNED,
        )
        for owed in found
    ]


def still_waiting(connection: Connection, keys: Iterable[str]) -> set[str]:
    """Those of these refunds that nobody has settled, nor the channel by itself. Nobody else does until the commit."""
    query = (
        select(table.c.key)
        .join(orders, orders.c.id == table.c.order_id)
        .where(table.c.key.in_(list(keys)), table.c.state == WAITING, orders.c.payment != PaymentStatus.REFUNDED)
    )
    return set(connection.execute(query.with_for_update(of=table)).scalars())


def paid_by_channel(connection: Connection, owed: Owed, paid_minor: int, reference: str, at: datetime) -> None:
    """The channel paid it back when it was asked to, under its own reference."""
    told = {"paid_minor": paid_minor, "currency": owed.currency, "reference": reference}
    if refunds.settle(connection, of_cancelled(owed.order_id), paid_minor, reference, at):
        history.record(connection, [history.Entry(owed.order_id, "refund.paid", told)], at=at)


def paid_with_cancellation(connection: Connection, owed: Owed, at: datetime) -> None:
    """The channel was told of the cancellation, which gives the money back there."""
    _settled_there(connection, owed.order_id, owed.key, owed.amount_minor, "cancellation", at)


def paid_there(connection: Connection, order_id: int, at: datetime, *, asked: bool = False) -> bool:
    """The channel says that it has paid the order back on its own: nothing is owed any more. Whether this settled it.

    A call of ours that was begun stays as it is: what the channel says may be its echo, and its outcome is asked for.
    With `asked` it was, and nothing had come of it.
    """
    row = (
        connection.execute(select(table).where(of_cancelled(order_id), table.c.state == WAITING).with_for_update())
        .mappings()
        .one_or_none()
    )
    if row is None:
        return False
    effect = effects.read(connection, [row["key"]]).get(row["key"])
    if effect is not None and not asked and effect["state"] not in (effects.PLANNED, effects.FAILED):
        return False
    _settled_there(connection, order_id, row["key"], row["goods_minor"] + row["shipping_minor"], "channel", at)
    return True


def confirm(connection: Connection, number: str, paid_minor: int, reference: str, actor: str) -> bool:
    """A person's word that a cancelled order was paid back in the channel's own pages, as `refunds.confirm` takes it;
    whether they were the first to say so."""
    at = now(connection)
    order_id = connection.execute(select(orders.c.id).where(orders.c.number == number)).scalar_one_or_none()
    if order_id is None:
        raise refunds.NothingOwed(f"there is no order {number}")
    before = refunds.confirm(connection, of_cancelled(order_id), number, paid_minor, reference, actor, at)
    if before["state"] != WAITING:
        return False
    told = {"paid_minor": paid_minor, "currency": before["currency"], "reference": reference}
    history.record(connection, [history.Entry(order_id, "refund.confirmed", told)], at=at, actor=actor)
    return True


def leave_to_person(connection: Connection, token: str, why: Mapping[int, Why]) -> None:
    """Say why a person has to pay these (by their ids) back, and give them up."""
    for id_, code in why.items():
        mine = update(table).where(table.c.id == id_, table.c.claim_token == token, table.c.state == WAITING)
        connection.execute(mine.values(by_hand=code, claim_token=None, attempts=0, next_attempt_at=None, **HEALTHY))


def put_off(connection: Connection, token: str, ids: Sequence[int], until: datetime) -> None:
    """Give up refunds that wait for their channel to be told of the cancellation."""
    for id_ in ids:
        mine = update(table).where(table.c.id == id_, table.c.claim_token == token, table.c.state == WAITING)
        connection.execute(mine.values(claim_token=None, attempts=0, next_attempt_at=until, **HEALTHY))


def try_again(connection: Connection, order_id: int) -> bool:
    """Have a wave look anew at what a person was to pay, for its channel may pay it by now; whether there is any."""
    again = update(table).where(of_cancelled(order_id), table.c.state == WAITING)
    return connection.execute(again.values(by_hand="")).rowcount == 1


def drop(connection: Connection, order_ids: Iterable[int]) -> None:
    """Nobody pays these orders' refunds any more."""
    for order_id in order_ids:
        waiting = update(table).where(of_cancelled(order_id), table.c.state == WAITING)
        connection.execute(waiting.values(state=refunds.DROPPED, claim_token=None, **HEALTHY))


def _settled_there(connection: Connection, order_id: int, key: str, minor: int, by: str, at: datetime) -> None:
    if not refunds.settle(connection, of_cancelled(order_id), minor, "", at):
        return
    answer = {"by": by, "provider": "", "paid_minor": minor, "reference": ""}
    effects.settle(connection, [effects.Outcome(key, effects.DONE, answer)], "", at)
    told = {"paid_minor": minor, "by": by}
    history.record(connection, [history.Entry(order_id, "refund.paid_there", told)], at=at)


def _payments(connection: Connection, order_ids: Sequence[int]) -> dict[int, PaymentStatus]:
    query = select(orders.c.id, orders.c.payment).where(orders.c.id.in_(order_ids))
    return {row.id: PaymentStatus(row.payment) for row in connection.execute(query)}


def _told(connection: Connection, order_id: int) -> str:
    query = select(channel_news.c.state).where(channel_news.c.order_id == order_id, channel_news.c.kind == CANCELLED)
    return str(connection.execute(query.order_by(channel_news.c.id.desc()).limit(1)).scalar_one_or_none() or "")


def _work(hub: str) -> Work:
    return Work(table, OPEN, STAGE, hub)
