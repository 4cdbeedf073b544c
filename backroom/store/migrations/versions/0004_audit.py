"""The audit: what was paid elsewhere, the numbers of each day, and answers for the plan.

Revision ID: 0004
Revises: 0003
"""

import sqlalchemy as sa
from alembic import op

from backroom.store.tables.base import Id, Utc

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "paid_elsewhere",
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("external_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("placed_at", Utc(), nullable=True),
        sa.Column("total_minor", Id, nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("reported_at", Utc(), nullable=False),
        sa.Column("settled_at", Utc(), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("channel", "external_id", name=op.f("pk_paid_elsewhere")),
    )
    op.create_index("ix_paid_elsewhere_settled_at", "paid_elsewhere", ["settled_at"], unique=False)
    op.create_table(
        "audit_days",
        sa.Column("day", sa.Text(), nullable=False),
        sa.Column("failure", sa.Text(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("out_of", sa.Integer(), nullable=False),
        sa.Column("minor", Id, nullable=False),
        sa.Column("computed_at", Utc(), nullable=False),
        sa.PrimaryKeyConstraint("day", "failure", name=op.f("pk_audit_days")),
    )
    op.create_table(
        "plan_answers",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("at", Utc(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_plan_answers")),
    )
