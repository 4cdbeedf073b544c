"""Commands about parcels after their label: where they are, what is brought and fetched, labels that were not used."""

from __future__ import annotations

import getpass
from typing import Annotated

import typer

from backroom.cli.opening import open_room
from backroom.cli.output import console, show_json, show_table
from backroom.cli.waking import send
from backroom.domain.tracking import WHAT_TO_DO, ParcelState
from backroom.store import parcel_desk, parcels

app = typer.Typer(no_args_is_help=True)
label = typer.Typer(no_args_is_help=True)

Number = Annotated[str, typer.Argument(help="The order's number, such as A-1042")]
COLUMNS = ("number", "location", "carrier", "tracking", "state", "state_at", "attention")


@app.command("list")
def list_parcels(
    attention: Annotated[bool, typer.Option("--attention", help="Only those that somebody should look at")] = False,
    as_json: Annotated[bool, typer.Option("--json")] = False,
) -> None:
    """Parcels on their way and what lies ready, the longest first."""
    room = open_room()
    with room.database.read() as connection:
        rows = parcels.listed(connection, attention=attention)
    listed = [{name: row[name] for name in COLUMNS} for row in rows]
    if as_json:
        show_json(listed)
        return
    show_table("Parcels", listed, COLUMNS)
    for reason in sorted({str(row["attention"]) for row in rows} - {""}):
        console.print(f"{reason}: {WHAT_TO_DO.get(reason, '')}", highlight=False)


@app.command()
def seen(number: Number) -> None:
    """Say that what was wrong with an order's parcels is seen to."""
    room = open_room()
    hub = room.shop.hub
    count = room.database.write(lambda c: parcel_desk.seen_to(c, number.upper(), getpass.getuser(), hub))
    console.print(f"{number.upper()}: {count} parcels seen to.")


@app.command()
def scan(
    code: Annotated[str, typer.Argument(help="The code on the parcel's label")],
    state: Annotated[str, typer.Argument(help=f"One of {', '.join(parcel_desk.SCANS)}")],
    why: Annotated[str, typer.Option(help=f"If it failed: {', '.join(parcel_desk.FAILED_BECAUSE)}")] = "",
) -> None:
    """Our own courier says what he does with a parcel."""
    if state not in parcel_desk.SCANS:
        raise typer.BadParameter(f"write one of {', '.join(parcel_desk.SCANS)}", param_hint="STATE")
    room = open_room()
    own = [spec.id for spec in room.shop.carriers if spec.kind == "local"]
    row, wakeups = room.database.write(
        lambda c: parcel_desk.scan(c, code, ParcelState(state), getpass.getuser(), room.shop.hub, carriers=own, why=why)
    )
    send(room, wakeups)
    console.print(f"{row['tracking']} is {state}.")


@app.command()
def collect(
    number: Number,
    code: Annotated[str, typer.Argument(help="The code that its customer shows")],
    at: Annotated[str, typer.Option("--at", help="Where it lies; the hub if left out")] = "",
) -> None:
    """Hand over what lies ready for an order."""
    room = open_room()
    place = room.shop.location(at or room.shop.hub).id
    room.database.write(lambda c: parcel_desk.collect(c, number.upper(), place, code, getpass.getuser()))
    console.print(f"{number.upper()}: hand it over.")


@app.command("put-back")
def put_back(number: Number) -> None:
    """Say that what nobody fetched was put aside; take its pieces in at the return station."""
    room = open_room()
    room.database.write(lambda c: parcel_desk.put_back(c, number.upper(), getpass.getuser()))
    console.print(f"{number.upper()} is put back.")


@label.command()
def void(number: Number) -> None:
    """Take back the labels of an order that were not used, and ask their money back."""
    room = open_room()
    wakeups = room.database.write(lambda c: parcel_desk.void(c, number.upper(), getpass.getuser(), room.shop.hub))
    send(room, wakeups)
    console.print(f"{number.upper()}: its label is taken back. Do not send the parcel.")
