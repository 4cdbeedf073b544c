"""Tables of the engine: claims, wake-up generations, the effects ledger, breakers and waits."""

from __future__ import annotations

from sqlalchemy import Column, Index, Integer, Table, Text, UniqueConstraint

from backroom.store.tables.base import Id, Json, Utc, id_column, metadata

# A lease on everything that carries its token. Every commit of a wave is conditional on `until` being ahead.
claims = Table(
    "claims",
    metadata,
    Column("token", Text, primary_key=True),
    Column("instance", Text, nullable=False),
    Column("stage", Text, nullable=False),
    Column("location", Text, nullable=False),
    Column("run_id", Text, nullable=False, default=""),
    Column("taken_at", Utc, nullable=False),
    Column("until", Utc, nullable=False),
    Index("ix_claims_instance", "instance"),
)

generations = Table(
    "generations",
    metadata,
    Column("stage", Text, primary_key=True),
    Column("location", Text, primary_key=True),
    Column("number", Integer, nullable=False),
    Column("at", Utc, nullable=False),
    # Until then a run is at it that looks again before it ends.
    Column("attended_until", Utc),
)

# planned → started → done | failed; started without an outcome is unknown: ask the other side, else a person.
effects = Table(
    "effects",
    metadata,
    id_column(),
    Column("key", Text, nullable=False, unique=True),
    Column("kind", Text, nullable=False),
    Column("order_id", Id, index=True),
    Column("request_hash", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("claim_token", Text, nullable=False, default=""),
    Column("answer", Json),
    Column("reason", Text, nullable=False, default=""),
    Column("tries", Integer, nullable=False, default=0),
    Column("planned_at", Utc, nullable=False),
    Column("started_at", Utc),
    Column("settled_at", Utc),
    Index("ix_effects_state_kind", "state", "kind"),
)

# Until when another side asked to be left alone. `side` is a hash of its service and address.
asked_waits = Table(
    "asked_waits",
    metadata,
    Column("side", Text, primary_key=True),
    Column("service", Text, nullable=False),
    Column("until", Utc, nullable=False),
    Column("asked_at", Utc, nullable=False),
)

breakers = Table(
    "breakers",
    metadata,
    id_column(),
    Column("stage", Text, nullable=False),
    Column("location", Text, nullable=False),
    Column("cause", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("opened_at", Utc, nullable=False),
    Column("closed_at", Utc),
    Column("next_probe_at", Utc),
    Column("probes", Integer, nullable=False, default=0),
    UniqueConstraint("stage", "location", "cause", "opened_at"),
)
