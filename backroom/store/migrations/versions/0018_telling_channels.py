"""What channels are told: news about orders, and the level that each SKU was left at.

Revision ID: 0018
Revises: 0017
"""

import sqlalchemy as sa
from alembic import op

from backroom.store.tables.base import Id, Utc

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "channel_news",
        sa.Column("id", Id, autoincrement=True, nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("order_id", Id, nullable=False),
        sa.Column("part_id", Id, nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("at", Utc(), nullable=False),
        sa.Column("told_at", Utc(), nullable=True),
        sa.Column("claim_token", sa.Text(), nullable=True),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("failures", sa.Integer(), server_default="0", nullable=False),
        sa.Column("next_attempt_at", Utc(), nullable=True),
        sa.Column("sick_cause", sa.Text(), nullable=True),
        sa.Column("sick_reason", sa.Text(), nullable=True),
        sa.Column("sick_since", Utc(), nullable=True),
        sa.Column("breaker_id", Id, nullable=True),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("fk_channel_news_order_id")),
        sa.ForeignKeyConstraint(["part_id"], ["fulfilment_orders.id"], name=op.f("fk_channel_news_part_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_channel_news")),
        sa.UniqueConstraint("key", name=op.f("uq_channel_news_key")),
        sa.UniqueConstraint("part_id", "kind", name=op.f("uq_channel_news_part_id_kind")),
    )
    op.create_index(op.f("ix_channel_news_order_id"), "channel_news", ["order_id"], unique=False)
    op.create_index("ix_channel_news_waiting", "channel_news", ["state", "channel", "priority", "id"], unique=False)
    op.create_index("ix_channel_news_claim_token", "channel_news", ["claim_token"], unique=False)
    for column in ("sick_cause", "breaker_id"):
        there = sa.text(f"{column} IS NOT NULL")
        op.create_index(
            f"ix_channel_news_{column}",
            "channel_news",
            [column],
            unique=False,
            sqlite_where=there,
            postgresql_where=there,
        )
    op.create_table(
        "channel_levels",
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("sku", sa.Text(), nullable=False),
        sa.Column("level", sa.Integer(), nullable=True),
        sa.Column("available", sa.Integer(), nullable=True),
        sa.Column("unheard", sa.Integer(), nullable=False),
        sa.Column("unheard_since", Utc(), nullable=True),
        sa.Column("arrived", sa.Integer(), nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("doubtful", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("trouble", sa.Text(), nullable=False),
        sa.Column("told_at", Utc(), nullable=True),
        sa.ForeignKeyConstraint(["sku"], ["variants.sku"], name=op.f("fk_channel_levels_sku")),
        sa.PrimaryKeyConstraint("channel", "sku", name=op.f("pk_channel_levels")),
    )
    op.create_table(
        "channel_stock",
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("claim_token", sa.Text(), nullable=True),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("next_attempt_at", Utc(), nullable=True),
        sa.Column("cause", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("failing_since", Utc(), nullable=True),
        sa.Column("asked_person", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("compared_at", Utc(), nullable=True),
        sa.Column("told_at", Utc(), nullable=True),
        sa.PrimaryKeyConstraint("channel", name=op.f("pk_channel_stock")),
    )
