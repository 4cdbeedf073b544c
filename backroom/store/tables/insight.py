"""Tables of insight: facts of orders, what they found out of stock, the days that are due, and the figures."""

from __future__ import annotations

from sqlalchemy import Column, Float, Index, Integer, Table, Text

from backroom.store.tables.base import Id, Json, Utc, metadata

# What the figures need of an order, without looking at its rows again. Days are those of the shop's own calendar, as
# ISO 8601; `shipped_day` is empty until it is shipped. `replaces` is 1
# of what is sent for a return. `left_out` names the check that keeps the order in quarantine, where no figure counts
# it, and is empty of all others. `digest` is of the rest of the row: it tells a correction.
order_facts = Table(
    "order_facts",
    metadata,
    Column("order_id", Id, primary_key=True, autoincrement=False),
    Column("number", Text, nullable=False),
    Column("person_id", Id, nullable=False),
    Column("way", Text, nullable=False),
    Column("channel", Text, nullable=False),
    Column("placed_at", Utc, nullable=False),
    Column("accepted_day", Text, nullable=False),
    Column("shipped_day", Text, nullable=False),
    Column("waiting_s", Integer),
    Column("intake_s", Integer),
    Column("making_s", Integer),
    Column("packing_s", Integer),
    Column("announcing_s", Integer),
    Column("ship_s", Integer),
    Column("on_time", Integer),
    Column("parcels", Integer, nullable=False),
    Column("label_minor", Integer, nullable=False),
    Column("pieces", Integer, nullable=False),
    Column("printed", Integer, nullable=False),
    Column("print_tries", Integer, nullable=False),
    Column("print_rejects", Integer, nullable=False),
    Column("emails", Integer, nullable=False),
    Column("texts", Integer, nullable=False),
    Column("messages_failed", Integer, nullable=False),
    Column("oversold", Integer, nullable=False),
    Column("returned", Integer, nullable=False, server_default="0"),
    Column("return_parcels", Integer, nullable=False, server_default="0"),
    Column("refunded_minor", Integer, nullable=False, server_default="0"),
    Column("partner_minor", Integer, nullable=False, server_default="0"),
    Column("replaces", Integer, nullable=False, server_default="0"),
    Column("left_out", Text, nullable=False, default="", server_default=""),
    Column("digest", Id, nullable=False),
    Index("ix_order_facts_shipped_day", "shipped_day"),
    Index("ix_order_facts_accepted_day", "accepted_day"),
    Index("ix_order_facts_person_id", "person_id"),
)

# Where an order found too few pieces of what a location keeps, when it was routed first: few orders have such a row.
stock_outs = Table(
    "stock_outs",
    metadata,
    Column("order_id", Id, primary_key=True, autoincrement=False),
    Column("location", Text, primary_key=True),
    Column("sku", Text, primary_key=True),
)

# A day whose figures must be computed (again), until they are: `corrected` names orders that changed after it was over.
due_days = Table(
    "due_days",
    metadata,
    Column("day", Text, primary_key=True),
    Column("corrected", Json, nullable=False, default=list),
    Column("corrections", Integer, nullable=False, default=0),
)

# One figure of one day and one way of orders, over `orders` of them. One that changed after its day was over keeps what
# it was before, when it changed and why.
kpi_figures = Table(
    "kpi_figures",
    metadata,
    Column("day", Text, primary_key=True),
    Column("way", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("value", Float, nullable=False),
    Column("orders", Integer, nullable=False),
    Column("provisional", Integer, nullable=False, default=0),
    Column("computed_at", Utc, nullable=False),
    Column("was", Float),
    Column("changed_at", Utc),
    Column("why", Text, nullable=False, default=""),
    Index("ix_kpi_figures_name_day", "name", "day"),
    Index("ix_kpi_figures_changed_at", "changed_at"),
)
