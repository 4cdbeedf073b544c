"""Commands that look at events: all of them, and one with all that it has."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any

import typer
from rich.markup import escape
from sqlalchemy import Connection, RowMapping

from backroom.cli.event_words import rows_of_list, what_comes_along
from backroom.cli.events import Code, Json
from backroom.cli.opening import open_room
from backroom.cli.output import console, show_json, show_table
from backroom.domain.events import BEFORE_THE_END
from backroom.domain.opening import zone
from backroom.domain.power import average_watts, peak_watts
from backroom.store import event_desk, events, leases, overdue, untold_sales
from backroom.store.database import now
from backroom.store.event_closing import open_at


def list_events(
    every: Annotated[bool, typer.Option("--all", help="Those that are settled as well")] = False, as_json: Json = False
) -> None:
    """Events by their start."""
    room = open_room()
    with room.database.read() as connection:
        at = now(connection)
        rows = [_summary(connection, row, at) for row in events.listing(connection, settled=every)]
    columns = ("code", "state", "location", "starts_at", "ends_at", "missing", "leased", "overdue")
    show_json(rows) if as_json else show_table("Events", rows, columns)


def show(code: Code, as_json: Json = False) -> None:
    """One event: its booth, its list, its pieces, what is still open there, and what happened."""
    room = open_room()
    with room.database.read() as connection:
        row, at = events.find(connection, code), now(connection)
        event = events.event_of(row)
        gate = events.gates(connection, at)[event.location]
        untold = untold_sales.of_event(connection, row)
        heard = untold_sales.heard(connection, row, untold)
        told: dict[str, Any] = {
            **_summary(connection, row, at),
            "name": event.name,
            "place": event.place,
            "sessions": [[one.opens, one.closes] for one in event.sessions],
            "tills": list(event.tills),
            "printers": list(event.printers),
            "watts_at_most": peak_watts(event.loads),
            "watts_on_average": average_watts(event.loads),
            "booth_shut": gate.shut,
            "in_the_way": event_desk.waits_for(connection, row),
            "checks": rows_of_list(event, events.checks(connection, row["id"]), at),
            "pieces": [asdict(one) for one in leases.standing(connection, row)],
            "settlement": [asdict(one) for one in leases.settlement_of(connection, row["id"])],
            "open": [dict(one) for one in open_at(connection, event.location)],
            "untold": [{"till": one.till, "numbers": [list(x) for x in one.stretches]} for one in untold],
            "tills_heard": [{"till": one["name"], "heard_at": one["heard_at"]} for one in heard],
            "history": [dict(one) for one in events.story(connection, row["id"])],
        }
    if as_json:
        show_json(told)
        return
    console.print(f"[bold]{event.name}[/], {event.place or event.location}: [bold]{told['state']}[/]")
    console.print(f"Orders go to {event.location}: {gate.shut or 'yes'}", highlight=False)
    for line in what_comes_along(event, zone(room.shop.location(event.location).hours.timezone)):
        console.print(escape(line), highlight=False)
    if told["in_the_way"]:
        console.print(f"[yellow]{told['in_the_way']} is still at the booth: close and settle it first.[/]")
    if told["overdue"]:
        since = f"{told['overdue_since']:%Y-%m-%d %H:%M} UTC"
        console.print(
            f"[bold red]Overdue: {told['overdue']} leased pieces since {since}.[/] No online shop sells them. Count "
            f"them and settle, or `backroom event extend {code} --until DAY`, or "
            f"`backroom event settle {code} --rest-missing`.",
            highlight=False,
        )
    if untold:
        console.print(
            f"[bold red]{escape(untold_sales.said(untold))}.[/] {untold_sales.BRING_IT_BACK} If it is lost: "
            f"`backroom event settle {code} --sales-lost`.",
            highlight=False,
        )
    for one in heard:
        console.print(f"{escape(one['name'])} was heard last {one['heard_at']:%Y-%m-%d %H:%M} UTC.", highlight=False)
    show_table("List", told["checks"], ("item", "title", "required", "who", "until", "green", "why"))
    if told["settlement"]:
        show_table("Settlement", told["settlement"], ("sku", "leased", "other", "sold", "returned", "missing"))
    else:
        show_table("Pieces", told["pieces"], ("sku", "leased", "shared", "sold", "there", "counted"))
    show_table("Open at the booth", told["open"], ("number", "state", "delivery", "opened_at"))
    show_table("History", told["history"], ("at", "event", "data", "actor"))


def _summary(connection: Connection, row: RowMapping, at: datetime) -> dict[str, Any]:
    columns = ("code", "state", "location", "starts_at", "ends_at")
    over = row["state"] not in BEFORE_THE_END
    missing = () if over else events.readiness(connection, row, at).missing_items
    leased = sum(lease["pieces"] for lease in leases.leases_of(connection, row["id"]))
    late = overdue.overdue_of(connection, row)
    return {name: row[name] for name in columns} | {
        "missing": ", ".join(missing),
        "leased": leased,
        "overdue": late.pieces if late else 0,
        "overdue_since": late.since if late else None,
    }
