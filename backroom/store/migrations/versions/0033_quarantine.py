"""Rows in quarantine: which findings put theirs aside, which stock is not sold, which orders no figure counts.

Revision ID: 0033
Revises: 0032
"""

import sqlalchemy as sa
from alembic import op

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("quality_findings", sa.Column("aside", sa.Text(), server_default="", nullable=False))
    op.create_index("ix_quality_findings_number", "quality_findings", ["number"])
    op.add_column("order_facts", sa.Column("left_out", sa.Text(), server_default="", nullable=False))
    op.add_column("stock_levels", sa.Column("aside", sa.Boolean(), server_default=sa.false(), nullable=False))
