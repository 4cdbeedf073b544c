"""Returns, their pieces and refunds; what an order needs to be paid back and exchanged; messages about a return.

Of orders taken in before, what was paid beside their goods counts as postage, what was paid less as a discount.

Revision ID: 0008
Revises: 0007
"""

import sqlalchemy as sa
from alembic import op

from backroom.store.tables.base import Id, Sealed, Utc

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

UNSETTLED = sa.text("revision > settled_revision")
GOODS = (
    "coalesce((SELECT sum(quantity * unit_price_minor - discount_minor) FROM order_lines"
    " WHERE order_lines.order_id = orders.id), 0)"
)


def upgrade() -> None:
    for name in ("shipping_minor", "discount_minor", "tax_added_minor"):
        op.add_column("orders", sa.Column(name, sa.Integer(), nullable=False, server_default="0"))
    op.add_column("orders", sa.Column("payment_token", Sealed, nullable=True))
    op.add_column("orders", sa.Column("return_id", Id, nullable=True))
    op.add_column("order_lines", sa.Column("personalised", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.execute(f"UPDATE orders SET shipping_minor = total_minor - {GOODS} WHERE total_minor > {GOODS}")  # noqa: S608 - constants of this file
    op.execute(f"UPDATE orders SET discount_minor = {GOODS} - total_minor WHERE total_minor < {GOODS}")  # noqa: S608 - constants of this file
    op.create_table(
        "returns",
        sa.Column("id", Id, autoincrement=True, nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("order_id", Id, nullable=False),
        sa.Column("person_id", Id, nullable=False),
        sa.Column("shipment_id", Id, nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("lane", sa.Text(), nullable=False),
        sa.Column("location", sa.Text(), nullable=False),
        sa.Column("announced", sa.Boolean(), nullable=False),
        sa.Column("all_in", sa.Boolean(), nullable=False),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("settled_revision", sa.Integer(), nullable=False),
        sa.Column("asked_at", Utc(), nullable=False),
        sa.Column("opened_at", Utc(), nullable=True),
        sa.Column("received_at", Utc(), nullable=True),
        sa.Column("ended_at", Utc(), nullable=True),
        sa.Column("claim_token", sa.Text(), nullable=True),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("failures", sa.Integer(), server_default="0", nullable=False),
        sa.Column("next_attempt_at", Utc(), nullable=True),
        sa.Column("sick_cause", sa.Text(), nullable=True),
        sa.Column("sick_reason", sa.Text(), nullable=True),
        sa.Column("sick_since", Utc(), nullable=True),
        sa.Column("breaker_id", Id, nullable=True),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("fk_returns_order_id")),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_returns_person_id")),
        sa.ForeignKeyConstraint(["shipment_id"], ["shipments.id"], name=op.f("fk_returns_shipment_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_returns")),
        sa.UniqueConstraint("key", name=op.f("uq_returns_key")),
        sa.UniqueConstraint("number", name=op.f("uq_returns_number")),
    )
    for name, columns in (
        ("ix_returns_order_id", ["order_id"]),
        ("ix_returns_person_id", ["person_id"]),
        ("ix_returns_shipment_id", ["shipment_id"]),
        ("ix_returns_state", ["state", "id"]),
        ("ix_returns_asked_at", ["asked_at"]),
        ("ix_returns_claim_token", ["claim_token"]),
    ):
        op.create_index(name, "returns", columns)
    op.create_index(
        "ix_returns_unsettled", "returns", ["priority", "id"], sqlite_where=UNSETTLED, postgresql_where=UNSETTLED
    )
    for column in ("sick_cause", "breaker_id"):
        there = sa.text(f"{column} IS NOT NULL")
        op.create_index(f"ix_returns_{column}", "returns", [column], sqlite_where=there, postgresql_where=there)
    op.create_table(
        "return_lines",
        sa.Column("id", Id, autoincrement=True, nullable=False),
        sa.Column("return_id", Id, nullable=False),
        sa.Column("order_id", Id, nullable=False),
        sa.Column("line_no", sa.Integer(), nullable=False),
        sa.Column("piece_no", sa.Integer(), nullable=False),
        sa.Column("sku", sa.Text(), nullable=False),
        sa.Column("value_minor", sa.Integer(), nullable=False),
        sa.Column("personalised", sa.Boolean(), nullable=False),
        sa.Column("delivered_on", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("word", sa.Text(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("last_day", sa.Text(), nullable=False),
        sa.Column("wanted", sa.Text(), nullable=False),
        sa.Column("exchange_sku", sa.Text(), nullable=False),
        sa.Column("received_sku", sa.Text(), nullable=False),
        sa.Column("location", sa.Text(), nullable=False),
        sa.Column("disposition", sa.Text(), nullable=False),
        sa.Column("replacement_id", Id, nullable=True),
        sa.Column("received_at", Utc(), nullable=True),
        sa.Column("disposed_at", Utc(), nullable=True),
        sa.ForeignKeyConstraint(["return_id"], ["returns.id"], name=op.f("fk_return_lines_return_id")),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("fk_return_lines_order_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_return_lines")),
    )
    for name, columns in (
        ("ix_return_lines_return_id", ["return_id"]),
        ("ix_return_lines_order_id_line_no", ["order_id", "line_no"]),
        ("ix_return_lines_sku", ["sku"]),
        ("ix_return_lines_received_at", ["received_at"]),
        ("ix_return_lines_replacement_id", ["replacement_id"]),
    ):
        op.create_index(name, "return_lines", columns)
    op.create_table(
        "refunds",
        sa.Column("id", Id, autoincrement=True, nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("return_id", Id, nullable=False),
        sa.Column("order_id", Id, nullable=False),
        sa.Column("goods_minor", sa.Integer(), nullable=False),
        sa.Column("shipping_minor", sa.Integer(), nullable=False),
        sa.Column("paid_minor", sa.Integer(), nullable=True),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("planned_at", Utc(), nullable=False),
        sa.Column("settled_at", Utc(), nullable=True),
        sa.ForeignKeyConstraint(["return_id"], ["returns.id"], name=op.f("fk_refunds_return_id")),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("fk_refunds_order_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_refunds")),
        sa.UniqueConstraint("key", name=op.f("uq_refunds_key")),
        sa.UniqueConstraint("return_id", name=op.f("uq_refunds_return_id")),
    )
    for name, columns in (
        ("ix_refunds_order_id", ["order_id"]),
        ("ix_refunds_state", ["state", "id"]),
        ("ix_refunds_settled_at", ["settled_at"]),
    ):
        op.create_index(name, "refunds", columns)
    with op.batch_alter_table("messages") as messages:
        messages.alter_column("fulfilment_order_id", existing_type=Id, nullable=True)
        messages.add_column(sa.Column("return_id", Id, nullable=True))
        messages.create_foreign_key(op.f("fk_messages_return_id"), "returns", ["return_id"], ["id"])
        messages.create_unique_constraint(op.f("uq_messages_return_id_kind_medium"), ["return_id", "kind", "medium"])
