"""Tables of the audit: what was paid at a source and is not here, the looks at sources, the numbers of each day, and
answers for the plan."""

from __future__ import annotations

from dataclasses import fields

from sqlalchemy import Column, Index, Integer, Table, Text

from backroom.domain.reconciliation import Figures
from backroom.store.tables.base import Id, Utc, metadata

# An order that a channel's own list has and we have not. `name` is how the source calls it, such as #1001. It is
# settled when it comes in, or when a person says why it will not. Amounts are minor units. `found_by` is `list` (a file
# that somebody compared) or `look` (reconciliation, whose ids are the source's own and may be asked for again).
paid_elsewhere = Table(
    "paid_elsewhere",
    metadata,
    Column("channel", Text, primary_key=True),
    Column("external_id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("placed_at", Utc),
    Column("total_minor", Id, nullable=False),
    Column("currency", Text, nullable=False),
    Column("reported_at", Utc, nullable=False),
    Column("settled_at", Utc),
    Column("outcome", Text, nullable=False, default=""),
    Column("actor", Text, nullable=False, default=""),
    Column("found_by", Text, nullable=False, default="list", server_default="list"),
    Index("ix_paid_elsewhere_settled_at", "settled_at"),
)

# The last look at each source, recent and full: from when on its orders are ours, until which of the source's moments
# everything was seen, when it was tried (since when, where it never came to an end) and came to an end, what went wrong
# if it did, in words without a person, and what people were told of it. Then its figures.
looks = Table(
    "looks",
    metadata,
    Column("channel", Text, primary_key=True),
    Column("look", Text, primary_key=True),
    Column("starts_at", Utc, nullable=False),
    Column("seen_until", Utc),
    Column("tried_since", Utc, nullable=False),
    Column("tried_at", Utc, nullable=False),
    Column("looked_at", Utc),
    Column("cause", Text, nullable=False, default=""),
    Column("reason", Text, nullable=False, default=""),
    Column("told", Text, nullable=False, default=""),
    *(Column(field.name, Integer, nullable=False, default=0) for field in fields(Figures)),
)

# The numbers of the wall as they last stood on each day of the shop's own calendar (ISO 8601), one row a failure.
audit_days = Table(
    "audit_days",
    metadata,
    Column("day", Text, primary_key=True),
    Column("failure", Text, primary_key=True),
    Column("count", Integer, nullable=False),
    Column("out_of", Integer, nullable=False),
    Column("minor", Id, nullable=False),
    Column("computed_at", Utc, nullable=False),
)

# What the shop's data cannot say and somebody told, such as who the print partner is; never about a customer.
plan_answers = Table(
    "plan_answers",
    metadata,
    Column("name", Text, primary_key=True),
    Column("value", Text, nullable=False),
    Column("actor", Text, nullable=False, default=""),
    Column("at", Utc, nullable=False),
)
