"""Commands about print jobs: the queue of a location, a person's decision on one whose outcome is unknown, and the
proof that what was sealed for a booth cannot be read any more."""

from __future__ import annotations

import getpass
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress import track
from sqlalchemy import Connection

from backroom.cli.opening import open_room
from backroom.cli.output import aside, console, show_json, show_table, show_taken_back
from backroom.cli.waking import send
from backroom.domain.errors import Retry
from backroom.domain.reject_rates import Fault
from backroom.privacy.print_proof import InBackups, prove
from backroom.store import print_attempts, print_jobs, print_rejects, sickness
from backroom.store.database import now

app = typer.Typer(no_args_is_help=True)
# Of more backups than this it is said how far the look into them is.
FEW_BACKUPS = 10


class NotLookedAt(Retry):
    """Something that may hold a job could not be looked at: nothing is proved of it."""

    cause = "not_looked_at"


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


@app.command()
def bad(
    job: Annotated[int, typer.Argument(help="The job's id")],
    fault: Annotated[str, typer.Argument(help=f"What is wrong: {', '.join(Fault)}")],
    pieces: Annotated[int, typer.Option(min=0, help="How many of its pieces; all of them if 0")] = 0,
) -> None:
    """Say that what came out is bad: it is counted and printed again. Too many of them close that combination."""
    room = open_room()

    def work(connection: Connection) -> print_rejects.Rejected:
        attempt = print_jobs.attempt_of(connection, job)
        return print_rejects.came_out_bad(connection, room.shop, job, attempt, fault, getpass.getuser(), pieces)

    found = room.database.write(work)
    send(room, found.wakeups)
    console.print(f"Job {job} is printed again.")
    if found.closed:
        console.print(f"[bold red]Too many came out bad[/]: {found.why}. Print a new sample.", highlight=False)
        show_taken_back(found.rerouted, found.held)


@app.command()
def proof(
    job: Annotated[int, typer.Argument(help="The job's id")],
    as_json: Annotated[bool, typer.Option("--json")] = False,
) -> None:
    """Show of a job what was sealed, for whom, until when, and when it was destroyed; and try to open it here, in the
    database and in every backup that is there.

    The try fails, whatever became of the job: what opens it was never at the hub. It ends with 1 where it does not, and
    where something could not be looked at.
    """
    found = prove(open_room(), job, _through)
    backups = found.backups
    if as_json:
        said = {"looked_at": backups.looked_at, "holding": backups.holding, "opened": backups.opened}
        show_json({"payloads": found.payloads, "backups": said | {"not_looked_at": backups.left}})
    else:
        for one in found.payloads:
            _say_proof(one)
        if not found.payloads:
            console.print(
                f"Of job {job} the database has nothing that was ever sealed for anybody: no booth has fetched it, or "
                "it was deleted when its time was up."
            )
        _say_backups(backups)
    if not found.holds:
        raise typer.Exit(1)
    if backups.left:
        raise NotLookedAt(
            f"{len(backups.left)} could not be looked at, and nothing is proved of them",
            remedy="See to them, then ask again.",
        )


@app.command("close-breaker")
def close_breaker(breaker: Annotated[int, typer.Argument(help="The breaker's id")]) -> None:
    """Close a breaker without trying: all that waited for it go on."""
    room = open_room()
    send(room, room.database.write(lambda c: sickness.close(c, breaker, now(c))))
    console.print(f"Breaker {breaker} is closed.")


def _through(paths: list[Path]) -> Iterable[Path]:
    """Go through backups, and say how far that is where somebody waits for it."""
    quiet = len(paths) <= FEW_BACKUPS or not aside.is_terminal
    return track(paths, "Looking into backups", console=aside, transient=True, disable=quiet)


def _line(what: str, value: object) -> None:
    console.print(f"  {what:<12} {value}", highlight=False, markup=False)


def _say_proof(told: dict[str, Any]) -> None:
    def moment(name: str) -> str:
        return told[name].astimezone().strftime("%Y-%m-%d %H:%M:%S") if told[name] else ""

    console.print(f"[bold]Job {told['print_job_id']}, attempt {told['attempt']}[/]", highlight=False)
    _line("what", f"its description and its document of {told['document_bytes']} bytes (AES-256-GCM)")
    _line("", f"SHA-256 of the sealed document {told['document_digest']}")
    _line("for whom", f"the machine {told['device']} at {told['location']}")
    _line("sealed", moment("sealed_at"))
    _line("dies", moment("expires_at"))
    destroyed = f"{moment('destroyed_at')}, {told['destroyed_why']}" if told["destroyed_at"] else "not yet"
    _line("destroyed", f"{destroyed}; our half of the exchange is {told['our_half']}")
    _line("by the booth", moment("confirmed_at") or "it has not said so")
    _line("opened here", f"with {told['opened_with']} of the {told['tried_keys']} keys that are here")


def _say_backups(found: InBackups) -> None:
    console.print("[bold]In the shop's backups[/]")
    _line("looked at", found.looked_at)
    _line("holding it", len(found.holding))
    opened = f"in {', '.join(map(str, found.opened))}" if found.opened else "in none of them"
    _line("opened here", opened if found.holding else "nothing is there to be opened")
    for one in found.left:
        _line("not seen", one)
    console.print(
        "Not to be seen from here: copies elsewhere or under another name; the booth's disk, of which its own word "
        "stands above; and what a disk keeps of blocks that were written over.",
        highlight=False,
    )
