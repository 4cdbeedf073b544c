"""Since when a lease is overdue, so that it is named once.

Revision ID: 0035
Revises: 0034
"""

import sqlalchemy as sa
from alembic import op

from backroom.store.tables.base import Utc

revision = "0035"
down_revision = "0034"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("stock_leases", sa.Column("overdue_at", Utc(), nullable=True))
