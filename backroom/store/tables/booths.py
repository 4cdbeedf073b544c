"""Tables of booths: the machines that keys are used from, what was sealed for which of them, and what was done without
us and told afterwards."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Index, Integer, Table, Text, UniqueConstraint

from backroom.store.tables.base import Id, Json, Sealed, Utc, id_column, metadata

# A machine beside printers, by its public key. It outlives the API key that it was let in with, whose name it keeps.
booth_devices = Table(
    "booth_devices",
    metadata,
    id_column(),
    Column("api_key_id", Id, nullable=False),
    Column("key_name", Text, nullable=False),
    Column("location", Text, nullable=False),
    Column("public_key", Text, nullable=False),
    Column("paired_at", Utc, nullable=False),
    Column("forgotten_at", Utc),
    UniqueConstraint("api_key_id", "public_key"),
)

# What was sealed for whom, and what became of it. `once` is our public half of the exchange, gone once the payload is
# destroyed; `description` is the smaller of the two sealed messages, kept so that anybody may try to open it. No key
# that opens it was ever here. `confirmed_at`: the booth says that it has destroyed its own.
print_seals = Table(
    "print_seals",
    metadata,
    id_column(),
    Column("print_job_id", Id, ForeignKey("print_jobs.id"), nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("device_id", Id, ForeignKey("booth_devices.id"), nullable=False),
    Column("device", Text, nullable=False),
    Column("location", Text, nullable=False),
    Column("once", Text),
    Column("description", Sealed, nullable=False),
    Column("document_bytes", Integer, nullable=False),
    Column("document_digest", Text, nullable=False),
    Column("sealed_at", Utc, nullable=False),
    Column("expires_at", Utc, nullable=False),
    Column("destroyed_at", Utc),
    Column("destroyed_why", Text, nullable=False, default=""),
    Column("confirmed_at", Utc),
    Index("ix_print_seals_print_job_id", "print_job_id"),
    Index("ix_print_seals_destroyed_at_expires_at", "destroyed_at", "expires_at"),
)

# What a machine or a till did without us, by its own numbers: each counts once, whenever and however often it is told.
# `source` is `bench` with the device's name, or `till` with the till's. `shown_at`: a run of Prefect has shown it.
booth_lines = Table(
    "booth_lines",
    metadata,
    id_column(),
    Column("source", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("seq", Id, nullable=False),
    Column("location", Text, nullable=False),
    Column("print_job_id", Id),
    Column("attempt", Integer, nullable=False, default=0),
    Column("what", Text, nullable=False),
    Column("printer", Text, nullable=False, default=""),
    Column("done_at", Utc),
    Column("heard_at", Utc, nullable=False),
    Column("shown_at", Utc),
    UniqueConstraint("source", "name", "seq"),
    Index("ix_booth_lines_location_shown_at", "location", "shown_at"),
    Index("ix_booth_lines_print_job_id", "print_job_id"),
)

# Tills whose numbers we know: the lowest and the highest that were heard.
tills = Table(
    "tills",
    metadata,
    id_column(),
    Column("name", Text, nullable=False, unique=True),
    Column("location", Text, nullable=False),
    Column("first_seq", Id, nullable=False),
    Column("last_seq", Id, nullable=False),
    Column("heard_at", Utc, nullable=False),
)

# Numbers of a till that were not heard, between those that were: each row a stretch with both its ends.
till_gaps = Table(
    "till_gaps",
    metadata,
    id_column(),
    Column("name", Text, nullable=False),
    Column("first_seq", Id, nullable=False),
    Column("last_seq", Id, nullable=False),
    UniqueConstraint("name", "first_seq"),
)

# Where what was done without us and what we had decided meanwhile do not go together: what was done about it by the
# rule, for a person to look at. `key` counts each once.
offline_conflicts = Table(
    "offline_conflicts",
    metadata,
    id_column(),
    Column("key", Text, nullable=False, unique=True),
    Column("kind", Text, nullable=False),
    Column("location", Text, nullable=False),
    Column("order_id", Id, ForeignKey("orders.id"), index=True),
    Column("sku", Text, nullable=False),
    Column("pieces", Integer, nullable=False),
    Column("settled", Text, nullable=False),
    Column("data", Json, nullable=False),
    Column("at", Utc, nullable=False),
    Column("seen_at", Utc),
    Column("seen_by", Text, nullable=False, default=""),
)

# When a booth's worker called last, whatever it wanted. Written at most every few seconds.
booth_calls = Table(
    "booth_calls",
    metadata,
    Column("location", Text, primary_key=True),
    Column("heard_at", Utc, nullable=False),
)
