"""Planning what to take to an event: reading the shop's past and stock, asking the rules, keeping the plan.

What belongs here: putting together what the flow and the commands both do. What does not: the rules (`backroom.domain`:
forecast, offers, prestaging), the rows (`backroom.store`), what became of a plan (`restock_outcome`), showing it
(`restock_report`).
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, RowMapping

from backroom.domain.blanks import becomes, is_blank
from backroom.domain.events import BEFORE_THE_END
from backroom.domain.forecast import forecast
from backroom.domain.locations import Location
from backroom.domain.model import Variant
from backroom.domain.offers import SPACE, LeftOut, free_at_hub, offer, thing_of
from backroom.domain.prestaging import Kind, Plan, plan
from backroom.domain.print_place import print_place
from backroom.domain.restock_review import Outcome, Review, Reviewed, review
from backroom.domain.shop import Shop
from backroom.domain.transfers import PackLine
from backroom.insight.restock_outcome import outcome
from backroom.shop.room import Room
from backroom.store import (
    catalogue,
    events,
    leases,
    restock_past,
    restock_plans,
    stock,
    stock_prints,
    transfer_packs,
    transfer_rows,
    transfers,
)
from backroom.store.database import now
from backroom.store.print_queue import measured
from backroom.store.restock_plans import Expected, StoredPlan, expected_of
from backroom.store.sample_standing import not_on_demand

# A trip for fewer lost sales than these is not worth a person's way, once the van has gone.
LEAST_TRIP = 3.0
MOVED = (Kind.FINISHED, Kind.TO_PRINT, Kind.BLANK)


@dataclass(frozen=True, slots=True)
class Proposed:
    """A plan that is kept, and the number of the transfer that waits for a person because of it, "" if none does."""

    event: str
    stored: StoredPlan
    transfer: str


@dataclass(frozen=True, slots=True)
class Computed:
    plan: Plan
    expected: tuple[Expected, ...]
    open_share: float
    van_has_gone: bool
    left_out: tuple[LeftOut, ...]


@dataclass(frozen=True, slots=True)
class Compared:
    """The plan that an event began with, `stored`, and how it went: its forecast, and what it said to take."""

    review: Review
    outcome: Outcome
    stored: StoredPlan


def due_events(connection: Connection, shop: Shop, at: datetime) -> list[str]:
    """Codes of the events to plan for: those that begin within `days_before`, and those that are open."""
    soon = at + timedelta(days=shop.restock.days_before)
    return [
        row["code"]
        for row in events.listing(connection, settled=False)
        if row["state"] in BEFORE_THE_END and row["starts_at"] <= soon and row["ends_at"] > at
    ]


def propose(room: Room, code: str) -> Proposed:
    """Make a plan for an event, keep it, and propose a transfer of what is on the hub's shelf, or is printed there
    first; again it is the same."""
    with room.database.read() as connection:
        row = events.find(connection, code)
        computed = compute(connection, room.shop, row, now(connection))

    def keep(connection: Connection) -> tuple[str, StoredPlan | None]:
        # Only now does it hold the event, so that computing keeps nobody waiting.
        event, at = events.locked(connection, code), now(connection)
        id_ = restock_plans.save(
            connection, event["id"], computed.plan, computed.expected, computed.open_share, at, computed.left_out
        )
        pieces: Counter[str] = Counter()
        to_print: Counter[str] = Counter()
        if event["state"] in BEFORE_THE_END and event["ends_at"] > at and _worth_a_trip(computed):
            for line in computed.plan.lines:
                pieces[line.item] += line.pieces if line.kind in MOVED else 0
                to_print[line.item] += line.pieces if line.kind is Kind.TO_PRINT else 0
        packs = packs_of(computed.plan, room.shop) if pieces.total() else []
        number = transfers.propose(connection, event, id_, pieces, room.shop.hub, at, packs, to_print)
        return number, restock_plans.newest(connection, event["id"])

    number, stored = room.database.write(keep)
    assert stored is not None
    return Proposed(code, stored, number)


def compute(connection: Connection, shop: Shop, row: RowMapping, at: datetime) -> Computed:
    """The plan for an event as things stand at this moment; it writes nothing."""
    event = events.event_of(row)
    hub, booth = shop.location(shop.hub), shop.location(event.location)
    variants = catalogue.all_variants(connection)
    sold = [variant for variant in variants if not is_blank(variant)]
    printable = {variant.sku for variant in sold if variant.artwork and booth.can_print(variant.print_process)}
    online = restock_past.asked_online(connection, shop, at)
    past = restock_past.past_events(connection, shop, printable)
    hours = restock_past.open_hours(event)
    over = restock_past.open_hours(event, at) / hours if hours else 0.0
    expected = forecast([thing_of(one) for one in sold], past, online, restock_past.ONLINE_WEEKS, hours)
    asked = restock_past.asked_at(connection, shop, event) if over else {}
    rest = {sku: one.after(asked.get(sku, 0), over) for sku, one in expected.items()} if over else expected
    levels = list(stock.levels(connection).values())
    there = Counter({level.sku: level.available for level in levels if level.location == booth.id})
    on_the_way = transfer_rows.on_the_way(connection, row["id"])
    there.update(on_the_way)
    unsampled = not_on_demand(connection, shop, sold, at)
    spoken = shop.restock.print_seconds
    offered = offer(
        shop.restock,
        variants,
        hub=print_place(hub, measured(connection, hub.id), unsampled.get(hub.id), unmeasured_seconds=spoken),
        booth=print_place(
            booth,
            measured(connection, booth.id),
            unsampled.get(booth.id),
            unmeasured_seconds=spoken,
            only=event.printers,
        ),
        event=event,
        hours_left=hours * (1 - over),
        hours_until=_hours_of_work(hub, at, event.starts_at),
        free_at_hub=free_at_hub(shop.restock, levels, hub.id, online, restock_past.ONLINE_WEEKS),
        there=there,
        expected={sku: one.mean for sku, one in rest.items()},
        printing=stock_prints.to_come(connection, hub.id),
        spare=transfer_packs.spare(connection, row["id"]),
    )
    chosen = plan(
        {sku: one.chances for sku, one in rest.items()},
        offered.candidates,
        offered.limits,
        space=SPACE,
        materials=offered.materials,
        there=there,
    )
    told = tuple(expected_of(one) for _, one in sorted(rest.items()))
    gone = bool(over or on_the_way or leases.leases_of(connection, row["id"]))
    return Computed(chosen, told, over, gone, offered.left_out)


def packs_of(chosen: Plan, shop: Shop) -> list[PackLine]:
    """The ink and paper of a plan, as a transfer takes them along."""
    specs = {one.id: one for one in shop.restock.materials}
    return [
        PackLine(one.material, one.pack, spec.unit, spec.code, spec.holds, one.units, asked=one.packs)
        for one in chosen.packs
        if (spec := specs.get(one.material)) is not None
    ]


def compare(connection: Connection, shop: Shop, code: str) -> Compared | None:
    """The plan that an event began with, against what happened; None where it never had one."""
    row = events.find(connection, code)
    stored = restock_plans.last_before_opening(connection, row["id"])
    if stored is None:
        return None
    asked = restock_past.asked_at(connection, shop, events.event_of(row))
    variants = catalogue.all_variants(connection)
    blanks = [variant for variant in variants if is_blank(variant)]
    serves = {blank.sku: [v.sku for v in variants if becomes(blank, v)] for blank in blanks}
    became = outcome(connection, row, stored, asked, serves.keys())
    items = {one.item: one for one in became.items}
    lines = []
    for one in stored.expected.values():
        item = items.get(one.sku)
        brought, own = (item.brought, item.own) if item else (0, 0)
        if one.mean >= 0.05 or brought or asked.get(one.sku):
            lines.append(Reviewed(one.sku, one.mean, one.low, one.high, one.naive, brought, asked.get(one.sku, 0), own))
    carried = [items[sku] for sku in serves if sku in items]
    found = review(lines, {one.item: one.brought for one in carried}, serves, {one.item: one.own for one in carried})
    return Compared(found, became, stored)


def titles(variants: list[Variant]) -> dict[str, str]:
    """What people call a SKU."""
    return {one.sku: " ".join(filter(None, (one.title, one.colourway, one.size))) for one in variants}


def _hours_of_work(hub: Location, begin: datetime, end: datetime) -> float:
    """Hours that the hub is open in between."""
    total = 0.0
    for opens, closes in hub.hours.ranges_from(begin):
        if opens >= end:
            break
        total += max(0.0, (min(closes, end) - max(opens, begin)).total_seconds() / 3600)
    return total


def _worth_a_trip(computed: Computed) -> bool:
    avoided = sum(line.avoids for line in computed.plan.lines if line.kind in MOVED)
    return avoided >= LEAST_TRIP or not computed.van_has_gone
