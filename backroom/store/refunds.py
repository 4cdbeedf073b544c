"""Refunds: what is owed for a return or a cancelled order, as a row and as a planned effect, and how it is settled.

What belongs here: what both kinds share. What does not: when one is owed for a cancelled order, and the waves that pay
it (`backroom.store.cancelled_refunds`).

An effect `refund` is planned in the commit that makes it due: its request is who is paid by which payment, how much.
Where nothing of ours can pay it, it stays planned, nothing was begun, and a person pays it in the channel's own pages
and says so here.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, RowMapping, Select, func, insert, select, update

from backroom.domain.errors import Refuse, Retry
from backroom.domain.shop import Shop
from backroom.store import effects
from backroom.store.order_rows import TOKEN_CONTEXT
from backroom.store.people import load
from backroom.store.seals import Seals, unseal
from backroom.store.tables import orders, refunds, returns
from backroom.store.waiting import HEALTHY

KIND = "refund"
# DROPPED: nobody pays it any more, for its customer was forgotten before.
WAITING, DONE, DROPPED = "waiting", "done", "dropped"
# Those of orders that were cancelled are no return's.
OF_CANCELLED = refunds.c.return_id.is_(None)
# An id, so that nobody writes a name into it.
_REFERENCE = re.compile(r"[A-Za-z0-9#._:/-]{0,100}")


class NothingOwed(Refuse):
    """No refund was planned for this return, or this order."""

    cause = "nothing_owed"


class BeingPaid(Retry):
    """The channel is paying it back at this moment, or was when its run ended: that run's next try finds out."""

    cause = "being_paid"


class NotPayable(Refuse):
    """What somebody says was paid back cannot be."""

    cause = "not_payable"


@dataclass(frozen=True, slots=True)
class Owed:
    """A refund that waits: for which return of which order, how much (minor units), and by which payment it is paid
    back: that of the channel's own order `external_id`, whose id at the payment provider is `payment_token`.

    `number` is the return's, or the order's where `of_return` says that it is none's: that order was cancelled, and
    `by_hand` is a code of `backroom.domain.cancelling.Why` where a person has to pay it. `trouble` says why the channel
    that pays back by itself did not; empty while nothing is known to be wrong.
    """

    id: int
    key: str
    order_id: int
    number: str
    order_number: str
    goods_minor: int
    shipping_minor: int
    currency: str
    planned_at: datetime
    channel: str
    external_id: str
    payment_token: str = field(repr=False)
    trouble: str = ""
    of_return: bool = True
    by_hand: str = ""

    @property
    def amount_minor(self) -> int:
        return self.goods_minor + self.shipping_minor


def plan(connection: Connection, back: RowMapping, goods_minor: int, shipping_minor: int, at: datetime) -> None:
    """Write what is owed for a return, once, with the effect that pays it."""
    key = f"refund-{back['number']}-{back['key']}"
    write(connection, key, back["order_id"], goods_minor, shipping_minor, back["currency"], at, return_id=back["id"])


def write(
    connection: Connection,
    key: str,
    order_id: int,
    goods_minor: int,
    shipping_minor: int,
    currency: str,
    at: datetime,
    *,
    return_id: int | None = None,
    priority: int = 5,
) -> None:
    """Write a refund's row and plan its effect."""
    connection.execute(
        insert(refunds).values(
            key=key,
            return_id=return_id,
            order_id=order_id,
            goods_minor=goods_minor,
            shipping_minor=shipping_minor,
            currency=currency,
            state=WAITING,
            priority=priority,
            planned_at=at,
        )
    )
    paid_by = payer(connection, order_id)
    asked = _hash(paid_by["channel"], paid_by["external_id"], goods_minor + shipping_minor, currency)
    effects.plan(connection, [effects.Plan(key, KIND, order_id, asked)], "", at)


def request_hash_of(owed: Owed) -> str:
    """What a refund asks for, as the ledger keeps it."""
    return _hash(owed.channel, owed.external_id, owed.amount_minor, owed.currency)


def _hash(channel: str, external_id: str, amount_minor: int, currency: str) -> str:
    asked = {"channel": channel, "external_id": external_id, "amount_minor": amount_minor, "currency": currency}
    return effects.request_hash(asked)


def payer(connection: Connection, order_id: int) -> RowMapping:
    """The order whose payment paid for this one: itself, or the first of a chain of exchanges."""
    columns = (orders.c.id, orders.c.number, orders.c.channel, orders.c.external_id, orders.c.person_id)
    while True:
        row = (
            connection.execute(
                select(*columns, orders.c.payment_token, orders.c.return_id).where(orders.c.id == order_id)
            )
            .mappings()
            .one()
        )
        if row["return_id"] is None:
            return row
        first = select(returns.c.order_id).where(returns.c.id == row["return_id"])
        order_id = connection.execute(first).scalar_one()


def paid_back(connection: Connection, order_id: int) -> tuple[int, int]:
    """What is owed or paid back for an order so far, in minor units: for goods, for shipping."""
    query = select(
        func.coalesce(func.sum(refunds.c.goods_minor), 0), func.coalesce(func.sum(refunds.c.shipping_minor), 0)
    )
    goods, shipping = connection.execute(query.where(refunds.c.order_id == order_id)).one()
    return int(goods), int(shipping)


def waiting(
    connection: Connection, seals: Seals, numbers: Collection[str] | None = None, most: int = 200
) -> list[Owed]:
    """Refunds that are not paid yet, the oldest first; those of these returns, where they are named."""
    query = listed().where(refunds.c.state == WAITING).order_by(refunds.c.id).limit(most)
    if numbers is not None:
        query = query.where(returns.c.number.in_(sorted(numbers)))
    return read(connection, seals, query)


def read(connection: Connection, seals: Seals, query: Select[tuple[Any, ...]]) -> list[Owed]:
    """The refunds that a query over `listed` names."""
    found = []
    for row in connection.execute(query).mappings().all():
        paid_by = payer(connection, row["order_id"])
        found.append(
            Owed(
                id=row["id"],
                key=row["key"],
                order_id=row["order_id"],
                number=row["number"] or row["order_number"],
                order_number=row["order_number"],
                goods_minor=row["goods_minor"],
                shipping_minor=row["shipping_minor"],
                currency=row["currency"],
                planned_at=row["planned_at"],
                channel=paid_by["channel"],
                external_id=paid_by["external_id"],
                payment_token=_token(connection, seals, paid_by),
                trouble=row["sick_reason"] or row["return_trouble"] or "",
                of_return=row["return_id"] is not None,
                by_hand=row["by_hand"],
            )
        )
    return found


def _token(connection: Connection, seals: Seals, paid_by: RowMapping) -> str:
    if paid_by["payment_token"] is None:
        return ""
    key = load(connection, seals, [paid_by["person_id"]])[paid_by["person_id"]].key
    return unseal(key, paid_by["payment_token"], TOKEN_CONTEXT).decode()


def settle(connection: Connection, which: ColumnElement[bool], paid_minor: int, reference: str, at: datetime) -> bool:
    """Write that a refund is paid, once; whether this did. It is free and well then."""
    waits = update(refunds).where(which, refunds.c.state == WAITING)
    settled = {"state": DONE, "paid_minor": paid_minor, "reference": reference, "settled_at": at}
    well = {"claim_token": None, "next_attempt_at": None, **HEALTHY}
    return connection.execute(waits.values(**settled, **well)).rowcount == 1


def of_return(return_id: int) -> ColumnElement[bool]:
    return refunds.c.return_id == return_id


def of_cancelled(order_id: int) -> ColumnElement[bool]:
    return OF_CANCELLED & (refunds.c.order_id == order_id)


def confirm(
    connection: Connection,
    which: ColumnElement[bool],
    number: str,
    paid_minor: int,
    reference: str,
    actor: str,
    at: datetime,
) -> RowMapping:
    """A person's word that a refund was paid at its channel: so much, under that reference (an id of the channel's, no
    words). `which` is `of_return` or `of_cancelled`, and `number` its return's or its order's. Saying it twice changes
    nothing.

    NothingOwed where no refund waits; NotPayable for less than nothing, or more than the order had cost; BeingPaid
    while the channel is just paying it.
    """
    if not _REFERENCE.fullmatch(reference):
        raise NotPayable("that is no reference", remedy="Write the refund's id as the channel shows it, or nothing.")
    query = listed().add_columns(orders.c.total_minor).where(which)
    row = connection.execute(query.with_for_update(of=refunds)).mappings().one_or_none()
    if row is None:
        raise NothingOwed(f"nothing is owed for {number}")
    if not 0 <= paid_minor <= row["total_minor"]:
        raise NotPayable(f"{row['order_number']} did not cost that much", remedy="Write what was paid back.")
    if row["state"] == WAITING:
        if effects.read(connection, [row["key"]])[row["key"]]["state"] == effects.STARTED:
            raise BeingPaid(f"the refund of {number} is being paid just now", remedy="Look again in a minute.")
        settle(connection, which, paid_minor, reference, at)
        answer = {"by": actor, "provider": "by hand", "paid_minor": paid_minor, "reference": reference}
        effects.settle(connection, [effects.Outcome(row["key"], effects.DONE, answer)], "", at)
    return row


def cancelled_order(connection: Connection, number: str) -> RowMapping | None:
    """The refund of the cancelled order with this number; None where it has none, or the number is a return's."""
    query = select(refunds).join(orders, orders.c.id == refunds.c.order_id)
    query = query.where(orders.c.number == number, OF_CANCELLED)
    return connection.execute(query).mappings().one_or_none()


def by_itself(shop: Shop, owed: Owed) -> bool:
    """Whether it is paid back without anybody's hand."""
    if owed.trouble or owed.by_hand:
        return False
    cancelling = not owed.of_return and shop.cancelling_pays_back(owed.channel)
    return cancelling or shop.pays_back(owed.channel)


def listed() -> Select[tuple[Any, ...]]:
    """Refunds, each with its order's number and, where it is a return's, that one's number and trouble."""
    of_return = (returns.c.number, returns.c.sick_reason.label("return_trouble"))
    return (
        select(refunds, *of_return, orders.c.number.label("order_number"))
        .outerjoin(returns, returns.c.id == refunds.c.return_id)
        .join(orders, orders.c.id == refunds.c.order_id)
    )
