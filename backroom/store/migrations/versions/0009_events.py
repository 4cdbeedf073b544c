"""Events: their lists, the pieces they borrow, and the last count.

Revision ID: 0009
Revises: 0008
"""

import sqlalchemy as sa
from alembic import op

from backroom.store.tables.base import Id, Json, Utc

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "events",
        sa.Column("id", Id, autoincrement=True, nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("template", sa.Text(), nullable=False),
        sa.Column("location", sa.Text(), nullable=False),
        sa.Column("place", sa.Text(), nullable=False),
        sa.Column("latitude", sa.Float(), nullable=True),
        sa.Column("longitude", sa.Float(), nullable=True),
        sa.Column("sessions", Json, nullable=False),
        sa.Column("starts_at", Utc(), nullable=False),
        sa.Column("ends_at", Utc(), nullable=False),
        sa.Column("tills", Json, nullable=False),
        sa.Column("printers", Json, nullable=False),
        sa.Column("loads", Json, nullable=False),
        sa.Column("supply", Json, nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("created_at", Utc(), nullable=False),
        sa.Column("opened_at", Utc(), nullable=True),
        sa.Column("closed_at", Utc(), nullable=True),
        sa.Column("settled_at", Utc(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_events")),
        sa.UniqueConstraint("code", name=op.f("uq_events_code")),
    )
    op.create_index("ix_events_location_state", "events", ["location", "state"], unique=False)
    op.create_table(
        "event_checks",
        sa.Column("id", Id, autoincrement=True, nullable=False),
        sa.Column("event_id", Id, nullable=False),
        sa.Column("item", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("help", sa.Text(), nullable=False),
        sa.Column("measure", sa.Text(), nullable=False),
        sa.Column("required", sa.Boolean(), nullable=False),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("due_at", Utc(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("file", sa.Text(), nullable=False),
        sa.Column("good_until", Utc(), nullable=True),
        sa.Column("checked_by", sa.Text(), nullable=False),
        sa.Column("checked_at", Utc(), nullable=True),
        sa.ForeignKeyConstraint(["event_id"], ["events.id"], name=op.f("fk_event_checks_event_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_event_checks")),
        sa.UniqueConstraint("event_id", "item", name=op.f("uq_event_checks_event_id_item")),
    )
    op.create_table(
        "event_history",
        sa.Column("id", Id, autoincrement=True, nullable=False),
        sa.Column("event_id", Id, nullable=False),
        sa.Column("event", sa.Text(), nullable=False),
        sa.Column("data", Json, nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("run_id", sa.Text(), nullable=False),
        sa.Column("at", Utc(), nullable=False),
        sa.ForeignKeyConstraint(["event_id"], ["events.id"], name=op.f("fk_event_history_event_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_event_history")),
    )
    op.create_index("ix_event_history_event_id_id", "event_history", ["event_id", "id"], unique=False)
    op.create_table(
        "stock_leases",
        sa.Column("id", Id, autoincrement=True, nullable=False),
        sa.Column("event_id", Id, nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("from_location", sa.Text(), nullable=False),
        sa.Column("sku", sa.Text(), nullable=False),
        sa.Column("pieces", sa.Integer(), nullable=False),
        sa.Column("shared", sa.Boolean(), nullable=False),
        sa.Column("expires_at", Utc(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("at", Utc(), nullable=False),
        sa.ForeignKeyConstraint(["event_id"], ["events.id"], name=op.f("fk_stock_leases_event_id")),
        sa.ForeignKeyConstraint(["sku"], ["variants.sku"], name=op.f("fk_stock_leases_sku")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stock_leases")),
        sa.UniqueConstraint("key", "from_location", "sku", name=op.f("uq_stock_leases_key_from_location_sku")),
    )
    op.create_index("ix_stock_leases_event_id", "stock_leases", ["event_id"], unique=False)
    op.create_table(
        "event_counts",
        sa.Column("event_id", Id, nullable=False),
        sa.Column("sku", sa.Text(), nullable=False),
        sa.Column("pieces", sa.Integer(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("at", Utc(), nullable=False),
        sa.ForeignKeyConstraint(["event_id"], ["events.id"], name=op.f("fk_event_counts_event_id")),
        sa.ForeignKeyConstraint(["sku"], ["variants.sku"], name=op.f("fk_event_counts_sku")),
        sa.PrimaryKeyConstraint("event_id", "sku", name=op.f("pk_event_counts")),
    )
    op.create_table(
        "event_settlements",
        sa.Column("event_id", Id, nullable=False),
        sa.Column("sku", sa.Text(), nullable=False),
        sa.Column("leased", sa.Integer(), nullable=False),
        sa.Column("other", sa.Integer(), nullable=False),
        sa.Column("sold", sa.Integer(), nullable=False),
        sa.Column("returned", sa.Integer(), nullable=False),
        sa.Column("missing", sa.Integer(), nullable=False),
        sa.Column("at", Utc(), nullable=False),
        sa.ForeignKeyConstraint(["event_id"], ["events.id"], name=op.f("fk_event_settlements_event_id")),
        sa.ForeignKeyConstraint(["sku"], ["variants.sku"], name=op.f("fk_event_settlements_sku")),
        sa.PrimaryKeyConstraint("event_id", "sku", name=op.f("pk_event_settlements")),
    )
    op.add_column("stock_levels", sa.Column("kept", sa.Boolean(), server_default=sa.false(), nullable=False))
