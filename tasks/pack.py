"""Pack: what is made goes into its parcel, and the reserved pieces leave the stock of their own location."""

from __future__ import annotations

from prefect import task
from sqlalchemy import Connection

from backroom.domain.model import FulfilmentState, StepOutcome
from backroom.shop.room import this_room
from backroom.store import fulfilment, history, stock
from backroom.store.claims import Claim, fence


@task(name="pack", retries=2, retry_delay_seconds=2, task_run_name="pack at {claim.location}")
def pack(claim: Claim) -> list[StepOutcome]:
    """MADE → PACKED. Compensated by a cancel, which puts the pieces back on the shelf."""
    room = this_room()
    with room.database.read() as connection:
        parts = fulfilment.claimed(connection, claim.token, FulfilmentState.MADE)
    if not parts:
        return []

    def commit(connection: Connection) -> list[StepOutcome]:
        at = fence(connection, claim.token)
        moved = set(
            fulfilment.move(
                connection,
                claim.token,
                [part["id"] for part in parts],
                FulfilmentState.MADE,
                FulfilmentState.PACKED,
                packed_at=at,
            )
        )
        packed = [part for part in parts if part["id"] in moved]
        stock.consume(connection, sorted(moved), at)
        entries = [history.Entry(part["order_id"], "parcel.packed", {"location": part["location"]}) for part in packed]
        history.record(connection, entries, at=at, run_id=claim.run_id)
        return [StepOutcome(part["number"], "advanced") for part in packed]

    return room.database.write(commit)
