"""Route: decide where each order is made or picked, with its reasons, by the shop's rules.

The wave shares one picture of the stock: pieces promised to an order earlier in it are not offered to a later one.
Reserving afterwards is what counts; where it fails, the order is routed again.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence

from prefect import task
from sqlalchemy import Connection, RowMapping

from backroom.domain.geo import postcode_table
from backroom.domain.model import OrderState, RoutingDecision, StepOutcome
from backroom.domain.routing import route_all
from backroom.domain.routing_gates import ask_for_samples, at_events, pass_gates
from backroom.domain.routing_places import views_at, views_of
from backroom.shop.room import this_room
from backroom.store import (
    catalogue,
    events,
    fulfilment,
    history,
    orders,
    partner_orders,
    people,
    routing,
    sample_standing,
    stock,
)
from backroom.store.carried_out import CarriedOut, make_room
from backroom.store.claims import Claim, Wakeup, fence
from backroom.store.database import now
from backroom.store.diverting import SentOn, sent_elsewhere
from tasks.waking import send

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
    # Whoever has the piece in his hand comes before those who are yet to get one, whatever came in first.
    waiting.sort(key=lambda row: not row["handed_over"])
    if not waiting:
        return []
    _make_room(claim, waiting)
    with room.database.read() as connection:
        lines = orders.lines_of(connection, (row["id"] for row in waiting))
        variants = catalogue.variants_by_sku(connection, (line["sku"] for group in lines.values() for line in group))
        keys = people.load(connection, room.seals, (row["person_id"] for row in waiting))
        levels = stock.levels(connection)
        at = now(connection)
        gates = events.gates(connection, at)
        load = routing.open_load(connection)
        # Those that were routed before: a partner may have refused them, or a part of them.
        again = [row["id"] for row in waiting if row["routings"]]
        in_work = fulfilment.in_work(connection, again)
        refused = partner_orders.refused_at(connection, again)
        late = sent_elsewhere(connection, again)
        set_up = at_events(room.shop, gates)
        unsampled = sample_standing.not_on_demand(connection, set_up, variants.values(), at)
    postcodes = postcode_table(room.shop.postcodes)
    to_route = [
        routing.order_to_route(
            row,
            lines[row["id"]],
            variants,
            keys[row["person_id"]].key,
            postcodes,
            in_work=in_work.get(row["id"]),
            refused_at=refused.get(row["id"], frozenset()),
            late_at=late.get(row["id"], SentOn()).late_at,
            sent_to=late.get(row["id"], SentOn()).to,
        )
        for row in waiting
    ]
    available = {place: level.available for place, level in levels.items()}
    views = views_at(views_of(set_up, variants), available, load, at)
    views = ask_for_samples(views, unsampled)
    decisions = route_all(to_route, room.shop.rules, pass_gates(views, gates, stock.kept(levels.values())))
    return room.database.write(lambda connection: _commit(connection, claim, waiting, decisions))


def _make_room(claim: Claim, waiting: Sequence[RowMapping]) -> None:
    """What customers have carried out is taken from the books first, and from other orders where it was promised."""
    gone = [row for row in waiting if row["handed_over"] and row["location"]]
    if not gone:
        return
    room = this_room()

    def work(connection: Connection) -> list[Wakeup]:
        at = fence(connection, claim.token)
        still = orders.lock_claimed(connection, claim.token, OrderState.ACCEPTED)
        lines = orders.lines_of(connection, (row["id"] for row in gone))
        sales = []
        for row in gone:
            pieces: Counter[str] = Counter()
            for line in lines[row["id"]]:
                pieces[line["sku"]] += line["quantity"]
            if row["id"] in still:
                sales.append(CarriedOut(row["id"], row["number"], row["routings"] + 1, row["location"], pieces))
        return make_room(connection, room.shop, sales, claim.token, at, claim.run_id)

    send(room.database.write(work))


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
