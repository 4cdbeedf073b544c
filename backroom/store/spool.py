"""The spool: deliveries that are durable before the shop's database has had time for them.

What belongs here: the file beside SQLite's, in which a delivery is kept, sealed, until the shop's database has it. What
does not: when one is kept there (`backroom.gateway.spooling`), and bringing it in (`backroom.gateway.bringing_in`).

SQLite has one write lock, and the steps of waves hold it most of the time; the spool's own is taken by gateways alone.
So only SQLite needs one, and there its file shares the disk with the shop's and is as durable.

Each row holds the key that opens it, wrapped by the master key that the shop uses at that moment: until it is dropped
and scrubbed it is as readable as the shop's database is.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Column, Connection, Integer, LargeBinary, MetaData, Table, bindparam, delete, insert, select

from backroom.domain.errors import AskPerson
from backroom.store.database import Database, overwrite_deleted
from backroom.store.inbox_door import Delivery
from backroom.store.scrubbing import scrub
from backroom.store.seals import SealBroken, Seals, seal, unseal
from backroom.store.tables.base import Utc

FILE = "spool.db"
CONTEXT = "spool.sealed"

_tables = MetaData()
_spool = Table(
    "spool",
    _tables,
    Column("id", Integer, primary_key=True),
    Column("heard_at", Utc, nullable=False),
    Column("wrapped_key", LargeBinary, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    # Numbers never come again: whoever drops a row late must not hit another one.
    sqlite_autoincrement=True,
)
# Built once: this is the path of webhooks.
_ADD = insert(_spool)
_DROP = delete(_spool).where(_spool.c.id == bindparam("gone"))
_ALL = select(_spool).order_by(_spool.c.id)


class SpoolStands(AskPerson):
    """What was acknowledged lies in the spool for long, or does not open."""

    cause = "spool_stands"


@dataclass(frozen=True, slots=True)
class Spooled:
    """A row: its number, when we heard it, and the delivery; None where it does not open, or cannot be read."""

    number: int
    heard_at: datetime
    delivery: Delivery | None


class Spool:
    """The spool in a folder, opened. Safe to share between threads; several processes may have it open.

    `current_key` tells the id of the master key that the shop uses now, None where it is the first. Opening it raises
    SQLAlchemy's errors where the disk takes no file.
    """

    def __init__(self, folder: Path, seals: Seals, current_key: Callable[[], str | None] = lambda: None) -> None:
        self._seals, self._current_key = seals, current_key
        self._key_id, self._key, self._wrapped = "", b"", b""
        # As at the door of the shop: nobody is to be let in before us.
        self._database = Database(f"sqlite:///{folder / FILE}", door=True)
        self._database.write(lambda connection: _tables.create_all(connection))

    def keep(self, delivery: Delivery, heard_at: datetime) -> Future[int]:
        """Its number, once it is on the disk; those that come meanwhile share a commit."""

        def add(connection: Connection) -> int:
            self._use_current_key()
            sealed = seal(self._key, _packed(delivery), CONTEXT)
            row = {"heard_at": heard_at, "wrapped_key": self._wrapped, "sealed": sealed}
            added = connection.execute(_ADD, row).inserted_primary_key
            assert added is not None
            return int(added[0])

        return self._database.write_grouped(add)

    def drop(self, numbers: Sequence[int]) -> Future[None]:
        """Overwrite deliveries that the shop's database has."""

        def gone(connection: Connection) -> None:
            with overwrite_deleted(connection):
                connection.execute(_DROP, [{"gone": number} for number in numbers]).close()

        return self._database.write_grouped(gone)

    def waiting(self) -> list[Spooled]:
        """All that is kept, oldest first."""
        with self._database.read() as connection:
            rows = connection.execute(_ALL).all()
        return [Spooled(row.id, row.heard_at, self._opened(row.wrapped_key, row.sealed)) for row in rows]

    def is_all_under(self, key_id: str) -> bool:
        """Whether every row is sealed under this master key."""
        with self._database.read() as connection:
            keys = {row.wrapped_key for row in connection.execute(_ALL)}
        try:
            return all(self._seals.wrapped_by(wrapped) == key_id for wrapped in keys)
        except SealBroken:
            return False

    def scrub(self) -> bool:
        """Leave nothing of dropped deliveries in SQLite's log; False where somebody was in the way."""
        return scrub(self._database, ())

    def close(self) -> None:
        self._database.close()

    def _use_current_key(self) -> None:
        """As people are sealed: by the master key that the shop uses now. Only the writer's thread calls it."""
        key_id = self._current_key() or self._seals.key_id
        if key_id != self._key_id:
            self._key, self._wrapped = self._seals.new_key(key_id)
            self._key_id = key_id

    def _opened(self, wrapped: bytes, sealed: bytes) -> Delivery | None:
        try:
            return _unpacked(unseal(self._seals.unwrap(wrapped), sealed, CONTEXT))
        except (SealBroken, LookupError, TypeError, ValueError):
            # Told by whoever looks: one row that cannot be read must keep no other from being brought in.
            return None


def is_needed(folder: Path, seals: Seals, key_id: str) -> bool:
    """Whether the spool of a folder needs another master key than this one."""
    with _found(folder, seals) as spool:
        return spool is not None and not spool.is_all_under(key_id)


def check(folder: Path, seals: Seals, long_seconds: float) -> None:
    """SpoolStands where something in a folder's spool has been kept for longer than that, or does not open."""
    with _found(folder, seals) as spool:
        rows = spool.waiting() if spool is not None else []
    if closed := sum(row.delivery is None for row in rows):
        raise SpoolStands(
            f"{closed} messages that were acknowledged lie in {FILE} and do not open.",
            remedy="Put the master key back under which they came, as master_key_before, and start `backroom up`. "
            f"Where it is lost, so are they: end `backroom up`, delete {FILE}*, and start reconcile/full.",
        )
    old = [row for row in rows if (datetime.now(UTC) - row.heard_at).total_seconds() > long_seconds]
    if old:
        raise SpoolStands(
            f"{len(old)} messages that were acknowledged are still not in the database.",
            remedy="Start `backroom up`; where it runs, its log says what is wrong with the spool.",
        )


@contextmanager
def _found(folder: Path, seals: Seals) -> Iterator[Spool | None]:
    """The spool of a folder, where there is one."""
    if not (folder / FILE).exists():
        yield None
        return
    spool = Spool(folder, seals)
    try:
        yield spool
    finally:
        spool.close()


def _packed(delivery: Delivery) -> bytes:
    words = asdict(delivery)
    words["body"] = base64.b64encode(delivery.body).decode()
    words["said_at"] = delivery.said_at.isoformat() if delivery.said_at is not None else None
    return json.dumps(words).encode()


def _unpacked(packed: bytes) -> Delivery:
    words: dict[str, Any] = json.loads(packed)
    words["lookups"] = tuple((kind, value) for kind, value in words["lookups"])
    words["body"] = base64.b64decode(words["body"])
    words["said_at"] = datetime.fromisoformat(words["said_at"]) if words["said_at"] is not None else None
    return Delivery(**words)
