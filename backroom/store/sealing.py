"""Under which master key the shop seals now, and bringing everybody's key under a new one, batch by batch.

What belongs here: the rows. What does not: the secrets file, and the order in which the two change
(`backroom.privacy.rotation`).

Whoever makes a person reads the row `sealing` in the same transaction and holds it until the commit; changing it waits
for them. So after the change no key is wrapped by the old master key any more, by whichever process.
"""

from __future__ import annotations

from sqlalchemy import ColumnElement, Connection, func, or_, select, update

from backroom.store.batches import insert_new, update_by_id
from backroom.store.database import now, overwrite_deleted
from backroom.store.seals import Seals
from backroom.store.tables import people, sealing

_ROW = 1
BATCH = 500

# Built once: this is the path of every webhook of somebody new.
_CURRENT = select(sealing.c.key_id).where(sealing.c.id == _ROW).with_for_update(read=True)


def current_key(connection: Connection) -> str | None:
    """The id of the master key for new people, which stays so until this transaction ends; None before the first."""
    return connection.execute(_CURRENT).scalar_one_or_none()


def hash_key(connection: Connection) -> bytes | None:
    """The key of the hashes, wrapped by the current master key."""
    return connection.execute(select(sealing.c.hash_key).where(sealing.c.id == _ROW)).scalar_one_or_none()


def register(connection: Connection, seals: Seals) -> str:
    """Note which master key the shop uses, where nobody has; returns the id of the one that it uses.

    Of a database from before there was such a note, it is the one that wrapped what is in it.
    """
    known = connection.execute(select(sealing.c.key_id).where(sealing.c.id == _ROW)).scalar_one_or_none()
    if known is not None:
        return str(known)
    newest = select(people.c.wrapped_key).where(people.c.wrapped_key.is_not(None)).order_by(people.c.id.desc())
    wrapped = connection.execute(newest.limit(1)).scalar_one_or_none()
    key_id = seals.wrapped_by(wrapped) if wrapped is not None else seals.key_id
    row = {"id": _ROW, "key_id": key_id, "hash_key": seals.first_hash_key(key_id), "since": now(connection)}
    # Another process may have done so since we looked.
    insert_new(connection, sealing, [row])
    return key_id


def change(connection: Connection, seals: Seals, key_id: str) -> None:
    """From this commit on, new people are sealed under the master key `key_id`."""
    values = {"key_id": key_id, "hash_key": seals.wrapped_hash_key(key_id), "since": now(connection)}
    connection.execute(update(sealing).where(sealing.c.id == _ROW).values(values))


def rewrap(connection: Connection, seals: Seals, key_id: str, after: int) -> tuple[int, int]:
    """Bring the next people, by id after `after`, under the master key `key_id`; returns the last id and how many.

    None are left when it returns 0. Whoever is erased meanwhile stays erased: rows are locked.
    """
    wanted = (
        select(people.c.id, people.c.wrapped_key)
        .where(people.c.id > after, *_under_another(key_id))
        .order_by(people.c.id)
        .limit(BATCH)
        # Whoever only writes something new of them is not held up.
        .with_for_update(key_share=True)
    )
    rows = connection.execute(wanted).all()
    changed = [{"id": row.id, "wrapped_key": seals.rewrap(row.wrapped_key, key_id), "key_id": key_id} for row in rows]
    with overwrite_deleted(connection):
        update_by_id(connection, people, changed)
    return (rows[-1].id if rows else after), len(rows)


def left(connection: Connection, key_id: str) -> int:
    """How many people's keys are wrapped by another master key than `key_id`."""
    query = select(func.count()).select_from(people).where(*_under_another(key_id))
    return int(connection.execute(query).scalar_one())


def _under_another(key_id: str) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return people.c.wrapped_key.is_not(None), or_(people.c.key_id.is_(None), people.c.key_id != key_id)
