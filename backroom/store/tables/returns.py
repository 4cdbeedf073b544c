"""Tables of returns: the return, its pieces, and what is paid back for them, or for an order that was cancelled."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, ForeignKey, Index, Integer, Table, Text, text

from backroom.store.tables.base import Id, Utc, claim_columns, id_column, metadata, sparse_index

# `number` is the RMA: the code on the return label; `key` is random, for the keys of effects. `announced`: its pieces
# were named before they came; `all_in`: nothing more comes. Each change raises `revision`; a run that has told the
# customer of it writes it into `settled_revision`.
_UNSETTLED = text("revision > settled_revision")
returns = Table(
    "returns",
    metadata,
    id_column(),
    Column("number", Text, nullable=False, unique=True),
    Column("key", Text, nullable=False, unique=True),
    Column("order_id", Id, ForeignKey("orders.id"), nullable=False, index=True),
    Column("person_id", Id, ForeignKey("people.id"), nullable=False, index=True),
    Column("shipment_id", Id, ForeignKey("shipments.id"), index=True),
    Column("state", Text, nullable=False),
    Column("lane", Text, nullable=False),
    Column("location", Text, nullable=False, default=""),
    Column("announced", Boolean, nullable=False, default=False),
    Column("all_in", Boolean, nullable=False, default=False),
    Column("priority", Integer, nullable=False, default=5),
    Column("revision", Integer, nullable=False, default=1),
    Column("settled_revision", Integer, nullable=False, default=0),
    Column("asked_at", Utc, nullable=False),
    Column("opened_at", Utc),
    Column("received_at", Utc),
    Column("ended_at", Utc),
    *claim_columns(),
    Index("ix_returns_state", "state", "id"),
    Index("ix_returns_asked_at", "asked_at"),
    Index("ix_returns_claim_token", "claim_token"),
    Index("ix_returns_unsettled", "priority", "id", sqlite_where=_UNSETTLED, postgresql_where=_UNSETTLED),
    sparse_index("ix_returns_sick_cause", "sick_cause"),
    sparse_index("ix_returns_breaker_id", "breaker_id"),
)

# One row a piece, the `piece_no`-th of its order's line. `sku` is what was ordered, `received_sku` what came: another
# one where the wrong item had been sent. `value_minor` is what it cost its customer; `replacement_id` is the order by
# which it is exchanged or made anew. Empty texts are what nobody has said yet.
return_lines = Table(
    "return_lines",
    metadata,
    id_column(),
    Column("return_id", Id, ForeignKey("returns.id"), nullable=False, index=True),
    Column("order_id", Id, ForeignKey("orders.id"), nullable=False),
    Column("line_no", Integer, nullable=False),
    Column("piece_no", Integer, nullable=False),
    Column("sku", Text, nullable=False),
    Column("value_minor", Integer, nullable=False),
    Column("personalised", Boolean, nullable=False),
    Column("delivered_on", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("reason", Text, nullable=False, default=""),
    Column("word", Text, nullable=False, default=""),
    Column("why", Text, nullable=False, default=""),
    Column("last_day", Text, nullable=False, default=""),
    Column("wanted", Text, nullable=False),
    Column("exchange_sku", Text, nullable=False, default=""),
    Column("received_sku", Text, nullable=False, default=""),
    Column("location", Text, nullable=False, default=""),
    Column("disposition", Text, nullable=False, default=""),
    Column("replacement_id", Id, index=True),
    Column("received_at", Utc),
    Column("disposed_at", Utc),
    Index("ix_return_lines_order_id_line_no", "order_id", "line_no"),
    Index("ix_return_lines_sku", "sku"),
    Index("ix_return_lines_received_at", "received_at"),
)

# At most one a return; without a return it is of the order, which was cancelled, and at most one an order. `key` is the
# effect's. While nothing can pay it by itself it waits for a person, who pays it in the channel's own pages and says
# so; `reference` is what the channel calls it. A return's is paid in its return's wave; one of a cancelled order waits
# for waves of its own, until `by_hand` says why a person has to pay it.
_OF_CANCELLED = text("return_id IS NULL")
refunds = Table(
    "refunds",
    metadata,
    id_column(),
    Column("key", Text, nullable=False, unique=True),
    Column("return_id", Id, ForeignKey("returns.id"), unique=True),
    Column("order_id", Id, ForeignKey("orders.id"), nullable=False, index=True),
    Column("goods_minor", Integer, nullable=False),
    Column("shipping_minor", Integer, nullable=False),
    Column("paid_minor", Integer),
    Column("currency", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("reference", Text, nullable=False, default=""),
    Column("by_hand", Text, nullable=False, default="", server_default=""),
    Column("priority", Integer, nullable=False, default=5, server_default="5"),
    Column("planned_at", Utc, nullable=False),
    Column("settled_at", Utc),
    *claim_columns(),
    Index("ix_refunds_state", "state", "id"),
    Index("ix_refunds_settled_at", "settled_at"),
    Index("ix_refunds_claim_token", "claim_token"),
    Index(
        "ix_refunds_of_cancelled", "order_id", unique=True, sqlite_where=_OF_CANCELLED, postgresql_where=_OF_CANCELLED
    ),
    sparse_index("ix_refunds_sick_cause", "sick_cause"),
    sparse_index("ix_refunds_breaker_id", "breaker_id"),
)
