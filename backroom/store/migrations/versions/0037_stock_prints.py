"""Print jobs that belong to a transfer to a market instead of an order, and how many pieces of a transfer are printed
first.

SQLite makes `print_jobs` anew to let its order be left out, and drops the old one: what points at its rows is put by
meanwhile, or the foreign keys would refuse it.

Revision ID: 0037
Revises: 0036
"""

import sqlalchemy as sa
from alembic import op

from backroom.store.tables.base import Id

revision = "0037"
down_revision = "0036"
branch_labels = None
depends_on = None

POINTING = ("print_seals", "print_rejects")


def upgrade() -> None:
    op.add_column("transfer_lines", sa.Column("to_print", sa.Integer(), nullable=False, server_default="0"))
    rebuilt = op.get_bind().dialect.name == "sqlite"
    for name in POINTING if rebuilt else ():
        op.execute(f"CREATE TEMPORARY TABLE put_by_{name} AS SELECT * FROM {name}")  # noqa: S608 - constants of this file
        op.execute(f"DELETE FROM {name}")  # noqa: S608 - constants of this file
    with op.batch_alter_table("print_jobs") as jobs:
        jobs.alter_column("fulfilment_order_id", existing_type=Id, nullable=True)
        jobs.add_column(sa.Column("transfer_id", Id, nullable=True))
        jobs.create_foreign_key(op.f("fk_print_jobs_transfer_id"), "transfers", ["transfer_id"], ["id"])
        jobs.create_unique_constraint(op.f("uq_print_jobs_transfer_id_line_no"), ["transfer_id", "line_no"])
        jobs.create_check_constraint(
            op.f("ck_print_jobs_one_owner"), "(fulfilment_order_id IS NULL) <> (transfer_id IS NULL)"
        )
    op.create_index("ix_print_jobs_transfer_id", "print_jobs", ["transfer_id"])
    for name in POINTING if rebuilt else ():
        op.execute(f"INSERT INTO {name} SELECT * FROM put_by_{name}")  # noqa: S608 - constants of this file
        op.execute(f"DROP TABLE put_by_{name}")
