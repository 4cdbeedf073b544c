"""Hints: messages that carry no order, and only say which one is to be fetched from its channel.

What belongs here: those that a wave holds, settling them, and putting them off while their channel is away. What does
not: fetching (`tasks.fetch`), and the messages that came of it (`inbox_door`, `intake`).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import Connection, RowMapping, case, func, select, update

from backroom.domain.breaker import next_attempt
from backroom.domain.model import InboxState
from backroom.store.batches import update_by_id
from backroom.store.tables import inbox, orders
from backroom.store.waiting import HEALTHY

# The pause between two tries of a channel stays below three minutes, so that what waits is there soon after it is back.
_LONGEST_DOUBLING = 4
# Trouble of one order alone: its channel does not have it, cannot give it while it gives others, or what it gives
# cannot be read. No other hint of the channel rests for it.
NOT_THERE, NOT_GIVEN, UNREADABLE = "not_there", "not_given", "unreadable_order"
OWN = (NOT_THERE, NOT_GIVEN, UNREADABLE)


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why something could not be fetched: a stable word, the sentence that a person reads, and for how long its channel
    asks to be left alone."""

    cause: str
    reason: str
    wait: timedelta = timedelta(0)


@dataclass(frozen=True, slots=True)
class Hint:
    """What is to be fetched, how often that failed in a row, and how many of these last looks failed for its own
    sake while its channel was there."""

    id: int
    channel: str
    external_id: str
    failures: int
    looks: int = 0


def claimed(connection: Connection, token: str) -> list[Hint]:
    """The hints of a wave, those that failed least first, and of those the oldest."""
    looks = case((inbox.c.sick_cause.in_(OWN), inbox.c.failures), else_=0)
    query = select(inbox.c.id, inbox.c.channel, inbox.c.external_id, inbox.c.failures, looks).where(
        inbox.c.claim_token == token, inbox.c.state == InboxState.WAITING, inbox.c.hint.is_(True)
    )
    # What failed goes last, so that some that nobody can give do not stand before all the others for ever.
    return [Hint(*row) for row in connection.execute(query.order_by(inbox.c.failures, inbox.c.id))]


def surely_there(connection: Connection, channel: str, *, but_for: Collection[str]) -> str:
    """The id of an order that this channel has given us, the newest that is not among these; empty without one."""
    query = select(orders.c.external_id).where(orders.c.channel == channel).order_by(orders.c.id.desc())
    newest = connection.execute(query.limit(len(but_for) + 1)).scalars()
    return next((id_ for id_ in newest if id_ not in but_for), "")


def resting(connection: Connection, at: datetime) -> dict[str, tuple[Trouble, datetime]]:
    """Channels that are not asked now, since they were away a moment ago: why and until when, by channel."""
    query = (
        select(inbox.c.channel, inbox.c.sick_cause, inbox.c.sick_reason, inbox.c.next_attempt_at)
        .where(
            inbox.c.state == InboxState.WAITING,
            inbox.c.hint.is_(True),
            inbox.c.sick_cause.not_in(OWN),
            inbox.c.next_attempt_at > at,
        )
        # The last one of a channel stays: the one that is tried first.
        .order_by(inbox.c.next_attempt_at.desc())
    )
    return {row[0]: (Trouble(row[1], row[2] or ""), row[3]) for row in connection.execute(query)}


def put_off(connection: Connection, hints: Sequence[Hint], channel: str, trouble: Trouble, at: datetime) -> datetime:
    """Leave hints of a channel that is away for later, with the reason; returns when all are tried again."""
    tries = 1 + max((hint.failures for hint in hints), default=0)
    ours = next_attempt(min(tries, _LONGEST_DOUBLING), at, trouble.cause, seed=f"{channel}:{tries}")
    until = max(ours, at + trouble.wait)
    for hint in hints:
        _rest(connection, hint, trouble, until, at, failures=hint.failures + 1)
    return until


def put_off_alone(connection: Connection, hint: Hint, trouble: Trouble, at: datetime) -> None:
    """Leave one hint for later for its own sake, of which the others of its channel know nothing."""
    looks = 1 + hint.looks
    until = next_attempt(min(looks, _LONGEST_DOUBLING), at, trouble.cause, seed=f"{hint.channel}:{hint.external_id}")
    # Before that it may have waited for its channel, which counts no look.
    _rest(connection, replace(hint, looks=0), trouble, until, at, failures=looks)


def rest(connection: Connection, hints: Sequence[Hint], trouble: Trouble, until: datetime, at: datetime) -> None:
    """Let hints wait as long as others of their channel do, without having tried: it counts against none of them."""
    for hint in hints:
        _rest(connection, hint, trouble, until, at, failures=hint.failures)


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
    connection: Connection, hint: Hint, trouble: Trouble, until: datetime, at: datetime, *, failures: int
) -> None:
    why = {
        "sick_cause": trouble.cause,
        "sick_reason": trouble.reason,
        "sick_since": func.coalesce(inbox.c.sick_since, at),
        "failures": failures,
    }
    # What had trouble of its own keeps it, and its count, while its channel is away.
    rests = update(inbox).where(inbox.c.id == hint.id).values(claim_token=None, attempts=0, next_attempt_at=until)
    connection.execute(rests if hint.looks else rests.values(why))
