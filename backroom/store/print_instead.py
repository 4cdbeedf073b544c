"""What a begun order lost to a customer is printed for it where it is being made, if that place prints it on demand.

What belongs here: whether it does, and turning pieces that were to be picked into a print. What does not: giving the
pieces up (`ceding`), and the order in which jobs are printed, which the queue decides.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import Connection, RowMapping, select, update

from backroom.domain.model import FulfilmentState, Variant
from backroom.domain.routing_gates import at_events
from backroom.domain.routing_places import can_make
from backroom.domain.shop import Shop
from backroom.store import events, history, print_jobs
from backroom.store.catalogue import variants_by_sku
from backroom.store.claims import Wakeup, wakeup
from backroom.store.sample_standing import not_on_demand
from backroom.store.tables import fulfilment_lines, fulfilment_orders


def print_instead(
    connection: Connection,
    shop: Shop,
    order: RowMapping,
    part: RowMapping,
    ceded: Mapping[int, int],
    token: str,
    at: datetime,
) -> list[Wakeup]:
    """Open a print job for what a part that is being made gave up, by line; what wakes its printers, nothing where it
    is not printed there. `token` is the claim of whoever asks."""
    lines = _lines(connection, part["id"], ceded)
    sku = lines[0]["sku"]
    variant = _printed_there(connection, shop, part["location"], sku, at)
    # A line has one print job: what it prints already may be at a press.
    if variant is None or part["state"] != FulfilmentState.MAKING or any(line["to_print"] for line in lines):
        return []
    scans = shop.location(part["location"]).scan and not order["handed_over"]
    jobs = []
    for line in lines:
        pieces = ceded[line["id"]]
        connection.execute(
            update(fulfilment_lines)
            .where(fulfilment_lines.c.id == line["id"])
            .values(from_stock=fulfilment_lines.c.from_stock - pieces, to_print=pieces)
        )
        jobs.append(
            print_jobs.ToPrint(
                part_id=part["id"],
                part_key=part["key"],
                order_id=order["id"],
                order_number=order["number"],
                line_no=line["line_no"],
                location=part["location"],
                copies=pieces,
                priority=part["priority"],
                variant=variant,
            )
        )
    print_jobs.open_jobs(connection, jobs, token, at)
    # It waits for one report of each job, and no longer for the scan of each piece.
    waits = len(jobs) - (sum(ceded.values()) if scans else 0)
    connection.execute(
        update(fulfilment_orders)
        .where(fulfilment_orders.c.id == part["id"])
        .values(outstanding=fulfilment_orders.c.outstanding + waits)
    )
    told = {"location": part["location"], "sku": sku, "pieces": sum(ceded.values())}
    history.record(connection, [history.Entry(order["id"], "piece.printed_instead", told)], at=at)
    return [wakeup(connection, print_jobs.STAGE, part["location"])]


def _lines(connection: Connection, part_id: int, ceded: Mapping[int, int]) -> list[RowMapping]:
    query = select(fulfilment_lines).where(
        fulfilment_lines.c.fulfilment_order_id == part_id, fulfilment_lines.c.id.in_(ceded)
    )
    return list(connection.execute(query.order_by(fulfilment_lines.c.line_no)).mappings())


def _printed_there(connection: Connection, shop: Shop, location: str, sku: str, at: datetime) -> Variant | None:
    """The variant, where a place prints it on demand now: it has a printer for it, its samples are good, and its
    booth is open."""
    gates = events.gates(connection, at, location)
    variant = variants_by_sku(connection, [sku]).get(sku)
    if variant is None or (location in gates and gates[location].shut):
        return None
    set_up = at_events(shop, gates)
    if not can_make(set_up.location(location), variant):
        return None
    return None if sku in not_on_demand(connection, set_up, [variant], at).get(location, {}) else variant
