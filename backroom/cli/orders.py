"""Commands about orders: list, show, explain, retry, hold, release, cancel; scans, CSV files and quarantine."""

from __future__ import annotations

import getpass
import json
from pathlib import Path
from typing import Annotated, Any

import typer

from backroom.channels.csvfile import read_file
from backroom.channels.delivering import delivery_of
from backroom.channels.registry import channel_for
from backroom.cli.output import console, show_json, show_table
from backroom.cli.waking import send
from backroom.domain.explain import explain as explain_decision
from backroom.shop.room import open_room
from backroom.store import desk, intake
from backroom.store.claims import wakeup
from backroom.store.database import now
from backroom.store.inbox_door import accept
from backroom.store.quarantined import open_quarantine
from backroom.store.routing import decision_from_row
from backroom.store.scanning import scan
from backroom.store.story import OrderStory, recent, story, waiting_for_person

app = typer.Typer(no_args_is_help=True)
quarantine = typer.Typer(no_args_is_help=True)

Number = Annotated[str, typer.Argument(help="The order's number, such as A-1042")]
Json = Annotated[bool, typer.Option("--json", help="One JSON document instead of a table")]
COLUMNS = ("number", "channel", "state", "hold_reason", "sick_cause", "delivery", "placed_at")


@app.command("list")
def list_orders(
    waiting: Annotated[bool, typer.Option("--waiting", help="Only what waits for a person")] = False,
    state: Annotated[str, typer.Option(help="Only this state")] = "",
    most: Annotated[int, typer.Option(help="How many at the most")] = 50,
    as_json: Json = False,
) -> None:
    """The newest orders, or those that wait for a person."""
    room = open_room()
    with room.database.read() as connection:
        rows = waiting_for_person(connection, most) if waiting else recent(connection, most, state or None)
    listed = [{column: row[column] for column in COLUMNS} for row in rows]
    show_json(listed) if as_json else show_table("Orders", listed, COLUMNS)


@app.command()
def show(number: Number, as_json: Json = False) -> None:
    """One order's whole story."""
    told = _story(number)
    if as_json:
        show_json(_plain(told))
        return
    order = told.order
    console.print(
        f"[bold]{order['number']}[/] from {order['channel']}: [bold]{order['state']}[/] {order['hold_reason']}"
    )
    for decision in told.decisions:
        console.print(explain_decision(decision_from_row(decision), order["number"]))
    show_table("Made at", told.parts, ("location", "state", "outstanding", "sick_cause", "sick_reason"))
    show_table("Prints", told.print_jobs, ("id", "sku", "copies", "state", "printer", "reason"))
    show_table("Parcels", told.shipments, ("tracking", "return_tracking", "carrier", "weight_g"))
    show_table("Messages", told.messages, ("kind", "medium", "state", "reason", "sent_at"))
    show_table("History", told.history, ("at", "event", "data", "actor"))


@app.command()
def explain(number: Number) -> None:
    """Why an order is made where it is made, as a sentence."""
    told = _story(number)
    if not told.decisions:
        console.print(f"{number} is not routed yet: it is {told.order['state']}.")
    for decision in told.decisions:
        console.print(explain_decision(decision_from_row(decision), told.order["number"]))


@app.command()
def retry(number: Number) -> None:
    """Take a sick order up again from the step it stands at."""
    room = open_room()
    send(room.database.write(lambda c: desk.retry(c, number.upper(), _actor(), room.shop.hub)))
    console.print(f"{number.upper()} goes on.")


@app.command()
def hold(number: Number, reason: Annotated[str, typer.Option(help="Why, in a word")] = "asked_by_staff") -> None:
    """Hold an order; what is labelled already goes on."""
    room = open_room()
    room.database.write(lambda c: desk.hold(c, number.upper(), reason, _actor()))
    console.print(f"{number.upper()} is on hold.")


@app.command()
def release(number: Number) -> None:
    """Let a held order go on."""
    room = open_room()
    send(room.database.write(lambda c: desk.release(c, number.upper(), _actor(), room.shop.hub)))
    console.print(f"{number.upper()} goes on.")


@app.command()
def cancel(number: Number, reason: Annotated[str, typer.Option(help="Why")] = "cancelled by staff") -> None:
    """Cancel an order that has no label yet."""
    room = open_room()
    room.database.write(lambda c: desk.cancel(c, number.upper(), _actor(), reason))
    console.print(f"{number.upper()} is cancelled, its pieces are free again.")


def scan_piece(
    location: Annotated[str, typer.Argument(help="Where you are, such as main-hub")],
    number: Number,
    code: Annotated[str, typer.Argument(help="The piece's SKU or GTIN")],
) -> None:
    """Confirm a picked piece by its code."""
    room = open_room()
    result = room.database.write(lambda c: scan(c, location, number.upper(), code, _actor()))
    send(result.wakeups)
    if result.accepted:
        console.print(f"[bold green]right[/]: {result.left} left for {number.upper()}")
        return
    console.print(f"[bold red]WRONG[/]: {result.reason}")
    raise typer.Exit(1)


def import_file(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="The CSV file")],
    channel: Annotated[str, typer.Option(help="The channel of kind csv")] = "csv",
) -> None:
    """Take the orders of a CSV file in. A file taken in twice changes nothing."""
    room = open_room()
    spec = room.shop.channel(channel)
    drop = read_file(file.read_bytes(), file.name)
    for problem in drop.problems:
        console.print(f"[yellow]{problem}[/]", highlight=False)
    reader = channel_for(spec)
    deliveries = [delivery_of(spec, reader, json.loads(order.body), {}, order.body) for order in drop.orders]
    hub = room.shop.hub
    receipts = room.database.write(lambda c: [accept(c, room.seals, one, hub) for one in deliveries])
    new = [receipt.wakeup for receipt in receipts if receipt.wakeup is not None]
    send(new[-1:])
    console.print(f"{len(receipts)} orders in {file.name}, {len(new)} new, {len(drop.problems)} rows set aside.")


@quarantine.command("list")
def list_quarantine(as_json: Json = False) -> None:
    """Messages put aside, with every reason."""
    room = open_room()
    with room.database.read() as connection:
        rows: list[dict[str, Any]] = [dict(row) for row in open_quarantine(connection)]
    show_json(rows) if as_json else show_table("Quarantine", rows, ("id", "channel", "problems", "at"))


@quarantine.command("replay")
def replay(id_: Annotated[int, typer.Argument(metavar="ID")]) -> None:
    """Put a message back to the front door, after what was wrong is mended."""
    room = open_room()
    if not room.database.write(lambda c: intake.replay(c, id_, now(c))):
        console.print(f"[yellow]Nothing with id {id_} waits in quarantine.[/]")
        raise typer.Exit(1)
    with room.database.read() as connection:
        send([wakeup(connection, intake.STAGE, room.shop.hub)])
    console.print(f"Message {id_} is read again.")


def _story(number: str) -> OrderStory:
    room = open_room()
    with room.database.read() as connection:
        told = story(connection, number.upper())
    if told is None:
        raise desk.NoSuchOrder(f"there is no order {number.upper()}", remedy="`backroom order list` shows them.")
    return told


def _plain(told: OrderStory) -> dict[str, Any]:
    return {
        "order": {name: value for name, value in told.order.items() if name != "contact"},
        **{
            name: [dict(row) for row in getattr(told, name)]
            for name in ("lines", "decisions", "parts", "part_lines", "print_jobs", "shipments", "effects", "history")
        },
        "messages": [{n: v for n, v in row.items() if n != "content"} for row in told.messages],
    }


def _actor() -> str:
    return getpass.getuser()
