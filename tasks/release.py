"""Release: hand reserved orders over to the locations that make them, as fulfilment orders."""

from __future__ import annotations

from prefect import task
from sqlalchemy import Connection

from backroom.domain.model import OrderState, StepOutcome
from backroom.shop.room import this_room
from backroom.store import fulfilment, history, orders, routing
from backroom.store.claims import Claim, Wakeup, fence, wakeup
from tasks.waking import send


@task(name="release", retries=2, retry_delay_seconds=2, task_run_name="release at {claim.location}")
def release(claim: Claim) -> list[StepOutcome]:
    """Open the work at its locations, end the claim on the orders, and wake fulfilment there after the commit."""
    room = this_room()
    with room.database.read() as connection:
        waiting = orders.claimed(connection, claim.token, OrderState.RESERVED)
        assignments = routing.latest_assignments(connection, (row["id"] for row in waiting))
    if not waiting:
        return []

    def commit(connection: Connection) -> tuple[list[StepOutcome], list[Wakeup]]:
        at = fence(connection, claim.token)
        moved = set(
            orders.move(
                connection,
                claim.token,
                [row["id"] for row in waiting],
                OrderState.RESERVED,
                OrderState.RELEASED,
                keep_claim=False,
            )
        )
        rows = [row for row in waiting if row["id"] in moved]
        locations = fulfilment.open_parts(
            connection,
            [fulfilment.ToOpen(row["id"], row["delivery"], row["priority"], assignments[row["id"]]) for row in rows],
            at,
        )
        history.record(
            connection, [history.Entry(row["id"], "order.released") for row in rows], at=at, run_id=claim.run_id
        )
        outcomes = [StepOutcome(row["number"], "advanced") for row in rows]
        return outcomes, [wakeup(connection, fulfilment.STAGE, location) for location in sorted(locations)]

    outcomes, wakeups = room.database.write(commit)
    send(wakeups)
    return outcomes
