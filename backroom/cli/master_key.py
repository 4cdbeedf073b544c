"""Commands about the shop's master key: where it stands, a new one, and forgetting the one before."""

from __future__ import annotations

from typing import Annotated

import typer

from backroom.cli.opening import open_room
from backroom.cli.output import aside, console, show_json, show_table
from backroom.privacy import rotation
from backroom.store import till_numbers

app = typer.Typer(no_args_is_help=True)


@app.command()
def status(as_json: Annotated[bool, typer.Option("--json")] = False) -> None:
    """Which master key is in use, and whether a change is under way."""
    now = rotation.standing(open_room())
    if as_json:
        show_json({"key": now.key_id, "people_left": now.left, "changing": now.changing, "before_kept": now.before})
        return
    console.print(f"The master key in use is {now.key_id}.", highlight=False)
    if now.changing or now.left:
        console.print(
            f"[yellow]A change is under way, {now.left} people are left: run `backroom master-key rotate`.[/]"
        )
    if now.before:
        console.print(
            "The one before is kept, for backups from before the change: `backroom master-key retire` ends it."
        )


@app.command()
def prepare() -> None:
    """Only write a new key into secrets.toml, as master_key_next, to copy the file elsewhere before `rotate`."""
    key_id = rotation.prepare(open_room())
    console.print(f"secrets.toml has the next master key, {key_id}. Nothing is sealed with it yet.", highlight=False)


@app.command()
def rotate() -> None:
    """A new master key, while everything runs. Stopped in the middle, it goes on when it is asked again."""
    room = open_room()
    for done in rotation.rotate(room):
        aside.print(f"{done} people", highlight=False)
    key_id = rotation.standing(room).key_id
    console.print(f"[bold green]The master key is now {key_id}.[/]", highlight=False)
    console.print(
        "Put a copy of secrets.toml into the safe now, away from the backups. It keeps the key before as "
        "master_key_before, because backups from before today need it."
    )


@app.command()
def retire() -> None:
    """Forget the master key before the present one: backups from before the change can then be opened by nobody."""
    room = open_room()
    rotation.retire(room)
    console.print("The key before is forgotten. Destroy your copies of it, too.")
    with room.database.read() as connection:
        known = till_numbers.listing(connection)
    if known:
        console.print(
            "[yellow]But first look at every till: what it sealed before the change and has not told yet opens by that "
            "key only. Its page must say Waiting: 0.[/]"
        )
        show_table("Tills", known, ("name", "location", "heard_at"))
