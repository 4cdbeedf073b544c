"""Messages that carry no order, and only say which one is to be fetched.

Revision ID: 0013
Revises: 0012
"""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("inbox", sa.Column("hint", sa.Boolean(), nullable=False, server_default=sa.false()))
