"""Removing what was kept for long enough, one batch and one commit at a time, and noting what was removed.

What belongs here: the rows. Each batch finds its rows by what they are, so that whoever is stopped goes on by beginning
again. What does not: for how long what is kept (the shop file), files, and forgetting a person (`forgetting`).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from datetime import datetime

from sqlalchemy import Connection, RowMapping, Select, Table, delete, func, insert, or_, select, update

from backroom.domain.model import FulfilmentState, InboxState, OrderState, PrintJobState
from backroom.store import desk, opt_ins
from backroom.store.database import now
from backroom.store.messages import PLANNED, WAITING
from backroom.store.refunds import OF_CANCELLED
from backroom.store.refunds import WAITING as OWED
from backroom.store.returns import UNDER_WAY
from backroom.store.tables import (
    api_keys,
    booth_devices,
    booth_lines,
    consents,
    fulfilment_orders,
    inbox,
    labels,
    message_replies,
    messages,
    orders,
    people,
    print_jobs,
    print_seals,
    push_subscriptions,
    quarantine,
    refunds,
    removals,
    returns,
    shipments,
)
from backroom.store.tables import opt_ins as opt_ins_table

BATCH = 500


def empty_raw(connection: Connection, before: datetime) -> int:
    """Empty messages of channels that were settled, or lie in quarantine, and came before then."""
    old = select(inbox.c.id).where(
        inbox.c.received_at < before,
        inbox.c.state.in_((InboxState.DONE, InboxState.QUARANTINED)),
        func.length(inbox.c.body) > 0,
    )
    ids = _some(connection, old, inbox)
    # An empty message cannot be read again.
    waiting = quarantine.c.inbox_id.in_(ids) & (quarantine.c.state == "open")
    connection.execute(update(quarantine).where(waiting).values(state="expired"))
    connection.execute(update(inbox).where(inbox.c.id.in_(ids)).values(body=b""))
    return len(ids)


def empty_labels(connection: Connection, before: datetime) -> int:
    """Empty labels of parcels that are on their way, and were made before then."""
    old = (
        select(labels.c.id)
        .join(shipments, shipments.c.id == labels.c.shipment_id)
        .join(fulfilment_orders, fulfilment_orders.c.id == shipments.c.fulfilment_order_id)
        .where(labels.c.at < before, fulfilment_orders.c.state == FulfilmentState.DONE, func.length(labels.c.data) > 0)
    )
    ids = _some(connection, old, labels)
    connection.execute(update(labels).where(labels.c.id.in_(ids)).values(data=b"", zpl=b"", document=None))
    return len(ids)


def empty_messages(connection: Connection, before: datetime) -> int:
    """Empty the texts of messages that wait no more, and were made before then."""
    old = select(messages.c.id).where(
        messages.c.at < before, messages.c.state.not_in([PLANNED, WAITING]), func.length(messages.c.content) > 0
    )
    ids = _some(connection, old, messages)
    connection.execute(update(messages).where(messages.c.id.in_(ids)).values(content=b""))
    return len(ids)


def empty_replies(connection: Connection, before: datetime) -> int:
    """Empty what was written back before then. That somebody said stop, and how, stays."""
    old = select(message_replies.c.id).where(message_replies.c.at < before, func.length(message_replies.c.content) > 0)
    ids = _some(connection, old, message_replies)
    connection.execute(update(message_replies).where(message_replies.c.id.in_(ids)).values(content=b""))
    return len(ids)


def delete_keys(connection: Connection, before: datetime) -> int:
    """Delete API keys that were revoked, or ended, before then."""
    ended = or_(api_keys.c.revoked_at < before, api_keys.c.expires_at < before)
    ids = _some(connection, select(api_keys.c.id).where(ended), api_keys)
    connection.execute(delete(api_keys).where(api_keys.c.id.in_(ids)))
    return len(ids)


def empty_opt_ins(connection: Connection, before: datetime) -> int:
    """Empty wishes for SMS from before then: their codes, and where they were asked from."""
    return opt_ins.forget_unconfirmed(connection, before, BATCH)


def delete_seals(connection: Connection, before: datetime) -> int:
    """Delete what is left of sealed prints that were destroyed before then. That a job was printed stays."""
    ids = _some(connection, select(print_seals.c.id).where(print_seals.c.destroyed_at < before), print_seals)
    connection.execute(delete(print_seals).where(print_seals.c.id.in_(ids)))
    return len(ids)


def delete_machines(connection: Connection, before: datetime) -> int:
    """Delete machines whose key is gone, or works no more since then, and for which nothing sealed is left. A machine
    that was forgotten stays as long as its key works: it must not come back."""
    works = or_(api_keys.c.revoked_at.is_(None), api_keys.c.revoked_at >= before)
    works &= or_(api_keys.c.expires_at.is_(None), api_keys.c.expires_at >= before)
    old = select(booth_devices.c.id).where(
        booth_devices.c.paired_at < before,
        ~select(api_keys.c.id).where(api_keys.c.id == booth_devices.c.api_key_id, works).exists(),
        ~select(print_seals.c.id).where(print_seals.c.device_id == booth_devices.c.id).exists(),
    )
    ids = _some(connection, old, booth_devices)
    connection.execute(delete(booth_devices).where(booth_devices.c.id.in_(ids)))
    return len(ids)


def delete_booth_lines(connection: Connection, before: datetime) -> int:
    """Delete what a machine or a till told before then of what it did without us, its oldest numbers first.

    What is told again must still count once: so a line stays until its machine has told of a later one afterwards,
    and with it has heard that this one came; and until a run has shown it, and its print job has come to its end.
    """
    lower, later = booth_lines.alias(), booth_lines.alias()
    here = (lower.c.source == booth_lines.c.source) & (lower.c.name == booth_lines.c.name)
    heard_since = select(later.c.id).where(
        later.c.source == lower.c.source,
        later.c.name == lower.c.name,
        later.c.seq > lower.c.seq,
        later.c.heard_at > lower.c.heard_at,
    )
    # Only those before the first that stays: what is left of a machine's numbers gets no holes by this.
    stays = or_(lower.c.heard_at >= before, ~heard_since.exists())
    first_to_stay = select(func.min(lower.c.seq)).where(here, stays).scalar_subquery()
    under_way = print_jobs.c.state.not_in((PrintJobState.DONE, PrintJobState.CANCELLED))
    old = select(booth_lines.c.id).where(
        booth_lines.c.heard_at < before,
        booth_lines.c.seq < first_to_stay,
        booth_lines.c.shown_at.is_not(None),
        ~select(print_jobs.c.id).where(print_jobs.c.id == booth_lines.c.print_job_id, under_way).exists(),
    )
    first = old.order_by(booth_lines.c.source, booth_lines.c.name, booth_lines.c.seq).limit(BATCH)
    ids = list(connection.execute(first).scalars())
    connection.execute(delete(booth_lines).where(booth_lines.c.id.in_(ids)))
    return len(ids)


STEPS: Mapping[str, Callable[[Connection, datetime], int]] = {
    "raw": empty_raw,
    "labels": empty_labels,
    "messages": empty_messages,
    "replies": empty_replies,
    "keys": delete_keys,
    "opt-ins": empty_opt_ins,
    "sealed prints": delete_seals,
    "machines": delete_machines,
    "booth lines": delete_booth_lines,
}


def silent(connection: Connection, before: datetime, after: int) -> list[int]:
    """The next people, by number after `after`, of whom nothing was heard since `before` and nothing is open."""
    open_or_new = or_(orders.c.ended_at.is_(None), orders.c.ended_at >= before)
    fresh = or_(inbox.c.state == InboxState.WAITING, inbox.c.received_at >= before)
    coming_back = or_(UNDER_WAY, returns.c.ended_at >= before)
    # Of a cancelled order; a return that is owed something is under way.
    owed = select(refunds.c.id).join(orders, orders.c.id == refunds.c.order_id)
    owed = owed.where(OF_CANCELLED, refunds.c.state == OWED)
    query = select(people.c.id).where(
        people.c.id > after,
        people.c.wrapped_key.is_not(None),
        people.c.created_at < before,
        ~select(orders.c.id).where(orders.c.person_id == people.c.id, open_or_new).exists(),
        ~select(inbox.c.id).where(inbox.c.person_id == people.c.id, fresh).exists(),
        ~select(returns.c.id).where(returns.c.person_id == people.c.id, coming_back).exists(),
        ~owed.where(orders.c.person_id == people.c.id).exists(),
    )
    return list(connection.execute(query.order_by(people.c.id).limit(BATCH)).scalars())


def let_go(connection: Connection, person_ids: Collection[int], hub: str) -> list[str]:
    """End the Holds of these people's orders that had left before somebody was asked about them; returns their numbers.
    Nobody has answered for as long as customers are kept, and nobody will."""
    left = select(orders.c.number).where(
        orders.c.person_id.in_(person_ids), orders.c.state == OrderState.HELD, orders.c.ended_at.is_not(None)
    )
    numbers = list(connection.execute(left.order_by(orders.c.id)).scalars())
    for number in numbers:
        # Its parts have ended: nothing waits to be woken.
        desk.release(connection, number, "", hub, event=desk.BY_RETENTION)
    return numbers


def echoes(connection: Connection, after: int) -> list[int]:
    """The next people, by number after `after`, who are nothing but late news of orders whose customer was forgotten:
    the channel spoke of them once more, and they came in as somebody new."""
    forgotten = (
        select(orders.c.id).join(people, people.c.id == orders.c.person_id).where(people.c.wrapped_key.is_(None))
    )
    other = or_(inbox.c.state != InboxState.DONE, inbox.c.order_id.is_(None), inbox.c.order_id.not_in(forgotten))
    query = select(people.c.id).where(
        people.c.id > after,
        people.c.wrapped_key.is_not(None),
        ~select(orders.c.id).where(orders.c.person_id == people.c.id).exists(),
        select(inbox.c.id).where(inbox.c.person_id == people.c.id).exists(),
        ~select(inbox.c.id).where(inbox.c.person_id == people.c.id, other).exists(),
    )
    return list(connection.execute(query.order_by(people.c.id).limit(BATCH)).scalars())


def strangers(connection: Connection, before: datetime, after: int) -> list[int]:
    """The next people, by number after `after`, of whom we know nothing but that somebody typed their number before
    then, on an event's page, and never proved that it is theirs."""
    wishes = opt_ins_table.c.person_id == people.c.id
    settled = or_(opt_ins_table.c.asked_at >= before, opt_ins_table.c.state == opt_ins.CONFIRMED)
    query = select(people.c.id).where(
        people.c.id > after,
        people.c.wrapped_key.is_not(None),
        select(opt_ins_table.c.id).where(wishes).exists(),
        ~select(opt_ins_table.c.id).where(wishes, settled).exists(),
    )
    for table in (orders, inbox, consents, push_subscriptions, message_replies):
        query = query.where(~select(table.c.id).where(table.c.person_id == people.c.id).exists())
    return list(connection.execute(query.order_by(people.c.id).limit(BATCH)).scalars())


def note(connection: Connection, kind: str, count: int, before: datetime) -> None:
    """Write down what a run removed of one kind."""
    connection.execute(insert(removals).values(kind=kind, count=count, before=before, at=now(connection)))


def noted(connection: Connection, most: int) -> list[RowMapping]:
    """What was removed lately, newest first."""
    return list(connection.execute(select(removals).order_by(removals.c.id.desc()).limit(most)).mappings())


def _some(connection: Connection, old: Select[tuple[int]], table: Table) -> list[int]:
    return list(connection.execute(old.order_by(table.c.id).limit(BATCH)).scalars())
