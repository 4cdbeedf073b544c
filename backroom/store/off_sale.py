"""Listings that we took off sale at a channel because nothing was left in them: no others are ours to put on again.

What belongs here: the rows. What does not: taking them off (each channel's levels).
"""

from __future__ import annotations

from sqlalchemy import Connection, delete, select, update

from backroom.store.batches import insert_new
from backroom.store.database import now
from backroom.store.tables import channel_off_sale


def of_channel(connection: Connection, channel: str) -> dict[str, str]:
    """The SKU that keeps the last piece, by the channel's id of the listing."""
    query = select(channel_off_sale.c.listing, channel_off_sale.c.spare).where(channel_off_sale.c.channel == channel)
    return {row.listing: row.spare for row in connection.execute(query)}


def keep(connection: Connection, channel: str, listing: str, spare: str) -> None:
    row = {"channel": channel, "listing": listing, "spare": spare, "at": now(connection)}
    insert_new(connection, channel_off_sale, [row])
    mine = (channel_off_sale.c.channel == channel) & (channel_off_sale.c.listing == listing)
    connection.execute(update(channel_off_sale).where(mine).values(spare=spare))


def forget(connection: Connection, channel: str, listing: str) -> None:
    mine = (channel_off_sale.c.channel == channel) & (channel_off_sale.c.listing == listing)
    connection.execute(delete(channel_off_sale).where(mine))
