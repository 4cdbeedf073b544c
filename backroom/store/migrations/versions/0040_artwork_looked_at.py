"""Print jobs know which bytes of their artwork were looked at.

Revision ID: 0040
Revises: 0039
"""

import sqlalchemy as sa
from alembic import op

revision = "0040"
down_revision = "0039"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("print_jobs", sa.Column("artwork_sha256", sa.Text(), nullable=False, server_default=""))
