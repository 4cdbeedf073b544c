"""Forgetting a person: their key and look-ups are destroyed, and everything that was sealed with it is emptied.

What belongs here: the rows. What does not: what lies in files, and the journal beside the database
(`backroom.privacy.erasure`); which table holds what (`personal`).

The rule: nobody is forgotten while we still owe them something, which is an order or a return that has not ended, money
for an order that was cancelled, or a message that nobody has read. Only where a backup was put back and they had been
forgotten before is what is open closed instead.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, RowMapping, delete, func, literal, select, update

from backroom.domain.errors import Refuse
from backroom.domain.lifecycle import Kind, ends
from backroom.domain.model import FulfilmentState, InboxState, OrderState
from backroom.domain.returns import ReturnState
from backroom.store import cancelled_refunds, cancelling, desk, history, stock
from backroom.store import returns as back
from backroom.store.batches import insert_new
from backroom.store.database import now, overwrite_deleted
from backroom.store.messages import FAILED, SKIPPED, WAITING
from backroom.store.moves import moving
from backroom.store.opt_ins import REFUSED
from backroom.store.personal import HOLDINGS, Whose
from backroom.store.refunds import OF_CANCELLED
from backroom.store.refunds import WAITING as OWED
from backroom.store.tables import (
    erasures,
    fulfilment_orders,
    inbox,
    messages,
    opt_ins,
    orders,
    people,
    quarantine,
    refunds,
    returns,
)
from backroom.store.waiting import HEALTHY

CLOSED_FOR_GOOD = "customer_forgotten"
_ENDED_PARTS = ends(Kind.FULFILMENT)


class StillServed(Refuse):
    """Somebody cannot be forgotten while we still owe them a parcel."""

    cause = "still_served"


class NoSuchPerson(Refuse):
    """Nobody has this number, or they are forgotten already."""

    cause = "no_such_person"


@dataclass(frozen=True, slots=True)
class Forgotten:
    """What was done: when the person was first heard of, rows emptied or deleted by table, and the keys destroyed."""

    since: datetime
    rows: Mapping[str, int]
    destroyed: Sequence[bytes]


def open_work(connection: Connection, whose: Whose) -> list[str]:
    """What still keeps somebody from being forgotten: numbers of orders and returns that have not ended, and of
    cancelled orders that are not paid back; and unread messages."""
    under_way = select(orders.c.number).where(orders.c.id.in_(whose.orders), orders.c.state.not_in(desk.ENDED))
    unread = select(inbox.c.id).where(inbox.c.id.in_(whose.inbox), inbox.c.state == InboxState.WAITING)
    coming_back = select(returns.c.number).where(returns.c.order_id.in_(whose.orders), back.UNDER_WAY)
    owed = select(orders.c.number).join(refunds, refunds.c.order_id == orders.c.id)
    owed = owed.where(orders.c.id.in_(whose.orders), OF_CANCELLED, refunds.c.state == OWED)
    numbers = list(connection.execute(under_way.order_by(orders.c.id)).scalars())
    numbers += connection.execute(owed.order_by(orders.c.id)).scalars().all()
    numbers += connection.execute(coming_back.order_by(returns.c.id)).scalars().all()
    return numbers + [f"message {id_}" for id_ in connection.execute(unread.order_by(inbox.c.id)).scalars()]


def forget(connection: Connection, whose: Whose, actor: str = "", *, close: bool = False) -> Forgotten:
    """Forget a person, or what one channel brought of them. Raises StillServed, which names what is open, and
    NoSuchPerson; with `close` what is open is closed instead.

    Of the person's rows their numbers, pieces, sums and times stay: of nobody, from now on.
    """
    # Held until the commit: nobody makes anything new of this person meanwhile (`people.find_or_add`).
    person = (
        connection.execute(select(people).where(people.c.id == whose.person_id).with_for_update()).mappings().first()
    )
    # Not by the key: a backup was put back without that of whoever was forgotten since, and their rows are still full.
    if person is None or person["erased_at"] is not None:
        raise NoSuchPerson(f"there is no person {whose.person_id}, or they are forgotten already")
    if close:
        _close(connection, whose, actor)
    if left := open_work(connection, whose):
        named = ", ".join(left[:10]) + (f" and {len(left) - 10} more" if len(left) > 10 else "")
        raise StillServed(
            f"person {whose.person_id} is still served: {named}",
            remedy="Let these end, or cancel them; then ask again.",
        )
    at = now(connection)
    with overwrite_deleted(connection):
        rows = _empty(connection, whose)
        if not whose.channel:
            connection.execute(
                update(people).where(people.c.id == whose.person_id).values(wrapped_key=None, key_id=None, erased_at=at)
            )
    entries = [history.Entry(id_, "customer.forgotten") for id_ in connection.execute(whose.orders).scalars().all()]
    history.record(connection, entries, at=at, actor=actor)
    insert_new(connection, erasures, [_erasure(person, whose, actor, at)])
    destroyed = [] if whose.channel or person["wrapped_key"] is None else [bytes(person["wrapped_key"])]
    return Forgotten(person["created_at"], rows, destroyed)


def _empty(connection: Connection, whose: Whose) -> dict[str, int]:
    rows: dict[str, int] = {}
    for holding in HOLDINGS:
        theirs = holding.rows(whose)
        if holding.whole:
            if not whose.channel:
                rows[holding.table.name] = connection.execute(delete(holding.table).where(theirs)).rowcount
        elif holding.sealed:
            empty = {name: None if holding.table.c[name].nullable else b"" for name in holding.sealed}
            rows[holding.table.name] = connection.execute(update(holding.table).where(theirs).values(empty)).rowcount
    # What waits for its hour is not sent any more.
    unsent = messages.c.order_id.in_(whose.orders) & messages.c.state.in_([WAITING, FAILED])
    connection.execute(update(messages).where(unsent).values(state=SKIPPED, reason="forgotten", next_attempt_at=None))
    if not whose.channel:
        # Its row stays for the number of its message, which may lie in a folder, and says nothing of anybody.
        wished = {"number": "", "address": "", "code_hash": "", "state": REFUSED, "next_attempt_at": None}
        connection.execute(update(opt_ins).where(opt_ins.c.person_id == whose.person_id).values(wished))
    # There is nothing left to be read again.
    waiting = quarantine.c.inbox_id.in_(whose.inbox) & (quarantine.c.state == "open")
    connection.execute(update(quarantine).where(waiting).values(state="forgotten"))
    return {name: count for name, count in rows.items() if count}


def _erasure(person: RowMapping, whose: Whose, actor: str, at: datetime) -> dict[str, object]:
    return {
        "person_id": person["id"],
        "person_since": person["created_at"],
        "channel": whose.channel,
        "erased_at": at,
        "actor": actor,
    }


def _close(connection: Connection, whose: Whose, actor: str) -> None:
    """End what is open: messages are put away unread, what is labelled counts as handed over, the rest is cancelled."""
    at = now(connection)
    connection.execute(
        update(inbox)
        .where(inbox.c.id.in_(whose.inbox), inbox.c.state == InboxState.WAITING)
        .values(state=InboxState.DONE, outcome="forgotten", claim_token=None)
    )
    open_orders = select(orders.c.id, orders.c.number).where(
        orders.c.id.in_(whose.orders), orders.c.state.not_in(desk.ENDED)
    )
    for order in connection.execute(open_orders.order_by(orders.c.id)).all():
        try:
            cancelling.cancel(connection, order.number, actor, CLOSED_FOR_GOOD, keep_money=True)
        except (desk.NotPossibleNow, desk.BeingWorkedOn):
            _end(connection, order.id, order.number, actor, at)

    _end_returns(connection, whose, actor, at)
    cancelled_refunds.drop(connection, connection.execute(whose.orders).scalars().all())


def _end_returns(connection: Connection, whose: Whose, actor: str, at: datetime) -> None:
    """What has come is closed, what has not is cancelled, and nobody is told of it."""
    open_returns = select(returns.c.id, returns.c.order_id, returns.c.number, returns.c.state).where(
        returns.c.order_id.in_(whose.orders), back.UNDER_WAY
    )
    for row in connection.execute(open_returns.order_by(returns.c.id)).all():
        mine, state = returns.c.id == row.id, ReturnState(row.state)
        if state is ReturnState.RECEIVED_IN_PART:
            connection.execute(moving(returns, state, ReturnState.RECEIVED).where(mine))
            state = ReturnState.RECEIVED
        if state not in back.ENDED:
            end = ReturnState.CLOSED if state is ReturnState.RECEIVED else ReturnState.CANCELLED
            connection.execute(moving(returns, state, end).where(mine).values(ended_at=at))
            told = {"return": row.number, "reason": CLOSED_FOR_GOOD}
            history.record(connection, [history.Entry(row.order_id, f"return.{end}", told)], at=at, actor=actor)
        told_of = {"settled_revision": returns.c.revision, "claim_token": None, **HEALTHY}
        connection.execute(update(returns).where(mine).values(**told_of))


def _end(connection: Connection, order_id: int, number: str, actor: str, at: datetime) -> None:
    state = OrderState(desk.locked(connection, number)["state"])
    mine = fulfilment_orders.c.order_id == order_id
    parts = connection.execute(
        select(fulfilment_orders.c.state).where(mine, fulfilment_orders.c.state.not_in(_ENDED_PARTS)).distinct()
    ).scalars()
    for part in map(FulfilmentState, parts.all()):
        gone = part is FulfilmentState.LABELLED
        ending = moving(fulfilment_orders, part, FulfilmentState.DONE if gone else FulfilmentState.CANCELLED)
        ended = {"claim_token": None, "held_from": "", "hold_reason": "", **HEALTHY}
        connection.execute(ending.where(mine).values(ended | {"done_at": at if gone else None}))
    stock.release(connection, [order_id])
    done = connection.execute(
        select(fulfilment_orders.c.id).where(mine, fulfilment_orders.c.state == FulfilmentState.DONE).limit(1)
    ).first()
    end = OrderState.FULFILLED if done else OrderState.CANCELLED
    if done and state is not OrderState.RELEASED:
        # Only what was released is ever fulfilled.
        back = moving(orders, state, OrderState.RELEASED).where(orders.c.id == order_id)
        connection.execute(back)
        state = OrderState.RELEASED
    # What had left before it was held keeps its end.
    ended_at = func.coalesce(orders.c.ended_at, literal(at, orders.c.ended_at.type))
    values = {"ended_at": ended_at, "claim_token": None, "held_from": "", "hold_reason": "", **HEALTHY}
    connection.execute(moving(orders, state, end).where(orders.c.id == order_id).values(values))
    history.record(
        connection, [history.Entry(order_id, f"order.{end}", {"reason": CLOSED_FOR_GOOD})], at=at, actor=actor
    )
