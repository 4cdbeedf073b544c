"""Messages that wait for their hour, and their claims: the order they are about has gone on without them.

What belongs here: finding, claiming, putting off and giving up. What does not: when a message may go
(`backroom.domain.quiet_hours`), and sending it (`tasks.waiting_messages`).

A claim puts its messages off in the same commit, longer each time. So one that ends the process that sends it comes
back later and apart from the others, and after as many tries as any other failure it is a person's.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Connection, RowMapping, select, update

from backroom.domain.breaker import MOST_FAILURES, next_attempt
from backroom.store import history
from backroom.store.batches import update_by_id
from backroom.store.claims import Claim, attend, is_free, look_for_work, take
from backroom.store.messages import FAILED, WAITING
from backroom.store.tables import fulfilment_orders, messages, orders, returns

STAGE = "messages"
TIRED = "message-tried-often"


@dataclass(frozen=True, slots=True)
class Failed:
    """A message that could not be sent. `wait` is for how long its provider asks to be left alone."""

    id: int
    cause: str
    reason: str
    may_pass: bool
    wait: timedelta | None = None


def due(connection: Connection, at: datetime) -> bool:
    """Whether a message's hour has come."""
    return connection.execute(select(messages.c.id).where(_is_due(at)).limit(1)).first() is not None


def claim_due(connection: Connection, *, hub: str, instance: str, run_id: str, most: int) -> Claim | None:
    """Claim messages whose hour has come, those that wait longest first; None when there is none."""
    at = look_for_work(connection, STAGE, hub)
    query = select(messages.c.id, messages.c.attempts, messages.c.key).where(_is_due(at))
    query = query.order_by(messages.c.next_attempt_at, messages.c.id).limit(most)
    rows = connection.execute(query.with_for_update(skip_locked=True, of=messages)).all()
    attend(connection, STAGE, hub, at if 0 < len(rows) < most else None)
    if not rows:
        return None
    claim = take(connection, stage=STAGE, location=hub, instance=instance, run_id=run_id)
    taken = [
        {
            "id": row.id,
            "claim_token": claim.token,
            "attempts": row.attempts + 1,
            "next_attempt_at": next_attempt(row.attempts + 1, at, STAGE, seed=row.key or ""),
        }
        for row in rows
    ]
    update_by_id(connection, messages, taken)
    return replace(claim, full=len(rows) >= most)


def claimed(connection: Connection, token: str) -> list[RowMapping]:
    """The wave's messages, each with its order's number, contact and language, and the key of what it is about."""
    query = (
        select(
            messages,
            orders.c.number.label("order_number"),
            orders.c.contact,
            orders.c.language,
            orders.c.channel,
            fulfilment_orders.c.key.label("part_key"),
            returns.c.number.label("return_number"),
            returns.c.key.label("return_key"),
        )
        .join(orders, orders.c.id == messages.c.order_id)
        .outerjoin(fulfilment_orders, fulfilment_orders.c.id == messages.c.fulfilment_order_id)
        .outerjoin(returns, returns.c.id == messages.c.return_id)
        .where(messages.c.claim_token == token, messages.c.state == WAITING)
    )
    return list(connection.execute(query.order_by(messages.c.id)).mappings())


def wait_until(connection: Connection, token: str, hours: Sequence[tuple[int, str, datetime]]) -> None:
    """`(message id, why, until)`: its hour has not come after all; that counts as no try."""
    for id_, reason, until in hours:
        mine = update(messages).where(messages.c.id == id_, messages.c.claim_token == token)
        values = {"next_attempt_at": until, "attempts": 0, "claim_token": None, "reason": reason}
        connection.execute(mine.values(**values))


def fail(connection: Connection, token: str, failed: Sequence[Failed], at: datetime, run_id: str) -> set[int]:
    """What may pass stays put off, for as long as its provider asks; the rest, and what was tried too often, waits for
    a person's word. Returns the ids of those."""
    ended: set[int] = set()
    entries = []
    for one in failed:
        mine = messages.c.id.in_([one.id]) & (messages.c.claim_token == token)
        row = connection.execute(select(messages).where(mine)).mappings().one_or_none()
        if row is None:
            continue
        values: dict[str, object] = {"claim_token": None, "reason": one.reason}
        if not one.may_pass or row["attempts"] >= MOST_FAILURES:
            ended.add(one.id)
            values |= {"state": FAILED, "next_attempt_at": None, "attempts": 0}
            told = {"kind": row["kind"], "medium": row["medium"], "cause": one.cause, "reason": one.reason}
            entries.append(history.Entry(row["order_id"], "message.failed", told))
        elif one.wait is not None:
            values["next_attempt_at"] = max(row["next_attempt_at"], at + one.wait)
        connection.execute(update(messages).where(mine).values(**values))
    history.record(connection, entries, at=at, run_id=run_id)
    return ended


def set_tired_aside(connection: Connection, at: datetime) -> None:
    """Give to a person what ended every run that tried it."""
    tired = _is_due(at) & (messages.c.attempts >= MOST_FAILURES)
    rows = connection.execute(
        select(messages.c.id, messages.c.order_id, messages.c.kind, messages.c.medium).where(tired)
    )
    for row in rows.all():
        values = {"state": FAILED, "next_attempt_at": None, "attempts": 0, "claim_token": None, "reason": TIRED}
        connection.execute(update(messages).where(messages.c.id == row.id).values(**values))
        told = {"kind": row.kind, "medium": row.medium, "cause": TIRED}
        history.record(connection, [history.Entry(row.order_id, "message.failed", told)], at=at)


def try_again(connection: Connection, which: ColumnElement[bool], at: datetime) -> bool:
    """Let failed messages wait for the next wave again, after a person's word; whether there were any."""
    again = update(messages).where(which, messages.c.state == FAILED)
    return bool(connection.execute(again.values(state=WAITING, next_attempt_at=at, attempts=0)).rowcount)


def of_order(order_id: int) -> ColumnElement[bool]:
    return messages.c.order_id == order_id


def of_keys(keys: Iterable[str]) -> ColumnElement[bool]:
    return messages.c.key.in_(list(keys))


def _is_due(at: datetime) -> ColumnElement[bool]:
    return (messages.c.state == WAITING) & (messages.c.next_attempt_at <= at) & is_free(messages, at)
