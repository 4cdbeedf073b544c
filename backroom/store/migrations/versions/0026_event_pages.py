"""Which events have a page for everybody.

Revision ID: 0026
Revises: 0025
"""

import sqlalchemy as sa
from alembic import op

from backroom.store.tables.base import Utc

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("events", sa.Column("published_at", Utc()))
