"""Going to market: plans of what to take, and transfers.

Revision ID: 0010
Revises: 0009
"""

import sqlalchemy as sa
from alembic import op

from backroom.store.tables.base import Id, Json, Utc

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "restock_plans",
        sa.Column("id", Id, autoincrement=True, nullable=False),
        sa.Column("event_id", Id, nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("open_share", sa.Float(), nullable=False),
        sa.Column("lost_without", sa.Float(), nullable=False),
        sa.Column("lost_with", sa.Float(), nullable=False),
        sa.Column("lines", Json, nullable=False),
        sa.Column("packs", Json, nullable=False),
        sa.Column("used", Json, nullable=False),
        sa.Column("full", Json, nullable=False),
        sa.Column("forecasts", Json, nullable=False),
        sa.Column("at", Utc(), nullable=False),
        sa.ForeignKeyConstraint(["event_id"], ["events.id"], name=op.f("fk_restock_plans_event_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_restock_plans")),
    )
    op.create_index("ix_restock_plans_event_id", "restock_plans", ["event_id"], unique=False)
    op.create_table(
        "transfers",
        sa.Column("id", Id, autoincrement=True, nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("event_id", Id, nullable=False),
        sa.Column("plan_id", Id, nullable=False),
        sa.Column("from_location", sa.Text(), nullable=False),
        sa.Column("to_location", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("bookings", sa.Integer(), nullable=False),
        sa.Column("proposed_at", Utc(), nullable=False),
        sa.Column("decided_at", Utc(), nullable=True),
        sa.Column("decided_by", sa.Text(), nullable=False),
        sa.Column("sent_at", Utc(), nullable=True),
        sa.Column("sent_by", sa.Text(), nullable=False),
        sa.Column("arrived_at", Utc(), nullable=True),
        sa.Column("arrived_by", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["event_id"], ["events.id"], name=op.f("fk_transfers_event_id")),
        sa.ForeignKeyConstraint(["plan_id"], ["restock_plans.id"], name=op.f("fk_transfers_plan_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_transfers")),
        sa.UniqueConstraint("number", name=op.f("uq_transfers_number")),
    )
    op.create_index("ix_transfers_event_id", "transfers", ["event_id"], unique=False)
    op.create_table(
        "transfer_lines",
        sa.Column("id", Id, autoincrement=True, nullable=False),
        sa.Column("transfer_id", Id, nullable=False),
        sa.Column("sku", sa.Text(), nullable=False),
        sa.Column("asked", sa.Integer(), nullable=False),
        sa.Column("sent", sa.Integer(), nullable=False),
        sa.Column("arrived", sa.Integer(), nullable=False),
        sa.Column("booked", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "booked >= 0 AND arrived >= booked AND sent >= arrived", name=op.f("ck_transfer_lines_in_order")
        ),
        sa.ForeignKeyConstraint(["sku"], ["variants.sku"], name=op.f("fk_transfer_lines_sku")),
        sa.ForeignKeyConstraint(["transfer_id"], ["transfers.id"], name=op.f("fk_transfer_lines_transfer_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_transfer_lines")),
        sa.UniqueConstraint("transfer_id", "sku", name=op.f("uq_transfer_lines_transfer_id_sku")),
    )
