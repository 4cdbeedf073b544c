"""Tables of messages: what was written to customers and what became of it, what they answered, and who said stop."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Index, Integer, Table, Text, UniqueConstraint

from backroom.store.tables.base import Id, Sealed, Utc, id_column, metadata, sparse_index

# About a parcel or about a return: one of both is named. `key` is that of the effect that sends it, by which its
# provider reports; null for what is older than that column. `delivery` is what the provider told last, `delivery_code`
# its word for why. One that waits for its hour has a `next_attempt_at`, and is claimed by `claim_token` when it comes.
messages = Table(
    "messages",
    metadata,
    id_column(),
    Column("key", Text),
    Column("fulfilment_order_id", Id, ForeignKey("fulfilment_orders.id")),
    Column("return_id", Id, ForeignKey("returns.id")),
    Column("order_id", Id, nullable=False, index=True),
    Column("person_id", Id, ForeignKey("people.id"), nullable=False),
    Column("kind", Text, nullable=False),
    Column("medium", Text, nullable=False),
    Column("content", Sealed, nullable=False),
    Column("state", Text, nullable=False),
    Column("reason", Text, nullable=False, default=""),
    Column("at", Utc, nullable=False),
    Column("sent_at", Utc),
    Column("delivery", Text, nullable=False, default="", server_default=""),
    Column("delivery_code", Text, nullable=False, default="", server_default=""),
    Column("delivery_at", Utc),
    Column("next_attempt_at", Utc),
    Column("attempts", Integer, nullable=False, default=0, server_default="0"),
    Column("claim_token", Text),
    UniqueConstraint("fulfilment_order_id", "kind", "medium"),
    UniqueConstraint("return_id", "kind", "medium"),
    Index("ix_messages_key", "key", unique=True),
    Index("ix_messages_medium_state", "medium", "state"),
    sparse_index("ix_messages_next_attempt_at", "next_attempt_at"),
    sparse_index("ix_messages_claim_token", "claim_token"),
)

# What customers wrote back, once for each of their messages. `content` is sealed with the key of the person who is
# known by that number; of a number that nobody has, only what was asked (`word`) is kept.
message_replies = Table(
    "message_replies",
    metadata,
    id_column(),
    Column("provider", Text, nullable=False),
    Column("provider_id", Text, nullable=False),
    Column("person_id", Id, ForeignKey("people.id"), index=True),
    Column("medium", Text, nullable=False),
    Column("word", Text, nullable=False),
    Column("content", Sealed, nullable=False),
    Column("at", Utc, nullable=False),
    UniqueConstraint("provider", "provider_id"),
)

# Addresses to which nothing is sent, by the keyed hash of the address: also those that no customer has. `word` is what
# was written, or the provider's code; with `provider_id` it is the proof. Who takes it back has a `lifted_at`.
suppressions = Table(
    "suppressions",
    metadata,
    id_column(),
    Column("medium", Text, nullable=False),
    Column("digest", Text, nullable=False),
    Column("provider", Text, nullable=False),
    Column("provider_id", Text, nullable=False),
    Column("word", Text, nullable=False),
    Column("at", Utc, nullable=False),
    Column("lifted_at", Utc),
    Column("lifted_by", Text, nullable=False, default=""),
    UniqueConstraint("medium", "digest"),
)

# A browser in which somebody asked for push messages: `content` is what it gave, sealed; `digest` the keyed hash of its
# endpoint.
push_subscriptions = Table(
    "push_subscriptions",
    metadata,
    id_column(),
    Column("person_id", Id, ForeignKey("people.id"), nullable=False, index=True),
    Column("digest", Text, nullable=False, unique=True),
    Column("content", Sealed, nullable=False),
    Column("at", Utc, nullable=False),
)
