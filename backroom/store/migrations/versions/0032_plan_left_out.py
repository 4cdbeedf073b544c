"""What a plan of what to take leaves out, and why.

Revision ID: 0032
Revises: 0031
"""

import sqlalchemy as sa
from alembic import op

from backroom.store.tables.base import Json

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("restock_plans", sa.Column("left_out", Json, nullable=False, server_default="[]"))
