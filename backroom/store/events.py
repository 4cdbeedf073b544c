"""Events: their rows, their lists, their history, and which booths are shut because of them.

What belongs here: reading and writing them. What does not: the pieces they borrow (`backroom.store.leases`), opening,
closing and settling them (`backroom.store.event_desk`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime

from sqlalchemy import Connection, RowMapping, insert, select, update

from backroom.domain.errors import Refuse
from backroom.domain.events import BEFORE_THE_END, Event, EventState, Session, shut_because
from backroom.domain.power import Load, Supply
from backroom.domain.readiness import Check, CheckState, Readiness, judge
from backroom.domain.routing_gates import Gate
from backroom.store.moves import moving
from backroom.store.tables import event_checks, event_history, events

# What stands in an event's history when its battery or generator was filled up.
FILLED = "power.filled"


class NoSuchEvent(Refuse):
    """No event has this code."""

    cause = "no_such_event"


class EventRefused(Refuse):
    """This cannot be done with the event as it stands."""

    cause = "event_refused"


def add(connection: Connection, event: Event, checks: Sequence[Check], at: datetime, actor: str) -> int:
    """Write a new event and its list; EventRefused when its code is taken. Returns its id."""
    if connection.execute(select(events.c.id).where(events.c.code == event.code)).first() is not None:
        raise EventRefused(f"there is an event {event.code} already", remedy="Give this one another name.")
    id_: int = connection.execute(
        insert(events).values(**_columns(event), state=event.state, created_at=at).returning(events.c.id)
    ).scalar_one()
    if checks:
        connection.execute(insert(event_checks), [asdict(check) | {"event_id": id_} for check in checks])
    record(connection, id_, "event.planned", {"location": event.location}, at=at, actor=actor)
    return id_


def change(connection: Connection, row: RowMapping, event: Event, at: datetime, actor: str) -> None:
    """Write an event's hours, place and devices anew; what is due before it moves with its start."""
    connection.execute(update(events).where(events.c.id == row["id"]).values(**_columns(event)))
    moved = event.starts_at - row["starts_at"]
    if moved:
        for check in checks(connection, row["id"]):
            due = update(event_checks).where(event_checks.c.event_id == row["id"], event_checks.c.item == check.item)
            connection.execute(due.values(due_at=check.due_at + moved))
    told = {"starts_at": event.starts_at.isoformat(), "ends_at": event.ends_at.isoformat()}
    record(connection, row["id"], "event.changed", told, at=at, actor=actor)


def find(connection: Connection, code: str) -> RowMapping:
    """The event's row by its code; NoSuchEvent, which lists those to come, when there is none."""
    row = connection.execute(select(events).where(events.c.code == code)).mappings().one_or_none()
    if row is None:
        listed = ", ".join(one["code"] for one in listing(connection, settled=False)) or "none"
        raise NoSuchEvent(f"there is no event {code!r}.", remedy=f"There is: {listed}.")
    return row


def locked(connection: Connection, code: str) -> RowMapping:
    """The event's row; nobody else changes it, or another event of its booth, until the commit."""
    location = find(connection, code)["location"]
    here = select(events).where(events.c.location == location).order_by(events.c.id).with_for_update()
    return next(row for row in connection.execute(here).mappings().all() if row["code"] == code)


def newest_at(connection: Connection, location: str, at: datetime) -> RowMapping | None:
    """The event at a booth that began last, or begins next where none did; None where it never had one. A till that had
    no network may speak of one that is over."""
    here = select(events).where(events.c.location == location)
    begun = here.where(events.c.starts_at <= at).order_by(events.c.starts_at.desc())
    row = connection.execute(begun.limit(1)).mappings().first()
    return row or connection.execute(here.order_by(events.c.starts_at).limit(1)).mappings().first()


def others_at_its_booth(connection: Connection, row: RowMapping) -> list[RowMapping]:
    """The other events of a booth that are not settled."""
    here = listing(connection, settled=False)
    return [other for other in here if other["location"] == row["location"] and other["id"] != row["id"]]


def listing(connection: Connection, *, settled: bool = True) -> list[RowMapping]:
    """All events by their start, those that are settled as well unless told otherwise."""
    query = select(events).order_by(events.c.starts_at, events.c.id)
    if not settled:
        query = query.where(events.c.state != EventState.SETTLED)
    return list(connection.execute(query).mappings())


def event_of(row: RowMapping) -> Event:
    """A row as the domain's value."""
    return Event(
        code=row["code"],
        name=row["name"],
        template=row["template"],
        location=row["location"],
        place=row["place"],
        sessions=tuple(Session(*map(datetime.fromisoformat, pair)) for pair in row["sessions"]),
        state=EventState(row["state"]),
        tills=tuple(row["tills"]),
        printers=tuple(row["printers"]),
        loads=tuple(Load(**load) for load in row["loads"]),
        supply=Supply(**row["supply"]) if row["supply"] else None,
        latitude=row["latitude"],
        longitude=row["longitude"],
    )


def checks(connection: Connection, event_id: int) -> tuple[Check, ...]:
    """An event's list, in its order."""
    query = select(event_checks).where(event_checks.c.event_id == event_id).order_by(event_checks.c.id)
    return tuple(_check(row) for row in connection.execute(query).mappings())


def find_check(connection: Connection, row: RowMapping, item: str) -> Check:
    """One item of an event's list; EventRefused, which names those there are, for one that is not on it."""
    found = checks(connection, row["id"])
    check = next((one for one in found if one.item == item), None)
    if check is None:
        there = ", ".join(one.item for one in found) or "nothing"
        raise EventRefused(f"{item!r} is not on the list of {row['code']}", remedy=f"It has: {there}.")
    return check


def readiness(connection: Connection, row: RowMapping, at: datetime) -> Readiness:
    """What an event lacks at this instant."""
    return judge(event_of(row), checks(connection, row["id"]), at)


def say(
    connection: Connection,
    row: RowMapping,
    item: str,
    state: CheckState,
    *,
    note: str,
    file: str,
    good_until: datetime | None,
    at: datetime,
    actor: str,
) -> None:
    """Write what somebody found of an item, with its evidence; EventRefused for one that is not on the list."""
    if row["state"] not in BEFORE_THE_END:
        raise EventRefused(f"{row['code']} is {row['state']}", remedy="Its list is of no use any more.")
    find_check(connection, row, item)
    found = update(event_checks).where(event_checks.c.event_id == row["id"], event_checks.c.item == item)
    connection.execute(
        found.values(state=state, note=note, file=file, good_until=good_until, checked_by=actor, checked_at=at)
    )
    record(connection, row["id"], "check.said", {"item": item, "state": state}, at=at, actor=actor)


def assign(
    connection: Connection, row: RowMapping, item: str, values: Mapping[str, object], at: datetime, actor: str
) -> None:
    """Change who has an item in hand (`who`), until when (`due_at`), or whether it is `required`."""
    find_check(connection, row, item)
    found = update(event_checks).where(event_checks.c.event_id == row["id"], event_checks.c.item == item)
    connection.execute(found.values(**values))
    told = {name: value for name, value in values.items() if name == "required"}
    record(connection, row["id"], "check.assigned", {"item": item} | told, at=at, actor=actor)


def live_at(connection: Connection, location: str) -> RowMapping | None:
    """The event that is live at a booth."""
    here = select(events).where(events.c.location == location, events.c.state == EventState.LIVE)
    return connection.execute(here.order_by(events.c.starts_at, events.c.id).limit(1)).mappings().one_or_none()


def fill_up(connection: Connection, row: RowMapping, at: datetime, actor: str) -> None:
    """Write down that its battery or generator is full again; EventRefused where it has none, or is not live."""
    supply = event_of(row).supply
    if supply is None or supply.kind == "mains":
        raise EventRefused(
            f"{row['code']} has no battery and no generator", remedy="Say which it has with --supply first."
        )
    if row["state"] != EventState.LIVE:
        raise EventRefused(f"{row['code']} is {row['state']}", remedy="It counts as full when its hours begin.")
    record(connection, row["id"], FILLED, {"supply": supply.kind}, at=at, actor=actor)


def power_until(connection: Connection, row: RowMapping, at: datetime) -> datetime | None:
    """When the power of a live event ends; None for mains, and where nobody said what draws or gives it."""
    filled = select(event_history.c.at).where(event_history.c.event_id == row["id"], event_history.c.event == FILLED)
    newest = connection.execute(filled.order_by(event_history.c.id.desc()).limit(1)).scalar()
    full = [moment for moment in (row["opened_at"], newest) if moment is not None]
    return event_of(row).power_until(at, full)


def move(connection: Connection, row: RowMapping, new: EventState, at: datetime, *, actor: str, run_id: str) -> bool:
    """Move an event on, with the time of it; False when somebody else has moved it meanwhile."""
    times = {EventState.LIVE: "opened_at", EventState.CLOSED: "closed_at", EventState.SETTLED: "settled_at"}
    stamp = {times[new]: at} if new in times else {}
    moved = connection.execute(
        moving(events, EventState(row["state"]), new).where(events.c.id == row["id"]).values(**stamp)
    )
    if moved.rowcount:
        record(connection, row["id"], f"event.{new}", {"was": row["state"]}, at=at, actor=actor, run_id=run_id)
    return bool(moved.rowcount)


def record(
    connection: Connection,
    event_id: int,
    what: str,
    data: Mapping[str, object],
    *,
    at: datetime,
    actor: str = "",
    run_id: str = "",
) -> None:
    """Append to an event's history; `data` holds ids, codes and figures."""
    row = {"event_id": event_id, "event": what, "data": dict(data), "actor": actor, "run_id": run_id, "at": at}
    connection.execute(insert(event_history).values(row))


def story(connection: Connection, event_id: int) -> list[RowMapping]:
    """What happened to an event, oldest first."""
    query = select(event_history).where(event_history.c.event_id == event_id).order_by(event_history.c.id)
    return list(connection.execute(query).mappings())


def gates(connection: Connection, at: datetime, location: str | None = None) -> dict[str, Gate]:
    """The booths that have, or ever had, an event: whether orders are routed there now, and why not. With a `location`
    its events alone are read.

    A booth that never had one is not among them, and works by its own hours.
    """
    query = select(events).order_by(events.c.starts_at, events.c.id)
    rows = (
        connection.execute(query if location is None else query.where(events.c.location == location)).mappings().all()
    )
    found: dict[str, Gate] = {}
    for place in {row["location"] for row in rows}:
        here = [row for row in rows if row["location"] == place and row["state"] in BEFORE_THE_END]
        row = next((one for one in here if one["state"] == EventState.LIVE), here[0] if here else None)
        if row is None:
            found[place] = Gate(shut_because(None, missing=(), at=at))
            continue
        event = event_of(row)
        lacks = readiness(connection, row, at).missing_items if event.state is EventState.LIVE else ()
        shut = shut_because(event, missing=lacks, at=at)
        found[place] = Gate(shut, event.is_open(at), event.printers, event.latitude, event.longitude)
    return found


def _columns(event: Event) -> dict[str, object]:
    return {
        "code": event.code,
        "name": event.name,
        "template": event.template,
        "location": event.location,
        "place": event.place,
        "latitude": event.latitude,
        "longitude": event.longitude,
        "sessions": [[one.opens.isoformat(), one.closes.isoformat()] for one in event.sessions],
        "starts_at": event.starts_at,
        "ends_at": event.ends_at,
        "tills": list(event.tills),
        "printers": list(event.printers),
        "loads": [asdict(load) for load in event.loads],
        "supply": asdict(event.supply) if event.supply else None,
    }


def _check(row: RowMapping) -> Check:
    fields = {name: row[name] for name in Check.__slots__}
    return Check(**fields | {"state": CheckState(row["state"])})
