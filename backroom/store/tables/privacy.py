"""Tables of privacy: under which master key people's keys are wrapped, who was erased, who asked for what, and what
retention has removed. None of them holds anything personal.
"""

from __future__ import annotations

from sqlalchemy import Column, Index, Integer, Table, Text, UniqueConstraint

from backroom.store.tables.base import Id, Json, Sealed, Utc, id_column, metadata

# One row: the master key under which every new person's key is wrapped, by its id, and the key of the keyed hashes,
# wrapped by it. Whoever makes a person holds the row meanwhile, so that a new master key comes between two of them.
sealing = Table(
    "sealing",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("key_id", Text, nullable=False),
    Column("hash_key", Sealed, nullable=False),
    Column("since", Utc, nullable=False),
)

# Who was erased, and how far that is. A person is named by id and the moment they were first heard of: an id comes
# again when a database is made anew. The same stands in a file beside the database, for a backup that is put back.
erasures = Table(
    "erasures",
    metadata,
    id_column(),
    Column("person_id", Id, nullable=False),
    Column("person_since", Utc, nullable=False),
    Column("channel", Text, nullable=False, default=""),
    Column("erased_at", Utc, nullable=False),
    Column("actor", Text, nullable=False, default=""),
    # Of what lies outside the database: null until it is done.
    Column("files_at", Utc),
    Column("scrubbed_at", Utc),
    Column("prefect_at", Utc),
    UniqueConstraint("person_id", "person_since", "channel"),
)

# What a person, or a channel on their behalf, asked for: `export`, `erase`, or of a whole channel `close`.
privacy_requests = Table(
    "privacy_requests",
    metadata,
    id_column(),
    Column("kind", Text, nullable=False),
    Column("channel", Text, nullable=False, default=""),
    # What two deliveries of the same request share.
    Column("key", Text, nullable=False, unique=True),
    Column("people", Json, nullable=False, default=list),
    Column("state", Text, nullable=False),
    Column("asked_at", Utc, nullable=False),
    Column("due_at", Utc, nullable=False),
    Column("done_at", Utc),
    Column("actor", Text, nullable=False, default=""),
    Index("ix_privacy_requests_state", "state"),
)

# What retention removed: one row a run and kind of data.
removals = Table(
    "removals",
    metadata,
    id_column(),
    Column("kind", Text, nullable=False),
    Column("count", Integer, nullable=False),
    # Whatever was older than this.
    Column("before", Utc, nullable=False),
    Column("at", Utc, nullable=False),
)
