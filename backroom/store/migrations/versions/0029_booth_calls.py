"""When a booth was heard last.

Revision ID: 0029
Revises: 0028
"""

import sqlalchemy as sa
from alembic import op

from backroom.store.tables.base import Utc

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "booth_calls",
        sa.Column("location", sa.Text(), nullable=False),
        sa.Column("heard_at", Utc(), nullable=False),
        sa.PrimaryKeyConstraint("location", name=op.f("pk_booth_calls")),
    )
