"""The append-only history of every order: what happened, when, by whom. Ids, codes and figures, never personal data."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection, insert, select

from backroom.domain.errors import Refuse
from backroom.store.tables import history

_CODE = re.compile(r"[a-z][a-z0-9_]{0,59}")


class NotACode(Refuse):
    """A reason that is no code; the message does not repeat it, because it may name somebody."""

    cause = "not_a_code"


@dataclass(frozen=True, slots=True)
class Entry:
    """One event of one order, named in the past tense, such as `order.accepted`. `note` is sealed, see `notes`."""

    order_id: int
    event: str
    data: Mapping[str, object] = field(default_factory=dict)
    note: bytes | None = None


def check_code(reason: str) -> None:
    """Raise NotACode for anything but a code: what is recorded stands in Prefect's artifacts and forms, in clear."""
    if not _CODE.fullmatch(reason):
        raise NotACode(
            "a reason is one word in lower case, with underscores", remedy="Put what else is said in a note."
        )


def record(
    connection: Connection, entries: Iterable[Entry], *, at: datetime, actor: str = "", run_id: str = ""
) -> None:
    """Append entries in the caller's transaction. `actor` is a person's name for a person's act, empty for a run's."""
    rows = [
        {
            "order_id": entry.order_id,
            "event": entry.event,
            "data": dict(entry.data),
            "note": entry.note,
            "actor": actor,
            "run_id": run_id,
            "at": at,
        }
        for entry in entries
    ]
    if rows:
        connection.execute(insert(history), rows)


def newest(connection: Connection, order_id: int, event: str) -> Mapping[str, object]:
    """What was told of an order with its newest entry of this event; empty where it has none."""
    query = select(history.c.data).where(history.c.order_id == order_id, history.c.event == event)
    found = connection.execute(query.order_by(history.c.id.desc()).limit(1)).scalar_one_or_none()
    return found or {}


def all_of(connection: Connection, order_id: int, event: str) -> list[Mapping[str, object]]:
    """The data of an order's events of one kind, oldest first."""
    query = select(history.c.data).where(history.c.order_id == order_id, history.c.event == event)
    return list(connection.execute(query.order_by(history.c.id)).scalars())
