"""Who wants SMS, asked for on an event's page or at its till.

Revision ID: 0030
Revises: 0029
"""

import sqlalchemy as sa
from alembic import op

from backroom.store.tables.base import Id, Sealed, Utc

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None

_TEXTS = ("number", "address", "source", "language", "wording")


def upgrade() -> None:
    op.create_table(
        "opt_ins",
        sa.Column("id", Id, autoincrement=True, nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("event_id", Id, nullable=False),
        sa.Column("person_id", Id, nullable=False),
        *[
            sa.Column(name, sa.Text(), nullable=False)
            for name in ("number", "address", "source", "language", "wording")
        ],
        sa.Column("content", Sealed, nullable=False),
        sa.Column("code_hash", sa.Text(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("asked_at", Utc(), nullable=False),
        sa.Column("sent_at", Utc()),
        sa.Column("confirmed_at", Utc()),
        sa.Column("next_attempt_at", Utc()),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("claim_token", sa.Text()),
        sa.ForeignKeyConstraint(["event_id"], ["events.id"], name=op.f("fk_opt_ins_event_id")),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_opt_ins_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_opt_ins")),
        sa.UniqueConstraint("key", name=op.f("uq_opt_ins_key")),
    )
    op.create_index("ix_opt_ins_person_id", "opt_ins", ["person_id"])
    op.create_index("ix_opt_ins_event_id_asked_at", "opt_ins", ["event_id", "asked_at"])
    op.create_index("ix_opt_ins_number_asked_at", "opt_ins", ["number", "asked_at"])
    for name in ("next_attempt_at", "claim_token"):
        there = sa.text(f"{name} IS NOT NULL")
        op.create_index(f"ix_opt_ins_{name}", "opt_ins", [name], sqlite_where=there, postgresql_where=there)
