"""What became of messages, what customers answered, and who said stop.

Revision ID: 0017
Revises: 0016
"""

import sqlalchemy as sa
from alembic import op

from backroom.store.tables.base import Id, Sealed, Utc

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for column in (
        sa.Column("key", sa.Text(), nullable=True),
        sa.Column("delivery", sa.Text(), nullable=False, server_default=""),
        sa.Column("delivery_code", sa.Text(), nullable=False, server_default=""),
        sa.Column("delivery_at", Utc(), nullable=True),
        sa.Column("next_attempt_at", Utc(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("claim_token", sa.Text(), nullable=True),
    ):
        op.add_column("messages", column)
    op.create_index("ix_messages_key", "messages", ["key"], unique=True)
    for name in ("next_attempt_at", "claim_token"):
        there = sa.text(f"{name} IS NOT NULL")
        op.create_index(f"ix_messages_{name}", "messages", [name], sqlite_where=there, postgresql_where=there)
    op.create_table(
        "message_replies",
        sa.Column("id", Id, autoincrement=True, nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("provider_id", sa.Text(), nullable=False),
        sa.Column("person_id", Id, nullable=True),
        sa.Column("medium", sa.Text(), nullable=False),
        sa.Column("word", sa.Text(), nullable=False),
        sa.Column("content", Sealed, nullable=False),
        sa.Column("at", Utc(), nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_message_replies_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_message_replies")),
        sa.UniqueConstraint("provider", "provider_id", name=op.f("uq_message_replies_provider_provider_id")),
    )
    op.create_index("ix_message_replies_person_id", "message_replies", ["person_id"])
    op.create_table(
        "suppressions",
        sa.Column("id", Id, autoincrement=True, nullable=False),
        sa.Column("medium", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("provider_id", sa.Text(), nullable=False),
        sa.Column("word", sa.Text(), nullable=False),
        sa.Column("at", Utc(), nullable=False),
        sa.Column("lifted_at", Utc(), nullable=True),
        sa.Column("lifted_by", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_suppressions")),
        sa.UniqueConstraint("medium", "digest", name=op.f("uq_suppressions_medium_digest")),
    )
