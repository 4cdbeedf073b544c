"""Reserve: take the routed pieces out of what may be promised, all of an order's or none.

Compensated by `backroom.store.stock.release` (a cancel, a hold that starts over, an expiry).
"""

from __future__ import annotations

from datetime import timedelta

from prefect import task
from sqlalchemy import Connection

from backroom.domain.model import OrderState, StepOutcome
from backroom.domain.routing_places import is_local
from backroom.shop.room import this_room
from backroom.store import history, orders, routing, selling, stock
from backroom.store.claims import Claim, Wakeup, fence
from tasks.waking import send


@task(name="reserve", retries=2, retry_delay_seconds=2, task_run_name="reserve at {claim.location}")
def reserve(claim: Claim) -> list[StepOutcome]:
    """Reserve for every routed order of the wave; one whose pieces are gone meanwhile is to be routed again."""
    room = this_room()
    with room.database.read() as connection:
        waiting = orders.claimed(connection, claim.token, OrderState.ROUTED)
        assignments = routing.latest_assignments(connection, (row["id"] for row in waiting))
    if not waiting:
        return []
    places = {location.id: location for location in room.shop.locations}
    lasts = timedelta(hours=room.shop.thresholds.reservation_hours)

    def commit(connection: Connection) -> tuple[list[StepOutcome], list[Wakeup]]:
        at = fence(connection, claim.token)
        still = orders.lock_claimed(connection, claim.token, OrderState.ROUTED)
        rows = [row for row in waiting if row["id"] in still]
        wishes = [
            stock.Wish(
                row["id"],
                a.location,
                a.sku,
                a.from_stock,
                # One that the shop file has no more keeps nothing.
                local=a.location not in places or is_local(places[a.location], row["event"], row["location"]),
            )
            for row in rows
            for a in assignments[row["id"]]
            if a.from_stock
        ]
        short = stock.reserve(connection, wishes, at=at, expires_at=at + lasts)
        got = [row["id"] for row in rows if row["id"] not in short]
        orders.move(connection, claim.token, got, OrderState.ROUTED, OrderState.RESERVED)
        orders.move(connection, claim.token, sorted(short), OrderState.ROUTED, OrderState.ACCEPTED)
        entries = [history.Entry(id_, "order.reserved") for id_ in got]
        entries += [history.Entry(id_, "stock.gone", {"then": "routed again"}) for id_ in sorted(short)]
        history.record(connection, entries, at=at, run_id=claim.run_id)
        steps = [
            StepOutcome(
                row["number"], "again" if row["id"] in short else "advanced", "stock_gone" if row["id"] in short else ""
            )
            for row in rows
        ]
        return steps, selling.wakeups(connection, room.shop) if wishes else []

    outcomes, wakeups = room.database.write(commit)
    send(wakeups)
    return outcomes
