"""Holds that a person is to be asked about: which have a form in the UI at a time, and under which key.

What belongs here: one key for one Hold, wherever it was made, so that asking again asks nothing twice. What does not:
making and ending a Hold (`backroom.store.desk`), nor the form (`tasks.deciding`).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, ScalarSelect, Select, func, or_, select

from backroom.domain.model import OrderState
from backroom.store import history as story_of
from backroom.store.batches import chunks
from backroom.store.database import MOMENT, now
from backroom.store.tables import history, orders

# What made an order a Hold, or changed its reason.
_BEGINS = ("order.held", "order.changed")
_LEFT = "order.left_on_hold"


@dataclass(frozen=True, slots=True)
class Question:
    """A held order, and the key of this very Hold: the next one of the same order is another question."""

    number: str
    key: str


def questions(connection: Connection, most: int) -> list[Question]:
    """The `most` oldest held orders that nobody chose to leave on hold, each with its Hold's key."""
    begun, left = _newest(*_BEGINS), _newest(_LEFT)
    unanswered = or_(left.is_(None), left < begun)
    query = select(orders.c.number, begun, orders.c.accepted_at).where(orders.c.state == OrderState.HELD, unanswered)
    return _read(connection, query.order_by(orders.c.id).limit(most))


def held(connection: Connection, numbers: Iterable[str]) -> list[Question]:
    """Those of these orders that are held now, left so or not, each with its Hold's key."""
    query = select(orders.c.number, _newest(*_BEGINS), orders.c.accepted_at).where(orders.c.state == OrderState.HELD)
    found: list[Question] = []
    for batch in chunks(sorted(set(numbers))):
        found += _read(connection, query.where(orders.c.number.in_(batch)))
    return found


def leave(connection: Connection, order_id: int, actor: str) -> None:
    """Note that a person saw a Hold and left it: it is asked about no more, until something about it changes."""
    story_of.record(connection, [story_of.Entry(order_id, _LEFT)], at=now(connection), actor=actor)


def _newest(*events: str) -> ScalarSelect[int]:
    query = select(func.max(history.c.id)).where(history.c.order_id == orders.c.id, history.c.event.in_(events))
    return query.scalar_subquery()


def _read(connection: Connection, query: Select[tuple[str, int, datetime]]) -> list[Question]:
    rows = connection.execute(query)
    return [Question(number, f"hold:{number}:{entry}:{at:{MOMENT}}") for number, entry, at in rows]
