"""Ink, paper and the like that a transfer takes along.

Revision ID: 0034
Revises: 0033
"""

import sqlalchemy as sa
from alembic import op

from backroom.store.tables.base import Id

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "transfer_packs",
        sa.Column("id", Id, autoincrement=True, nullable=False),
        sa.Column("transfer_id", Id, nullable=False),
        sa.Column("material", sa.Text(), nullable=False),
        sa.Column("pack", sa.Text(), nullable=False),
        sa.Column("unit", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("holds", sa.Integer(), nullable=False),
        sa.Column("units", sa.Integer(), nullable=False),
        sa.Column("asked", sa.Integer(), nullable=False),
        sa.Column("sent", sa.Integer(), nullable=False),
        sa.Column("arrived", sa.Integer(), nullable=False),
        sa.CheckConstraint("arrived >= 0 AND sent >= arrived", name=op.f("ck_transfer_packs_in_order")),
        sa.ForeignKeyConstraint(["transfer_id"], ["transfers.id"], name=op.f("fk_transfer_packs_transfer_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_transfer_packs")),
        sa.UniqueConstraint("transfer_id", "material", name=op.f("uq_transfer_packs_transfer_id_material")),
    )
