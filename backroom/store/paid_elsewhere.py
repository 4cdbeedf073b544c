"""What a channel's own list says was paid and we do not have: reporting it, listing it, settling it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, RowMapping, select, update

from backroom.domain.errors import Refuse
from backroom.store.batches import chunks, upsert
from backroom.store.tables import inbox, orders, paid_elsewhere, quarantine

CAME_IN = "came_in"


class NothingToSettle(Refuse):
    """No order by this id is missing at this channel."""

    cause = "nothing_to_settle"


@dataclass(frozen=True, slots=True)
class PaidOrder:
    """An order as its source lists it; `total_minor` in minor units of `currency`."""

    external_id: str
    name: str
    placed_at: datetime | None
    total_minor: int
    currency: str


@dataclass(frozen=True, slots=True)
class Ours:
    """What we have of a source's orders, by its own id: states of orders, and the ids of messages that wait."""

    orders: dict[str, str]
    waiting: frozenset[str]


def ours(connection: Connection, channel: str, external_ids: Collection[str]) -> Ours:
    """The state of each order of a channel that we have; and those whose message waits or lies in quarantine."""
    states: dict[str, str] = {}
    waiting: set[str] = set()
    for batch in chunks(sorted(external_ids)):
        query = select(orders.c.external_id, orders.c.state).where(
            orders.c.channel == channel, orders.c.external_id.in_(batch)
        )
        states |= {row[0]: row[1] for row in connection.execute(query)}
        lies = (
            select(inbox.c.external_id)
            .outerjoin(quarantine, quarantine.c.inbox_id == inbox.c.id)
            .where(
                inbox.c.channel == channel,
                inbox.c.external_id.in_(batch),
                (inbox.c.state == "waiting") | (quarantine.c.state == "open"),
            )
        )
        waiting |= set(connection.execute(lies).scalars())
    return Ours(states, frozenset(waiting - states.keys()))


def report(connection: Connection, channel: str, missing: Sequence[PaidOrder], at: datetime) -> int:
    """Remember orders that are not here; returns how many were not known to be missing before.

    One that a person settled stays settled.
    """
    known = set(
        connection.execute(select(paid_elsewhere.c.external_id).where(paid_elsewhere.c.channel == channel)).scalars()
    )
    fresh = [one for one in missing if one.external_id not in known]
    rows = [
        {
            "channel": channel,
            "external_id": one.external_id,
            "name": one.name,
            "placed_at": one.placed_at,
            "total_minor": one.total_minor,
            "currency": one.currency,
            "reported_at": at,
            "settled_at": None,
            "outcome": "",
            "actor": "",
        }
        for one in fresh
    ]
    upsert(connection, paid_elsewhere, rows, ["channel", "external_id"])
    return len(fresh)


def settle_those_that_came(connection: Connection, at: datetime) -> int:
    """Settle what has come in since it was reported; returns how many."""
    settling = update(paid_elsewhere).where(paid_elsewhere.c.settled_at.is_(None), _came_in())
    return connection.execute(settling.values(settled_at=at, outcome=CAME_IN)).rowcount


def settle(connection: Connection, channel: str, external_id: str, outcome: str, actor: str, at: datetime) -> None:
    """A person's word on one that will not come; NothingToSettle where none by this id or name is missing."""
    row = connection.execute(
        select(paid_elsewhere).where(
            paid_elsewhere.c.channel == channel,
            (paid_elsewhere.c.external_id == external_id) | (paid_elsewhere.c.name == external_id),
            paid_elsewhere.c.settled_at.is_(None),
        )
    ).first()
    if row is None:
        raise NothingToSettle(
            f"no order {external_id} of {channel} is missing.", remedy="`backroom audit lost` lists those that are."
        )
    this = (paid_elsewhere.c.channel == channel) & (paid_elsewhere.c.external_id == row.external_id)
    connection.execute(update(paid_elsewhere).where(this).values(settled_at=at, outcome=outcome, actor=actor))


def missing(connection: Connection) -> list[RowMapping]:
    """What is not here and not settled, oldest order first."""
    query = select(paid_elsewhere).where(paid_elsewhere.c.settled_at.is_(None), ~_came_in())
    by_age = (paid_elsewhere.c.placed_at, paid_elsewhere.c.channel, paid_elsewhere.c.external_id)
    return list(connection.execute(query.order_by(*by_age)).mappings())


def _came_in() -> ColumnElement[bool]:
    here = (orders.c.channel == paid_elsewhere.c.channel) & (orders.c.external_id == paid_elsewhere.c.external_id)
    return select(orders.c.id).where(here).exists()
