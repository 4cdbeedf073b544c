"""Data quality: its runs, what each check counted, and the rows that failed.

Revision ID: 0007
Revises: 0006
"""

import sqlalchemy as sa
from alembic import op

from backroom.store.tables.base import Id, Json, Utc

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "quality_runs",
        sa.Column("id", Id, autoincrement=True, nullable=False),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("started_at", Utc(), nullable=False),
        sa.Column("ended_at", Utc(), nullable=True),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("after", Id, nullable=False),
        sa.Column("upto", Id, nullable=False),
        sa.Column("critical", sa.Integer(), nullable=False),
        sa.Column("warning", sa.Integer(), nullable=False),
        sa.Column("info", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_quality_runs")),
    )
    op.create_index("ix_quality_runs_scope_id", "quality_runs", ["scope", "id"], unique=False)
    op.create_table(
        "quality_results",
        sa.Column("run_id", Id, nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("severity", sa.Text(), nullable=False),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.Column("failed", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["quality_runs.id"], name=op.f("fk_quality_results_run_id")),
        sa.PrimaryKeyConstraint("run_id", "code", name=op.f("pk_quality_results")),
    )
    op.create_index("ix_quality_results_code", "quality_results", ["code"], unique=False)
    op.create_table(
        "quality_findings",
        sa.Column("id", Id, autoincrement=True, nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("row_key", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("severity", sa.Text(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("data", Json, nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("first_at", Utc(), nullable=False),
        sa.Column("last_at", Utc(), nullable=False),
        sa.Column("last_run", Id, nullable=False),
        sa.Column("told_at", Utc(), nullable=True),
        sa.Column("ended_at", Utc(), nullable=True),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_quality_findings")),
        sa.UniqueConstraint("code", "row_key", name=op.f("uq_quality_findings_code_row_key")),
    )
    op.create_index("ix_quality_findings_state_severity", "quality_findings", ["state", "severity"], unique=False)
    op.create_index("ix_quality_findings_subject_state", "quality_findings", ["subject", "state"], unique=False)
