"""Commands about events before their day: plan one, change it, and say what is there of all it needs."""

from __future__ import annotations

import getpass
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from sqlalchemy import Connection

from backroom.cli.event_words import booth_of, moment_of, place_of, printers_of, with_printers
from backroom.cli.opening import open_room
from backroom.cli.output import console, show_json, show_table
from backroom.domain.events import BEFORE_THE_END, Event, EventState, code_of, read_session
from backroom.domain.opening import zone
from backroom.domain.power import average_watts, peak_watts, power_lacks, read_load, read_supply
from backroom.domain.readiness import CheckState, Readiness, checks_of
from backroom.shop import evidence
from backroom.shop.event_lists import list_names, read_list
from backroom.shop.room import Room
from backroom.store import event_desk, events, overdue, sample_checks
from backroom.store.database import now
from backroom.store.events import EventRefused

app = typer.Typer(no_args_is_help=True)

Code = Annotated[str, typer.Argument(help="The event's code, as `backroom event list` shows it")]
Json = Annotated[bool, typer.Option("--json", help="One JSON document instead of words")]
Hours = Annotated[
    list[str], typer.Option("--open", help='A day and its hours, "2026-11-28 15:00-01:00"; once for each day')
]
Place = Annotated[str, typer.Option(help="Where it is, in words")]
Near = Annotated[str, typer.Option(help="Where it is, as latitude,longitude; the booth's of the shop file if left out")]
Tills = Annotated[
    list[str],
    typer.Option(
        "--till",
        help="A name of your own for a till that comes along, so that its watts are asked for; once for each. What it "
        "sells is known by the name that the till gave itself, such as till-1a2b3c4d",
    ),
]
Printers = Annotated[
    list[str], typer.Option("--printer", help="A printer that comes along; once for each; all if left out")
]


@app.command("new")
def new(
    name: Annotated[str, typer.Argument(help="What people call it, such as Night market")],
    hours: Hours,
    at: Annotated[str, typer.Option("--at", help="The booth's id in the shop file")] = "",
    ground: Annotated[
        str, typer.Option("--list", help="What it needs: `backroom event lists` shows the lists")
    ] = "street",
    place: Place = "",
    near: Near = "",
    till: Tills = [],  # noqa: B006 - typer reads it and hands over a list of its own
    printer: Printers = [],  # noqa: B006
    as_json: Json = False,
) -> None:
    """Plan an event. From its first event on, a booth gets orders only while an event there is live."""
    room = open_room()
    booth = booth_of(room.shop, at)
    template = read_list(room.home, ground)
    sessions = tuple(read_session(text, booth.hours.timezone) for text in hours)
    latitude, longitude = place_of(near)
    local = zone(booth.hours.timezone)
    event = Event(
        code=code_of(name, sessions[0].opens.astimezone(local).date()),
        name=name,
        template=template.id,
        location=booth.id,
        place=place,
        sessions=sessions,
        tills=tuple(till),
        printers=printers_of(booth, printer),
        latitude=latitude,
        longitude=longitude,
    )

    def work(connection: Connection) -> bool:
        first = booth.id not in events.gates(connection, now(connection))
        checks = checks_of(template, event.starts_at, samples=room.shop.samples.require)
        events.add(connection, event, checks, now(connection), getpass.getuser())
        sample_checks.tell_events(connection, room.shop, now(connection))
        return first

    first = room.database.write(work)
    if as_json:
        show_json({"code": event.code, "starts_at": event.starts_at, "ends_at": event.ends_at})
        return
    console.print(f"[bold green]{event.code}[/] is planned at {booth.name}, with the list {template.name}.")
    if first:
        console.print(f"It is the first event of {booth.id}: from now on orders go there only while one is live.")
    console.print(f"What it needs: backroom event ready {event.code}", highlight=False)


@app.command("lists")
def lists(as_json: Json = False) -> None:
    """The lists of what an event needs, by the kind of its ground."""
    home = open_room().home
    rows = [{"list": name, "name": read_list(home, name).name} for name in list_names(home)]
    show_json(rows) if as_json else show_table("Lists", rows, ("list", "name"))


@app.command()
def ready(code: Code, as_json: Json = False) -> None:
    """What is missing, who has it in hand, and until when. Exit code 1 while something required is missing."""
    room = open_room()

    def look(connection: Connection) -> Readiness:
        sample_checks.tell_events(connection, room.shop, now(connection))
        return event_desk.make_ready(connection, code, getpass.getuser())

    found = room.database.write(look)
    rows = [
        {"item": gap.check.item, "required": gap.check.required, "overdue": gap.overdue, "said": gap.sentence}
        for gap in (*found.missing, *found.open)
    ]
    if as_json:
        show_json({"ready": found.green, "missing": rows})
    else:
        verdict = "[bold green]is ready[/]" if found.green else f"[bold red]lacks {len(found.missing)}[/]"
        console.print(f"{code} {verdict}")
        for row in rows:
            mark = "" if row["required"] else " (not required)"
            console.print(f"- {row['said']}{' OVERDUE' if row['overdue'] else ''}{mark}", highlight=False)
    if not found.green:
        raise typer.Exit(1)


@app.command()
def check(
    code: Code,
    item: Annotated[str, typer.Argument(help="The item, as `backroom event ready` names it")],
    done: Annotated[bool, typer.Option("--done", help="It is there")] = False,
    failed: Annotated[bool, typer.Option("--failed", help="It was looked at, and is not good")] = False,
    missing: Annotated[bool, typer.Option("--missing", help="It is not there after all")] = False,
    note: Annotated[str, typer.Option(help="What you saw; it is kept as evidence")] = "",
    file: Annotated[Path | None, typer.Option(help="The paper or a photo of it; a copy is kept as evidence")] = None,
    good_until: Annotated[str, typer.Option(help="Its last day, such as 2026-12-31")] = "",
    who: Annotated[str | None, typer.Option(help="Who has it in hand")] = None,
    due: Annotated[str, typer.Option(help="Until which day")] = "",
    required: Annotated[
        bool | None, typer.Option("--required/--optional", help="Whether it keeps the booth shut")
    ] = None,
) -> None:
    """Say that something is there, with evidence; or who has it in hand, and until when."""
    said = [state for state, given in zip(CheckState, (missing, done, failed), strict=True) if given]
    if len(said) > 1:
        raise EventRefused("an item is either there, or not", remedy=f"Give one of --{', --'.join(CheckState)}.")
    room = open_room()
    local = zone(room.shop.owner.timezone)
    values: dict[str, object] = {"who": who, "required": required, "due_at": moment_of(due, local)}
    values = {name: value for name, value in values.items() if value is not None}
    if not said and not values:
        raise EventRefused("nothing was said", remedy="Say --done, --failed, --missing, --who, --due or --optional.")
    # Checked before a file is kept for it.
    with room.database.read() as connection:
        events.find_check(connection, events.find(connection, code), item)
    kept = evidence.keep(room.home, code, item, file) if file else ""

    def work(connection: Connection) -> None:
        row, at, actor = events.locked(connection, code), now(connection), getpass.getuser()
        if values:
            events.assign(connection, row, item, values, at, actor)
        for state in said:
            until = moment_of(good_until, local)
            events.say(connection, row, item, state, note=note, file=kept, good_until=until, at=at, actor=actor)

    room.database.write(work)
    console.print(f"{code}: {item} {said[0] if said else 'is noted'}.")


@app.command()
def power(
    code: Code,
    supply: Annotated[str, typer.Option(help="mains:3680, generator:2000:8h or battery:3000:2200Wh")] = "",
    load: Annotated[
        list[str], typer.Option("--load", help="What is plugged in, press:heat press:1400:25%; once for each")
    ] = [],  # noqa: B006
    full: Annotated[
        bool, typer.Option("--full", help="The battery or generator of a live event is full again")
    ] = False,
) -> None:
    """Say what is plugged in and where the power comes from. Loads that are given replace all that were; a printer of
    the event with a profile that nobody names draws what its profile says."""
    room = open_room()
    with room.database.read() as connection:
        planned = events.event_of(events.find(connection, code))
    read = with_printers([read_load(text) for text in load], room.shop.location(planned.location), planned.printers)

    def plugged_in(event: Event) -> dict[str, Any]:
        new: dict[str, Any] = {"loads": tuple(read)} if read else {}
        return new | ({"supply": read_supply(supply)} if supply else {})

    event = _change(room, code, plugged_in)
    console.print(f"{peak_watts(event.loads):.0f} W at most, {average_watts(event.loads):.0f} W on average.")
    for lack in power_lacks(event.loads, event.supply, event.longest_hours, (*event.printers, *event.tills)):
        console.print(f"[red]{lack}.[/]", highlight=False)

    def filled(connection: Connection) -> datetime | None:
        row, at = events.locked(connection, code), now(connection)
        if full:
            events.fill_up(connection, row, at, getpass.getuser())
        return events.power_until(connection, row, at) if row["state"] == EventState.LIVE else None

    until = room.database.write(filled)
    if until is not None:
        console.print(f"It lasts until about {until.astimezone():%H:%M}.", highlight=False)


@app.command()
def change(
    code: Code,
    hours: Hours = [],  # noqa: B006
    place: Place = "",
    near: Near = "",
    till: Tills = [],  # noqa: B006
    printer: Printers = [],  # noqa: B006
) -> None:
    """Change hours, place, tills or printers of an event that is not over. What is due moves with its start."""
    room = open_room()

    def changed(event: Event) -> dict[str, Any]:
        booth = room.shop.location(event.location)
        new: dict[str, Any] = {}
        if hours:
            new["sessions"] = tuple(read_session(text, booth.hours.timezone) for text in hours)
        if near:
            new["latitude"], new["longitude"] = place_of(near)
        if printer:
            new["printers"] = printers_of(booth, printer)
        return new | ({"place": place} if place else {}) | ({"tills": tuple(till)} if till else {})

    event = _change(room, code, changed)
    console.print(f"{code}: from {event.starts_at.astimezone():%Y-%m-%d %H:%M} to {event.ends_at.astimezone():%H:%M}.")


def _change(room: Room, code: str, changed: Callable[[Event], dict[str, Any]]) -> Event:
    """Write what `changed` says of an event that is not over; returns the event as it is then."""

    def work(connection: Connection) -> Event:
        row = events.locked(connection, code)
        if row["state"] not in BEFORE_THE_END:
            raise EventRefused(f"{code} is {row['state']}", remedy="Plan a new one.")
        event = events.event_of(row)
        new = replace(event, **changed(event))
        events.change(connection, row, new, now(connection), getpass.getuser())
        overdue.follow(connection, row, new)
        return new

    return room.database.write(work)
