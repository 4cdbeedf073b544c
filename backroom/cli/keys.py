"""Commands about API keys: make one, list them, renew one before it ends, revoke one."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated

import typer
from sqlalchemy import Connection

from backroom.cli.opening import open_room
from backroom.cli.output import aside, console, show_json, show_table
from backroom.messaging.push_crypto import new_private_key, public_key
from backroom.store import api_keys
from backroom.store.database import now

app = typer.Typer(no_args_is_help=True)

PUSH_KEY = "push.private_key"
USUAL = "If left out: " + ", ".join(f"{days} for {scope}" for scope, days in api_keys.USUAL_DAYS.items()) + ", else 0"


@app.command()
def make(
    scope: Annotated[str, typer.Argument(help=f"One of {', '.join(api_keys.SCOPES)}")],
    name: Annotated[str, typer.Option(help="Whose or which it is, such as till-1")] = "",
    location: Annotated[
        str, typer.Option(help="Where it works; needed for pos and booth, and keeps a staff key to one place")
    ] = "",
    days: Annotated[int | None, typer.Option(min=0, help=f"How long it works; 0 for ever. {USUAL}")] = None,
) -> None:
    """Make a key. It is shown once, now; only its hash is kept."""
    room = open_room()
    if location:
        room.shop.location(location)
    kept = api_keys.USUAL_DAYS.get(scope, 0) if days is None else days
    key = room.database.write(lambda c: api_keys.make_key(c, name or scope, scope, location, _end(c, kept)))
    console.print(key, highlight=False)
    _say_end(kept)


@app.command("push")
def push_key() -> None:
    """Make the shop's key for web push, if there is none yet, and show what browsers subscribe with."""
    room = open_room()
    private = room.secrets.find(PUSH_KEY)
    if private is None:
        private = new_private_key()
        room.secrets.add({PUSH_KEY: private})
        aside.print(f"{PUSH_KEY} is in secrets.toml. Keep it: with another one, every browser has to subscribe anew.")
    console.print(public_key(private), highlight=False)


@app.command()
def renew(
    id_: Annotated[int, typer.Argument(metavar="ID")],
    days: Annotated[int | None, typer.Option(min=0, help=f"How long the new one works; 0 for ever. {USUAL}")] = None,
    overlap: Annotated[int, typer.Option(min=0, help="For how many days the old one works beside it")] = 7,
) -> None:
    """A new key in the place of one that works: same name, scope and place. The old one works a few days longer."""
    room = open_room()

    def work(connection: Connection) -> tuple[str, int]:
        info = api_keys.key_by_id(connection, id_)
        kept = api_keys.USUAL_DAYS.get(info.scope if info else "", 0) if days is None else days
        ends = now(connection) + timedelta(days=overlap)
        return api_keys.renew(connection, id_, _end(connection, kept), ends), kept

    key, kept = room.database.write(work)
    console.print(key, highlight=False)
    _say_end(kept)
    aside.print(f"Key {id_} works for {overlap} days more at the most.", highlight=False)


@app.command("list")
def list_keys(as_json: Annotated[bool, typer.Option("--json")] = False) -> None:
    """Every key there ever was."""
    room = open_room()
    with room.database.read() as connection:
        at = now(connection)
        rows = [dict(row) | {"state": api_keys.standing(row, at)} for row in api_keys.list_keys(connection)]
    columns = ("id", "name", "scope", "location", "state", "created_at", "expires_at", "revoked_at")
    show_json(rows) if as_json else show_table("Keys", rows, columns)


@app.command()
def revoke(id_: Annotated[int, typer.Argument(metavar="ID")]) -> None:
    """End a key at once."""
    room = open_room()
    if not room.database.write(lambda c: api_keys.revoke(c, id_)):
        console.print(f"[yellow]There is no working key {id_}.[/]")
        raise typer.Exit(1)
    console.print(f"Key {id_} is revoked.")


def _end(connection: Connection, days: int) -> datetime | None:
    return now(connection) + timedelta(days=days) if days else None


def _say_end(days: int) -> None:
    aside.print(f"It works for {days} days." if days else "It works until it is revoked.", highlight=False)
