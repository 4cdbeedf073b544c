"""Orders that partners make or pick.

Revision ID: 0016
Revises: 0015
"""

import sqlalchemy as sa
from alembic import op

from backroom.store.tables.base import Id, Json, NullableJson, Utc

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "partner_orders",
        sa.Column("id", Id, autoincrement=True, nullable=False),
        sa.Column("fulfilment_order_id", Id, nullable=False),
        sa.Column("order_id", Id, nullable=False),
        sa.Column("location", sa.Text(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("partner_id", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("lines", Json, nullable=False),
        sa.Column("differences", Json, nullable=False),
        sa.Column("parcels", Json, nullable=False),
        sa.Column("told", NullableJson, nullable=True),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("bill_minor", sa.Integer(), nullable=True),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("cost_minor", sa.Integer(), nullable=True),
        sa.Column("cancel_wanted", sa.Boolean(), nullable=False),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("submitted_at", Utc(), nullable=False),
        sa.Column("asked_at", Utc(), nullable=True),
        sa.Column("shipped_at", Utc(), nullable=True),
        sa.Column("ended_at", Utc(), nullable=True),
        sa.Column("claim_token", sa.Text(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("failures", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("next_attempt_at", Utc(), nullable=True),
        sa.Column("sick_cause", sa.Text(), nullable=True),
        sa.Column("sick_reason", sa.Text(), nullable=True),
        sa.Column("sick_since", Utc(), nullable=True),
        sa.Column("breaker_id", Id, nullable=True),
        sa.ForeignKeyConstraint(
            ["fulfilment_order_id"], ["fulfilment_orders.id"], name=op.f("fk_partner_orders_fulfilment_order_id")
        ),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("fk_partner_orders_order_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_partner_orders")),
        sa.UniqueConstraint("fulfilment_order_id", name=op.f("uq_partner_orders_fulfilment_order_id")),
        sa.UniqueConstraint("reference", name=op.f("uq_partner_orders_reference")),
    )
    op.create_index("ix_partner_orders_order_id", "partner_orders", ["order_id"], unique=False)
    op.create_index("ix_partner_orders_state_location", "partner_orders", ["state", "location"], unique=False)
    op.create_index("ix_partner_orders_claim_token", "partner_orders", ["claim_token"], unique=False)
    op.create_index("ix_partner_orders_partner_id", "partner_orders", ["partner_id"], unique=False)
    for column in ("sick_cause", "breaker_id"):
        there = sa.text(f"{column} IS NOT NULL")
        op.create_index(
            f"ix_partner_orders_{column}",
            "partner_orders",
            [column],
            unique=False,
            sqlite_where=there,
            postgresql_where=there,
        )
