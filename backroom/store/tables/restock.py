"""Tables of going to market: plans of what to take, and the transfers that carry it there."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Column, Float, ForeignKey, Integer, Table, Text, UniqueConstraint

from backroom.store.tables.base import Id, Json, Utc, id_column, metadata

# A plan as it was made, so that it can be held against what happened: `lines` what to take and why, `packs` the
# materials, `forecasts` what was expected of each SKU, `left_out` what is not printed for want of
# a sample. `open_share` is how much of the event's hours was over.
restock_plans = Table(
    "restock_plans",
    metadata,
    id_column(),
    Column("event_id", Id, ForeignKey("events.id"), nullable=False, index=True),
    Column("digest", Text, nullable=False),
    Column("open_share", Float, nullable=False),
    Column("lost_without", Float, nullable=False),
    Column("lost_with", Float, nullable=False),
    Column("lines", Json, nullable=False),
    Column("packs", Json, nullable=False),
    Column("used", Json, nullable=False),
    Column("full", Json, nullable=False),
    Column("forecasts", Json, nullable=False),
    Column("left_out", Json, nullable=False, server_default="[]"),
    Column("at", Utc, nullable=False),
)

# `bookings` counts how often arrived pieces were put to the booth's stock: what turns up later is one more.
transfers = Table(
    "transfers",
    metadata,
    id_column(),
    Column("number", Text, nullable=False, unique=True),
    Column("event_id", Id, ForeignKey("events.id"), nullable=False, index=True),
    Column("plan_id", Id, ForeignKey("restock_plans.id"), nullable=False),
    Column("from_location", Text, nullable=False),
    Column("to_location", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("bookings", Integer, nullable=False, default=0),
    Column("proposed_at", Utc, nullable=False),
    Column("decided_at", Utc),
    Column("decided_by", Text, nullable=False, default=""),
    Column("sent_at", Utc),
    Column("sent_by", Text, nullable=False, default=""),
    Column("arrived_at", Utc),
    Column("arrived_by", Text, nullable=False, default=""),
)

# `sent` pieces are out of the hub's stock (set aside, or on their way), `arrived` ones were scanned at the booth,
# `booked` ones are in its stock. `to_print` of those that were asked for are printed at the hub first.
transfer_lines = Table(
    "transfer_lines",
    metadata,
    id_column(),
    Column("transfer_id", Id, ForeignKey("transfers.id"), nullable=False),
    Column("sku", Text, ForeignKey("variants.sku"), nullable=False),
    Column("asked", Integer, nullable=False),
    Column("to_print", Integer, nullable=False, default=0, server_default="0"),
    Column("sent", Integer, nullable=False, default=0),
    Column("arrived", Integer, nullable=False, default=0),
    Column("booked", Integer, nullable=False, default=0),
    UniqueConstraint("transfer_id", "sku"),
    CheckConstraint("booked >= 0 AND arrived >= booked AND sent >= arrived", name="in_order"),
)

# Packs of a material that go along: asked for, packed, and seen at the booth. `holds` are the units of a pack, `units`
# what the blanks of the transfer need. What it is called and what a scanner reads on it are the shop file's of then.
transfer_packs = Table(
    "transfer_packs",
    metadata,
    id_column(),
    Column("transfer_id", Id, ForeignKey("transfers.id"), nullable=False),
    Column("material", Text, nullable=False),
    Column("pack", Text, nullable=False),
    Column("unit", Text, nullable=False),
    Column("code", Text, nullable=False),
    Column("holds", Integer, nullable=False),
    Column("units", Integer, nullable=False),
    Column("asked", Integer, nullable=False),
    Column("sent", Integer, nullable=False, default=0),
    Column("arrived", Integer, nullable=False, default=0),
    UniqueConstraint("transfer_id", "material"),
    CheckConstraint("arrived >= 0 AND sent >= arrived", name="in_order"),
)
