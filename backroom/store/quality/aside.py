"""Which orders a finding keeps aside: the questions that the desk, the figures and the checks themselves ask.

What belongs here: reading it, and a person's word that it is right. What does not: putting a row aside and holding its
order (`backroom.store.quality.quarantine`).
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, RowMapping, and_, case, exists, or_, select, update

from backroom.domain.lifecycle import Kind, ends
from backroom.domain.model import FulfilmentState, OrderState
from backroom.domain.quality import FindingState
from backroom.domain.quarantine import IN_QUARANTINE, Aside
from backroom.store.batches import chunks
from backroom.store.tables import fulfilment_orders, order_facts, orders, quality_findings

# A row in quarantine: its finding is open, and put it aside.
is_aside: ColumnElement[bool] = and_(
    quality_findings.c.state == FindingState.OPEN, quality_findings.c.aside == Aside.IN
)
# What figures count: facts of no order that is in quarantine.
COUNTED: ColumnElement[bool] = order_facts.c.left_out == ""
_GOING = tuple(state for state in OrderState if state not in ends(Kind.ORDER))

# Where an order, or its work, stood when the quarantine held it: a check must not pass because it held the row.
order_stands: ColumnElement[str] = case(
    (and_(orders.c.state == OrderState.HELD, orders.c.hold_reason == IN_QUARANTINE), orders.c.held_from),
    else_=orders.c.state,
)
part_stands: ColumnElement[str] = case(
    (
        and_(fulfilment_orders.c.state == FulfilmentState.HELD, fulfilment_orders.c.hold_reason == IN_QUARANTINE),
        fulfilment_orders.c.held_from,
    ),
    else_=fulfilment_orders.c.state,
)


def is_here() -> ColumnElement[bool]:
    """Whether something of an order is still in the house, or to be made: a Hold stops it."""
    part = fulfilment_orders
    sent = exists().where(part.c.order_id == orders.c.id, part.c.state == FulfilmentState.DONE)
    left = exists().where(part.c.order_id == orders.c.id, part.c.state.not_in(ends(Kind.FULFILMENT)))
    return and_(orders.c.state.in_(_GOING), orders.c.ended_at.is_(None), or_(~sent, left))


def keeps(connection: Connection, order: RowMapping) -> bool:
    """Whether a finding keeps this order aside that has not left."""
    query = select(orders.c.id).where(
        orders.c.id == order["id"],
        is_here(),
        exists().where(quality_findings.c.number == orders.c.number, is_aside),
    )
    return connection.execute(query).first() is not None


def of_order(connection: Connection, number: str) -> list[RowMapping]:
    """The findings that keep an order aside, oldest first."""
    query = select(quality_findings).where(quality_findings.c.number == number, is_aside)
    return list(connection.execute(query.order_by(quality_findings.c.id)).mappings())


def let_be(connection: Connection, number: str, actor: str, at: datetime) -> None:
    """A person says of all that keeps an order aside that it is right as it is."""
    mine = and_(quality_findings.c.number == number, is_aside)
    accepted = {"state": FindingState.ACCEPTED, "actor": actor, "ended_at": at}
    connection.execute(update(quality_findings).where(mine).values(**accepted))


def left_out(connection: Connection, numbers: Iterable[str]) -> dict[str, str]:
    """Of these orders those that no figure counts now, each with the check that found it first."""
    found: dict[str, str] = {}
    for batch in chunks(numbers):
        query = select(quality_findings.c.number, quality_findings.c.code)
        query = query.where(quality_findings.c.number.in_(batch), is_aside).order_by(quality_findings.c.id)
        for number, code in connection.execute(query):
            found.setdefault(number, code)
    return found
