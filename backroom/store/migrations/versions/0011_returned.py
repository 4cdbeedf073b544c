"""What came back, among the facts of orders.

Revision ID: 0011
Revises: 0010
"""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

COUNTS = ("returned", "return_parcels", "refunded_minor", "replaces")


def upgrade() -> None:
    for name in COUNTS:
        op.add_column("order_facts", sa.Column(name, sa.Integer(), nullable=False, server_default="0"))
