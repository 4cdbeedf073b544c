"""Tables of samples: what was printed to be looked at, the batches of fabric and ink in use, and what came out bad."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Index, Integer, Table, Text, UniqueConstraint

from backroom.store.tables.base import Id, Utc, id_column, metadata

# `artwork` to `kind` are the combination that it stands for (`backroom.domain.samples`); `sku` the size that was
# printed. `photo` is a file's name in the folder `samples` of the shop's home. `ended_why` says what closed it. One of
# buyers' own pictures that is closed was no sample: it says that too many of them came out bad.
samples = Table(
    "samples",
    metadata,
    id_column(),
    Column("artwork", Text, nullable=False),
    Column("fabric", Text, nullable=False),
    Column("colourway", Text, nullable=False),
    Column("process", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("sku", Text, nullable=False),
    Column("location", Text, nullable=False),
    Column("printer", Text, nullable=False),
    Column("fabric_batch", Text, nullable=False),
    Column("ink_batch", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("printed_at", Utc, nullable=False),
    Column("printed_by", Text, nullable=False),
    Column("decided_at", Utc),
    Column("decided_by", Text, nullable=False, default=""),
    Column("good_until", Utc),
    Column("photo", Text, nullable=False, default=""),
    Column("note", Text, nullable=False, default=""),
    Column("ended_at", Utc),
    Column("ended_why", Text, nullable=False, default=""),
    Index("ix_samples_artwork_fabric", "artwork", "fabric"),
)

# Append-only: the newest of a place and material is in use. `kind` is fabric, of a `material` (the blank's product) in
# a colourway, or ink, of a printer.
material_batches = Table(
    "material_batches",
    metadata,
    id_column(),
    Column("location", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("material", Text, nullable=False),
    Column("colourway", Text, nullable=False, default=""),
    Column("batch", Text, nullable=False),
    Column("since", Utc, nullable=False),
    Column("actor", Text, nullable=False),
    Index("ix_material_batches_location_kind", "location", "kind", "material"),
)

# One try at a print job of which somebody found `pieces` bad, of `printed` that came out. `artwork` to `ink_batch` are
# as of a sample.
print_rejects = Table(
    "print_rejects",
    metadata,
    id_column(),
    Column("print_job_id", Id, ForeignKey("print_jobs.id"), nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("location", Text, nullable=False),
    Column("printer", Text, nullable=False),
    Column("artwork", Text, nullable=False),
    Column("fabric", Text, nullable=False),
    Column("colourway", Text, nullable=False),
    Column("process", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("fabric_batch", Text, nullable=False),
    Column("ink_batch", Text, nullable=False),
    Column("printed", Integer, nullable=False),
    Column("pieces", Integer, nullable=False),
    Column("fault", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("at", Utc, nullable=False),
    UniqueConstraint("print_job_id", "attempt"),
    Index("ix_print_rejects_at", "at"),
)
