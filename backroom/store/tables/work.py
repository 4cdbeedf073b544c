"""Tables of the work: reservations, fulfilment orders, print jobs, shipments, labels, sheets, scans."""

from __future__ import annotations

from sqlalchemy import Boolean, CheckConstraint, Column, ForeignKey, Index, Integer, Table, Text, UniqueConstraint

from backroom.store.tables.base import Id, Json, Sealed, Utc, claim_columns, id_column, metadata, sparse_index

reservations = Table(
    "reservations",
    metadata,
    id_column(),
    Column("order_id", Id, ForeignKey("orders.id"), nullable=False, index=True),
    Column("fulfilment_order_id", Id, index=True),
    Column("location", Text, nullable=False),
    Column("sku", Text, nullable=False),
    Column("quantity", Integer, nullable=False),
    Column("state", Text, nullable=False),
    Column("expires_at", Utc),
    Column("at", Utc, nullable=False),
    Index("ix_reservations_state_expires_at", "state", "expires_at"),
)

# `key` is random: effects are keyed by it, because a row's id comes again when a database is made anew, and a printer
# or a mail folder that outlived it would answer for the old one.
fulfilment_orders = Table(
    "fulfilment_orders",
    metadata,
    id_column(),
    Column("key", Text, nullable=False, unique=True),
    Column("order_id", Id, ForeignKey("orders.id"), nullable=False, index=True),
    Column("location", Text, nullable=False),
    Column("delivery", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("hold_reason", Text, nullable=False, default=""),
    Column("held_from", Text, nullable=False, default=""),
    Column("outstanding", Integer, nullable=False, default=0),
    Column("priority", Integer, nullable=False, default=5),
    Column("opened_at", Utc, nullable=False),
    Column("made_at", Utc),
    Column("packed_at", Utc),
    Column("labelled_at", Utc),
    Column("done_at", Utc),
    *claim_columns(),
    Index("ix_fulfilment_orders_waiting", "location", "state", "priority", "id"),
    Index("ix_fulfilment_orders_claim_token", "claim_token"),
    # How much a place has to do, and where something waits: of all that is open, whatever is done beside it.
    Index("ix_fulfilment_orders_state_location", "state", "location"),
    sparse_index("ix_fulfilment_orders_sick_cause", "sick_cause"),
    sparse_index("ix_fulfilment_orders_breaker_id", "breaker_id"),
)

# `picked` counts scans; `printed` counts pieces that came out of a printer.
fulfilment_lines = Table(
    "fulfilment_lines",
    metadata,
    id_column(),
    Column("fulfilment_order_id", Id, ForeignKey("fulfilment_orders.id"), nullable=False),
    Column("line_no", Integer, nullable=False),
    Column("sku", Text, nullable=False),
    Column("from_stock", Integer, nullable=False),
    Column("to_print", Integer, nullable=False),
    Column("picked", Integer, nullable=False, default=0),
    Column("printed", Integer, nullable=False, default=0),
    UniqueConstraint("fulfilment_order_id", "line_no"),
)

# `holder` is the booth worker that a job was handed to; it stays until a confirmed return or a person's decision.
# `remake` is how many of its copies are printed anew, because they came out bad; 0 for all of them. A job is for the
# work on an order, or it is printed to stock for a transfer (`order_number` is that one's number, `part_key` its key).
# `artwork_sha256` is of the bytes that were looked at for this print, and no others are printed; empty until then.
print_jobs = Table(
    "print_jobs",
    metadata,
    id_column(),
    Column("fulfilment_order_id", Id, ForeignKey("fulfilment_orders.id"), index=True),
    Column("transfer_id", Id, ForeignKey("transfers.id"), index=True),
    Column("part_key", Text, nullable=False),
    Column("order_number", Text, nullable=False),
    Column("line_no", Integer, nullable=False),
    Column("location", Text, nullable=False),
    Column("sku", Text, nullable=False),
    Column("copies", Integer, nullable=False),
    Column("remake", Integer, nullable=False, default=0, server_default="0"),
    Column("attempt", Integer, nullable=False, default=1),
    Column("process", Text, nullable=False),
    Column("artwork", Text, nullable=False),
    Column("artwork_sha256", Text, nullable=False, default="", server_default=""),
    Column("state", Text, nullable=False),
    Column("reason", Text, nullable=False, default=""),
    Column("holder", Text, nullable=False, default=""),
    Column("printer", Text, nullable=False, default=""),
    Column("printer_job", Text, nullable=False, default=""),
    Column("priority", Integer, nullable=False, default=5),
    Column("created_at", Utc, nullable=False),
    Column("handed_at", Utc),
    Column("started_at", Utc),
    Column("ended_at", Utc),
    UniqueConstraint("fulfilment_order_id", "line_no"),
    UniqueConstraint("transfer_id", "line_no"),
    CheckConstraint("(fulfilment_order_id IS NULL) <> (transfer_id IS NULL)", name="one_owner"),
    Index("ix_print_jobs_waiting", "location", "state", "priority", "id"),
    Index("ix_print_jobs_state_location", "state", "location"),
)

shipments = Table(
    "shipments",
    metadata,
    id_column(),
    Column("fulfilment_order_id", Id, ForeignKey("fulfilment_orders.id"), nullable=False, unique=True),
    Column("carrier", Text, nullable=False),
    Column("service", Text, nullable=False),
    Column("tracking", Text, nullable=False, unique=True),
    Column("return_tracking", Text, nullable=False, unique=True),
    Column("weight_g", Integer, nullable=False),
    Column("cost_minor", Integer, nullable=False),
    Column("currency", Text, nullable=False),
    Column("sheet_id", Id),
    Column("at", Utc, nullable=False),
    Index("ix_shipments_sheet_id", "sheet_id"),
)

# Which rate was chosen for a parcel before it was bought, and every other one with why it was left (as JSON). What is
# bought is bought by `reference`, the carrier's own word for the rate; it is here before anything is paid.
rate_choices = Table(
    "rate_choices",
    metadata,
    id_column(),
    Column("fulfilment_order_id", Id, ForeignKey("fulfilment_orders.id"), nullable=False, unique=True),
    Column("carrier", Text, nullable=False),
    Column("brand", Text, nullable=False),
    Column("service", Text, nullable=False),
    Column("price_minor", Integer, nullable=False),
    Column("currency", Text, nullable=False),
    Column("days", Integer),
    Column("reference", Text, nullable=False, default=""),
    Column("outcome", Text, nullable=False),
    Column("due", Text, nullable=False, default=""),
    Column("arrives", Text, nullable=False, default=""),
    Column("rejected", Json, nullable=False),
    Column("request_hash", Text, nullable=False),
    Column("at", Utc, nullable=False),
)

# A label is its data and its ZPL, both sealed under the customer's key; PDFs are rendered from the data, unless the
# carrier has drawn it: then `document` is that, and its ZPL may be missing.
labels = Table(
    "labels",
    metadata,
    id_column(),
    Column("shipment_id", Id, ForeignKey("shipments.id"), nullable=False),
    Column("person_id", Id, ForeignKey("people.id"), nullable=False),
    Column("kind", Text, nullable=False),
    Column("data", Sealed, nullable=False),
    Column("zpl", Sealed, nullable=False),
    Column("document", Sealed),
    Column("at", Utc, nullable=False),
    UniqueConstraint("shipment_id", "kind"),
)

# The labels of one wave, printed as one document.
sheets = Table(
    "sheets",
    metadata,
    id_column(),
    Column("key", Text, nullable=False, unique=True),
    Column("location", Text, nullable=False),
    Column("labels", Integer, nullable=False),
    Column("at", Utc, nullable=False),
)

scans = Table(
    "scans",
    metadata,
    id_column(),
    Column("fulfilment_order_id", Id, ForeignKey("fulfilment_orders.id"), nullable=False, index=True),
    Column("code", Text, nullable=False),
    Column("accepted", Boolean, nullable=False),
    Column("reason", Text, nullable=False, default=""),
    Column("actor", Text, nullable=False, default=""),
    Column("data", Json, nullable=False, default=dict),
    Column("at", Utc, nullable=False),
)
