"""Facts of orders and the figures made of them.

Revision ID: 0003
Revises: 0002
"""

import sqlalchemy as sa
from alembic import op

from backroom.store.tables.base import Id, Json, Utc

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "order_facts",
        sa.Column("order_id", Id, autoincrement=False, nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("person_id", Id, nullable=False),
        sa.Column("way", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("placed_at", Utc(), nullable=False),
        sa.Column("accepted_day", sa.Text(), nullable=False),
        sa.Column("shipped_day", sa.Text(), nullable=False),
        sa.Column("waiting_s", sa.Integer(), nullable=True),
        sa.Column("intake_s", sa.Integer(), nullable=True),
        sa.Column("making_s", sa.Integer(), nullable=True),
        sa.Column("packing_s", sa.Integer(), nullable=True),
        sa.Column("announcing_s", sa.Integer(), nullable=True),
        sa.Column("ship_s", sa.Integer(), nullable=True),
        sa.Column("on_time", sa.Integer(), nullable=True),
        sa.Column("parcels", sa.Integer(), nullable=False),
        sa.Column("label_minor", sa.Integer(), nullable=False),
        sa.Column("pieces", sa.Integer(), nullable=False),
        sa.Column("printed", sa.Integer(), nullable=False),
        sa.Column("print_tries", sa.Integer(), nullable=False),
        sa.Column("print_rejects", sa.Integer(), nullable=False),
        sa.Column("emails", sa.Integer(), nullable=False),
        sa.Column("texts", sa.Integer(), nullable=False),
        sa.Column("messages_failed", sa.Integer(), nullable=False),
        sa.Column("oversold", sa.Integer(), nullable=False),
        sa.Column("digest", Id, nullable=False),
        sa.PrimaryKeyConstraint("order_id", name=op.f("pk_order_facts")),
    )
    op.create_index("ix_order_facts_shipped_day", "order_facts", ["shipped_day"], unique=False)
    op.create_index("ix_order_facts_accepted_day", "order_facts", ["accepted_day"], unique=False)
    op.create_index("ix_order_facts_person_id", "order_facts", ["person_id"], unique=False)
    op.create_table(
        "due_days",
        sa.Column("day", sa.Text(), nullable=False),
        sa.Column("corrected", Json, nullable=False),
        sa.Column("corrections", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("day", name=op.f("pk_due_days")),
    )
    op.create_table(
        "kpi_figures",
        sa.Column("day", sa.Text(), nullable=False),
        sa.Column("way", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("value", sa.Float(), nullable=False),
        sa.Column("orders", sa.Integer(), nullable=False),
        sa.Column("provisional", sa.Integer(), nullable=False),
        sa.Column("computed_at", Utc(), nullable=False),
        sa.Column("was", sa.Float(), nullable=True),
        sa.Column("changed_at", Utc(), nullable=True),
        sa.Column("why", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("day", "way", "name", name=op.f("pk_kpi_figures")),
    )
    op.create_index("ix_kpi_figures_name_day", "kpi_figures", ["name", "day"], unique=False)
    op.create_index("ix_kpi_figures_changed_at", "kpi_figures", ["changed_at"], unique=False)
