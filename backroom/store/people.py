"""People: finding or making the person a message is about, and their keys. Only hashes and wrapped keys are stored.

Forgetting one is `forgetting`'s.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, bindparam, insert, select

from backroom.domain.errors import Refuse
from backroom.store.sealing import current_key
from backroom.store.seals import Seals
from backroom.store.tables import people, person_lookups

# Built once: every webhook runs them while it holds the lock that others wait for.
_KNOWN_BY = select(person_lookups.c.person_id).where(
    person_lookups.c.kind == bindparam("kind"), person_lookups.c.digest == bindparam("digest")
)
_ADD = insert(people).returning(people.c.id)
_ADD_LOOKUPS = insert(person_lookups)


class PersonErased(Refuse):
    """This person's key was destroyed: what it sealed cannot be read again, and nothing new is sealed with it."""

    cause = "person_erased"


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
        known = connection.execute(_KNOWN_BY, {"kind": kind, "digest": digest}).scalar_one_or_none()
        if known is not None:
            found[kind, digest] = known
    if found:
        person_id = next(found[pair] for pair in digests if pair in found)
        # Whoever is just being forgotten is waited for, and then is somebody new.
        person = load(connection, seals, [person_id], hold=True)[person_id]
    else:
        key_id = current_key(connection) or seals.key_id
        key, wrapped = seals.new_key(key_id)
        row = {"wrapped_key": wrapped, "key_id": key_id, "created_at": at}
        person = Person(connection.execute(_ADD, row).scalar_one(), key)
    new = [pair for pair in digests if pair not in found]
    if new:
        connection.execute(
            _ADD_LOOKUPS, [{"kind": kind, "digest": digest, "person_id": person.id} for kind, digest in new]
        )
    return person


def not_erased(connection: Connection, ids: Iterable[int]) -> set[int]:
    """Those of these people who were not erased, and are not before this transaction ends."""
    query = select(people.c.id).where(people.c.id.in_(sorted(set(ids))), people.c.wrapped_key.is_not(None))
    return set(connection.execute(query.with_for_update(read=True, key_share=True)).scalars())


def load(connection: Connection, seals: Seals, ids: Iterable[int], *, hold: bool = False) -> dict[int, Person]:
    """People by id, with their keys unwrapped; PersonErased when one of them was erased.

    With `hold` none of them is erased before this transaction ends.
    """
    query = select(people.c.id, people.c.wrapped_key).where(people.c.id.in_(sorted(set(ids))))
    rows = connection.execute(query.with_for_update(read=True, key_share=True) if hold else query).all()
    for row in rows:
        if row.wrapped_key is None:
            raise PersonErased(f"person {row.id} was erased")
    return {row.id: Person(row.id, seals.unwrap(row.wrapped_key)) for row in rows}
