"""The machines beside printers: which of them a booth's key is used from, and the end of one that is lost.

What belongs here: those rows, and revoking a booth as a whole. What does not: the keys themselves (`api_keys`), and
what was sealed for a machine (`print_seals`).

A booth's key works from one machine: the first that comes with it. A key that was read off a screen or out of a
terminal's history opens nothing elsewhere. Other places have their keys on the hub's own machines, which may be many.
"""

from __future__ import annotations

from sqlalchemy import Connection, RowMapping, insert, select, update

from backroom.domain.errors import AskPerson
from backroom.store import print_seals
from backroom.store.api_keys import KeyInfo, still_works
from backroom.store.database import now
from backroom.store.tables import api_keys, booth_devices


class OtherMachine(AskPerson):
    """The key is in use on another machine."""

    cause = "key_of_another_machine"


def let_in(connection: Connection, info: KeyInfo, public_key: str, *, alone: bool) -> int:
    """The id of the device with this public key, let in at its first call; OtherMachine where it must be `alone` with
    its key and is not. Locks the key's row, so that two machines that come at once are not both the first, and nobody
    revokes it meanwhile; KeyEnded where somebody has."""
    here = select(booth_devices.c.id, booth_devices.c.forgotten_at, booth_devices.c.public_key).where(
        booth_devices.c.api_key_id == info.id
    )
    ours = here.where(booth_devices.c.public_key == public_key, booth_devices.c.forgotten_at.is_(None))
    found: int | None = connection.execute(ours).scalar()
    if found is not None:
        still_works(connection, info.id)
        return found
    still_works(connection, info.id, alone=True)
    # Another lane of this very machine may have been the first, while we waited for the lock.
    known: int | None = connection.execute(ours).scalar()
    if known is not None:
        return known
    if alone and connection.execute(here.where(booth_devices.c.forgotten_at.is_(None))).first():
        raise OtherMachine(
            f"this key of {info.location} belongs to another machine",
            remedy="Make a key for this machine: `backroom key make booth`. If the other one is gone for good, "
            "`backroom booth forget` lets this one in.",
        )
    if connection.execute(here.where(booth_devices.c.public_key == public_key)).first():
        raise OtherMachine(
            f"this machine was forgotten at {info.location}", remedy="Make a key for it: `backroom key make booth`."
        )
    made = insert(booth_devices).values(
        api_key_id=info.id,
        key_name=info.name,
        location=info.location,
        public_key=public_key,
        paired_at=now(connection),
    )
    return int(connection.execute(made.returning(booth_devices.c.id)).scalar_one())


def listing(connection: Connection) -> list[RowMapping]:
    """Every machine there ever was, with its key's end, oldest first."""
    query = select(booth_devices, api_keys.c.revoked_at, api_keys.c.expires_at).outerjoin(
        api_keys, api_keys.c.id == booth_devices.c.api_key_id
    )
    return list(connection.execute(query.order_by(booth_devices.c.id)).mappings())


def forget(connection: Connection, location: str) -> int:
    """Forget the machines of a location, whose keys then let others in; returns how many."""
    here = (booth_devices.c.location == location) & booth_devices.c.forgotten_at.is_(None)
    ids = list(connection.execute(select(booth_devices.c.id).where(here)).scalars())
    connection.execute(update(booth_devices).where(here).values(forgotten_at=now(connection)))
    print_seals.destroy_of_devices(connection, ids, "forgotten")
    return len(ids)


def revoke(connection: Connection, location: str) -> tuple[int, int]:
    """End every key to a location at once, tills' as well, and what is sealed for its machines; how many of each."""
    ended = connection.execute(
        update(api_keys)
        .where(api_keys.c.location == location, api_keys.c.revoked_at.is_(None))
        .values(revoked_at=now(connection))
    ).rowcount
    ids = list(connection.execute(select(booth_devices.c.id).where(booth_devices.c.location == location)).scalars())
    return ended, print_seals.destroy_of_devices(connection, ids, "revoked")
