"""Tables of events: the event, its list and its history; the pieces it borrows, their last count, their settlement."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Float, ForeignKey, Index, Integer, Table, Text, UniqueConstraint

from backroom.store.tables.base import Id, Json, Sealed, Utc, id_column, metadata, sparse_index

# `sessions` are pairs of ISO 8601 times; `starts_at` and `ends_at` are the first and the last of them. `loads` and
# `supply` are what `backroom.domain.events` calls so.
events = Table(
    "events",
    metadata,
    id_column(),
    Column("code", Text, nullable=False, unique=True),
    Column("name", Text, nullable=False),
    Column("template", Text, nullable=False),
    Column("location", Text, nullable=False),
    Column("place", Text, nullable=False),
    Column("latitude", Float),
    Column("longitude", Float),
    Column("sessions", Json, nullable=False),
    Column("starts_at", Utc, nullable=False),
    Column("ends_at", Utc, nullable=False),
    Column("tills", Json, nullable=False),
    Column("printers", Json, nullable=False),
    Column("loads", Json, nullable=False),
    Column("supply", Json),
    Column("state", Text, nullable=False),
    Column("created_at", Utc, nullable=False),
    Column("opened_at", Utc),
    Column("closed_at", Utc),
    Column("settled_at", Utc),
    # Since when it has a page for everybody; null: it has none.
    Column("published_at", Utc),
    Index("ix_events_location_state", "location", "state"),
)

# What must be there. `note` and `file` are evidence, for the shop's people: neither is ever told to Prefect.
event_checks = Table(
    "event_checks",
    metadata,
    id_column(),
    Column("event_id", Id, ForeignKey("events.id"), nullable=False),
    Column("item", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("help", Text, nullable=False, default=""),
    Column("measure", Text, nullable=False, default=""),
    Column("required", Boolean, nullable=False),
    Column("who", Text, nullable=False, default=""),
    Column("due_at", Utc, nullable=False),
    Column("state", Text, nullable=False),
    Column("note", Text, nullable=False, default=""),
    Column("file", Text, nullable=False, default=""),
    Column("good_until", Utc),
    Column("checked_by", Text, nullable=False, default=""),
    Column("checked_at", Utc),
    UniqueConstraint("event_id", "item"),
)

# Append-only. `data` holds ids, codes and figures.
event_history = Table(
    "event_history",
    metadata,
    id_column(),
    Column("event_id", Id, ForeignKey("events.id"), nullable=False),
    Column("event", Text, nullable=False),
    Column("data", Json, nullable=False),
    Column("actor", Text, nullable=False, default=""),
    Column("run_id", Text, nullable=False, default=""),
    Column("at", Utc, nullable=False),
    Index("ix_event_history_event_id_id", "event_id", "id"),
)

# Pieces that left a location's stock for the event's booth. `key` counts a lease once, however often it is asked for.
stock_leases = Table(
    "stock_leases",
    metadata,
    id_column(),
    Column("event_id", Id, ForeignKey("events.id"), nullable=False, index=True),
    Column("key", Text, nullable=False),
    Column("from_location", Text, nullable=False),
    Column("sku", Text, ForeignKey("variants.sku"), nullable=False),
    Column("pieces", Integer, nullable=False),
    Column("shared", Boolean, nullable=False),
    Column("expires_at", Utc, nullable=False),
    Column("actor", Text, nullable=False, default=""),
    Column("at", Utc, nullable=False),
    # Since when it was seen to have passed its end; NULL again once somebody gave it more time.
    Column("overdue_at", Utc, nullable=True),
    UniqueConstraint("key", "from_location", "sku"),
)

# The last count, piece by piece, until the event is settled.
event_counts = Table(
    "event_counts",
    metadata,
    Column("event_id", Id, ForeignKey("events.id"), primary_key=True),
    Column("sku", Text, ForeignKey("variants.sku"), primary_key=True),
    Column("pieces", Integer, nullable=False),
    Column("actor", Text, nullable=False, default=""),
    Column("at", Utc, nullable=False),
)

# What became of each SKU: leased + other = sold + returned + missing.
event_settlements = Table(
    "event_settlements",
    metadata,
    Column("event_id", Id, ForeignKey("events.id"), primary_key=True),
    Column("sku", Text, ForeignKey("variants.sku"), primary_key=True),
    Column("leased", Integer, nullable=False),
    Column("other", Integer, nullable=False),
    Column("sold", Integer, nullable=False),
    Column("returned", Integer, nullable=False),
    Column("missing", Integer, nullable=False),
    Column("at", Utc, nullable=False),
)

# Who wants SMS, asked for on an event's page or at its till: `asked` → `sent` (a code is on its way) → `confirmed`, or
# `refused` (nothing could be sent). `key` is the asker's own, so that asking again is the same wish. The number is
# sealed in `content` until its code is sent, and then emptied; `number` and `address` are keyed hashes, for the limits,
# `code_hash` another. `wording` is what was shown.
opt_ins = Table(
    "opt_ins",
    metadata,
    id_column(),
    Column("key", Text, nullable=False, unique=True),
    Column("event_id", Id, ForeignKey("events.id"), nullable=False),
    Column("person_id", Id, ForeignKey("people.id"), nullable=False, index=True),
    Column("number", Text, nullable=False),
    Column("address", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("language", Text, nullable=False),
    Column("wording", Text, nullable=False),
    Column("content", Sealed, nullable=False),
    Column("code_hash", Text, nullable=False),
    Column("tries", Integer, nullable=False, default=0),
    Column("state", Text, nullable=False),
    Column("reason", Text, nullable=False, default=""),
    Column("asked_at", Utc, nullable=False),
    Column("sent_at", Utc),
    Column("confirmed_at", Utc),
    Column("next_attempt_at", Utc),
    Column("attempts", Integer, nullable=False, default=0),
    Column("claim_token", Text),
    Index("ix_opt_ins_event_id_asked_at", "event_id", "asked_at"),
    Index("ix_opt_ins_number_asked_at", "number", "asked_at"),
    sparse_index("ix_opt_ins_next_attempt_at", "next_attempt_at"),
    sparse_index("ix_opt_ins_claim_token", "claim_token"),
)
