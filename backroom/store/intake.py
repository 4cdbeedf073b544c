"""Intake: claiming what waits at the front door, and settling each message as an order, a change, or quarantine."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import Connection, select, update

from backroom.domain.model import InboxState, OrderState, Problem
from backroom.store import history
from backroom.store.batches import chunks, insert_new, update_by_id
from backroom.store.claims import Claim, attend, is_free, look_for_work, take
from backroom.store.database import now
from backroom.store.people import load
from backroom.store.seals import Seals, unseal
from backroom.store.tables import inbox, orders, quarantine
from backroom.store.waiting import CRASHED, CRASHES_BEFORE_ALONE, WHY_ASIDE, is_worn_out, mark, set_aside, waiting

STAGE = "intake"
# The outcome of a message that told that its order is gone at its source.
DELETED = "deleted"
# So many messages in so short a time: somebody is sending, and waits for each answer.
BUSY_MESSAGES, BUSY_WITHIN = 20, timedelta(seconds=2)
BODY_CONTEXT = "inbox.body"
MOVING = (OrderState.ACCEPTED, OrderState.ROUTED, OrderState.RESERVED)


@dataclass(frozen=True, slots=True)
class Message:
    """One delivery, opened. `key` is the person's, for sealing what is made of it. `said_at` is when its source said
    it, or when we heard it where that is not told beside the body."""

    id: int
    channel: str
    topic: str
    external_id: str
    person_id: int
    key: bytes
    body: bytes
    priority: int
    said_at: datetime


@dataclass(frozen=True, slots=True)
class IntakeClaim:
    claim: Claim
    messages: int
    orders: int


def claim_waiting(connection: Connection, *, hub: str, instance: str, run_id: str, most: int) -> IntakeClaim | None:
    """Claim messages and orders that wait for intake, first by the channel's priority; None when nothing waits.

    One that crashed its waves is claimed alone: neither messages nor orders beside it. What crashed those claims too is
    put aside first, a message in quarantine, an order as a sick one.
    """
    at = look_for_work(connection, STAGE, hub)
    _put_aside(connection, at)
    messages = waiting(connection, inbox, inbox.c.state == InboxState.WAITING, at, most)
    moving = waiting(connection, orders, orders.c.state.in_(MOVING), at, most)
    of_messages, of_orders = messages.together, moving.together
    if not of_messages and not of_orders:
        if messages.suspect is not None and (moving.suspect is None or messages.attempts <= moving.attempts):
            of_messages = (messages.suspect,)
        elif moving.suspect is not None:
            of_orders = (moving.suspect,)
    longest = max(len(of_messages), len(of_orders))
    attend(connection, STAGE, hub, at if 0 < longest < most else None)
    taken = _claim(connection, of_messages, of_orders, hub, instance, run_id)
    return replace(taken, claim=replace(taken.claim, full=longest >= most)) if taken else None


def door_is_busy(connection: Connection) -> bool:
    """Whether messages are coming in fast just now."""
    query = select(inbox.c.received_at).order_by(inbox.c.id.desc()).offset(BUSY_MESSAGES - 1).limit(1)
    received_at = connection.execute(query).scalar_one_or_none()
    return received_at is not None and received_at > now(connection) - BUSY_WITHIN


def _put_aside(connection: Connection, at: datetime) -> None:
    worn_out = select(inbox.c.id, inbox.c.channel).where(inbox.c.state == InboxState.WAITING, is_worn_out(inbox, at))
    why = (Problem(CRASHED, "", WHY_ASIDE),)
    refused = [(row.id, row.channel, why) for row in connection.execute(worn_out.with_for_update()).all()]
    quarantine_messages(connection, refused, at)
    history.record(
        connection,
        [
            history.Entry(id_, "order.sick", {"cause": CRASHED, "reason": WHY_ASIDE})
            for id_ in set_aside(connection, orders, orders.c.state.in_(MOVING), at)
        ],
        at=at,
    )


def claim_order(connection: Connection, order_id: int, *, hub: str, instance: str, run_id: str) -> IntakeClaim | None:
    """Claim the intake side of one order, sick or not; None when it has nothing to do there or another run holds it."""
    at = look_for_work(connection, STAGE, hub)
    row = connection.execute(select(orders.c.channel, orders.c.external_id).where(orders.c.id == order_id)).one()
    moving = select(orders.c.id).where(orders.c.id == order_id, orders.c.state.in_(MOVING), is_free(orders, at))
    messages = select(inbox.c.id).where(
        inbox.c.channel == row.channel,
        inbox.c.external_id == row.external_id,
        inbox.c.state == InboxState.WAITING,
        is_free(inbox, at),
    )
    return _claim(
        connection,
        connection.execute(messages.with_for_update(skip_locked=True)).scalars().all(),
        connection.execute(moving.with_for_update(skip_locked=True)).scalars().all(),
        hub,
        instance,
        run_id,
    )


def _claim(
    connection: Connection, messages: Sequence[int], moving: Sequence[int], hub: str, instance: str, run_id: str
) -> IntakeClaim | None:
    if not messages and not moving:
        return None
    claim = take(connection, stage=STAGE, location=hub, instance=instance, run_id=run_id)
    mark(connection, inbox, messages, claim.token)
    mark(connection, orders, moving, claim.token)
    return IntakeClaim(claim, len(messages), len(moving))


def open_messages(connection: Connection, seals: Seals, token: str) -> list[Message]:
    """The claimed messages, opened, oldest first. Those that are only hints are `backroom.store.hints`'."""
    rows = connection.execute(
        select(inbox)
        .where(inbox.c.claim_token == token, inbox.c.state == InboxState.WAITING, inbox.c.hint.is_(False))
        .order_by(inbox.c.id)
    ).all()
    keys = load(connection, seals, (row.person_id for row in rows))
    return [
        Message(
            id=row.id,
            channel=row.channel,
            topic=row.topic,
            external_id=row.external_id,
            person_id=row.person_id,
            key=keys[row.person_id].key,
            body=unseal(keys[row.person_id].key, row.body, BODY_CONTEXT),
            priority=row.priority,
            said_at=row.said_at or row.received_at,
        )
        for row in rows
    ]


def settle_messages(connection: Connection, outcomes: Sequence[tuple[int, int | None, str]]) -> None:
    """Mark messages as done: `(inbox id, order id, outcome)`, e.g. accepted, changed, stale, cancelled."""
    update_by_id(
        connection,
        inbox,
        [
            {"id": id_, "state": InboxState.DONE, "order_id": order_id, "outcome": outcome, "claim_token": None}
            for id_, order_id, outcome in outcomes
        ],
    )


def quarantine_messages(
    connection: Connection, refused: Sequence[tuple[int, str, Sequence[Problem]]], at: datetime
) -> None:
    """Put messages aside with every reason: `(inbox id, channel, problems)`."""
    update_by_id(
        connection,
        inbox,
        [{"id": id_, "state": InboxState.QUARANTINED, "claim_token": None} for id_, _, _ in refused],
    )
    for id_, channel, problems in refused:
        listed = [{"code": p.code, "field": p.field, "detail": p.detail} for p in problems]
        row = {"inbox_id": id_, "channel": channel, "problems": listed, "state": "open", "at": at}
        if not insert_new(connection, quarantine, [row]):
            connection.execute(
                update(quarantine).where(quarantine.c.inbox_id == id_).values(problems=listed, state="open", at=at)
            )


def deleted_at(connection: Connection, identities: Iterable[tuple[str, str]]) -> dict[tuple[str, str], datetime]:
    """When orders went at their source, by `(channel, external_id)`; those of which we heard that."""
    found: dict[tuple[str, str], datetime] = {}
    by_channel: dict[str, set[str]] = defaultdict(set)
    for channel, external_id in identities:
        by_channel[channel].add(external_id)
    for channel, ids in by_channel.items():
        for batch in chunks(sorted(ids)):
            query = select(inbox.c.external_id, inbox.c.said_at, inbox.c.received_at).where(
                inbox.c.channel == channel, inbox.c.external_id.in_(batch), inbox.c.outcome == DELETED
            )
            for row in connection.execute(query):
                at, known = row.said_at or row.received_at, found.get((channel, row.external_id))
                found[channel, row.external_id] = max(at, known or at)
    return found


def postpone(connection: Connection, inbox_id: int, until: datetime) -> None:
    """Leave a message for a later wave, without counting this one against it."""
    connection.execute(
        update(inbox).where(inbox.c.id == inbox_id).values(claim_token=None, next_attempt_at=until, attempts=0)
    )


def replay(connection: Connection, quarantine_id: int, at: datetime) -> bool:
    """Put a quarantined message back to the front door; False when it is not there or was replayed already.

    One that was put aside because it crashed every claim goes on alone.
    """
    row = connection.execute(
        update(quarantine)
        .where(quarantine.c.id == quarantine_id, quarantine.c.state == "open")
        .values(state="replayed", replayed_at=at)
        .returning(quarantine.c.inbox_id, quarantine.c.problems)
    ).one_or_none()
    if row is None:
        return False
    attempts = CRASHES_BEFORE_ALONE if any(problem["code"] == CRASHED for problem in row.problems) else 0
    connection.execute(
        update(inbox)
        .where(inbox.c.id == row.inbox_id)
        .values(state=InboxState.WAITING, claim_token=None, attempts=attempts, failures=0)
    )
    return True
