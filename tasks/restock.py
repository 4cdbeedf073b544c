"""Going to market as tasks: plan, propose, show, and afterwards compare. Each may be run again at any time."""

from __future__ import annotations

from datetime import timedelta

from prefect import get_run_logger, task
from prefect.artifacts import create_markdown_artifact

from backroom.domain.events import EventState
from backroom.domain.transfers import AWAY, TransferState
from backroom.engine import standing
from backroom.engine.wake import OF_TRANSFER, this_waker
from backroom.insight import restock_report, restocking
from backroom.shop.room import Room, this_room
from backroom.store import catalogue, events, restock_plans, transfer_rows, transfers
from backroom.store.database import MOMENT, now

ANSWER_SECONDS = 30.0
# What happened at a market is known when its last order is booked, a day or two later, and what came back when it is
# settled.
REVIEWED_FOR = timedelta(days=3)


@task(name="find events", retries=2, retry_delay_seconds=5)
def events_to_plan(code: str = "") -> list[str]:
    """The events to plan for: the one that is asked for, or all that are near or open."""
    room = this_room()
    with room.database.read() as connection:
        due = restocking.due_events(connection, room.shop, now(connection))
        if not code:
            return due
        row = events.find(connection, code)
    return [code] if row["state"] not in (EventState.CLOSED, EventState.SETTLED) else []


@task(name="plan what to take", task_run_name="plan {code}", retries=2, retry_delay_seconds=5)
def plan_event(code: str) -> str:
    """Plan for an event, propose a transfer where something is to go, and write the artifact `restock-<code>`."""
    room = this_room()
    found = restocking.propose(room, code)
    if found.transfer:
        _ask(room, found.transfer)
    with room.database.read() as connection:
        away = transfer_rows.of_event(connection, events.find(connection, code)["id"], AWAY)
    printing = {one.number: one.still_to_print for one in away if one.still_to_print}
    told = restock_report.plan_markdown(code, found.stored, found.transfer, _titles(room), printing)
    create_markdown_artifact(told, key=f"restock-{code}", description=f"What to take to {code}")
    pieces = found.stored.plan.pieces
    return f"{code}: {pieces} pieces{f', {found.transfer} waits for a yes' if found.transfer else ''}"


@task(name="find events to review", retries=2, retry_delay_seconds=5)
def events_to_review(code: str = "") -> list[str]:
    """Events that are over and have a plan: the one that is asked for, or those that closed or were settled lately."""
    room = this_room()
    with room.database.read() as connection:
        since = now(connection) - REVIEWED_FOR
        rows = [events.find(connection, code)] if code else events.listing(connection)
        return [
            row["code"]
            for row in rows
            if row["state"] in (EventState.CLOSED, EventState.SETTLED)
            and (code or any(at is not None and at >= since for at in (row["closed_at"], row["settled_at"])))
            and restock_plans.newest(connection, row["id"]) is not None
        ]


@task(name="compare with the plan", task_run_name="compare {code}", retries=2, retry_delay_seconds=5)
def review_event(code: str) -> str:
    """Hold an event's plan against what happened, in the artifact `restock-<code>-review`; what was still proposed for
    it is so no more."""
    room = this_room()
    room.database.write(lambda connection: transfers.withdraw(connection, code))
    with room.database.read() as connection:
        found = restocking.compare(connection, room.shop, code)
    if found is None:
        return f"{code} never had a plan"
    told = restock_report.review_markdown(code, found, _titles(room))
    create_markdown_artifact(told, key=f"restock-{code}-review", description=f"How the plan for {code} went")
    return f"{code}: {restock_report.review_sentences(found)[0]}"


@task(name="end settled forms")
def end_settled_forms() -> int:
    """Complete forms of transfers that were answered elsewhere, or gave way to a newer proposal. Returns how many."""
    room = this_room()
    forms = [run for run in standing.standing(OF_TRANSFER) if run.state == standing.PAUSED]
    with room.database.read() as connection:
        open_ = {one.number for one in transfer_rows.listing(connection) if one.state is TransferState.PROPOSED}
    over = [run for run in forms if str(run.parameters.get("number", "")) not in open_]
    for run in over:
        standing.end(run, f"{run.parameters.get('number')} was settled")
    return len(over)


def _ask(room: Room, number: str) -> None:
    """Start the form of a proposal, once. The moment is in its key: numbers come again when a database is made anew."""
    with room.database.read() as connection:
        one = transfer_rows.read(connection, number)
    key = f"transfer:{number}:{one.row['proposed_at']:{MOMENT}}"
    if this_waker().start_transfer_run(number, key).result(ANSWER_SECONDS):
        get_run_logger().info("%s asks for a yes", number)


def _titles(room: Room) -> dict[str, str]:
    with room.database.read() as connection:
        return restocking.titles(catalogue.all_variants(connection))
