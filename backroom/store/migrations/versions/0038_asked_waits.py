"""Until when other sides asked to be left alone, for every process.

Revision ID: 0038
Revises: 0037
"""

import sqlalchemy as sa
from alembic import op

from backroom.store.tables.base import Utc

revision = "0038"
down_revision = "0037"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "asked_waits",
        sa.Column("side", sa.Text(), primary_key=True),
        sa.Column("service", sa.Text(), nullable=False),
        sa.Column("until", Utc, nullable=False),
        sa.Column("asked_at", Utc, nullable=False),
    )
