"""Orders at a cell know the totes that they are picked into.

Revision ID: 0042
Revises: 0041
"""

import sqlalchemy as sa
from alembic import op

from backroom.store.tables.base import Json

revision = "0042"
down_revision = "0041"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("partner_orders", sa.Column("totes", Json, nullable=False, server_default="[]"))
