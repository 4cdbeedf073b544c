"""Labels that a carrier has drawn, and the rates that were chosen among.

Revision ID: 0015
Revises: 0014
"""

import sqlalchemy as sa
from alembic import op

from backroom.store.tables.base import Id, Json, Sealed, Utc

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("labels", sa.Column("document", Sealed, nullable=True))
    op.create_table(
        "rate_choices",
        sa.Column("id", Id, autoincrement=True, nullable=False),
        sa.Column("fulfilment_order_id", Id, nullable=False),
        sa.Column("carrier", sa.Text(), nullable=False),
        sa.Column("brand", sa.Text(), nullable=False),
        sa.Column("service", sa.Text(), nullable=False),
        sa.Column("price_minor", sa.Integer(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("days", sa.Integer(), nullable=True),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("due", sa.Text(), nullable=False),
        sa.Column("arrives", sa.Text(), nullable=False),
        sa.Column("rejected", Json, nullable=False),
        sa.Column("request_hash", sa.Text(), nullable=False),
        sa.Column("at", Utc, nullable=False),
        sa.ForeignKeyConstraint(
            ["fulfilment_order_id"], ["fulfilment_orders.id"], name=op.f("fk_rate_choices_fulfilment_order_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rate_choices")),
        sa.UniqueConstraint("fulfilment_order_id", name=op.f("uq_rate_choices_fulfilment_order_id")),
    )
