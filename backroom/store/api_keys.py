"""API keys: who may use which door of the gateway. Only a key's SHA-256 is stored; the key is shown once, when made.

A key is 256 random bits, so a plain hash is enough: there is nothing to guess. Asking for a scope and answering over
HTTP is the gateway's.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Connection, RowMapping, insert, or_, select, update

from backroom.domain.errors import Refuse
from backroom.store.database import now
from backroom.store.tables import api_keys

SCOPES = ("staff", "pos", "booth", "metrics", "push")
AT_ONE_LOCATION = ("pos", "booth")
# These work everywhere, or at one location where one is named.
AT_ANY_OR_ONE = ("staff",)
PREFIX = "bk"
# How long a key of a scope works where nobody says otherwise; the others' work for ever. Booths' are made by
# `backroom up`, which makes another when one ends.
USUAL_DAYS = {"staff": 365, "pos": 365, "push": 365}


class KeyRefused(Refuse):
    """No such key can be made."""

    cause = "key_refused"


class KeyEnded(Refuse):
    """The key was revoked or ended after its request came in."""

    cause = "key_ended"


@dataclass(frozen=True, slots=True)
class KeyInfo:
    """A key that works now. `location` is where it works; empty for one that is bound to no place."""

    id: int
    name: str
    scope: str
    location: str


def make_key(
    connection: Connection, name: str, scope: str, location: str = "", expires_at: datetime | None = None
) -> str:
    """Make a key and return it, `bk_<scope>_<random>`; it cannot be shown again.

    KeyRefused for a scope that does not exist, for a pos or booth key without its location, and for a location that
    would mean nothing to the scope.
    """
    if scope not in SCOPES:
        raise KeyRefused(f"there is no scope {scope!r}", remedy=f"Use one of {', '.join(SCOPES)}.")
    if scope in AT_ONE_LOCATION and not location:
        raise KeyRefused(f"a {scope} key is bound to a location", remedy="Name the location it is for.")
    if location and scope not in AT_ONE_LOCATION + AT_ANY_OR_ONE:
        raise KeyRefused(f"a {scope} key is bound to no location", remedy="Make it without one.")
    key = f"{PREFIX}_{scope}_{secrets.token_urlsafe(32)}"
    connection.execute(
        insert(api_keys).values(
            name=name,
            digest=_digest(key),
            scope=scope,
            location=location,
            created_at=now(connection),
            expires_at=expires_at,
        )
    )
    return key


def find_key(connection: Connection, key: str) -> KeyInfo | None:
    """The key, if it exists and is neither revoked nor expired."""
    return _working(connection, api_keys.c.digest == _digest(key))


def key_by_id(connection: Connection, key_id: int) -> KeyInfo | None:
    """The same by id, for a session that was opened with the key."""
    return _working(connection, api_keys.c.id == key_id)


def still_works(connection: Connection, key_id: int, *, alone: bool = False) -> None:
    """Hold a key as it is until this transaction ends; KeyEnded where it was revoked or ended meanwhile. Whoever
    revokes it waits until then, or has done it before. `alone`: nobody else may hold it so at the same time."""
    held = select(api_keys.c.id).where(api_keys.c.id == key_id, *_works(connection)).with_for_update(read=not alone)
    if connection.execute(held).first() is None:
        raise KeyEnded("this key does not work any more")


def check_key(connection: Connection, key: str, scope: str, location: str | None = None) -> KeyInfo | None:
    """The key, if it works for this scope and, where one is named, at this location."""
    info = find_key(connection, key)
    return info if info is not None and allows(info, scope, location) else None


def allows(info: KeyInfo, scope: str, location: str | None = None) -> bool:
    """Whether a key opens this door. A staff key of the whole shop also reads metrics; nothing else stands in for
    another scope.

    A door at a named location opens for a key of that location only, unless the scope is not bound to one. Which staff
    pages a staff key of one location opens is the gateway's (`place_pages`).
    """
    if info.scope == "staff" and scope == "metrics":
        return not info.location
    bound = scope in AT_ONE_LOCATION and location is not None
    return info.scope == scope and (not bound or info.location == location)


def revoke(connection: Connection, key_id: int) -> bool:
    """End a key at once; False when there is none, or it was revoked before."""
    ended = connection.execute(
        update(api_keys)
        .where(api_keys.c.id == key_id, api_keys.c.revoked_at.is_(None))
        .values(revoked_at=now(connection))
    )
    return ended.rowcount == 1


def list_keys(connection: Connection) -> list[RowMapping]:
    """Every key there ever was, without its digest, oldest first."""
    columns = [column for column in api_keys.c if column.name != "digest"]
    return list(connection.execute(select(*columns).order_by(api_keys.c.id)).mappings())


def ending(connection: Connection, within: timedelta) -> list[RowMapping]:
    """Keys that work now and end within this time, those that end first."""
    at = now(connection)
    columns = [column for column in api_keys.c if column.name != "digest"]
    query = select(*columns).where(
        api_keys.c.revoked_at.is_(None), api_keys.c.expires_at > at, api_keys.c.expires_at <= at + within
    )
    return list(connection.execute(query.order_by(api_keys.c.expires_at, api_keys.c.id)).mappings())


def renew(connection: Connection, key_id: int, expires_at: datetime | None, old_ends_at: datetime) -> str:
    """A new key in the place of one that works, of its name, scope and location; the old one works until
    `old_ends_at`, unless it ends before. Returns the new key; KeyRefused where the old one does not work any more."""
    info = key_by_id(connection, key_id)
    if info is None:
        raise KeyRefused(f"there is no working key {key_id}", remedy="Make a new one with `backroom key make`.")
    sooner = or_(api_keys.c.expires_at.is_(None), api_keys.c.expires_at > old_ends_at)
    connection.execute(update(api_keys).where(api_keys.c.id == key_id, sooner).values(expires_at=old_ends_at))
    return make_key(connection, info.name, info.scope, info.location, expires_at)


def standing(row: RowMapping, at: datetime) -> str:
    """How a listed key is: works, ends in so many days, ended, revoked."""
    if row["revoked_at"] is not None:
        return "revoked"
    if row["expires_at"] is None:
        return "works"
    return f"ends in {(row['expires_at'] - at).days} days" if row["expires_at"] > at else "ended"


def _working(connection: Connection, which: ColumnElement[bool]) -> KeyInfo | None:
    row = connection.execute(
        select(api_keys.c.id, api_keys.c.name, api_keys.c.scope, api_keys.c.location).where(which, *_works(connection))
    ).one_or_none()
    return None if row is None else KeyInfo(row.id, row.name, row.scope, row.location)


def _works(connection: Connection) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    """That a key is neither revoked nor expired."""
    return (
        api_keys.c.revoked_at.is_(None),
        or_(api_keys.c.expires_at.is_(None), api_keys.c.expires_at > now(connection)),
    )


def _digest(key: str) -> str:
    return hashlib.sha256(key.encode("utf-8", "replace")).hexdigest()
