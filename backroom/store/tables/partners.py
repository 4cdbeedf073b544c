"""Tables of partners: the orders that others make or pick for the shop."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, ForeignKey, Index, Integer, Table, Text

from backroom.store.tables.base import Id, Json, NullableJson, Utc, claim_columns, id_column, metadata, sparse_index

# What one fulfilment order is at its partner. `reference` is our key of it over there and in the ledger, `partner_id`
# theirs. `lines` is what was asked and `differences` what was answered otherwise: codes and figures. `totes` are a
# cell's, with what of the order is in each by SKU. `told` is the newest word of a signed message that no run has read
# yet. What somebody there wrote is a sealed note in the history. `bill_minor` is in `currency`, `cost_minor` in the
# shop's. It is asked again at `next_attempt_at`.
partner_orders = Table(
    "partner_orders",
    metadata,
    id_column(),
    Column("fulfilment_order_id", Id, ForeignKey("fulfilment_orders.id"), nullable=False, unique=True),
    Column("order_id", Id, ForeignKey("orders.id"), nullable=False, index=True),
    Column("location", Text, nullable=False),
    Column("reference", Text, nullable=False, unique=True),
    Column("partner_id", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("lines", Json, nullable=False),
    Column("differences", Json, nullable=False),
    Column("parcels", Json, nullable=False),
    Column("totes", Json, nullable=False, default=list, server_default="[]"),
    Column("told", NullableJson),
    Column("revision", Integer, nullable=False, default=0),
    Column("bill_minor", Integer),
    Column("currency", Text, nullable=False, default=""),
    Column("cost_minor", Integer),
    Column("cancel_wanted", Boolean, nullable=False, default=False),
    Column("priority", Integer, nullable=False, default=5),
    Column("submitted_at", Utc, nullable=False),
    Column("asked_at", Utc),
    Column("shipped_at", Utc),
    Column("ended_at", Utc),
    *claim_columns(),
    Index("ix_partner_orders_state_location", "state", "location"),
    Index("ix_partner_orders_claim_token", "claim_token"),
    Index("ix_partner_orders_partner_id", "partner_id"),
    sparse_index("ix_partner_orders_sick_cause", "sick_cause"),
    sparse_index("ix_partner_orders_breaker_id", "breaker_id"),
)
