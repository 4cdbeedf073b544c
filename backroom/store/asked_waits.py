"""For how long other sides asked to be left alone (`Retry-After`): a row a side, for every process and after a restart.

What belongs here: the rows, and the book that `backroom.outgoing.circuit` keeps them in. What does not: whose calls
wait for that, and the orders behind them, which have the time in their own `next_attempt_at`.
"""

from __future__ import annotations

import hashlib
from datetime import timedelta

from sqlalchemy import Connection, delete, select, update

from backroom.store.batches import insert_new
from backroom.store.database import Database, now
from backroom.store.tables import asked_waits


class WaitsBook:
    """The book of one shop. Its methods are those of `backroom.outgoing.circuit.Book`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def left(self, service: str, base: str) -> float:
        query = select(asked_waits.c.until).where(asked_waits.c.side == _side(service, base))
        with self._database.read() as connection:
            until = connection.execute(query).scalar_one_or_none()
            return 0.0 if until is None else max((until - now(connection)).total_seconds(), 0.0)

    def ask(self, service: str, base: str, seconds: float) -> None:
        self._database.write(lambda connection: _ask(connection, service, base, seconds))

    def end(self, service: str, base: str) -> None:
        ended = delete(asked_waits).where(asked_waits.c.side == _side(service, base))
        self._database.write(lambda connection: connection.execute(ended).rowcount)


def _ask(connection: Connection, service: str, base: str, seconds: float) -> None:
    at = now(connection)
    side, until = _side(service, base), at + timedelta(seconds=seconds)
    connection.execute(delete(asked_waits).where(asked_waits.c.until <= at))
    insert_new(connection, asked_waits, [{"side": side, "service": service, "until": until, "asked_at": at}])
    # Of two answers that ask, the longer one holds, whichever came last.
    longer = update(asked_waits).where(asked_waits.c.side == side, asked_waits.c.until < until)
    connection.execute(longer.values(until=until, asked_at=at))


def _side(service: str, base: str) -> str:
    """What tells sides apart, and nothing of their addresses, in which some have their account."""
    return hashlib.sha256(f"{service} {base}".encode()).hexdigest()[:32]
