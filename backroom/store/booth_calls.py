"""Whether a booth can be heard: when its worker called last.

What belongs here: noting a call, and the question whether a booth has fallen silent. What does not: what it called for.
A booth's worker asks for work by a long poll as long as there is a line, so one that says nothing has none.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Connection, select, update

from backroom.store.batches import insert_new
from backroom.store.tables import booth_calls

# Three long polls of a booth's worker, and a little.
SILENT_AFTER = timedelta(seconds=80)
# That it called is written down no more often than this.
NEWS_AFTER = timedelta(seconds=10)


def hear(connection: Connection, location: str, at: datetime) -> None:
    """A booth's worker has called just now."""
    if not insert_new(connection, booth_calls, [{"location": location, "heard_at": at}]):
        connection.execute(
            update(booth_calls)
            .where(booth_calls.c.location == location, booth_calls.c.heard_at < at)
            .values(heard_at=at)
        )


def is_news(connection: Connection, location: str, at: datetime) -> bool:
    """Whether a call of this booth is worth being written down: none was in the last seconds."""
    heard_at = _heard_at(connection, location)
    return heard_at is None or heard_at < at - NEWS_AFTER


def is_silent(connection: Connection, location: str, at: datetime) -> bool:
    """Whether a booth that called before has not done so for long; one that never called is not known to be silent."""
    heard_at = _heard_at(connection, location)
    return heard_at is not None and heard_at < at - SILENT_AFTER


def _heard_at(connection: Connection, location: str) -> datetime | None:
    query = select(booth_calls.c.heard_at).where(booth_calls.c.location == location)
    found: datetime | None = connection.execute(query).scalar_one_or_none()
    return found
