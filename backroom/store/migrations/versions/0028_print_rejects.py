"""What came out of a printer and was bad, and how many pieces of a job are printed anew.

Revision ID: 0028
Revises: 0027
"""

import sqlalchemy as sa
from alembic import op

from backroom.store.tables.base import Id, Utc

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("print_jobs", sa.Column("remake", sa.Integer(), nullable=False, server_default="0"))
    op.create_table(
        "print_rejects",
        sa.Column("id", Id, autoincrement=True, nullable=False),
        sa.Column("print_job_id", Id, nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("location", sa.Text(), nullable=False),
        sa.Column("printer", sa.Text(), nullable=False),
        sa.Column("artwork", sa.Text(), nullable=False),
        sa.Column("fabric", sa.Text(), nullable=False),
        sa.Column("colourway", sa.Text(), nullable=False),
        sa.Column("process", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("fabric_batch", sa.Text(), nullable=False),
        sa.Column("ink_batch", sa.Text(), nullable=False),
        sa.Column("printed", sa.Integer(), nullable=False),
        sa.Column("pieces", sa.Integer(), nullable=False),
        sa.Column("fault", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("at", Utc(), nullable=False),
        sa.ForeignKeyConstraint(["print_job_id"], ["print_jobs.id"], name=op.f("fk_print_rejects_print_job_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_print_rejects")),
        sa.UniqueConstraint("print_job_id", "attempt", name=op.f("uq_print_rejects_print_job_id_attempt")),
    )
    op.create_index("ix_print_rejects_at", "print_rejects", ["at"])
