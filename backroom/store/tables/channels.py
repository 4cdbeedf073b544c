"""Tables of what channels are told: news about orders, and the level that each SKU was left at."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, ForeignKey, Index, Integer, Table, Text, UniqueConstraint, false

from backroom.store.tables.base import Id, Utc, claim_columns, id_column, metadata, sparse_index

# Written in the commit of what it tells of. `key` is the key of the effect that tells it; `part_id` is the fulfilment
# order that left, NULL for a whole order; `reference` is the channel's own id of what we told.
channel_news = Table(
    "channel_news",
    metadata,
    id_column(),
    Column("key", Text, nullable=False, unique=True),
    Column("channel", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("order_id", Id, ForeignKey("orders.id"), nullable=False, index=True),
    Column("part_id", Id, ForeignKey("fulfilment_orders.id")),
    Column("reason", Text, nullable=False, default=""),
    Column("state", Text, nullable=False),
    Column("reference", Text, nullable=False, default=""),
    Column("priority", Integer, nullable=False, default=5),
    Column("at", Utc, nullable=False),
    Column("told_at", Utc),
    *claim_columns(),
    UniqueConstraint("part_id", "kind"),
    Index("ix_channel_news_waiting", "state", "channel", "priority", "id"),
    Index("ix_channel_news_claim_token", "claim_token"),
    sparse_index("ix_channel_news_sick_cause", "sick_cause"),
    sparse_index("ix_channel_news_breaker_id", "breaker_id"),
)

# `level` is what the channel was left at (while `doubtful`: the highest that it may have been), NULL while nobody
# knows; `available` what there was for it then, and `unheard` the pieces that it had sold without our knowing.
# `arrived` counts pieces of its own orders since, in the commit that takes them in. `generation` rises with every
# call. `trouble` says why nothing was set.
channel_levels = Table(
    "channel_levels",
    metadata,
    Column("channel", Text, primary_key=True),
    Column("sku", Text, ForeignKey("variants.sku"), primary_key=True),
    Column("level", Integer),
    Column("available", Integer),
    Column("unheard", Integer, nullable=False, default=0),
    Column("unheard_since", Utc),
    Column("arrived", Integer, nullable=False, default=0),
    Column("generation", Integer, nullable=False, default=0),
    Column("doubtful", Boolean, nullable=False, default=False, server_default=false()),
    Column("trouble", Text, nullable=False, default=""),
    Column("told_at", Utc),
)

# A listing (by the channel's id of it) that we took off sale because nothing was left in it. `spare` is the SKU that
# keeps the one piece which the channel wants to see in it.
channel_off_sale = Table(
    "channel_off_sale",
    metadata,
    Column("channel", Text, primary_key=True),
    Column("listing", Text, primary_key=True),
    Column("spare", Text, nullable=False),
    Column("at", Utc, nullable=False),
)

# One row a channel: who tells it of its stock now, and what keeps us from it. `asked_person` is set once a run has
# failed with that, so that a person sees it once.
channel_stock = Table(
    "channel_stock",
    metadata,
    Column("channel", Text, primary_key=True),
    Column("claim_token", Text),
    Column("failures", Integer, nullable=False, default=0),
    Column("next_attempt_at", Utc),
    Column("cause", Text, nullable=False, default=""),
    Column("reason", Text, nullable=False, default=""),
    Column("failing_since", Utc),
    Column("asked_person", Boolean, nullable=False, default=False, server_default=false()),
    Column("compared_at", Utc),
    Column("told_at", Utc),
)
