"""The rows of the bare engine: orders that move through six states, and their history. Without Prefect.

What belongs here: tables and statements, the same number a wave and step as its description says. What does not: the
flow (`backroom_bare`).
"""

from __future__ import annotations

from sqlalchemy import Column, Connection, Index, Integer, MetaData, Table, Text, func, insert, select, update

from backroom.shop.room import Room
from backroom.store.claims import Claim, fence, look_for_work, take
from backroom.store.instances import this_instance
from backroom.store.tables.base import Id, Utc, id_column

STAGE, WAVE, WARM = "bare", 500, 500
STATES = ("waiting", "validated", "routed", "reserved", "made", "labelled", "done")

metadata = MetaData()
bare_orders = Table(
    "bare_orders",
    metadata,
    id_column(),
    Column("state", Text, nullable=False),
    Column("claim_token", Text),
    Column("claimed_at", Utc),
    Column("done_at", Utc),
    Index("ix_bare_orders_state", "state", "id"),
    Index("ix_bare_orders_claim_token", "claim_token"),
)
bare_history = Table(
    "bare_history",
    metadata,
    id_column(),
    Column("order_id", Id, nullable=False),
    Column("event", Text, nullable=False),
    Column("run_id", Text, nullable=False),
    Column("tries", Integer, nullable=False),
    Column("at", Utc, nullable=False),
    Index("ix_bare_history_order_id", "order_id", "id"),
)


def claim(connection: Connection, run_id: str) -> Claim | None:
    """The next wave under a lease; None when nothing waits."""
    at = look_for_work(connection, STAGE, STAGE)
    waiting = select(bare_orders.c.id).where(bare_orders.c.state == STATES[0], bare_orders.c.claim_token.is_(None))
    ids = connection.execute(waiting.order_by(bare_orders.c.id).limit(WAVE)).scalars().all()
    if not ids:
        return None
    taken = take(connection, stage=STAGE, location=STAGE, instance=this_instance(), run_id=run_id)
    mine = update(bare_orders).where(bare_orders.c.id.in_(ids))
    connection.execute(mine.values(claim_token=taken.token, claimed_at=at))
    return taken


def advance(connection: Connection, taken: Claim, old: str, new: str) -> int:
    """Move the wave's orders from one state to the next, with a history row each; returns how many moved."""
    at = fence(connection, taken.token)
    last = {"claim_token": None, "done_at": at} if new == STATES[-1] else {}
    moved = (
        update(bare_orders)
        .where(bare_orders.c.claim_token == taken.token, bare_orders.c.state == old)
        .values(state=new, **last)
        .returning(bare_orders.c.id)
    )
    ids = connection.execute(moved).scalars().all()
    rows = [{"order_id": id_, "event": new, "run_id": taken.run_id, "tries": 1, "at": at} for id_ in ids]
    connection.execute(insert(bare_history), rows)
    return len(rows)


def fill(room: Room, count: int) -> None:
    """Let so many more orders wait."""
    rows = [{"state": STATES[0]} for _ in range(count)]
    room.database.write(lambda connection: connection.execute(insert(bare_orders), rows))


def done(room: Room) -> int:
    """How many are through."""
    with room.database.read() as connection:
        query = select(func.count()).select_from(bare_orders).where(bare_orders.c.state == STATES[-1])
        return int(connection.execute(query).scalar_one())


def latencies(room: Room) -> list[float]:
    """Seconds from claim to done of the measured orders, least first."""
    query = select(bare_orders.c.claimed_at, bare_orders.c.done_at).where(bare_orders.c.id > WARM)
    with room.database.read() as connection:
        return sorted((row.done_at - row.claimed_at).total_seconds() for row in connection.execute(query))


def counts(room: Room) -> dict[str, int]:
    """History rows of the measured orders by step."""
    query = select(bare_history.c.event, func.count()).where(bare_history.c.order_id > WARM)
    with room.database.read() as connection:
        rows = connection.execute(query.group_by(bare_history.c.event)).all()
    return {f"history_{row[0]}": row[1] for row in rows}


def due(orders_: int) -> dict[str, int]:
    """What `counts` must be: each order once through each step."""
    return {f"history_{state}": orders_ for state in STATES[1:]}
