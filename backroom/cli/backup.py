"""Commands about backups: make one, put one back, and take the keys out of those that were copied by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from backroom.cli.opening import open_new_room, open_room
from backroom.cli.output import console
from backroom.domain.errors import Retry
from backroom.privacy import backups, restoring

app = typer.Typer(no_args_is_help=True)


class NotEverywhere(Retry):
    """A backup was made, and could not be put into every folder."""

    cause = "not_everywhere"


@app.command()
def make(
    keep: Annotated[int, typer.Option(min=0, help="In each folder keep so many, and delete older ones; 0: all")] = 0,
) -> None:
    """Make a backup while everything runs, in every folder that [backups] of the shop file names."""
    made = backups.make(open_room(), keep)
    for path in made.paths:
        console.print(str(path), highlight=False)
    if made.left:
        raise NotEverywhere("; ".join(made.left), remedy="See to it, then make another.")


@app.command()
def restore(
    backup: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="The backup: shop-DATE.db or .zip")],
    keys: Annotated[
        Path | None, typer.Option(exists=True, dir_okay=False, help="The newest people.keys; looked for if left out")
    ] = None,
    replace: Annotated[bool, typer.Option("--replace", help="The database that is there may go")] = False,
    older: Annotated[
        bool, typer.Option("--with-older-keys", help="Whoever is not in the keys is forgotten, for good")
    ] = False,
) -> None:
    """Put a backup back, with the keys of everybody who was not forgotten since. Stop `backroom up` first."""
    done = restoring.restore(open_new_room(), backup, keys, replace=replace, older=older)
    console.print(f"[bold green]Put back.[/] People who can be read: {done.readable}.", highlight=False)
    if done.forgotten:
        console.print(
            f"Forgotten since: {done.forgotten}. The next `backroom up` empties what is left of them.", highlight=False
        )
    if done.keys_inside:
        console.print(
            "[yellow]This backup held everybody's key itself. The next `backroom up` forgets again whom erasures.jsonl "
            "names; delete the backup, or run `backroom backup forget-keys` on it.[/]"
        )
    console.print("Leave erasures.jsonl as it is, and start with `backroom up`.")


@app.command("forget-keys")
def forget_keys(
    copies: Annotated[list[Path], typer.Argument(exists=True, dir_okay=False, help="Copies of shop.db")],
) -> None:
    """Take everybody's key out of copies of the SQLite database that were made by hand, so that they forget as well."""
    room = open_room()
    for path in copies:
        people = backups.forget_keys(room, path)
        console.print(f"{path}: {people} people, no keys any more", highlight=False)
