"""Logins of channels that change with their use."""

from __future__ import annotations

from sqlalchemy import Column, Integer, Table, Text

from backroom.store.tables.base import Sealed, Utc, metadata

# `sealed` opens with the secret that the channel was set up with, of which `opened_by` is a hash; `generation` counts
# the logins. Whoever is getting the next one has its turn until `busy_until`.
channel_logins = Table(
    "channel_logins",
    metadata,
    Column("channel", Text, primary_key=True),
    Column("opened_by", Text, nullable=False),
    Column("sealed", Sealed),
    Column("generation", Integer, nullable=False, default=0),
    Column("busy_until", Utc),
    Column("at", Utc),
)
