"""Indexes for what is few among many: work that goes on, and rows that are sick, beside all that is done.

Without them the sweep, every route step and the metrics read through all orders there ever were.

Revision ID: 0002
Revises: 0001
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

PARTIAL = (
    ("ix_orders_sick_cause", "orders", "sick_cause"),
    ("ix_orders_breaker_id", "orders", "breaker_id"),
    ("ix_fulfilment_orders_sick_cause", "fulfilment_orders", "sick_cause"),
    ("ix_fulfilment_orders_breaker_id", "fulfilment_orders", "breaker_id"),
)


def upgrade() -> None:
    for name, table, column in PARTIAL:
        there = sa.text(f"{column} IS NOT NULL")
        op.create_index(name, table, [column], sqlite_where=there, postgresql_where=there)
    op.create_index("ix_fulfilment_orders_state_location", "fulfilment_orders", ["state", "location"])
    op.create_index("ix_print_jobs_state_location", "print_jobs", ["state", "location"])
    op.create_index("ix_messages_medium_state", "messages", ["medium", "state"])
    for table in ("inbox", "orders"):
        op.drop_index(f"ix_{table}_waiting", table_name=table)
        op.create_index(f"ix_{table}_waiting", table, ["state", "priority", "id", "channel"])


def downgrade() -> None:
    for table in ("inbox", "orders"):
        op.drop_index(f"ix_{table}_waiting", table_name=table)
        op.create_index(f"ix_{table}_waiting", table, ["state", "priority", "id"])
    op.drop_index("ix_messages_medium_state", table_name="messages")
    op.drop_index("ix_print_jobs_state_location", table_name="print_jobs")
    op.drop_index("ix_fulfilment_orders_state_location", table_name="fulfilment_orders")
    for name, table, _ in PARTIAL:
        op.drop_index(name, table_name=table)
