"""The accepting commit: one delivery into the inbox, sealed under its person's key, exactly once.

What belongs here: the row and the question whether it is new. What does not: signatures and parsing (the gateway and
the channels), and what becomes of the message (`intake`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Connection, bindparam, insert, select
from sqlalchemy.dialects.postgresql import insert as postgres_insert

from backroom.domain.model import InboxState, Problem
from backroom.store.claims import Wakeup, wakeup
from backroom.store.database import now
from backroom.store.intake import BODY_CONTEXT, STAGE, quarantine_messages
from backroom.store.people import Person, PersonErased, find_or_add
from backroom.store.seals import Seals, seal
from backroom.store.tables import inbox

LONGEST_WORD = 200

# Built once: this is the path of every webhook, and building a statement costs more than running it.
_KNOWN = select(inbox.c.id).where(
    inbox.c.channel == bindparam("channel"), inbox.c.delivery_key == bindparam("delivery_key")
)
_ADD = {
    # Who writes to SQLite writes alone: what is not there when it is looked for does not come in between. SQLAlchemy
    # would compile the other form anew each time.
    "sqlite": insert(inbox),
    "postgresql": postgres_insert(inbox).on_conflict_do_nothing(),
}


@dataclass(frozen=True, slots=True)
class Delivery:
    """One message of a channel, checked and with its card numbers masked. `lookups` are (kind, normalised value).

    A `hint` carries no order: `external_id` is what is to be fetched. `said_at` is when its source says that it
    happened, where that stands beside the body.
    """

    channel: str
    key: str
    topic: str
    external_id: str
    priority: int
    lookups: tuple[tuple[str, str], ...]
    body: bytes
    hint: bool = False
    said_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Receipt:
    """Whether the delivery is new here, and the wake-up it owes after the commit. What is `spooled` is durable, and new
    as far as is known."""

    new: bool
    wakeup: Wakeup | None = None
    spooled: bool = False


def accept(
    connection: Connection, seals: Seals, delivery: Delivery, hub: str, heard_at: datetime | None = None
) -> Receipt:
    """Write the delivery unless it is there already. Runs in the caller's transaction, which makes it durable.

    `heard_at` is when it came, where that was before.
    """
    key = word(delivery.key)
    if connection.execute(_KNOWN, {"channel": delivery.channel, "delivery_key": key}).first() is not None:
        return Receipt(new=False)
    person, at = _person(connection, seals, delivery), now(connection)
    if heard_at is not None:
        at = min(heard_at, at)
    row = {
        "channel": delivery.channel,
        "delivery_key": key,
        "topic": word(delivery.topic),
        "external_id": word(delivery.external_id),
        "person_id": person.id,
        "body": seal(person.key, delivery.body, BODY_CONTEXT),
        "priority": delivery.priority,
        "hint": delivery.hint,
        "received_at": at,
        # What is said to come is said now: a wrong clock over there keeps nothing out that is said later.
        "said_at": min(delivery.said_at, at) if delivery.said_at is not None else None,
        "state": InboxState.WAITING,
    }
    # On PostgreSQL another process may have written the same delivery since we looked.
    if not connection.execute(_ADD[connection.dialect.name], row).rowcount:
        return Receipt(new=False)
    return Receipt(new=True, wakeup=wakeup(connection, STAGE, hub))


def put_aside(connection: Connection, seals: Seals, delivery: Delivery, hub: str, problems: Sequence[Problem]) -> bool:
    """Write a delivery that is no order straight into quarantine; False when the same lies there already.

    Its key is of its content, so that its sender may send it again mended, under the number that it has.
    """
    refused = replace(delivery, key="refused:" + hashlib.sha256(delivery.body).hexdigest())
    # The wake-up that this owes is not sent: nothing waits.
    if not accept(connection, seals, refused, hub).new:
        return False
    row = connection.execute(_KNOWN, {"channel": refused.channel, "delivery_key": refused.key}).one()
    quarantine_messages(connection, [(row.id, refused.channel, problems)], now(connection))
    return True


def word(text: str) -> str:
    """What a stranger sent as an id, fit for a column: itself, or its hash where it is long or not printable."""
    if len(text) <= LONGEST_WORD and text.isprintable():
        return text
    return "sha256:" + hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _person(connection: Connection, seals: Seals, delivery: Delivery) -> Person:
    lookups = [(kind, value) for kind, value in delivery.lookups if value.isprintable()]
    at = now(connection)
    try:
        return find_or_add(connection, seals, lookups, at)
    except PersonErased:
        # Whoever was erased and buys again is somebody new: what the destroyed key sealed stays closed.
        return find_or_add(connection, seals, [], at)
