"""Tables of the front door: people and their keys, the inbox, quarantine and API keys."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, ForeignKey, Index, Integer, Table, Text, UniqueConstraint, false

from backroom.store.tables.base import Id, Json, Sealed, Utc, claim_columns, id_column, metadata

# A person's key, wrapped by the shop's master key, of which `key_id` tells which (null: the one the shop began with).
# Erasure sets `wrapped_key` to NULL: what it sealed is gone.
people = Table(
    "people",
    metadata,
    id_column(),
    Column("wrapped_key", Sealed),
    Column("key_id", Text),
    Column("created_at", Utc, nullable=False),
    Column("erased_at", Utc),
)

# Keyed hashes of e-mail and phone, so that a person is found without being stored in clear.
person_lookups = Table(
    "person_lookups",
    metadata,
    Column("kind", Text, primary_key=True),
    Column("digest", Text, primary_key=True),
    Column("person_id", Id, ForeignKey("people.id"), nullable=False, index=True),
)

inbox = Table(
    "inbox",
    metadata,
    id_column(),
    Column("channel", Text, nullable=False),
    Column("delivery_key", Text, nullable=False),
    Column("topic", Text, nullable=False, default=""),
    Column("external_id", Text, nullable=False, default=""),
    Column("person_id", Id, ForeignKey("people.id"), nullable=False),
    Column("body", Sealed, nullable=False),
    Column("priority", Integer, nullable=False, default=5),
    Column("received_at", Utc, nullable=False),
    # When its source says that it happened, where that stands beside the body.
    Column("said_at", Utc),
    Column("state", Text, nullable=False),
    Column("order_id", Id),
    Column("outcome", Text, nullable=False, default=""),
    # Whether it carries no order and `external_id` is to be fetched; one whose channel is away is put off as sick.
    Column("hint", Boolean, nullable=False, default=False, server_default=false()),
    *claim_columns(),
    UniqueConstraint("channel", "delivery_key"),
    # The channel is for the metrics, which count by it and need no row then.
    Index("ix_inbox_waiting", "state", "priority", "id", "channel"),
    Index("ix_inbox_claim_token", "claim_token"),
    Index("ix_inbox_channel_external_id", "channel", "external_id"),
)

quarantine = Table(
    "quarantine",
    metadata,
    id_column(),
    Column("inbox_id", Id, ForeignKey("inbox.id"), nullable=False, unique=True),
    Column("channel", Text, nullable=False),
    Column("problems", Json, nullable=False),
    Column("state", Text, nullable=False),
    Column("at", Utc, nullable=False),
    Column("replayed_at", Utc),
)

consents = Table(
    "consents",
    metadata,
    id_column(),
    Column("person_id", Id, ForeignKey("people.id"), nullable=False, index=True),
    Column("medium", Text, nullable=False),
    Column("purpose", Text, nullable=False),
    Column("granted", Boolean, nullable=False),
    Column("source", Text, nullable=False),
    Column("wording", Text, nullable=False),
    Column("at", Utc, nullable=False),
    UniqueConstraint("person_id", "medium", "purpose", "source", "at"),
)

# Only the key's SHA-256 is kept; the key itself is shown once, when it is made.
api_keys = Table(
    "api_keys",
    metadata,
    id_column(),
    Column("name", Text, nullable=False),
    Column("digest", Text, nullable=False, unique=True),
    Column("scope", Text, nullable=False),
    Column("location", Text, nullable=False, default=""),
    Column("created_at", Utc, nullable=False),
    Column("expires_at", Utc),
    Column("revoked_at", Utc),
)
