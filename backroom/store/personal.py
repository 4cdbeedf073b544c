"""Which rows hang on a person, table by table, and what of them is sealed: what is exported, and what is emptied.

What belongs here: the whole map; a test holds it against the schema, so that a new table must say what it holds. What
does not: erasing (`forgetting`), opening (`telling`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from sqlalchemy import Column, ColumnElement, Select, Table, select

from backroom.store import tables as t
from backroom.store.contacts import CONTEXT as CONTACT_CONTEXT
from backroom.store.intake import BODY_CONTEXT
from backroom.store.messages import CONTEXT as MESSAGE_CONTEXT
from backroom.store.notes import CONTEXT as NOTE_CONTEXT
from backroom.store.opt_ins import CONTEXT as OPT_IN_CONTEXT
from backroom.store.opt_outs import CONTEXT as REPLY_CONTEXT
from backroom.store.order_rows import ARTWORK_CONTEXT, TOKEN_CONTEXT
from backroom.store.push_subscriptions import CONTEXT as PUSH_CONTEXT
from backroom.store.shipping import DATA_CONTEXT, DOCUMENT_CONTEXT, ZPL_CONTEXT

Ids = Select[tuple[int]]


@dataclass(frozen=True, slots=True)
class Whose:
    """A person, or what one channel brought of them: where their messages and orders are, and what hangs on those."""

    person_id: int
    channel: str = ""

    def _theirs(self, table: Table) -> Ids:
        query = select(table.c.id).where(table.c.person_id == self.person_id)
        return query.where(table.c.channel == self.channel) if self.channel else query

    @property
    def inbox(self) -> Ids:
        return self._theirs(t.inbox)

    @property
    def orders(self) -> Ids:
        return self._theirs(t.orders)

    @property
    def parts(self) -> Ids:
        return select(t.fulfilment_orders.c.id).where(t.fulfilment_orders.c.order_id.in_(self.orders))

    @property
    def print_jobs(self) -> Ids:
        return select(t.print_jobs.c.id).where(t.print_jobs.c.fulfilment_order_id.in_(self.parts))

    @property
    def shipments(self) -> Ids:
        return select(t.shipments.c.id).where(t.shipments.c.fulfilment_order_id.in_(self.parts))


@dataclass(frozen=True, slots=True)
class Holding:
    """One table: which of its rows are theirs, and which columns are sealed, each with its context.

    What is `whole` belongs to the person and not to an order; erasing deletes it. `untold` is left out of an export.
    """

    table: Table
    rows: Callable[[Whose], ColumnElement[bool]]
    sealed: Mapping[str, str] = field(default_factory=dict)
    whole: bool = False
    untold: frozenset[str] = frozenset()


def _by(column: Column[int], ids: Callable[[Whose], Ids]) -> Callable[[Whose], ColumnElement[bool]]:
    return lambda whose: column.in_(ids(whose))


def _of_person(table: Table) -> Callable[[Whose], ColumnElement[bool]]:
    return lambda whose: table.c.person_id == whose.person_id


def _of_order(table: Table) -> Callable[[Whose], ColumnElement[bool]]:
    return _by(table.c.order_id, lambda whose: whose.orders)


def _of_part(table: Table) -> Callable[[Whose], ColumnElement[bool]]:
    return _by(table.c.fulfilment_order_id, lambda whose: whose.parts)


def _of_their_addresses(table: Table) -> Callable[[Whose], ColumnElement[bool]]:
    known_by = t.person_lookups
    return lambda whose: table.c.digest.in_(select(known_by.c.digest).where(known_by.c.person_id == whose.person_id))


def _told_of_parcels(whose: Whose) -> ColumnElement[bool]:
    mine = (t.parcels.c.carrier == t.tracking_events.c.carrier) & t.parcels.c.order_id.in_(whose.orders)
    named = t.tracking_events.c.reference.in_([t.parcels.c.reference, t.parcels.c.return_reference])
    return select(t.parcels.c.id).where(mine, named).exists()


# In the order in which a person would read it.
HOLDINGS: tuple[Holding, ...] = (
    Holding(t.people, lambda whose: t.people.c.id == whose.person_id, untold=frozenset({"wrapped_key", "key_id"})),
    # Keyed hashes of e-mail and phone, which stand in clear in what they came with.
    Holding(t.person_lookups, _of_person(t.person_lookups), whole=True, untold=frozenset({"digest"})),
    Holding(t.consents, _of_person(t.consents), whole=True),
    Holding(
        t.opt_ins,
        _of_person(t.opt_ins),
        {"content": OPT_IN_CONTEXT},
        untold=frozenset({"key", "number", "address", "code_hash", "claim_token", "attempts"}),
    ),
    Holding(t.inbox, _by(t.inbox.c.id, lambda whose: whose.inbox), {"body": BODY_CONTEXT}),
    Holding(t.quarantine, _by(t.quarantine.c.inbox_id, lambda whose: whose.inbox)),
    Holding(
        t.orders,
        _by(t.orders.c.id, lambda whose: whose.orders),
        {"contact": CONTACT_CONTEXT, "payment_token": TOKEN_CONTEXT},
    ),
    Holding(t.order_lines, _of_order(t.order_lines), {"artwork_url": ARTWORK_CONTEXT}),
    Holding(t.routing_decisions, _of_order(t.routing_decisions)),
    Holding(t.reservations, _of_order(t.reservations)),
    Holding(t.fulfilment_orders, _of_order(t.fulfilment_orders)),
    Holding(t.fulfilment_lines, _of_part(t.fulfilment_lines)),
    Holding(t.print_jobs, _of_part(t.print_jobs)),
    Holding(t.print_promises, _of_order(t.print_promises)),
    # What opens the description was never here.
    Holding(
        t.print_seals,
        _by(t.print_seals.c.print_job_id, lambda whose: whose.print_jobs),
        untold=frozenset({"description", "once"}),
    ),
    Holding(t.print_rejects, _by(t.print_rejects.c.print_job_id, lambda whose: whose.print_jobs)),
    Holding(t.scans, _of_part(t.scans)),
    Holding(t.partner_orders, _of_order(t.partner_orders), untold=frozenset({"claim_token"})),
    Holding(t.shipments, _of_part(t.shipments)),
    Holding(
        t.labels,
        _by(t.labels.c.shipment_id, lambda whose: whose.shipments),
        {"data": DATA_CONTEXT, "zpl": ZPL_CONTEXT, "document": DOCUMENT_CONTEXT},
    ),
    Holding(t.rate_choices, _of_part(t.rate_choices), untold=frozenset({"request_hash"})),
    Holding(t.parcels, _of_order(t.parcels), untold=frozenset({"claim_token"})),
    Holding(t.tracking_events, _told_of_parcels),
    Holding(t.returns, _of_order(t.returns)),
    Holding(t.return_lines, _of_order(t.return_lines)),
    Holding(t.refunds, _of_order(t.refunds), untold=frozenset({"claim_token", "attempts"})),
    Holding(
        t.messages, _of_order(t.messages), {"content": MESSAGE_CONTEXT}, untold=frozenset({"claim_token", "attempts"})
    ),
    Holding(
        t.push_subscriptions,
        _of_person(t.push_subscriptions),
        {"content": PUSH_CONTEXT},
        whole=True,
        untold=frozenset({"digest"}),
    ),
    Holding(t.message_replies, _of_person(t.message_replies), {"content": REPLY_CONTEXT}, whole=True),
    # Kept when somebody is forgotten: a keyed hash of the address alone, so that it is not written to again.
    Holding(t.suppressions, _of_their_addresses(t.suppressions), untold=frozenset({"digest"})),
    Holding(t.channel_news, _of_order(t.channel_news), untold=frozenset({"claim_token", "attempts"})),
    Holding(t.history, _of_order(t.history), {"note": NOTE_CONTEXT}),
    Holding(t.effects, _of_order(t.effects), untold=frozenset({"request_hash", "claim_token"})),
    Holding(t.order_facts, _of_order(t.order_facts), untold=frozenset({"digest"})),
    Holding(t.stock_outs, _of_order(t.stock_outs)),
    Holding(t.offline_conflicts, _of_order(t.offline_conflicts)),
)

# Nothing in these is of a person: what the shop sells, has and counts, and how its processes share the work. Requests
# and erasures name people by number only, and have to stay.
OF_NOBODY = (
    t.api_keys,
    t.asked_waits,
    t.audit_days,
    t.booth_devices,
    t.booth_lines,
    t.channel_levels,
    t.channel_logins,
    t.channel_off_sale,
    t.channel_stock,
    t.breakers,
    t.claims,
    t.counters,
    t.due_days,
    t.erasures,
    t.event_checks,
    t.event_counts,
    t.event_history,
    t.event_settlements,
    t.events,
    t.booth_calls,
    t.generations,
    t.kpi_figures,
    t.looks,
    t.material_batches,
    t.paid_elsewhere,
    t.plan_answers,
    t.privacy_requests,
    t.quality_findings,
    t.quality_results,
    t.quality_runs,
    t.removals,
    t.samples,
    t.sealing,
    t.sheets,
    t.restock_plans,
    t.stock_leases,
    t.till_gaps,
    t.tills,
    t.transfer_lines,
    t.transfer_packs,
    t.transfers,
    t.stock_levels,
    t.stock_movements,
    t.variants,
)
