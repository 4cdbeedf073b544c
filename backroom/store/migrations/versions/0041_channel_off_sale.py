"""Listings that were taken off sale at a channel because nothing was left in them.

Revision ID: 0041
Revises: 0040
"""

import sqlalchemy as sa
from alembic import op

from backroom.store.tables.base import Utc

revision = "0041"
down_revision = "0040"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "channel_off_sale",
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("listing", sa.Text(), nullable=False),
        sa.Column("spare", sa.Text(), nullable=False),
        sa.Column("at", Utc(), nullable=False),
        sa.PrimaryKeyConstraint("channel", "listing", name="pk_channel_off_sale"),
    )
