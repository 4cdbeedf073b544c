"""What booths did without us, and where that does not go together with what we had decided.

Revision ID: 0023
Revises: 0022
"""

import sqlalchemy as sa
from alembic import op

from backroom.store.tables.base import Id, Json, Utc

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "booth_lines",
        sa.Column("id", Id, autoincrement=True, nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("seq", Id, nullable=False),
        sa.Column("location", sa.Text(), nullable=False),
        sa.Column("print_job_id", Id, nullable=True),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("printer", sa.Text(), nullable=False),
        sa.Column("done_at", Utc(), nullable=True),
        sa.Column("heard_at", Utc(), nullable=False),
        sa.Column("shown_at", Utc(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_booth_lines")),
        sa.UniqueConstraint("source", "name", "seq", name=op.f("uq_booth_lines_source_name_seq")),
    )
    op.create_index("ix_booth_lines_location_shown_at", "booth_lines", ["location", "shown_at"], unique=False)
    op.create_index("ix_booth_lines_print_job_id", "booth_lines", ["print_job_id"], unique=False)
    op.create_table(
        "offline_conflicts",
        sa.Column("id", Id, autoincrement=True, nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("location", sa.Text(), nullable=False),
        sa.Column("order_id", Id, nullable=True),
        sa.Column("sku", sa.Text(), nullable=False),
        sa.Column("pieces", sa.Integer(), nullable=False),
        sa.Column("settled", sa.Text(), nullable=False),
        sa.Column("data", Json, nullable=False),
        sa.Column("at", Utc(), nullable=False),
        sa.Column("seen_at", Utc(), nullable=True),
        sa.Column("seen_by", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("fk_offline_conflicts_order_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_offline_conflicts")),
        sa.UniqueConstraint("key", name=op.f("uq_offline_conflicts_key")),
    )
    op.add_column("orders", sa.Column("handed_over", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.create_index("ix_offline_conflicts_order_id", "offline_conflicts", ["order_id"], unique=False)
