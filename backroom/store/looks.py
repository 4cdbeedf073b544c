"""The last look at each source: beginning one, ending it, what it came to, and what people were told of it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, RowMapping, delete, func, select, update

from backroom.domain.reconciliation import Figures, Look
from backroom.store.batches import insert_new
from backroom.store.tables import inbox, looks, orders


def begin(connection: Connection, channel: str, look: Look, at: datetime) -> RowMapping:
    """Note that a look begins; returns its row as the last one left it.

    The first one of all says from when on the channel's orders are ours: since its first one that we know, or now. What
    was placed before was somebody else's to make, and may be on its way.
    """
    row: dict[str, Any] = {
        "channel": channel,
        "look": look,
        "starts_at": _starts_at(connection, channel, at),
        "seen_until": None,
        "tried_since": at,
        "tried_at": at,
        "looked_at": None,
        "cause": "",
        "reason": "",
        "told": "",
    }
    if not insert_new(connection, looks, [row | asdict(Figures())]):
        connection.execute(update(looks).where(_this(channel, look)).values(tried_at=at))
    return connection.execute(select(looks).where(_this(channel, look))).mappings().one()


def end(
    connection: Connection, channel: str, look: Look, figures: Figures, seen_until: datetime | None, at: datetime
) -> None:
    """A look came to its end: everything until `seen_until`, of the source's clock, was seen and accounted for."""
    values = {"seen_until": seen_until, "looked_at": at, "cause": "", "reason": ""}
    connection.execute(update(looks).where(_this(channel, look)).values(**values, **asdict(figures)))


def broke_off(
    connection: Connection, channel: str, look: Look, figures: Figures | None, cause: str, reason: str
) -> None:
    """A look did not come to its end; the next one begins where this one did. `figures` is how far it came."""
    values: dict[str, Any] = {"cause": cause, "reason": reason} | (asdict(figures) if figures else {})
    connection.execute(update(looks).where(_this(channel, look)).values(**values))


def told(connection: Connection, channel: str, look: Look, what: str) -> None:
    """Remember what people were told of this source's trouble, so that they are told once; empty when it is over."""
    connection.execute(update(looks).where(_this(channel, look)).values(told=what))


def all_looks(connection: Connection) -> list[RowMapping]:
    return list(connection.execute(select(looks).order_by(looks.c.channel, looks.c.look)).mappings())


def keep_only(connection: Connection, channels: Collection[str]) -> None:
    """Forget sources that are asked no more: their age would grow for ever."""
    connection.execute(delete(looks).where(looks.c.channel.not_in(channels)))


def figures_of(row: RowMapping) -> Figures:
    return Figures(**{name: row[name] for name in asdict(Figures())})


def _this(channel: str, look: Look) -> Any:
    return (looks.c.channel == channel) & (looks.c.look == look)


def _starts_at(connection: Connection, channel: str, at: datetime) -> datetime:
    of_other = select(looks.c.starts_at).where(looks.c.channel == channel).limit(1)
    already: datetime | None = connection.execute(of_other).scalar()
    if already is not None:
        return already
    found = [at]
    for table, column in ((orders, orders.c.placed_at), (inbox, inbox.c.received_at)):
        first: datetime | None = connection.execute(
            select(func.min(column, type_=column.type)).where(table.c.channel == channel)
        ).scalar()
        found += [first] if first is not None else []
    return min(found)
