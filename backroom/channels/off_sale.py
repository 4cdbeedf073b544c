"""Keeping which listings of a channel we took off sale, in the shop's database.

What belongs here: its methods are those of `remote.OffSale`. What does not: the rows (`backroom.store.off_sale`).
"""

from __future__ import annotations

from backroom.store import off_sale
from backroom.store.database import Database


class OffSaleRows:
    """The listings of one channel."""

    def __init__(self, database: Database, channel: str) -> None:
        self._database, self._channel = database, channel

    def kept(self) -> dict[str, str]:
        with self._database.read() as connection:
            return off_sale.of_channel(connection, self._channel)

    def keep(self, listing: str, what: str) -> None:
        self._database.write(lambda connection: off_sale.keep(connection, self._channel, listing, what))

    def forget(self, listing: str) -> None:
        self._database.write(lambda connection: off_sale.forget(connection, self._channel, listing))
