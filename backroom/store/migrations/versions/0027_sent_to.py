"""Where a place sends a parcel that it would be late with.

Revision ID: 0027
Revises: 0026
"""

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("print_promises", sa.Column("sent_to", sa.Text(), nullable=False, server_default=""))
