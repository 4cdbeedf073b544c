"""The sweep's errands: each looks at what waits and does what a lost wake-up or a crash left undone."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import Future, wait

from prefect import get_run_logger, task
from sqlalchemy import Connection

from backroom.domain.errors import AskPerson
from backroom.engine import standing
from backroom.engine.wake import DECIDE, OF_BREAKER, OF_ORDER
from backroom.shop.room import Room, this_room
from backroom.store import backlog, holds, level_calls, news, partner_orders, print_seals, print_trouble, sickness
from backroom.store.claims import Wakeup, sweep_expired
from backroom.store.database import now
from backroom.store.instances import end_dead_instances
from tasks.advance import advance
from tasks.sick import give_runs
from tasks.tell import QUESTIONS_MOST, start_forms
from tasks.waking import send

ANSWERS_WITHIN = 20.0


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
    """End dead leases and dead payloads, then wake every stage and location with work that nobody holds, under a new
    generation."""
    room = this_room()

    def look(connection: Connection) -> list[Wakeup]:
        end_dead_instances(connection)
        sweep_expired(connection)
        print_seals.expire(connection, now(connection))
        print_trouble.judge_all(connection, now(connection))
        owed = backlog.wake_again(connection, room.shop.hub)
        return owed + news.wake_again(connection, room.shop) + level_calls.wake_again(connection, room.shop)

    wakeups = room.database.write(look)
    send(wakeups)
    return len(wakeups)


@task(name="start owed runs")
def start_owed_runs() -> int:
    """Start the runs of sick orders and breakers that nothing has started yet; returns how many it started."""
    room = this_room()
    asked: list[Future[bool]] = []
    stages = [(stage, room.shop.hub) for stage in ("intake", "returns", "refunds", "parcels")]
    stages += [("fulfilment", place.id) for place in room.shop.locations]
    stages += [(partner_orders.STAGE, place.id) for place in room.shop.locations if place.partner is not None]
    stages += [(news.STAGE, spec.id) for spec in room.shop.channels if spec.api is not None and spec.api.tell]
    for stage, location in stages:
        asked += give_runs(room, stage, location)
    return _started(asked)


@task(name="ask owed questions")
def ask_owed_questions() -> int:
    """Ask for the forms of Holds that do not stand there; returns how many. They come one after the other, seconds
    apart, and nobody waits for them here."""
    with this_room().database.read() as connection:
        questions = holds.questions(connection, QUESTIONS_MOST)
    if not questions:
        return 0
    # Those that stand there already would keep the others waiting.
    stand = {run.key for run in standing.standing(DECIDE)}
    return len(start_forms(question for question in questions if question.key not in stand))


@task(name="try breakers")
def try_breakers() -> int:
    """Try one order behind each open breaker that is due. The breaker's own run stays as it is, one for one trouble.

    That it was tried is written first: one that ends this run does not keep the others from their next try.
    """
    room = this_room()

    def next_due(connection: Connection) -> int | None:
        at = now(connection)
        due: list[int] = [row["id"] for row in sickness.open_breakers(connection) if row["next_probe_at"] <= at]
        for breaker_id in due[:1]:
            sickness.note_probe(connection, breaker_id, at)
        return due[0] if due else None

    tried = 0
    while (breaker_id := room.database.write(next_due)) is not None:
        tried += 1
        try:
            get_run_logger().info("%s", try_breaker(room, breaker_id))
        except BreakerOpen as error:
            get_run_logger().info("breaker %d stays open: %s", breaker_id, error.message)
    return tried


def try_breaker(room: Room, breaker_id: int) -> str:
    """Advance one order behind a breaker; if it goes, close the breaker and wake its stage. Raises BreakerOpen."""
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
    return f"breaker {breaker_id} closed: {waiting} orders go on"


@task(name="end mended runs")
def end_mended_runs() -> int:
    """Complete what stands open for a trouble that is over: failed runs of orders that are well again and of breakers
    that are closed, and forms of Holds that were settled elsewhere. Returns how many."""
    room = this_room()
    orders = [run for run in standing.standing(OF_ORDER) if run.state in standing.FAILED]
    breakers = [run for run in standing.standing(OF_BREAKER) if run.state in standing.FAILED]
    forms = [run for run in standing.standing(DECIDE) if run.state == standing.PAUSED]
    with room.database.read() as connection:
        well = sickness.well(connection, map(order_of, orders))
        open_breakers = {row["id"] for row in sickness.open_breakers(connection)}
        held = holds.held(connection, map(order_of, forms))
    over = [(run, f"{order_of(run)} is well again") for run in orders if order_of(run) in well]
    over += [(run, "it is closed") for run in breakers if run.parameters.get("breaker_id") not in open_breakers]
    # A form that somebody started by hand has no key: it is for whatever Hold there is.
    over += [(run, f"{order_of(run)} was settled") for run in forms if not _still_asks(run, held)]
    for run, message in over:
        standing.end(run, message)
    return len(over)


def order_of(run: standing.Standing) -> str:
    """The number of the order that a run is about, as its flow reads it."""
    return str(run.parameters.get("order_number", "")).strip().upper()


def _still_asks(run: standing.Standing, held: Iterable[holds.Question]) -> bool:
    return any(one.number == order_of(run) and (not run.key or one.key == run.key) for one in held)


def _started(asked: Iterable[Future[bool]]) -> int:
    done, _ = wait(list(asked), ANSWERS_WITHIN)
    return sum(one.result() for one in done)
