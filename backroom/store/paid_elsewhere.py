"""What a channel's own list says was paid and we do not have: reporting it, listing it, settling it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, RowMapping, func, select, update

from backroom.domain.errors import Refuse
from backroom.domain.model import InboxState
from backroom.store.batches import chunks, upsert
from backroom.store.intake import DELETED
from backroom.store.tables import inbox, orders, paid_elsewhere, people, quarantine

CAME_IN = "came_in"
BY_LIST, BY_LOOK = "list", "look"


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
    """What we have of a source's orders, by its own id: states of orders and the source's time of the newest news of
    each, and which are of somebody who was forgotten; ids of messages that wait, and that lie in quarantine, whether or
    not the order is there as well; and ids of which a person said why they will not come."""

    orders: dict[str, str]
    source_at: dict[str, datetime]
    forgotten: frozenset[str]
    waiting: frozenset[str]
    quarantined: frozenset[str]
    settled: frozenset[str]


def ours(connection: Connection, channel: str, external_ids: Collection[str]) -> Ours:
    """What we have of these orders of a channel."""
    states: dict[str, str] = {}
    source_at: dict[str, datetime] = {}
    forgotten: set[str] = set()
    waiting: set[str] = set()
    quarantined: set[str] = set()
    settled: set[str] = set()
    for batch in chunks(sorted(external_ids)):
        query = (
            select(orders.c.external_id, orders.c.state, orders.c.source_at, people.c.erased_at)
            .join(people, people.c.id == orders.c.person_id)
            .where(orders.c.channel == channel, orders.c.external_id.in_(batch))
        )
        for row in connection.execute(query):
            states[row.external_id], source_at[row.external_id] = row.state, row.source_at
            if row.erased_at is not None:
                forgotten.add(row.external_id)
        lies = (
            select(inbox.c.external_id, inbox.c.state)
            .outerjoin(quarantine, quarantine.c.inbox_id == inbox.c.id)
            .where(
                inbox.c.channel == channel,
                inbox.c.external_id.in_(batch),
                _lies(),
            )
        )
        for row in connection.execute(lies):
            (waiting if row.state == InboxState.WAITING else quarantined).add(row.external_id)
        said = select(paid_elsewhere.c.external_id).where(
            paid_elsewhere.c.channel == channel,
            paid_elsewhere.c.external_id.in_(batch),
            paid_elsewhere.c.settled_at.is_not(None),
            paid_elsewhere.c.outcome != CAME_IN,
        )
        settled |= set(connection.execute(said).scalars())
    return Ours(states, source_at, frozenset(forgotten), frozenset(waiting), frozenset(quarantined), frozenset(settled))


def report(
    connection: Connection, channel: str, missing: Sequence[PaidOrder], at: datetime, found_by: str = BY_LIST
) -> int:
    """Remember orders that are not here; returns how many were not known to be missing before.

    One that a person settled stays settled. `found_by` is BY_LIST or BY_LOOK, see the table.
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
            "found_by": found_by,
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
    """What is neither here nor waiting nor in quarantine, and not settled, oldest order first."""
    query = select(paid_elsewhere).where(_is_missing())
    by_age = (paid_elsewhere.c.placed_at, paid_elsewhere.c.channel, paid_elsewhere.c.external_id)
    return list(connection.execute(query.order_by(*by_age)).mappings())


def count_missing(connection: Connection) -> dict[str, int]:
    """How many orders are missing, by channel; channels of which none is are left out."""
    query = select(paid_elsewhere.c.channel, func.count()).where(_is_missing()).group_by(paid_elsewhere.c.channel)
    return {row[0]: row[1] for row in connection.execute(query)}


def missed_by_looks(connection: Connection, channel: str) -> set[str]:
    """The ids, at the source, of orders that a look found missing and that still are."""
    query = select(paid_elsewhere.c.external_id).where(
        paid_elsewhere.c.channel == channel, paid_elsewhere.c.found_by == BY_LOOK, _is_missing()
    )
    return set(connection.execute(query).scalars())


def _is_missing() -> ColumnElement[bool]:
    lies = (
        select(inbox.c.id)
        .outerjoin(quarantine, quarantine.c.inbox_id == inbox.c.id)
        .where(
            inbox.c.channel == paid_elsewhere.c.channel,
            inbox.c.external_id == paid_elsewhere.c.external_id,
            # Of one that was deleted over there nothing more will come.
            _lies() | (inbox.c.outcome == DELETED),
        )
    )
    return paid_elsewhere.c.settled_at.is_(None) & ~_came_in() & ~lies.exists()


def _lies() -> ColumnElement[bool]:
    """Whether a message waits at the door, or lies in quarantine with an order in it: one that only hinted at an order
    is no reason not to fetch it."""
    return (inbox.c.state == InboxState.WAITING) | ((quarantine.c.state == "open") & inbox.c.hint.is_(False))


def _came_in() -> ColumnElement[bool]:
    here = (orders.c.channel == paid_elsewhere.c.channel) & (orders.c.external_id == paid_elsewhere.c.external_id)
    return select(orders.c.id).where(here).exists()
