"""What an order found out of stock: said by its routing, kept as facts.

Revision ID: 0006
Revises: 0005
"""

import sqlalchemy as sa
from alembic import op

from backroom.store.tables.base import Id, NullableJson

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("routing_decisions", sa.Column("short", NullableJson, nullable=True))
    op.create_table(
        "stock_outs",
        sa.Column("order_id", Id, autoincrement=False, nullable=False),
        sa.Column("location", sa.Text(), nullable=False),
        sa.Column("sku", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("order_id", "location", "sku", name=op.f("pk_stock_outs")),
    )
