"""Commands about booths: which machines there are, the end of one that is lost, and what was done without network."""

from __future__ import annotations

import getpass
from typing import Annotated

import typer

from backroom.cli.opening import open_room
from backroom.cli.output import console, show_json, show_table
from backroom.printing.device import device_name
from backroom.store import booth_devices, offline_conflicts, till_numbers

app = typer.Typer(no_args_is_help=True)

Place = Annotated[str, typer.Argument(help="The booth's location")]


@app.command("list")
def list_machines(as_json: Annotated[bool, typer.Option("--json")] = False) -> None:
    """Every machine that ever fetched something to print, by the name of its key."""
    room = open_room()
    with room.database.read() as connection:
        rows = [dict(row) | {"device": device_name(row["public_key"])} for row in booth_devices.listing(connection)]
    columns = ("id", "location", "device", "key_name", "paired_at", "forgotten_at", "revoked_at")
    show_json(rows) if as_json else show_table("Machines at booths", rows, columns)


@app.command()
def revoke(location: Place) -> None:
    """End everything that a booth's machines may do, at once: every key of the place, its till's as well."""
    room = open_room()
    place = room.shop.location(location).id
    keys, payloads = room.database.write(lambda connection: booth_devices.revoke(connection, place))
    console.print(f"{keys} keys of {place} are revoked, {payloads} sealed payloads are destroyed.", highlight=False)
    console.print(
        "What a machine had fetched and is not dead yet it can still read. Jobs in its hands stay there until"
    )
    console.print(f"somebody decides: backroom print queue {place}", highlight=False)


@app.command()
def forget(location: Place) -> None:
    """Let a key of this place be used from another machine: the one before is gone for good, or lost its key file."""
    room = open_room()
    place = room.shop.location(location).id
    gone = room.database.write(lambda connection: booth_devices.forget(connection, place))
    console.print(f"{gone} machines of {place} are forgotten: the next that comes with a key is let in.")


@app.command()
def conflicts(
    all_: Annotated[bool, typer.Option("--all", help="Also those that somebody has looked at")] = False,
    as_json: Annotated[bool, typer.Option("--json")] = False,
) -> None:
    """What booths sold or printed without network, where it did not go together with the rest, and what was done."""
    room = open_room()
    with room.database.read() as connection:
        rows = [dict(row) for row in offline_conflicts.listing(connection, seen=all_)]
    if as_json:
        show_json(rows)
        return
    columns = ("id", "at", "location", "order_number", "kind", "pieces", "sku", "settled", "seen_by")
    show_table("Without network", rows, columns)
    if rows:
        console.print("When you have looked at one: backroom booth seen ID", highlight=False)


@app.command()
def seen(conflict: Annotated[int, typer.Argument(help="The conflict's id")]) -> None:
    """Say that you have looked at a conflict: it leaves the list."""
    room = open_room()
    if not room.database.write(lambda c: offline_conflicts.look(c, conflict, getpass.getuser())):
        console.print(f"[yellow]No conflict {conflict} waits to be looked at.[/]")
        raise typer.Exit(1)
    console.print(f"Conflict {conflict} is off the list.")


@app.command()
def gaps(as_json: Annotated[bool, typer.Option("--json")] = False) -> None:
    """Numbers of sales that tills never told, between those that they did: a till was lost, or waits somewhere."""
    room = open_room()
    with room.database.read() as connection:
        rows = till_numbers.gaps(connection)
    if as_json:
        show_json(rows)
        return
    shown = [row | {"missing": ", ".join(map(str, row["missing"]))} for row in rows]
    show_table("Missing sales", shown, ("till", "location", "missing"))
