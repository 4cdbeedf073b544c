"""Commands about print jobs: the queue of a location, and a person's decision on one whose outcome is unknown."""

from __future__ import annotations

import getpass
from typing import Annotated

import typer

from backroom.cli.opening import open_room
from backroom.cli.output import console, show_json, show_table
from backroom.cli.waking import send
from backroom.store import print_attempts, print_jobs, sickness
from backroom.store.database import now

app = typer.Typer(no_args_is_help=True)


@app.command()
def queue(
    location: Annotated[str, typer.Argument(help="The location")],
    as_json: Annotated[bool, typer.Option("--json")] = False,
) -> None:
    """What is not printed yet, what waits for a person first."""
    room = open_room()
    place = room.shop.location(location).id
    with room.database.read() as connection:
        rows = [dict(row) | {"to_do": print_jobs.to_do(row)} for row in print_jobs.queue(connection, place)]
    if as_json:
        show_json(rows)
        return
    columns = ("id", "order_number", "sku", "copies", "state", "printer", "reason", "to_do")
    show_table(f"Prints at {location}", rows, columns)
    if any(row["state"] in print_jobs.FOR_A_PERSON for row in rows):
        console.print("Say what you saw: backroom print decide ID printed, or print_again.")


@app.command()
def decide(
    job: Annotated[int, typer.Argument(help="The job's id")],
    decision: Annotated[str, typer.Argument(help="printed, or print_again")],
) -> None:
    """Say of a job that nobody can tell about whether it was printed. Look at the printer first."""
    room = open_room()
    send(room, room.database.write(lambda c: print_attempts.decide(c, job, decision, getpass.getuser())))
    console.print(f"Job {job}: {decision}.")


@app.command("close-breaker")
def close_breaker(breaker: Annotated[int, typer.Argument(help="The breaker's id")]) -> None:
    """Close a breaker without trying: all that waited for it go on."""
    room = open_room()
    send(room, room.database.write(lambda c: sickness.close(c, breaker, now(c))))
    console.print(f"Breaker {breaker} is closed.")
