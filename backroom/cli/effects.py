"""Commands about effects whose outcome nobody could tell: see them, and say what happened."""

from __future__ import annotations

import getpass
from typing import Annotated

import typer

from backroom.cli.opening import open_room
from backroom.cli.output import console, show_json, show_table
from backroom.cli.waking import send
from backroom.store import decisions, effects

app = typer.Typer(no_args_is_help=True)


@app.command("list")
def list_unknown(as_json: Annotated[bool, typer.Option("--json")] = False) -> None:
    """Calls that were begun and whose answer is lost. Prints stand in `backroom print queue`."""
    room = open_room()
    with room.database.read() as connection:
        rows = [dict(row) for row in effects.unknown(connection)]
    columns = ("key", "kind", "order_id", "started_at", "reason")
    show_json(rows) if as_json else show_table("Nobody can tell", rows, columns)


@app.command()
def decide(
    key: Annotated[str, typer.Argument(help="The effect's key")],
    happened: Annotated[bool, typer.Option("--happened/--did-not-happen", help="What you saw", prompt=True)],
) -> None:
    """Say whether it happened, after looking at the printer, the mail log or the carrier; its orders then go on."""
    room = open_room()
    send(room, room.database.write(lambda c: decisions.decide(c, key, happened=happened, actor=getpass.getuser())))
    console.print(f"{key}: {'it happened' if happened else 'it is done again'}.")
