"""The sweep's errands: each looks at what waits and does what a lost wake-up or a crash left undone."""

from __future__ import annotations

from datetime import datetime

from prefect import get_run_logger, task
from sqlalchemy import Connection

from backroom.domain.errors import AskPerson
from backroom.engine.wake import this_waker
from backroom.shop.room import Room, this_room
from backroom.store import backlog, sickness
from backroom.store.claims import Wakeup, sweep_expired
from backroom.store.database import now
from backroom.store.instances import end_dead_instances
from tasks.advance import advance
from tasks.sick import give_runs
from tasks.waking import send


class BreakerOpen(AskPerson):
    """One cause stops many orders: they wait under this run. Mend the cause, then press Retry."""

    cause = "breaker_open"


@task(name="expire reservations")
def expire_reservations() -> int:
    """Give back the pieces of orders that were reserved and never released; they are routed anew."""
    room = this_room()
    return room.database.write(lambda connection: backlog.expire_reservations(connection, now(connection)))


@task(name="wake what waits")
def wake_waiting() -> int:
    """End dead leases, then wake every stage and location with work that nobody holds, under a new generation."""
    room = this_room()

    def look(connection: Connection) -> list[Wakeup]:
        end_dead_instances(connection)
        sweep_expired(connection)
        return backlog.wake_again(connection, room.shop.hub)

    wakeups = room.database.write(look)
    send(wakeups)
    return len(wakeups)


@task(name="start owed runs")
def start_owed_runs() -> int:
    """Start the runs of sick orders that a crash kept from being started; a run that exists is not started twice."""
    room = this_room()
    owed = 0
    for stage, location in [("intake", room.shop.hub)] + [("fulfilment", place.id) for place in room.shop.locations]:
        alone, opened = give_runs(room, stage, location)
        owed += len(alone) + len(opened)
    return owed


@task(name="try breakers")
def probe_breakers() -> int:
    """Start the run of every open breaker that is due for a try."""
    room = this_room()

    def due(connection: Connection) -> list[tuple[int, int]]:
        at: datetime = now(connection)
        rows = [row for row in sickness.open_breakers(connection) if row["next_probe_at"] <= at]
        for row in rows:
            sickness.note_probe(connection, row["id"], at)
        return [(row["id"], row["probes"] + 1) for row in rows]

    tried = room.database.write(due)
    for breaker_id, probe in tried:
        this_waker().start_breaker_run(breaker_id, probe)
    return len(tried)


def try_breaker(room: Room, breaker_id: int) -> str:
    """Advance one order behind a breaker; if it goes, close the breaker and wake its stage."""
    with room.database.read() as connection:
        row = sickness.breaker(connection, breaker_id)
        first = sickness.one_behind(connection, breaker_id)
        waiting = sickness.waiting_behind(connection, breaker_id)
    if row is None or row["state"] != "open":
        return f"breaker {breaker_id} is closed"
    if first is not None:
        outcomes = advance(room, first[1])
        sick = [outcome for outcome in outcomes if outcome.result == "sick"]
        if sick:
            raise BreakerOpen(
                f"{waiting} orders wait at {row['location']} ({row['stage']}): {sick[-1].reason}",
                remedy="Mend it, then press Retry here: they all go on together.",
                cause=row["cause"],
            )
    wakeups = room.database.write(lambda connection: sickness.close(connection, breaker_id, now(connection)))
    send(wakeups)
    get_run_logger().info("breaker %d closed, %d orders go on", breaker_id, waiting)
    return f"breaker {breaker_id} closed: {waiting} orders go on"
