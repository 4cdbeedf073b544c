"""Events in Prefect's UI and in the sweep: open and close on time, and what a person chooses in the run form.

What is said here holds ids and dates only: who has an item in hand stands on the event's page.
"""

from __future__ import annotations

from collections.abc import Sequence

from prefect import get_run_logger, task
from prefect.artifacts import create_markdown_artifact
from sqlalchemy import Connection

from backroom.domain.errors import AskPerson
from backroom.domain.leases import Settled
from backroom.domain.readiness import Check, Readiness
from backroom.engine.runs import this_run_id
from backroom.shop.room import Room, this_room
from backroom.store import event_desk, events, leases, sample_checks, selling, untold_sales
from backroom.store.backlog import wake_backorders
from backroom.store.claims import Wakeup
from backroom.store.database import now
from backroom.store.overdue import Overdue
from tasks.deciding import ACTOR
from tasks.waking import send


class WhichEvent(AskPerson):
    """A run form without the event's code."""

    cause = "which_event"


@task(name="look after events")
def look_after_events() -> int:
    """Open and close every event whose time it is, clear booths whose event is over, and name leases that are overdue;
    returns how many moved."""
    room = this_room()
    with room.database.read() as connection:
        if not events.listing(connection, settled=False):
            return 0
    run = this_run_id()

    def look(connection: Connection) -> event_desk.Looked:
        # An approval runs out by itself.
        sample_checks.tell_events(connection, room.shop, now(connection))
        looked = event_desk.look_after_all(connection, room.shop.hub, run)
        if looked.overdue:
            # Shared ones are not for the online shops any more.
            looked.wakeups += selling.wakeups(connection, room.shop)
        return looked

    looked = room.database.write(look)
    send(looked.wakeups)
    for code, state in looked.moved:
        get_run_logger().info("event %s is %s", code, state)
    if looked.overdue:
        _tell_overdue(looked.overdue)
    if looked.cleared.rerouted or looked.cleared.held:
        get_run_logger().info(
            "routed elsewhere: %s; on hold: %s",
            ", ".join(looked.cleared.rerouted) or "none",
            ", ".join(looked.cleared.held) or "none",
        )
    return len(looked.moved)


@task(name="open", task_run_name="open {code}")
def open_event(code: str) -> str:
    """Open an event's booth; NotReady says what is missing."""
    room, run = this_room(), this_run_id()
    send(room.database.write(lambda connection: event_desk.open_event(connection, code, room.shop.hub, ACTOR, run)))
    return f"{code} is live"


@task(name="close", task_run_name="close {code}")
def close_event(code: str) -> str:
    """Close an event's booth; what is open there is routed elsewhere."""
    room, run = this_room(), this_run_id()
    cleared, wakeups = room.database.write(
        lambda connection: event_desk.close_event(connection, code, room.shop.hub, ACTOR, run)
    )
    send(wakeups)
    return (
        f"{code} is closed: {len(cleared.rerouted)} orders routed elsewhere, {len(cleared.held)} on hold, "
        f"{len(cleared.finishing)} finished at the booth"
    )


@task(name="settle", task_run_name="settle {code}")
def settle_event(code: str, sales_lost: bool) -> str:
    """Settle a closed event by its count; with `sales_lost`, without the sales that its tills are known to lack."""
    room, run = this_room(), this_run_id()
    hub = room.shop.hub

    def work(connection: Connection) -> tuple[list[Settled], list[Wakeup]]:
        settled = leases.settle_event(connection, code, hub=hub, actor=ACTOR, run_id=run, sales_lost=sales_lost)
        owed = wake_backorders(connection, [one.sku for one in settled if one.returned], hub)
        return settled, owed + selling.wakeups(connection, room.shop)

    settled, wakeups = room.database.write(work)
    send(wakeups)
    sold, back = sum(one.sold for one in settled), sum(one.returned for one in settled)
    return f"{code} is settled: {sold} sold, {back} returned, {sum(one.missing for one in settled)} missing"


@task(name="tell", task_run_name="tell {code}")
def tell_event(code: str) -> str:
    """Write how an event stands as the artifact `event-CODE`; returns its sentence."""
    room = this_room()
    with room.database.read() as connection:
        row, at = events.find(connection, code), now(connection)
        checks = events.checks(connection, row["id"])
        found = events.readiness(connection, row, at)
        gate = events.gates(connection, at)[row["location"]]
        untold = untold_sales.of_event(connection, row)
    lines = [f"| {_line(check, found)} |" for check in checks]
    table = "\n".join(["| item | required | due | state |", "|---|---|---|---|", *lines])
    sentence = f"{code} is {row['state']}; orders go to {row['location']}: {gate.shut or 'yes'}"
    lacking = f"{untold_sales.said(untold)}\n\n" if untold else ""
    create_markdown_artifact(f"**{sentence}**\n\n{lacking}{table}", key=f"event-{code}")
    return sentence


def _tell_overdue(late: Sequence[Overdue]) -> None:
    """Say it once: in the run's log, and as the artifact `overdue-leases` with what to do."""
    for one in late:
        get_run_logger().warning("event %s: %d leased pieces are overdue", one.code, one.pieces)
    rows = "\n".join(f"| {one.code} | {one.pieces} | {one.since:%Y-%m-%d %H:%M} UTC |" for one in late)
    create_markdown_artifact(
        "**Leased pieces should have been back.** No online shop sells them until somebody decides, on the event's "
        "page or with `backroom event`: count them and settle, `extend` their time, or `settle --rest-missing`.\n\n"
        f"| event | pieces | due |\n|---|---|---|\n{rows}",
        key="overdue-leases",
    )


def known(room: Room, code: str) -> str:
    """The code of an event as it is stored; WhichEvent for an empty one, NoSuchEvent for one that is not there."""
    asked = code.strip().lower()
    with room.database.read() as connection:
        if not asked:
            listed = ", ".join(row["code"] for row in events.listing(connection, settled=False)) or "none"
            raise WhichEvent("the form has no event", remedy=f"Write its code. There is: {listed}.")
        return str(events.find(connection, asked)["code"])


def _line(check: Check, found: Readiness) -> str:
    gap = next((gap for gap in (*found.missing, *found.open) if gap.check.item == check.item), None)
    overdue = " (overdue)" if gap and gap.overdue else ""
    state = f"**{check.state}**{overdue}" if gap else "green"
    return f"{check.item} | {'yes' if check.required else 'no'} | {check.due_at:%Y-%m-%d} | {state}"
