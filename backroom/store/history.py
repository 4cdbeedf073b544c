"""The append-only history of every order: what happened, when, by whom. Ids, codes and figures, never personal data."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection, insert

from backroom.store.tables import history


@dataclass(frozen=True, slots=True)
class Entry:
    """One event of one order, named in the past tense, such as `order.accepted`."""

    order_id: int
    event: str
    data: Mapping[str, object] = field(default_factory=dict)


def record(
    connection: Connection, entries: Iterable[Entry], *, at: datetime, actor: str = "", run_id: str = ""
) -> None:
    """Append entries in the caller's transaction. `actor` is a person's name for a person's act, empty for a run's."""
    rows = [
        {
            "order_id": entry.order_id,
            "event": entry.event,
            "data": dict(entry.data),
            "actor": actor,
            "run_id": run_id,
            "at": at,
        }
        for entry in entries
    ]
    if rows:
        connection.execute(insert(history), rows)
