"""The schema, table by table. Importing this package registers every table with `metadata`."""

from backroom.store.tables.audit import audit_days, looks, paid_elsewhere, plan_answers
from backroom.store.tables.base import metadata
from backroom.store.tables.booths import (
    booth_calls,
    booth_devices,
    booth_lines,
    offline_conflicts,
    print_seals,
    till_gaps,
    tills,
)
from backroom.store.tables.channels import channel_levels, channel_news, channel_off_sale, channel_stock
from backroom.store.tables.engine import asked_waits, breakers, claims, effects, generations
from backroom.store.tables.events import (
    event_checks,
    event_counts,
    event_history,
    event_settlements,
    events,
    opt_ins,
    stock_leases,
)
from backroom.store.tables.insight import due_days, kpi_figures, order_facts, stock_outs
from backroom.store.tables.intake import api_keys, consents, inbox, people, person_lookups, quarantine
from backroom.store.tables.logins import channel_logins
from backroom.store.tables.messaging import message_replies, messages, push_subscriptions, suppressions
from backroom.store.tables.orders import (
    counters,
    history,
    order_lines,
    orders,
    routing_decisions,
    stock_levels,
    stock_movements,
    variants,
)
from backroom.store.tables.parcels import parcels, tracking_events
from backroom.store.tables.partners import partner_orders
from backroom.store.tables.privacy import erasures, privacy_requests, removals, sealing
from backroom.store.tables.promises import print_promises
from backroom.store.tables.quality import quality_findings, quality_results, quality_runs
from backroom.store.tables.restock import restock_plans, transfer_lines, transfer_packs, transfers
from backroom.store.tables.returns import refunds, return_lines, returns
from backroom.store.tables.samples import material_batches, print_rejects, samples
from backroom.store.tables.work import (
    fulfilment_lines,
    fulfilment_orders,
    labels,
    print_jobs,
    rate_choices,
    reservations,
    scans,
    sheets,
    shipments,
)

__all__ = [
    "api_keys",
    "asked_waits",
    "audit_days",
    "booth_calls",
    "booth_devices",
    "booth_lines",
    "breakers",
    "channel_levels",
    "channel_logins",
    "channel_news",
    "channel_off_sale",
    "channel_stock",
    "claims",
    "consents",
    "counters",
    "due_days",
    "effects",
    "erasures",
    "event_checks",
    "event_counts",
    "event_history",
    "event_settlements",
    "events",
    "fulfilment_lines",
    "fulfilment_orders",
    "generations",
    "history",
    "inbox",
    "kpi_figures",
    "labels",
    "looks",
    "material_batches",
    "message_replies",
    "messages",
    "metadata",
    "offline_conflicts",
    "opt_ins",
    "order_facts",
    "order_lines",
    "orders",
    "paid_elsewhere",
    "parcels",
    "partner_orders",
    "people",
    "person_lookups",
    "plan_answers",
    "print_jobs",
    "print_promises",
    "print_rejects",
    "print_seals",
    "privacy_requests",
    "push_subscriptions",
    "quality_findings",
    "quality_results",
    "quality_runs",
    "quarantine",
    "rate_choices",
    "refunds",
    "removals",
    "reservations",
    "restock_plans",
    "return_lines",
    "returns",
    "routing_decisions",
    "samples",
    "scans",
    "sealing",
    "sheets",
    "shipments",
    "stock_leases",
    "stock_levels",
    "stock_movements",
    "stock_outs",
    "suppressions",
    "till_gaps",
    "tills",
    "tracking_events",
    "transfer_lines",
    "transfer_packs",
    "transfers",
    "variants",
]
