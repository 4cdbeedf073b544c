"""People: finding or making the person a message is about, and their keys. Only hashes and wrapped keys are stored."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, delete, insert, select, update

from backroom.domain.errors import Refuse
from backroom.domain.model import InboxState, OrderState
from backroom.store.seals import Seals
from backroom.store.tables import inbox, orders, people, person_lookups


class PersonErased(Refuse):
    """This person's key was destroyed: what it sealed cannot be read again, and nothing new is sealed with it."""

    cause = "person_erased"


class StillServed(Refuse):
    """Somebody cannot be erased while we still owe them a parcel."""

    cause = "still_served"


@dataclass(frozen=True, slots=True)
class Person:
    id: int
    key: bytes


def find_or_add(connection: Connection, seals: Seals, lookups: Sequence[tuple[str, str]], at: datetime) -> Person:
    """The person known by one of `lookups`, `(kind, normalised value)` in order of trust; a new one where none is.

    A look-up that is not known yet is added to the person found by another one, never moved between two people.
    """
    digests = [(kind, seals.digest(kind, value)) for kind, value in lookups if value]
    found: dict[tuple[str, str], int] = {}
    for kind, digest in digests:
        row = connection.execute(
            select(person_lookups.c.person_id).where(person_lookups.c.kind == kind, person_lookups.c.digest == digest)
        ).scalar_one_or_none()
        if row is not None:
            found[kind, digest] = row
    if found:
        person_id = next(found[pair] for pair in digests if pair in found)
        person = load(connection, seals, [person_id])[person_id]
    else:
        key, wrapped = seals.new_key()
        person_id = connection.execute(
            insert(people).values(wrapped_key=wrapped, created_at=at).returning(people.c.id)
        ).scalar_one()
        person = Person(person_id, key)
    new = [pair for pair in digests if pair not in found]
    if new:
        connection.execute(
            insert(person_lookups), [{"kind": kind, "digest": digest, "person_id": person.id} for kind, digest in new]
        )
    return person


def load(connection: Connection, seals: Seals, ids: Iterable[int]) -> dict[int, Person]:
    """People by id, with their keys unwrapped; PersonErased when one of them was erased."""
    wanted = sorted(set(ids))
    rows = connection.execute(select(people.c.id, people.c.wrapped_key).where(people.c.id.in_(wanted))).all()
    for row in rows:
        if row.wrapped_key is None:
            raise PersonErased(f"person {row.id} was erased")
    return {row.id: Person(row.id, seals.unwrap(row.wrapped_key)) for row in rows}


def erase(connection: Connection, person_id: int, at: datetime) -> None:
    """Destroy a person's key and look-ups: whatever was sealed with it is closed for good, in backups as well once the
    key has left them. Refuses with StillServed while an order of theirs is under way or a message waits.
    """
    ended = (OrderState.FULFILLED, OrderState.CANCELLED)
    under_way = select(orders.c.id).where(orders.c.person_id == person_id, orders.c.state.not_in(ended))
    waits = select(inbox.c.id).where(inbox.c.person_id == person_id, inbox.c.state == InboxState.WAITING)
    if connection.execute(under_way.limit(1)).first() or connection.execute(waits.limit(1)).first():
        raise StillServed(f"person {person_id} has orders under way", remedy="End or cancel them first.")
    connection.execute(delete(person_lookups).where(person_lookups.c.person_id == person_id))
    connection.execute(update(people).where(people.c.id == person_id).values(wrapped_key=None, erased_at=at))
