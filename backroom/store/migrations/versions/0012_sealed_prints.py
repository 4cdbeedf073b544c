"""Sealed prints: machines beside printers, and what was sealed for them.

Revision ID: 0012
Revises: 0011
"""

import sqlalchemy as sa
from alembic import op

from backroom.store.tables.base import Id, Sealed, Utc

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "booth_devices",
        sa.Column("id", Id, autoincrement=True, nullable=False),
        sa.Column("api_key_id", Id, nullable=False),
        sa.Column("key_name", sa.Text(), nullable=False),
        sa.Column("location", sa.Text(), nullable=False),
        sa.Column("public_key", sa.Text(), nullable=False),
        sa.Column("paired_at", Utc(), nullable=False),
        sa.Column("forgotten_at", Utc(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_booth_devices")),
        sa.UniqueConstraint("api_key_id", "public_key", name=op.f("uq_booth_devices_api_key_id_public_key")),
    )
    op.create_table(
        "print_seals",
        sa.Column("id", Id, autoincrement=True, nullable=False),
        sa.Column("print_job_id", Id, nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("device_id", Id, nullable=False),
        sa.Column("device", sa.Text(), nullable=False),
        sa.Column("location", sa.Text(), nullable=False),
        sa.Column("once", sa.Text(), nullable=True),
        sa.Column("description", Sealed, nullable=False),
        sa.Column("document_bytes", sa.Integer(), nullable=False),
        sa.Column("document_digest", sa.Text(), nullable=False),
        sa.Column("sealed_at", Utc(), nullable=False),
        sa.Column("expires_at", Utc(), nullable=False),
        sa.Column("destroyed_at", Utc(), nullable=True),
        sa.Column("destroyed_why", sa.Text(), nullable=False),
        sa.Column("confirmed_at", Utc(), nullable=True),
        sa.ForeignKeyConstraint(["device_id"], ["booth_devices.id"], name=op.f("fk_print_seals_device_id")),
        sa.ForeignKeyConstraint(["print_job_id"], ["print_jobs.id"], name=op.f("fk_print_seals_print_job_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_print_seals")),
    )
    op.create_index("ix_print_seals_print_job_id", "print_seals", ["print_job_id"], unique=False)
    op.create_index(
        "ix_print_seals_destroyed_at_expires_at", "print_seals", ["destroyed_at", "expires_at"], unique=False
    )
