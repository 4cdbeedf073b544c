"""Logins of channels that change with their use.

Revision ID: 0019
Revises: 0018
"""

import sqlalchemy as sa
from alembic import op

from backroom.store.tables.base import Sealed, Utc

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "channel_logins",
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("opened_by", sa.Text(), nullable=False),
        sa.Column("sealed", Sealed, nullable=True),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("busy_until", Utc(), nullable=True),
        sa.Column("at", Utc(), nullable=True),
        sa.PrimaryKeyConstraint("channel", name="pk_channel_logins"),
    )
