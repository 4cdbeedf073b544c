"""Refunds of orders that were cancelled: without a return, and claimed by waves of their own.

Revision ID: 0036
Revises: 0035
"""

import sqlalchemy as sa
from alembic import op

from backroom.store.tables.base import Id, Utc

revision = "0036"
down_revision = "0035"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("refunds") as refunds:
        refunds.alter_column("return_id", existing_type=Id, nullable=True)
        refunds.add_column(sa.Column("by_hand", sa.Text(), nullable=False, server_default=""))
        refunds.add_column(sa.Column("priority", sa.Integer(), nullable=False, server_default="5"))
        refunds.add_column(sa.Column("claim_token", sa.Text(), nullable=True))
        refunds.add_column(sa.Column("attempts", sa.Integer(), nullable=False, server_default="0"))
        refunds.add_column(sa.Column("failures", sa.Integer(), nullable=False, server_default="0"))
        refunds.add_column(sa.Column("next_attempt_at", Utc(), nullable=True))
        refunds.add_column(sa.Column("sick_cause", sa.Text(), nullable=True))
        refunds.add_column(sa.Column("sick_reason", sa.Text(), nullable=True))
        refunds.add_column(sa.Column("sick_since", Utc(), nullable=True))
        refunds.add_column(sa.Column("breaker_id", Id, nullable=True))
    op.create_index("ix_refunds_claim_token", "refunds", ["claim_token"])
    of_cancelled = sa.text("return_id IS NULL")
    op.create_index(
        "ix_refunds_of_cancelled",
        "refunds",
        ["order_id"],
        unique=True,
        sqlite_where=of_cancelled,
        postgresql_where=of_cancelled,
    )
    for column in ("sick_cause", "breaker_id"):
        there = sa.text(f"{column} IS NOT NULL")
        op.create_index(f"ix_refunds_{column}", "refunds", [column], sqlite_where=there, postgresql_where=there)
