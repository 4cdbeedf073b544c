"""Knowing people again: by the keyed hashes of e-mail and phone, by an order, or by opening what is sealed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, Table, or_, select

from backroom.store.contacts import open_contact
from backroom.store.forgetting import open_work
from backroom.store.personal import Whose
from backroom.store.seals import Seals
from backroom.store.tables import erasures, inbox, orders, people, person_lookups

_AT_ONCE = 1_000


def is_known(connection: Connection, person_id: int) -> bool:
    """Whether there is such a person, who was not forgotten."""
    query = select(people.c.id).where(people.c.id == person_id, people.c.wrapped_key.is_not(None))
    return connection.execute(query).first() is not None


def of_order(connection: Connection, number: str) -> int | None:
    """Whose order this is; None for no order, or somebody who was forgotten."""
    query = select(orders.c.person_id).join(people, people.c.id == orders.c.person_id)
    found = connection.execute(query.where(orders.c.number == number, people.c.wrapped_key.is_not(None)))
    return found.scalar_one_or_none()


def by_digest(connection: Connection, kind: str, digest: str) -> list[int]:
    query = select(person_lookups.c.person_id).where(person_lookups.c.kind == kind, person_lookups.c.digest == digest)
    return list(connection.execute(query).scalars())


def of_channel_orders(connection: Connection, channel: str, external_ids: list[str]) -> list[int]:
    """Whose these orders of a channel are, by the ids that the channel gives them; none who were forgotten."""
    query = select(orders.c.person_id).join(people, people.c.id == orders.c.person_id)
    query = query.where(
        orders.c.channel == channel, orders.c.external_id.in_(external_ids), people.c.wrapped_key.is_not(None)
    )
    return sorted(set(connection.execute(query).scalars()))


def of_channel(connection: Connection, channel: str, after: int, most: int) -> list[tuple[int, bool]]:
    """The next people, by number after `after`, of whom a channel brought something, each with whether another channel
    did so too; none who were forgotten, or what this channel brought of them was."""

    def brought(condition: Callable[[Table], ColumnElement[bool]]) -> ColumnElement[bool]:
        theirs = (
            select(table.c.id).where(table.c.person_id == people.c.id, condition(table)) for table in (orders, inbox)
        )
        return or_(*(query.exists() for query in theirs))

    gone = select(erasures.c.id).where(
        erasures.c.person_id == people.c.id,
        erasures.c.person_since == people.c.created_at,
        erasures.c.channel == channel,
    )
    query = (
        select(people.c.id, brought(lambda table: table.c.channel != channel).label("elsewhere"))
        .where(people.c.id > after, people.c.wrapped_key.is_not(None), ~gone.exists())
        .where(brought(lambda table: table.c.channel == channel))
        .order_by(people.c.id)
        .limit(most)
    )
    return [(row.id, bool(row.elsewhere)) for row in connection.execute(query)]


def in_contacts(connection: Connection, seals: Seals, email: str, phone: str) -> Iterator[int]:
    """Whose orders name this e-mail or phone, by opening every contact there is."""
    query = (
        select(orders.c.id, orders.c.person_id, orders.c.contact, people.c.wrapped_key)
        .join(people, people.c.id == orders.c.person_id)
        .where(people.c.wrapped_key.is_not(None), orders.c.contact != b"")
        .order_by(orders.c.id)
    )
    after = 0
    while rows := connection.execute(query.where(orders.c.id > after).limit(_AT_ONCE)).all():
        after = rows[-1].id
        for row in rows:
            contact = open_contact(seals.unwrap(row.wrapped_key), row.contact)
            if (email and contact.email == email) or (phone and contact.phone == phone):
                yield row.person_id


def summary(
    connection: Connection, person_id: int
) -> tuple[int, datetime, tuple[tuple[str, str], ...], tuple[str, ...]]:
    """A person's number, when they were first heard of, their orders as `(number, state)`, and what is open."""
    since = connection.execute(select(people.c.created_at).where(people.c.id == person_id)).scalar_one()
    theirs = select(orders.c.number, orders.c.state).where(orders.c.person_id == person_id).order_by(orders.c.id)
    listed = tuple((row.number, row.state) for row in connection.execute(theirs))
    return person_id, since, listed, tuple(open_work(connection, Whose(person_id)))
