"""Which numbers of a till were never heard, without reading all that were.

Revision ID: 0031
Revises: 0030
"""

import sqlalchemy as sa
from alembic import op

from backroom.store.tables.base import Id, Utc

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "tills",
        sa.Column("id", Id, autoincrement=True, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("location", sa.Text(), nullable=False),
        sa.Column("first_seq", Id, nullable=False),
        sa.Column("last_seq", Id, nullable=False),
        sa.Column("heard_at", Utc(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tills")),
        sa.UniqueConstraint("name", name=op.f("uq_tills_name")),
    )
    op.create_table(
        "till_gaps",
        sa.Column("id", Id, autoincrement=True, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("first_seq", Id, nullable=False),
        sa.Column("last_seq", Id, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_till_gaps")),
        sa.UniqueConstraint("name", "first_seq", name=op.f("uq_till_gaps_name_first_seq")),
    )
    op.execute(
        "INSERT INTO tills (name, location, first_seq, last_seq, heard_at) "
        "SELECT name, max(location), min(seq), max(seq), max(heard_at) FROM booth_lines "
        "WHERE source = 'till' GROUP BY name"
    )
    op.execute(
        "INSERT INTO till_gaps (name, first_seq, last_seq) SELECT name, before + 1, seq - 1 FROM ("
        "SELECT name, seq, lag(seq) OVER (PARTITION BY name ORDER BY seq) AS before FROM booth_lines "
        "WHERE source = 'till') AS heard WHERE seq > before + 1"
    )
