"""Following parcels by asking: the backstop behind the carriers' webhooks, and what time alone brings about.

A carrier is asked for parcels of which nothing was heard for some hours, and for refunds that are not paid yet. Parcels
that stay quiet, and what nobody fetches, are shown to somebody.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import timedelta
from functools import partial

from prefect import get_run_logger, task
from sqlalchemy import Connection, RowMapping

from backroom.carriers.base import RefundOutcome, Tracks
from backroom.domain.carriers import CARRIER_ACCOUNT_KINDS
from backroom.domain.errors import BackroomError
from backroom.domain.tracking import TrackingEvent
from backroom.shop.room import Room, this_room
from backroom.store import parcel_desk, parcel_holds, parcel_news, parcels
from backroom.store.claims import Wakeup
from backroom.store.database import now
from tasks.connections import carrier_from
from tasks.waking import send

# One run asks for so many; the rest is older by the next, and comes first then.
MOST = 400
REFUND_EVERY = timedelta(hours=12)


@task(name="ask for parcels", task_run_name="ask for parcels")
def ask_for_parcels() -> int:
    """Ask the carriers for parcels that were quiet for some hours; returns of how many something new was heard."""
    room = this_room()
    accounts = accounts_of(room)
    with room.database.read() as connection:
        before = now(connection) - timedelta(hours=room.shop.parcels.ask_hours)
        quiet = parcels.to_ask_for(connection, accounts, before, MOST)
    moved = 0
    for carrier_id, rows in _by_carrier(quiet).items():
        try:
            told = _tracking(room, carrier_id).track([row["reference"] for row in rows])
        except BackroomError as error:
            # Nothing of it is lost: the same parcels are asked for by the next run.
            get_run_logger().warning("%s was not asked: %s", carrier_id, error.cause)
            continue
        for row, events in zip(rows, told, strict=True):
            if isinstance(events, BackroomError):
                get_run_logger().warning("%s of %s was not told: %s", row["tracking"], carrier_id, events.cause)
                continue
            noted = room.database.write(partial(_note, row=row, events=events, hub=room.shop.hub))
            send(noted.wakeups)
            moved += noted.new > 0
    return moved


@task(name="follow refunds", task_run_name="follow refunds of labels")
def follow_refunds() -> int:
    """Ask how the refunds of labels stand; returns how many were asked for."""
    room = this_room()
    with room.database.read() as connection:
        rows = parcels.refunds_to_follow(connection, now(connection) - REFUND_EVERY, MOST)
    asked = 0
    for row in rows:
        try:
            carrier = _tracking(room, row["carrier"])
            said = {
                column: carrier.refund_state(row[reference])
                for column, reference in (("refund", "reference"), ("return_refund", "return_reference"))
                if row[column] == "submitted"
            }
        except BackroomError as error:
            get_run_logger().warning("the refund of %s was not told: %s", row["tracking"], error.cause)
            continue
        room.database.write(partial(_note_refunds, parcel_id=row["id"], said=said))
        asked += 1
    return asked


@task(name="look at what waits", task_run_name="look at parcels that wait")
def look_at_what_waits() -> int:
    """Show parcels that are quiet for too long, hold orders for theirs, remind of what lies ready, show what nobody
    fetched."""
    room = this_room()
    rules = room.shop.parcels

    def look(connection: Connection) -> tuple[int, list[Wakeup]]:
        quiet = 0
        if rules.quiet_days:
            before = now(connection) - timedelta(days=rules.quiet_days)
            quiet = parcel_news.mark_quiet(connection, accounts_of(room), before)
        parcel_holds.look(connection, room.shop.hub, MOST)
        return quiet, parcel_desk.look_at_collections(connection, rules, room.shop.hub)

    quiet, wakeups = room.database.write(look)
    send(wakeups)
    return quiet


def accounts_of(room: Room) -> list[str]:
    """The carriers that tell where their parcels are, by id."""
    return [spec.id for spec in room.shop.carriers if spec.kind in CARRIER_ACCOUNT_KINDS]


def _tracking(room: Room, carrier_id: str) -> Tracks:
    carrier = carrier_from(room, room.shop.carrier(carrier_id))
    assert isinstance(carrier, Tracks), "a carrier with an account tells where its parcels are"
    return carrier


def _note(connection: Connection, row: RowMapping, events: Sequence[TrackingEvent], hub: str) -> parcel_news.Noted:
    noted = parcel_news.note_events(connection, row["carrier"], row["reference"], events, source="poll", hub=hub)
    parcels.note_checked(connection, [row["id"]], now(connection))
    return noted


def _note_refunds(connection: Connection, parcel_id: int, said: Mapping[str, RefundOutcome | None]) -> None:
    at = now(connection)
    for column, outcome in said.items():
        if outcome:
            parcel_news.note_refund(connection, parcel_id, column, outcome, at)
    parcels.note_checked(connection, [parcel_id], at)


def _by_carrier(rows: Sequence[RowMapping]) -> dict[str, list[RowMapping]]:
    found: dict[str, list[RowMapping]] = defaultdict(list)
    for row in rows:
        found[row["carrier"]].append(row)
    return found
