"""What stands in quarantine, for the page that lists it. Putting messages there and back is intake's."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, RowMapping, select

from backroom.store.tables import inbox, quarantine


def open_quarantine(connection: Connection, most: int = 200) -> Sequence[RowMapping]:
    """Messages that wait there with their problems, newest first, without their bodies."""
    query = (
        select(
            quarantine.c.id,
            quarantine.c.channel,
            quarantine.c.problems,
            quarantine.c.at,
            inbox.c.topic,
            inbox.c.external_id,
            inbox.c.received_at,
        )
        .join(inbox, inbox.c.id == quarantine.c.inbox_id)
        .where(quarantine.c.state == "open")
        .order_by(quarantine.c.id.desc())
        .limit(most)
    )
    return connection.execute(query).mappings().all()
