"""Logins that change with their use: the newest one of each channel, and who is just getting another.

What belongs here: the rows. What does not: what a login is, and sealing it (`backroom.channels.login_drawer`).
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Connection, RowMapping, or_, select, update

from backroom.store.batches import insert_new
from backroom.store.database import now
from backroom.store.tables import channel_logins

# Longer than the call takes that gets a new login: whoever began it and is gone is not waited for.
TURN = timedelta(seconds=90)


def find(connection: Connection, channel: str, opened_by: str) -> RowMapping | None:
    """The kept login of a channel, with `at` as the time now; None where none was kept under this secret."""
    query = select(channel_logins.c.sealed, channel_logins.c.generation).where(
        channel_logins.c.channel == channel,
        channel_logins.c.opened_by == opened_by,
        channel_logins.c.sealed.is_not(None),
    )
    return connection.execute(query).mappings().one_or_none()


def take_turn(connection: Connection, channel: str, opened_by: str, generation: int) -> bool:
    """Whether it is ours to get the next login after `generation`: nobody else has done so, or is about to.

    A secret that was changed begins anew: what was kept under the old one is of no use any more.
    """
    at = now(connection)
    row = {"channel": channel, "opened_by": opened_by, "generation": 0}
    insert_new(connection, channel_logins, [row])
    table = channel_logins
    begun = update(table).where(table.c.channel == channel, table.c.opened_by != opened_by)
    connection.execute(begun.values(opened_by=opened_by, sealed=None, generation=0, busy_until=None))
    turn = (
        update(table)
        .where(table.c.channel == channel, table.c.generation == generation)
        .where(or_(table.c.busy_until.is_(None), table.c.busy_until <= at))
    )
    return connection.execute(turn.values(busy_until=at + TURN)).rowcount == 1


def keep(connection: Connection, channel: str, opened_by: str, sealed: bytes) -> datetime:
    """Put the new login in the place of the one before, and end the turn."""
    at = now(connection)
    table = channel_logins
    kept = update(table).where(table.c.channel == channel, table.c.opened_by == opened_by)
    connection.execute(kept.values(sealed=sealed, generation=table.c.generation + 1, busy_until=None, at=at))
    return at


def give_up(connection: Connection, channel: str, opened_by: str) -> None:
    """End the turn without a new login."""
    table = channel_logins
    done = update(table).where(table.c.channel == channel, table.c.opened_by == opened_by)
    connection.execute(done.values(busy_until=None))
