"""Keeping the login of a channel that changes with its use: sealed in the shop's database, one at a time.

What belongs here: sealing, and reading back. What does not: getting a login (each channel's calls), the rows
(`backroom.store.logins`).

It is sealed under a key that is made of the secret which the channel was set up with: whoever has the database alone
opens nothing, and once somebody sets the channel up anew, what was kept before is of no use and begins anew.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from datetime import datetime

from backroom.channels.remote import Login
from backroom.store import logins
from backroom.store.database import Database
from backroom.store.seals import SealBroken, seal, unseal

CONTEXT = "channel_logins.sealed"


class LoginDrawer:
    """The drawer of one channel. Its methods are those of `remote.Drawer`."""

    def __init__(self, database: Database, channel: str) -> None:
        self._database, self._channel = database, channel
        self._generation = 0

    def read(self, secret: str) -> Login | None:
        with self._database.read() as connection:
            row = logins.find(connection, self._channel, _name(secret))
        self._generation = row["generation"] if row else 0
        if row is None:
            return None
        try:
            kept = json.loads(unseal(_key(secret), row["sealed"], CONTEXT))
        except SealBroken:
            return None
        return Login(kept["access"], kept["renewal"], datetime.fromisoformat(kept["good_until"]))

    def take_turn(self, secret: str) -> bool:
        """Of whoever read the same login as we did, one gets its turn."""
        return self._database.write(lambda c: logins.take_turn(c, self._channel, _name(secret), self._generation))

    def keep(self, secret: str, login: Login) -> None:
        kept = {"access": login.access, "renewal": login.renewal, "good_until": login.good_until.isoformat()}
        sealed = seal(_key(secret), json.dumps(kept).encode(), CONTEXT)
        self._database.write(lambda c: logins.keep(c, self._channel, _name(secret), sealed))

    def give_up(self, secret: str) -> None:
        self._database.write(lambda c: logins.give_up(c, self._channel, _name(secret)))


def _key(secret: str) -> bytes:
    return hmac.digest(secret.encode(), b"backroom channel login", hashlib.sha256)


def _name(secret: str) -> str:
    """What tells secrets apart, and nothing of them."""
    return hmac.digest(secret.encode(), b"backroom channel login name", hashlib.sha256).hex()[:16]
