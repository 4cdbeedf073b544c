"""Tables of what becomes of a parcel after its label: where it is, and everything that was told of it."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Index, Integer, Table, Text, UniqueConstraint, text

from backroom.store.tables.base import Id, Utc, claim_columns, id_column, metadata, sparse_index

_UNSETTLED = text("revision > settled_revision")

# One for each fulfilment order that is sent or fetched. `carrier` is the carrier's id in the shop file; `reference` and
# `return_reference` are the carrier's words for it and for its way back. `attention` is why somebody should look at it.
# A label that a person took back has a `voided_at`; `refund` and `return_refund` are how the carrier stands to that.
# `code` is what its customer shows when they fetch it. Each change that somebody is to be told of raises `revision`.
parcels = Table(
    "parcels",
    metadata,
    id_column(),
    Column("fulfilment_order_id", Id, ForeignKey("fulfilment_orders.id"), nullable=False, unique=True),
    Column("order_id", Id, ForeignKey("orders.id"), nullable=False, index=True),
    Column("location", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("carrier", Text, nullable=False, default=""),
    Column("tracking", Text, nullable=False, default=""),
    Column("reference", Text, nullable=False, default=""),
    Column("return_reference", Text, nullable=False, default=""),
    Column("code", Text, nullable=False, default=""),
    Column("state", Text, nullable=False),
    Column("state_at", Utc, nullable=False),
    Column("attention", Text, nullable=False, default=""),
    Column("attention_at", Utc),
    Column("heard_at", Utc),
    Column("checked_at", Utc),
    Column("reminded_at", Utc),
    Column("voided_at", Utc),
    Column("refund", Text, nullable=False, default=""),
    Column("return_refund", Text, nullable=False, default=""),
    Column("priority", Integer, nullable=False, default=5),
    Column("revision", Integer, nullable=False, default=0),
    Column("settled_revision", Integer, nullable=False, default=0),
    Column("at", Utc, nullable=False),
    *claim_columns(),
    Index("ix_parcels_carrier_reference", "carrier", "reference"),
    Index("ix_parcels_tracking", "tracking"),
    Index("ix_parcels_location_kind_state", "location", "kind", "state"),
    Index("ix_parcels_state_checked_at", "state", "checked_at"),
    Index("ix_parcels_claim_token", "claim_token"),
    Index("ix_parcels_unsettled", "priority", "id", sqlite_where=_UNSETTLED, postgresql_where=_UNSETTLED),
    sparse_index("ix_parcels_attention_at", "attention_at"),
    sparse_index("ix_parcels_sick_cause", "sick_cause"),
    sparse_index("ix_parcels_breaker_id", "breaker_id"),
)

# What was told of a parcel, by the carrier's own time; the same told twice is one row. `reference` names the parcel and
# not its row here, because the first news may come before the purchase is written down.
tracking_events = Table(
    "tracking_events",
    metadata,
    id_column(),
    Column("carrier", Text, nullable=False),
    Column("reference", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("detail", Text, nullable=False, default=""),
    Column("at", Utc, nullable=False),
    Column("source", Text, nullable=False),
    Column("received_at", Utc, nullable=False),
    UniqueConstraint("carrier", "reference", "at", "state", "detail"),
)
