"""Lines of orders bring a picture of their buyer's own, by its address.

Revision ID: 0043
Revises: 0042
"""

import sqlalchemy as sa
from alembic import op

from backroom.store.tables.base import Sealed

revision = "0043"
down_revision = "0042"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("order_lines", sa.Column("artwork_url", Sealed))
