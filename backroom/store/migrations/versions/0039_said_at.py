"""When a source says that it happened of which a message tells, where that stands beside the body.

Revision ID: 0039
Revises: 0038
"""

import sqlalchemy as sa
from alembic import op

from backroom.store.tables.base import Utc

revision = "0039"
down_revision = "0038"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("inbox", sa.Column("said_at", Utc(), nullable=True))
