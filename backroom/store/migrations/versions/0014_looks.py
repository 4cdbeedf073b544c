"""The last look at each source, and who found that an order is missing.

Revision ID: 0014
Revises: 0013
"""

import sqlalchemy as sa
from alembic import op

from backroom.store.tables.base import Utc

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

FIGURES = (
    "listed",
    "paid",
    "ours",
    "cancelled",
    "waiting",
    "quarantine",
    "settled",
    "sent",
    "earlier",
    "behind",
    "fetched",
    "missing",
)


def upgrade() -> None:
    op.create_table(
        "looks",
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("look", sa.Text(), nullable=False),
        sa.Column("starts_at", Utc(), nullable=False),
        sa.Column("seen_until", Utc(), nullable=True),
        sa.Column("tried_since", Utc(), nullable=False),
        sa.Column("tried_at", Utc(), nullable=False),
        sa.Column("looked_at", Utc(), nullable=True),
        sa.Column("cause", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("told", sa.Text(), nullable=False),
        *(sa.Column(name, sa.Integer(), nullable=False) for name in FIGURES),
        sa.PrimaryKeyConstraint("channel", "look", name=op.f("pk_looks")),
    )
    op.add_column("paid_elsewhere", sa.Column("found_by", sa.Text(), nullable=False, server_default="list"))
