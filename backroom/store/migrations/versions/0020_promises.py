"""What people at a booth were told of when their print is ready.

Revision ID: 0020
Revises: 0019
"""

import sqlalchemy as sa
from alembic import op

from backroom.store.tables.base import Id, Utc

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "print_promises",
        sa.Column("id", Id, autoincrement=True, nullable=False),
        sa.Column("fulfilment_order_id", Id, nullable=False),
        sa.Column("order_id", Id, nullable=False),
        sa.Column("location", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("first_at", Utc(), nullable=False),
        sa.Column("promised_at", Utc(), nullable=False),
        sa.Column("moved", sa.Integer(), nullable=False),
        sa.Column("told", sa.Text(), nullable=False),
        sa.Column("made_at", Utc(), nullable=False),
        sa.Column("ended_at", Utc(), nullable=True),
        sa.ForeignKeyConstraint(
            ["fulfilment_order_id"],
            ["fulfilment_orders.id"],
            name=op.f("fk_print_promises_fulfilment_order_id_fulfilment_orders"),
        ),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("fk_print_promises_order_id_orders")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_print_promises")),
        sa.UniqueConstraint("fulfilment_order_id", name=op.f("uq_print_promises_fulfilment_order_id")),
    )
    op.create_index("ix_print_promises_order_id", "print_promises", ["order_id"])
    op.create_index("ix_print_promises_state_location", "print_promises", ["state", "location"])
