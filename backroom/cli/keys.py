"""Commands about API keys: make one, list them, revoke one."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

import typer

from backroom.cli.opening import open_room
from backroom.cli.output import console, show_json, show_table
from backroom.store import api_keys
from backroom.store.database import now

app = typer.Typer(no_args_is_help=True)


@app.command()
def make(
    scope: Annotated[str, typer.Argument(help=f"One of {', '.join(api_keys.SCOPES)}")],
    name: Annotated[str, typer.Option(help="Whose or which it is, such as till-1")] = "",
    location: Annotated[str, typer.Option(help="Where it works; needed for pos and booth")] = "",
    days: Annotated[int, typer.Option(help="How long it works; 0 for ever")] = 0,
) -> None:
    """Make a key. It is shown once, now; only its hash is kept."""
    room = open_room()
    if location:
        room.shop.location(location)
    key = room.database.write(
        lambda c: api_keys.make_key(c, name or scope, scope, location, now(c) + timedelta(days=days) if days else None)
    )
    console.print(key, highlight=False)


@app.command("list")
def list_keys(as_json: Annotated[bool, typer.Option("--json")] = False) -> None:
    """Every key there ever was."""
    room = open_room()
    with room.database.read() as connection:
        rows = [dict(row) for row in api_keys.list_keys(connection)]
    columns = ("id", "name", "scope", "location", "created_at", "expires_at", "revoked_at")
    show_json(rows) if as_json else show_table("Keys", rows, columns)


@app.command()
def revoke(id_: Annotated[int, typer.Argument(metavar="ID")]) -> None:
    """End a key at once."""
    room = open_room()
    if not room.database.write(lambda c: api_keys.revoke(c, id_)):
        console.print(f"[yellow]There is no working key {id_}.[/]")
        raise typer.Exit(1)
    console.print(f"Key {id_} is revoked.")
