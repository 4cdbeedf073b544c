"""Since when a lease is overdue, so that it is named once.

Revision ID: 0033
Revises: 0032
"""

import sqlalchemy as sa
from alembic import op

from backroom.store.tables.base import Utc

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("stock_leases", sa.Column("overdue_at", Utc(), nullable=True))
