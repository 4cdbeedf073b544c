"""Hints: messages that carry no order, and only say which one is to be fetched from its channel.

What belongs here: those that a wave holds, settling them, and putting them off while their channel is away. What does
not: fetching (`tasks.fetch`), and the messages that came of it (`inbox_door`, `intake`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, RowMapping, func, select, update

from backroom.domain.breaker import next_attempt
from backroom.domain.model import InboxState
from backroom.store.batches import update_by_id
from backroom.store.tables import inbox
from backroom.store.waiting import HEALTHY

# The pause between two tries of a channel stays below three minutes, so that what waits is there soon after it is back.
_LONGEST_DOUBLING = 4


@dataclass(frozen=True, slots=True)
class Hint:
    """What is to be fetched, and how often that failed in a row."""

    id: int
    channel: str
    external_id: str
    failures: int


def claimed(connection: Connection, token: str) -> list[Hint]:
    """The hints of a wave, the oldest first."""
    query = select(inbox.c.id, inbox.c.channel, inbox.c.external_id, inbox.c.failures).where(
        inbox.c.claim_token == token, inbox.c.state == InboxState.WAITING, inbox.c.hint.is_(True)
    )
    return [Hint(*row) for row in connection.execute(query.order_by(inbox.c.id))]


def resting(connection: Connection, at: datetime) -> dict[str, tuple[str, str, datetime]]:
    """Channels that are not asked now, since a hint of theirs was put off: `(cause, reason, until)` by channel."""
    query = (
        select(inbox.c.channel, inbox.c.sick_cause, inbox.c.sick_reason, inbox.c.next_attempt_at)
        .where(
            inbox.c.state == InboxState.WAITING,
            inbox.c.hint.is_(True),
            inbox.c.sick_cause.is_not(None),
            inbox.c.next_attempt_at > at,
        )
        # The last one of a channel stays: the one that is tried first.
        .order_by(inbox.c.next_attempt_at.desc())
    )
    return {row[0]: (row[1], row[2] or "", row[3]) for row in connection.execute(query)}


def put_off(connection: Connection, hints: Sequence[Hint], cause: str, reason: str, at: datetime) -> datetime:
    """Leave hints of one channel for later, with the reason; returns when they are tried again, all together."""
    tries = 1 + max(hint.failures for hint in hints)
    until = next_attempt(min(tries, _LONGEST_DOUBLING), at, cause, seed=f"{hints[0].channel}:{tries}")
    _rest(connection, hints, cause, reason, until, at)
    for hint in hints:
        connection.execute(update(inbox).where(inbox.c.id == hint.id).values(failures=hint.failures + 1))
    return until


def rest(connection: Connection, hints: Sequence[Hint], cause: str, reason: str, until: datetime, at: datetime) -> None:
    """Let hints wait as long as others of their channel do, without having tried: it counts against none of them."""
    _rest(connection, hints, cause, reason, until, at)


def settle(connection: Connection, outcomes: Sequence[tuple[int, str]]) -> None:
    """Mark hints as done: `(inbox id, outcome)`, such as fetched or not_ours_yet."""
    well = {"state": InboxState.DONE, "claim_token": None, "next_attempt_at": None, **HEALTHY}
    update_by_id(connection, inbox, [{"id": id_, "outcome": outcome, **well} for id_, outcome in outcomes])


def waiting(connection: Connection) -> list[RowMapping]:
    """What waits for a channel that does not answer: `channel, cause, reason, messages, since, again`."""
    query = (
        select(
            inbox.c.channel,
            inbox.c.sick_cause.label("cause"),
            func.max(inbox.c.sick_reason).label("reason"),
            func.count().label("messages"),
            func.min(inbox.c.sick_since).label("since"),
            func.min(inbox.c.next_attempt_at).label("again"),
        )
        .where(inbox.c.state == InboxState.WAITING, inbox.c.hint.is_(True), inbox.c.sick_cause.is_not(None))
        .group_by(inbox.c.channel, inbox.c.sick_cause)
        .order_by(inbox.c.channel)
    )
    return list(connection.execute(query).mappings())


def _rest(
    connection: Connection, hints: Sequence[Hint], cause: str, reason: str, until: datetime, at: datetime
) -> None:
    for hint in hints:
        connection.execute(
            update(inbox)
            .where(inbox.c.id == hint.id)
            .values(
                claim_token=None,
                attempts=0,
                next_attempt_at=until,
                sick_cause=cause,
                sick_reason=reason,
                sick_since=func.coalesce(inbox.c.sick_since, at),
            )
        )
