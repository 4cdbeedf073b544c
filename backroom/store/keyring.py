"""What opens people: their wrapped keys, what they are known by and the key of the hashes, taken out and put back.

What belongs here: the rows that a backup goes without, since an erasure destroys them. What does not: the file they lie
in (`backroom.privacy.key_file`), and the copy that goes without them (`backups`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeAlias

from sqlalchemy import Connection, delete, func, insert, select

from backroom.store.batches import chunks, insert_new, update_by_id
from backroom.store.database import now
from backroom.store.tables import erasures, people, person_lookups, sealing

# The tables that a backup holds no row of, and the columns of `people` that are empty there.
APART = (person_lookups.name, sealing.name)
EMPTIED = {people.name: ("wrapped_key", "key_id")}

# A person by number and the moment they were first heard of: numbers come again when a database is made anew.
Identity: TypeAlias = tuple[int, datetime]


@dataclass(frozen=True, slots=True)
class PersonKey:
    """One person's key, wrapped by the master key `key_id` (None: the shop's first), and their look-ups as (kind,
    digest). `lost_at` is set once the database knows nobody of that identity any more."""

    person_id: int
    since: datetime
    wrapped: bytes
    key_id: str | None
    lookups: tuple[tuple[str, str], ...] = ()
    lost_at: datetime | None = None

    @property
    def identity(self) -> Identity:
        return self.person_id, self.since


@dataclass(frozen=True, slots=True)
class Keyring:
    """Everybody's keys at one moment. `state` tells which erasures they have behind them (`state`); `hash_key` is
    wrapped by the master key `key_id`."""

    at: datetime
    state: str
    key_id: str
    hash_key: bytes
    sealed_since: datetime
    people: Sequence[PersonKey] = field(repr=False)


def state(connection: Connection) -> str:
    """What changes with every erasure, and with the database itself: a keyring of another state may hold a key that
    was destroyed. Counted and not only numbered: of two at once the later number may be there first."""
    query = select(func.count(), func.max(erasures.c.id), func.max(erasures.c.erased_at)).select_from(erasures)
    count, last, at = connection.execute(query).one()
    master = connection.execute(select(sealing.c.key_id)).scalar_one_or_none()
    return f"{count}:{last or 0}:{at.isoformat() if at else ''}:{master or ''}"


def read(connection: Connection) -> Keyring | None:
    """Everybody's keys as they are now, in one snapshot; None before the shop's first start."""
    note = connection.execute(select(sealing)).mappings().one_or_none()
    if note is None:
        return None
    known_by: dict[int, list[tuple[str, str]]] = {}
    lookups = select(person_lookups.c.person_id, person_lookups.c.kind, person_lookups.c.digest)
    for person_id, kind, digest in connection.execute(lookups.order_by(person_lookups.c.digest)):
        known_by.setdefault(person_id, []).append((kind, digest))
    keys = select(people).where(people.c.wrapped_key.is_not(None)).order_by(people.c.id)
    found = [
        PersonKey(row.id, row.created_at, bytes(row.wrapped_key), row.key_id, tuple(known_by.get(row.id, ())))
        for row in connection.execute(keys)
    ]
    hash_key, since = bytes(note["hash_key"]), note["since"]
    return Keyring(now(connection), state(connection), note["key_id"], hash_key, since, found)


def identities(connection: Connection) -> set[Identity]:
    """Everybody whom the database has a row of, forgotten ones too."""
    return {(row.id, row.created_at) for row in connection.execute(select(people.c.id, people.c.created_at))}


def keyless(connection: Connection) -> list[Identity]:
    """Whose key is gone though nothing here says that they were forgotten: it was, after this database's backup."""
    query = select(people.c.id, people.c.created_at).where(people.c.wrapped_key.is_(None), people.c.erased_at.is_(None))
    return [(row.id, row.created_at) for row in connection.execute(query.order_by(people.c.id))]


def with_key(connection: Connection) -> int:
    """How many people can be read."""
    query = select(func.count()).select_from(people).where(people.c.wrapped_key.is_not(None))
    return int(connection.execute(query).scalar_one())


def put(connection: Connection, ring: Keyring) -> tuple[int, int]:
    """Give everybody who is in the ring their key back; returns how many got one, and how many have none.

    Who is not here, because they came after this database's backup, is left out.
    """
    here = set(keyless(connection))
    back = [one for one in ring.people if one.identity in here]
    for some in chunks(back):
        rows = [{"id": one.person_id, "wrapped_key": one.wrapped, "key_id": one.key_id} for one in some]
        update_by_id(connection, people, rows)
    for batch in chunks(_lookups(back)):
        insert_new(connection, person_lookups, batch)
    connection.execute(delete(sealing))
    note = {"id": 1, "key_id": ring.key_id, "hash_key": ring.hash_key, "since": ring.sealed_since}
    connection.execute(insert(sealing), [note])
    return len(back), len(here) - len(back)


def _lookups(back: Iterable[PersonKey]) -> list[dict[str, object]]:
    return [
        {"kind": kind, "digest": digest, "person_id": one.person_id} for one in back for kind, digest in one.lookups
    ]
