"""Where parcels are after their label, and what was told of them.

Revision ID: 0022
Revises: 0021
"""

import sqlalchemy as sa
from alembic import op

from backroom.store.tables.base import Id, Utc

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

UNSETTLED = sa.text("revision > settled_revision")


def upgrade() -> None:
    op.create_table(
        "parcels",
        sa.Column("id", Id, autoincrement=True, nullable=False),
        sa.Column("fulfilment_order_id", Id, nullable=False),
        sa.Column("order_id", Id, nullable=False),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("location", "kind", "carrier", "tracking")),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("reference", "return_reference", "code", "state")),
        sa.Column("state_at", Utc, nullable=False),
        sa.Column("attention", sa.Text(), nullable=False),
        *(sa.Column(f"{name}_at", Utc) for name in ("attention", "heard", "checked", "reminded", "voided")),
        sa.Column("refund", sa.Text(), nullable=False),
        sa.Column("return_refund", sa.Text(), nullable=False),
        *(sa.Column(name, sa.Integer(), nullable=False) for name in ("priority", "revision", "settled_revision")),
        sa.Column("at", Utc, nullable=False),
        sa.Column("claim_token", sa.Text()),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("failures", sa.Integer(), server_default="0", nullable=False),
        sa.Column("next_attempt_at", Utc),
        sa.Column("sick_cause", sa.Text()),
        sa.Column("sick_reason", sa.Text()),
        sa.Column("sick_since", Utc),
        sa.Column("breaker_id", Id),
        sa.ForeignKeyConstraint(
            ["fulfilment_order_id"], ["fulfilment_orders.id"], name=op.f("fk_parcels_fulfilment_order_id")
        ),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("fk_parcels_order_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_parcels")),
        sa.UniqueConstraint("fulfilment_order_id", name=op.f("uq_parcels_fulfilment_order_id")),
    )
    op.create_index("ix_parcels_order_id", "parcels", ["order_id"])
    op.create_index("ix_parcels_carrier_reference", "parcels", ["carrier", "reference"])
    op.create_index("ix_parcels_tracking", "parcels", ["tracking"])
    op.create_index("ix_parcels_location_kind_state", "parcels", ["location", "kind", "state"])
    op.create_index("ix_parcels_state_checked_at", "parcels", ["state", "checked_at"])
    op.create_index("ix_parcels_claim_token", "parcels", ["claim_token"])
    op.create_index(
        "ix_parcels_unsettled", "parcels", ["priority", "id"], sqlite_where=UNSETTLED, postgresql_where=UNSETTLED
    )
    for name in ("attention_at", "sick_cause", "breaker_id"):
        there = sa.text(f"{name} IS NOT NULL")
        op.create_index(f"ix_parcels_{name}", "parcels", [name], sqlite_where=there, postgresql_where=there)
    op.create_table(
        "tracking_events",
        sa.Column("id", Id, autoincrement=True, nullable=False),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("carrier", "reference", "state", "detail")),
        sa.Column("at", Utc, nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("received_at", Utc, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tracking_events")),
        sa.UniqueConstraint(
            *("carrier", "reference", "at", "state", "detail"),
            name=op.f("uq_tracking_events_carrier_reference_at_state_detail"),
        ),
    )
