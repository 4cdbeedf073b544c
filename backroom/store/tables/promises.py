"""The table of what people at a booth were told: when their print is ready, and what became of that."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Index, Integer, Table, Text

from backroom.store.tables.base import Id, Utc, id_column, metadata

# `first_at` is what was told at first, `promised_at` what holds now, `moved` how often it was told anew. `state` is
# open, kept, late, elsewhere or void; of what is elsewhere `sent_to` is the location that the rule named, empty for
# wherever routing finds.
print_promises = Table(
    "print_promises",
    metadata,
    id_column(),
    Column("fulfilment_order_id", Id, ForeignKey("fulfilment_orders.id"), nullable=False, unique=True),
    Column("order_id", Id, ForeignKey("orders.id"), nullable=False, index=True),
    Column("location", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("first_at", Utc, nullable=False),
    Column("promised_at", Utc, nullable=False),
    Column("moved", Integer, nullable=False, default=0),
    Column("told", Text, nullable=False, default=""),
    Column("made_at", Utc, nullable=False),
    Column("ended_at", Utc),
    Column("sent_to", Text, nullable=False, server_default=""),
    Index("ix_print_promises_state_location", "state", "location"),
)
