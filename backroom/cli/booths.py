"""Commands about the machines at booths: which there are, the end of one that is lost, and room for another."""

from __future__ import annotations

from typing import Annotated

import typer

from backroom.cli.opening import open_room
from backroom.cli.output import console, show_json, show_table
from backroom.printing.device import device_name
from backroom.store import booth_devices

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
