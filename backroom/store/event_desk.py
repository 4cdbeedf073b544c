"""What happens to an event, by a person or by the clock: it gets ready, opens, closes. Each is one transaction.

The CLI, the gateway's page, the flow in Prefect's UI and the sweep all come through here, so that the rules are the
same at every door. What a call owes in wake-ups it returns; they are sent after the commit.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection, RowMapping

from backroom.domain.errors import AskPerson
from backroom.domain.events import BEFORE_THE_END, EventState, due_move
from backroom.domain.readiness import Readiness
from backroom.store import events, stock_prints
from backroom.store.claims import Wakeup, wakeup
from backroom.store.database import now
from backroom.store.event_closing import Cleared, clear_booth, let_in, open_at
from backroom.store.events import EventRefused
from backroom.store.intake import STAGE as INTAKE
from backroom.store.leases import leases_of
from backroom.store.overdue import Overdue, name_overdue


class NotReady(AskPerson):
    """Something that an event requires is missing. The message names items and dates, never people."""

    cause = "not_ready"


@dataclass(slots=True)
class Looked:
    """What a look at all events changed: `(code, new state)`, orders that left their booth, and events whose pieces are
    overdue from now on."""

    moved: list[tuple[str, EventState]] = field(default_factory=list)
    cleared: Cleared = field(default_factory=Cleared)
    wakeups: list[Wakeup] = field(default_factory=list)
    overdue: list[Overdue] = field(default_factory=list)


def look_after_all(connection: Connection, hub: str, run_id: str = "") -> Looked:
    """Move every event on as far as its list and the clock say, clear booths whose event is over, and name leases whose
    end has passed."""
    looked, at = Looked(), now(connection)
    for seen in events.listing(connection, settled=False):
        if _due(connection, seen, at) is not None:
            _move_on(connection, events.locked(connection, seen["code"]), hub, looked, at, run_id)
        elif seen["state"] == EventState.CLOSED and open_at(connection, seen["location"]):
            _clear(connection, seen, hub, looked, at, run_id)
    looked.overdue = name_overdue(connection, at, run_id)
    return looked


def make_ready(connection: Connection, code: str, actor: str) -> Readiness:
    """Look at an event's list: what is missing, and PLANNED ↔ READY accordingly."""
    row, at = events.locked(connection, code), now(connection)
    found = events.readiness(connection, row, at)
    if row["state"] == EventState.PLANNED and found.green:
        events.move(connection, row, EventState.READY, at, actor=actor, run_id="")
    elif row["state"] == EventState.READY and not found.green:
        events.move(connection, row, EventState.PLANNED, at, actor=actor, run_id="")
    return found


def open_event(connection: Connection, code: str, hub: str, actor: str, run_id: str = "") -> list[Wakeup]:
    """Open the booth now, before its time if need be: from here on orders are routed to it.

    NotReady while something required is missing; EventRefused when it is over, or another event is at the booth.
    """
    row, at = events.locked(connection, code), now(connection)
    if row["state"] == EventState.LIVE:
        return []
    if row["state"] not in BEFORE_THE_END or at >= row["ends_at"]:
        raise EventRefused(f"{code} is over", remedy="Change its hours, or plan a new one.")
    found = events.readiness(connection, row, at)
    if not found.green:
        raise not_ready(code, found)
    if in_the_way := _in_the_way(connection, row):
        raise EventRefused(f"{in_the_way} is still at {row['location']}", remedy="Close and settle that one first.")
    if row["state"] == EventState.PLANNED:
        events.move(connection, row, EventState.READY, at, actor=actor, run_id=run_id)
        row = events.locked(connection, code)
    return _open(connection, row, hub, at, actor, run_id)


def close_event(
    connection: Connection, code: str, hub: str, actor: str, run_id: str = ""
) -> tuple[Cleared, list[Wakeup]]:
    """Close an event now, or call it off: no order goes there any more, what is open is routed elsewhere, and nothing
    more is printed to be taken there."""
    row, at = events.locked(connection, code), now(connection)
    looked = Looked()
    if row["state"] in BEFORE_THE_END:
        events.move(connection, row, EventState.CLOSED, at, actor=actor, run_id=run_id)
        stock_prints.drop_of_event(connection, row["id"], at)
    elif row["state"] == EventState.SETTLED:
        raise EventRefused(f"{code} is settled already")
    _clear(connection, row, hub, looked, at, run_id)
    return looked.cleared, looked.wakeups


def not_ready(code: str, found: Readiness) -> NotReady:
    """The error of an event that lacks something; who owes it stands on its page."""
    said = "; ".join(f"{gap.check.item} ({gap.why}, due {gap.check.due_at:%Y-%m-%d})" for gap in found.missing)
    return NotReady(f"{code} is not ready: {said}", remedy=f"`backroom event ready {code}` names who has it in hand.")


def waits_for(connection: Connection, row: RowMapping) -> str:
    """The other event that keeps this one from opening, "" when none does."""
    return _in_the_way(connection, row) if row["state"] in BEFORE_THE_END else ""


def _due(connection: Connection, row: RowMapping, at: datetime) -> EventState | None:
    if row["state"] not in BEFORE_THE_END:
        return None
    due = due_move(events.event_of(row), ready=events.readiness(connection, row, at).green, at=at)
    return None if due is EventState.LIVE and _in_the_way(connection, row) else due


def _move_on(connection: Connection, row: RowMapping, hub: str, looked: Looked, at: datetime, run_id: str) -> None:
    while (due := _due(connection, row, at)) is not None:
        if due is EventState.LIVE:
            looked.wakeups += _open(connection, row, hub, at, "", run_id)
        else:
            events.move(connection, row, due, at, actor="", run_id=run_id)
        looked.moved.append((row["code"], due))
        row = events.locked(connection, row["code"])
        if due is EventState.CLOSED:
            stock_prints.drop_of_event(connection, row["id"], at)
            _clear(connection, row, hub, looked, at, run_id)


def _open(connection: Connection, row: RowMapping, hub: str, at: datetime, actor: str, run_id: str) -> list[Wakeup]:
    events.move(connection, row, EventState.LIVE, at, actor=actor, run_id=run_id)
    waited = let_in(connection, row["location"], at, run_id)
    return [wakeup(connection, INTAKE, hub)] if waited else []


def _clear(connection: Connection, row: RowMapping, hub: str, looked: Looked, at: datetime, run_id: str) -> None:
    """Clear the booth, unless another event is live there by now: then its work is that one's."""
    if any(other["state"] == EventState.LIVE for other in events.others_at_its_booth(connection, row)):
        return
    cleared = clear_booth(connection, row["location"], row["code"], row["closed_at"] or at, at, run_id)
    looked.cleared.rerouted += cleared.rerouted
    looked.cleared.held += cleared.held
    looked.cleared.finishing += cleared.finishing
    if cleared.rerouted or cleared.held:
        told = {"rerouted": cleared.rerouted, "held": cleared.held, "finishing": cleared.finishing}
        events.record(connection, row["id"], "booth.cleared", told, at=at, run_id=run_id)
    if cleared.rerouted:
        looked.wakeups.append(wakeup(connection, INTAKE, hub))


def _in_the_way(connection: Connection, row: RowMapping) -> str:
    """The code of another event at this booth that is live, or still has pieces out; "" when there is none."""
    for other in events.others_at_its_booth(connection, row):
        if other["state"] == EventState.LIVE or leases_of(connection, other["id"]):
            return str(other["code"])
    return ""
