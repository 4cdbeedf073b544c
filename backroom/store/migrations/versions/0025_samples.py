"""Samples that were looked at, and the batches of fabric and ink in use.

Revision ID: 0025
Revises: 0024
"""

import sqlalchemy as sa
from alembic import op

from backroom.store.tables.base import Id, Utc

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "samples",
        sa.Column("id", Id, autoincrement=True, nullable=False),
        sa.Column("artwork", sa.Text(), nullable=False),
        sa.Column("fabric", sa.Text(), nullable=False),
        sa.Column("colourway", sa.Text(), nullable=False),
        sa.Column("process", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("sku", sa.Text(), nullable=False),
        sa.Column("location", sa.Text(), nullable=False),
        sa.Column("printer", sa.Text(), nullable=False),
        sa.Column("fabric_batch", sa.Text(), nullable=False),
        sa.Column("ink_batch", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("printed_at", Utc(), nullable=False),
        sa.Column("printed_by", sa.Text(), nullable=False),
        sa.Column("decided_at", Utc(), nullable=True),
        sa.Column("decided_by", sa.Text(), nullable=False),
        sa.Column("good_until", Utc(), nullable=True),
        sa.Column("photo", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("ended_at", Utc(), nullable=True),
        sa.Column("ended_why", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_samples")),
    )
    op.create_index("ix_samples_artwork_fabric", "samples", ["artwork", "fabric"])
    op.create_table(
        "material_batches",
        sa.Column("id", Id, autoincrement=True, nullable=False),
        sa.Column("location", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("material", sa.Text(), nullable=False),
        sa.Column("colourway", sa.Text(), nullable=False),
        sa.Column("batch", sa.Text(), nullable=False),
        sa.Column("since", Utc(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_material_batches")),
    )
    op.create_index("ix_material_batches_location_kind", "material_batches", ["location", "kind", "material"])
