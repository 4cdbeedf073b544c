"""Which master key wraps a person's key, who was erased, who asked for what, and what retention removed.

Revision ID: 0005
Revises: 0004
"""

import sqlalchemy as sa
from alembic import op

from backroom.store.tables.base import Id, Json, Sealed, Utc

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("people", sa.Column("key_id", sa.Text(), nullable=True))
    op.create_table(
        "sealing",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("key_id", sa.Text(), nullable=False),
        sa.Column("hash_key", Sealed, nullable=False),
        sa.Column("since", Utc(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sealing")),
    )
    op.create_table(
        "erasures",
        sa.Column("id", Id, autoincrement=True, nullable=False),
        sa.Column("person_id", Id, nullable=False),
        sa.Column("person_since", Utc(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("erased_at", Utc(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("files_at", Utc(), nullable=True),
        sa.Column("scrubbed_at", Utc(), nullable=True),
        sa.Column("prefect_at", Utc(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_erasures")),
        sa.UniqueConstraint(
            "person_id", "person_since", "channel", name=op.f("uq_erasures_person_id_person_since_channel")
        ),
    )
    op.create_table(
        "privacy_requests",
        sa.Column("id", Id, autoincrement=True, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("people", Json, nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("asked_at", Utc(), nullable=False),
        sa.Column("due_at", Utc(), nullable=False),
        sa.Column("done_at", Utc(), nullable=True),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_privacy_requests")),
        sa.UniqueConstraint("key", name=op.f("uq_privacy_requests_key")),
    )
    op.create_index("ix_privacy_requests_state", "privacy_requests", ["state"], unique=False)
    op.create_table(
        "removals",
        sa.Column("id", Id, autoincrement=True, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("before", Utc(), nullable=False),
        sa.Column("at", Utc(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_removals")),
    )
