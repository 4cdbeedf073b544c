"""Tables of orders: the order, its lines, its routing decisions and its append-only history; catalogue and stock."""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    Table,
    Text,
    UniqueConstraint,
    false,
)

from backroom.store.tables.base import (
    Id,
    Json,
    NullableJson,
    Sealed,
    Utc,
    claim_columns,
    id_column,
    metadata,
    sparse_index,
)

variants = Table(
    "variants",
    metadata,
    Column("sku", Text, primary_key=True),
    Column("product", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("colourway", Text, nullable=False),
    Column("size", Text, nullable=False),
    Column("price_minor", Integer, nullable=False),
    Column("currency", Text, nullable=False),
    Column("weight_g", Integer, nullable=False),
    Column("gtin", Text, nullable=False, default=""),
    Column("artwork", Text, nullable=False, default=""),
    Column("print_process", Text, nullable=False, default=""),
    Column("printed_width_mm", Integer, nullable=False, default=0),
    Column("printed_height_mm", Integer, nullable=False, default=0),
    Column("tags", Json, nullable=False, default=list),
)

# `freed_at` is when pieces last came or were given back: who waited for them is routed again. `kept` ones are there for
# an event: only the orders of that booth may have them. It stands here so that the write that takes pieces sees it.
stock_levels = Table(
    "stock_levels",
    metadata,
    Column("location", Text, primary_key=True),
    Column("sku", Text, ForeignKey("variants.sku"), primary_key=True),
    Column("on_hand", Integer, nullable=False),
    Column("reserved", Integer, nullable=False, default=0),
    Column("freed_at", Utc),
    Column("kept", Boolean, nullable=False, default=False, server_default=false()),
    # In quarantine: a grave check found that its count cannot be true, and none of it is sold or promised.
    Column("aside", Boolean, nullable=False, default=False, server_default=false()),
    CheckConstraint("reserved >= 0 AND on_hand >= reserved", name="never_below_zero"),
)

# Every change of on_hand, so that stock can be counted again from nothing.
stock_movements = Table(
    "stock_movements",
    metadata,
    id_column(),
    Column("key", Text, nullable=False, unique=True),
    Column("location", Text, nullable=False),
    Column("sku", Text, nullable=False),
    Column("pieces", Integer, nullable=False),
    Column("reason", Text, nullable=False),
    Column("at", Utc, nullable=False),
)

# `contact` seals e-mail, phone, address and note; only what routing needs of it stands beside, coarse. `amended` names
# the fields that a person corrected here, never what they say. `payment_token`, sealed, is the payment's id at its
# provider; `discount_minor` is of the whole order, beside its lines'. `return_id` is the return for which one of our
# own orders sends another piece.
orders = Table(
    "orders",
    metadata,
    id_column(),
    Column("number", Text, nullable=False, unique=True),
    Column("channel", Text, nullable=False),
    Column("external_id", Text, nullable=False),
    Column("source", Text, nullable=False, default=""),
    Column("state", Text, nullable=False),
    Column("hold_reason", Text, nullable=False, default=""),
    Column("held_from", Text, nullable=False, default=""),
    Column("delivery", Text, nullable=False),
    Column("location", Text, nullable=False, default=""),
    Column("event", Text, nullable=False, default=""),
    Column("country", Text, nullable=False, default=""),
    Column("language", Text, nullable=False, default="en"),
    Column("currency", Text, nullable=False),
    Column("total_minor", Integer, nullable=False),
    Column("shipping_minor", Integer, nullable=False, default=0, server_default="0"),
    Column("discount_minor", Integer, nullable=False, default=0, server_default="0"),
    Column("tax_added_minor", Integer, nullable=False, default=0, server_default="0"),
    Column("payment", Text, nullable=False),
    Column("payment_token", Sealed),
    Column("person_id", Id, ForeignKey("people.id"), nullable=False, index=True),
    Column("contact", Sealed, nullable=False),
    Column("amended", Json, nullable=False, default=list),
    Column("fingerprint", Text, nullable=False),
    Column("priority", Integer, nullable=False, default=5),
    Column("placed_at", Utc, nullable=False),
    Column("source_at", Utc, nullable=False),
    Column("accepted_at", Utc, nullable=False),
    Column("ship_by", Utc),
    Column("ended_at", Utc),
    Column("routings", Integer, nullable=False, default=0),
    Column("return_id", Id),
    # Its customer has it already: the till says so.
    Column("handed_over", Boolean, nullable=False, default=False, server_default=false()),
    *claim_columns(),
    UniqueConstraint("channel", "external_id"),
    # The channel is for the metrics, which count by it and need no row then.
    Index("ix_orders_waiting", "state", "priority", "id", "channel"),
    Index("ix_orders_claim_token", "claim_token"),
    sparse_index("ix_orders_sick_cause", "sick_cause"),
    sparse_index("ix_orders_breaker_id", "breaker_id"),
)

# `artwork_url` is where a picture of the buyer's own is, sealed, until it was fetched: then `sku` is that of its own
# variant (`backroom.domain.own_artwork`).
order_lines = Table(
    "order_lines",
    metadata,
    id_column(),
    Column("order_id", Id, ForeignKey("orders.id"), nullable=False),
    Column("line_no", Integer, nullable=False),
    Column("external_id", Text, nullable=False, default=""),
    Column("sku", Text, nullable=False),
    Column("quantity", Integer, nullable=False),
    Column("unit_price_minor", Integer, nullable=False),
    Column("discount_minor", Integer, nullable=False, default=0),
    Column("personalised", Boolean, nullable=False, default=False, server_default=false()),
    Column("artwork_url", Sealed),
    UniqueConstraint("order_id", "line_no"),
)

# `short` names each (location, sku) where too few pieces were found; NULL, as for most, where none was.
routing_decisions = Table(
    "routing_decisions",
    metadata,
    id_column(),
    Column("order_id", Id, ForeignKey("orders.id"), nullable=False),
    Column("round", Integer, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("rule", Text, nullable=False),
    Column("distance_km", Float),
    Column("assignments", Json, nullable=False),
    Column("reasons", Json, nullable=False),
    Column("rejected", Json, nullable=False),
    Column("short", NullableJson),
    Column("at", Utc, nullable=False),
    UniqueConstraint("order_id", "round"),
)

# Append-only. `data` holds ids, codes and figures, never personal data; `note` is what a person wrote, sealed under the
# customer's key.
history = Table(
    "history",
    metadata,
    id_column(),
    Column("order_id", Id, nullable=False),
    Column("event", Text, nullable=False),
    Column("data", Json, nullable=False),
    Column("note", Sealed),
    Column("actor", Text, nullable=False, default=""),
    Column("run_id", Text, nullable=False, default=""),
    Column("at", Utc, nullable=False),
    Index("ix_history_order_id_id", "order_id", "id"),
)

# Numbers that must never repeat, such as the last order number; read and raised in one statement.
counters = Table(
    "counters",
    metadata,
    Column("name", Text, primary_key=True),
    Column("value", Id, nullable=False),
)
