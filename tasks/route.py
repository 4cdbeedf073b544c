"""Route: decide where each order is made or picked, with its reasons, by the shop's rules.

The wave shares one picture of the stock: pieces promised to an order earlier in it are not offered to a later one.
Reserving afterwards is what counts; where it fails, the order is routed again.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from prefect import task
from sqlalchemy import Connection, RowMapping

from backroom.domain.geo import Postcodes, locate, postcode_table
from backroom.domain.model import (
    Delivery,
    LineToRoute,
    OrderState,
    OrderToRoute,
    RoutingDecision,
    StepOutcome,
    Variant,
)
from backroom.domain.routing import LocationView, route_all
from backroom.shop.room import Room, this_room
from backroom.store import catalogue, history, orders, people, routing, stock
from backroom.store.claims import Claim, fence
from backroom.store.contacts import open_contact

STATE_OF = {
    "assigned": OrderState.ROUTED,
    "backorder": OrderState.BACKORDERED,
    "hold": OrderState.HELD,
}


@task(name="route", retries=2, retry_delay_seconds=2, task_run_name="route at {claim.location}")
def route(claim: Claim) -> list[StepOutcome]:
    """Decide for every accepted order of the wave: assigned, backordered, or held with a reason."""
    room = this_room()
    with room.database.read() as connection:
        waiting = orders.claimed(connection, claim.token, OrderState.ACCEPTED)
        if not waiting:
            return []
        lines = orders.lines_of(connection, (row["id"] for row in waiting))
        variants = catalogue.variants_by_sku(connection, (line["sku"] for group in lines.values() for line in group))
        keys = people.load(connection, room.seals, (row["person_id"] for row in waiting))
        available = {place: level.available for place, level in stock.levels(connection).items()}
        load = routing.open_load(connection)
    postcodes = postcode_table(room.shop.postcodes)
    to_route = [_to_route(postcodes, row, keys[row["person_id"]].key, lines[row["id"]], variants) for row in waiting]
    decisions = route_all(to_route, room.shop.rules, views_of(room, variants, available, load, datetime.now(UTC)))
    return room.database.write(lambda connection: _commit(connection, claim, waiting, decisions))


def views_of(
    room: Room,
    variants: Mapping[str, Variant],
    available: Mapping[tuple[str, str], int],
    load: Mapping[str, int],
    at: datetime,
) -> list[LocationView]:
    """Every location as routing sees it: what is there, what can be printed there, whether it is open, how busy."""
    pieces: dict[str, dict[str, int]] = defaultdict(dict)
    for (location_id, sku), count in available.items():
        pieces[location_id][sku] = count
    return [
        LocationView(
            location=location,
            available=pieces[location.id],
            printable=frozenset(
                sku for sku, one in variants.items() if one.artwork and location.can_print(one.print_process)
            ),
            open_now=location.hours.is_open(at),
            capacity_left=location.capacity - load.get(location.id, 0) if location.capacity else None,
            load=load.get(location.id, 0),
            parcel_minor={
                channel.id: room.shop.carrier_for(location.id, channel.id).price_minor for channel in room.shop.channels
            },
        )
        for location in room.shop.locations
    ]


def _to_route(
    postcodes: Postcodes, row: RowMapping, key: bytes, lines: Sequence[RowMapping], variants: Mapping[str, Variant]
) -> OrderToRoute:
    address = open_contact(key, row["contact"]).address
    place = locate(address, postcodes) if address else None
    return OrderToRoute(
        number=row["number"],
        channel=row["channel"],
        source=row["source"],
        delivery=Delivery(row["delivery"]),
        country=row["country"],
        placed_at=row["placed_at"],
        event=row["event"],
        location=row["location"],
        latitude=place[0] if place else None,
        longitude=place[1] if place else None,
        located_by=place[2] if place else "",
        lines=tuple(
            LineToRoute(
                line_no=line["line_no"],
                sku=line["sku"],
                quantity=line["quantity"],
                product=variants[line["sku"]].product if line["sku"] in variants else "",
                print_process=variants[line["sku"]].print_process if line["sku"] in variants else "",
                tags=variants[line["sku"]].tags if line["sku"] in variants else (),
            )
            for line in lines
        ),
    )


def _commit(
    connection: Connection, claim: Claim, waiting: Sequence[RowMapping], decisions: Sequence[RoutingDecision]
) -> list[StepOutcome]:
    at = fence(connection, claim.token)
    still = orders.lock_claimed(connection, claim.token, OrderState.ACCEPTED)
    decided = [(row, decision) for row, decision in zip(waiting, decisions, strict=True) if row["id"] in still]
    routing.save_decisions(connection, [(row["id"], row["routings"] + 1, d) for row, d in decided], at)
    groups: dict[tuple[str, str, int], list[int]] = defaultdict(list)
    for row, decision in decided:
        groups[decision.outcome, decision.hold_reason, row["routings"] + 1].append(row["id"])
    for (outcome, reason, round_), ids in groups.items():
        orders.move(
            connection,
            claim.token,
            ids,
            OrderState.ACCEPTED,
            STATE_OF[outcome],
            keep_claim=outcome == "assigned",
            hold_reason=reason,
            routings=round_,
        )
    entries = [
        history.Entry(
            row["id"],
            "order.routed" if decision.outcome == "assigned" else f"order.{STATE_OF[decision.outcome]}",
            {
                "rule": decision.rule,
                "locations": sorted({a.location for a in decision.assignments}),
                "reason": decision.hold_reason,
            },
        )
        for row, decision in decided
    ]
    history.record(connection, entries, at=at, run_id=claim.run_id)
    results = {"assigned": "advanced", "backorder": "backordered", "hold": "held"}
    return [
        StepOutcome(row["number"], results[decision.outcome], decision.hold_reason or " ".join(decision.reasons[:1]))
        for row, decision in decided
    ]
