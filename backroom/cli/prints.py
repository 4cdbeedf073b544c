"""Commands about print jobs: the queue of a location, a person's decision on one whose outcome is unknown, and the
proof that what was sealed for a booth cannot be read any more."""

from __future__ import annotations

import base64
import getpass
from typing import Annotated, Any

import typer
from sqlalchemy import Connection, RowMapping

from backroom.cli.opening import open_room
from backroom.cli.output import console, show_json, show_table, show_taken_back
from backroom.cli.waking import send
from backroom.domain.reject_rates import Fault
from backroom.printing import sealed
from backroom.shop.printer_profiles import profile_names, read_profile
from backroom.shop.room import MASTER_KEY, MASTER_KEY_BEFORE, MASTER_KEY_NEXT, Room, home_folder
from backroom.store import print_attempts, print_jobs, print_rejects, print_seals, sickness
from backroom.store.database import now
from backroom.store.seals import read_master_key

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
    """Show of a job what was sealed, for whom, until when, and when it was destroyed; and try to open it here.

    The try fails, whatever became of the job: what opens it was never at the hub. It ends with 1 where it does not.
    """
    room = open_room()
    with room.database.read() as connection:
        rows = print_seals.of_job(connection, job)
    if not rows:
        console.print(f"Nothing of job {job} was ever sealed for anybody: no booth has fetched it.")
        return
    held = _secrets_here(room)
    told = [_proof_of(row, held) for row in rows]
    if as_json:
        show_json(told)
    else:
        for one in told:
            _say_proof(one)
    if any(one["opened_with"] for one in told):
        raise typer.Exit(1)


@app.command("close-breaker")
def close_breaker(breaker: Annotated[int, typer.Argument(help="The breaker's id")]) -> None:
    """Close a breaker without trying: all that waited for it go on."""
    room = open_room()
    send(room, room.database.write(lambda c: sickness.close(c, breaker, now(c))))
    console.print(f"Breaker {breaker} is closed.")


def _secrets_here(room: Room) -> list[bytes]:
    """Every secret that this shop holds: what opens anything here is made of one of them."""
    named = (room.secrets.find(name) for name in (MASTER_KEY, MASTER_KEY_NEXT, MASTER_KEY_BEFORE))
    return [read_master_key(text) for text in named if text]


def _proof_of(row: RowMapping, held: list[bytes]) -> dict[str, Any]:
    bound = sealed.Bound(row["print_job_id"], row["attempt"], row["location"], row["device"], row["expires_at"])
    # What stands in its own row is tried as well.
    ours = [*held, *([base64.b64decode(row["once"])] if row["once"] else [])]
    told = {name: row[name] for name in row if name not in ("description", "once", "device_id", "id")}
    told |= {"description_bytes": len(row["description"]), "our_half": "kept" if row["once"] else "gone"}
    return told | {"tried_keys": len(ours), "opened_with": sealed.opens_with(bound, row["description"], ours)}


def _say_proof(told: dict[str, Any]) -> None:
    def say(what: str, value: object) -> None:
        console.print(f"  {what:<12} {value}", highlight=False, markup=False)

    def moment(name: str) -> str:
        return told[name].astimezone().strftime("%Y-%m-%d %H:%M:%S") if told[name] else ""

    console.print(f"[bold]Job {told['print_job_id']}, attempt {told['attempt']}[/]", highlight=False)
    say("what", f"its description and its document of {told['document_bytes']} bytes (AES-256-GCM)")
    say("", f"SHA-256 of the sealed document {told['document_digest']}")
    say("for whom", f"the machine {told['device']} at {told['location']}")
    say("sealed", moment("sealed_at"))
    say("dies", moment("expires_at"))
    destroyed = f"{moment('destroyed_at')}, {told['destroyed_why']}" if told["destroyed_at"] else "not yet"
    say("destroyed", f"{destroyed}; our half of the exchange is {told['our_half']}")
    say("by the booth", moment("confirmed_at") or "it has not said so")
    say("opened here", f"with {told['opened_with']} of the {told['tried_keys']} keys that are here")


@app.command()
def profiles(
    pieces: Annotated[int, typer.Option(min=0, help="What so many pieces would use up")] = 0,
    as_json: Annotated[bool, typer.Option("--json")] = False,
) -> None:
    """The kinds of printers that are known: how fast they are, what they draw, and what they use up."""
    home = home_folder()
    rows = []
    for name in profile_names(home):
        one = read_profile(home, name)
        uses = {stuff.name: stuff.needed(pieces) for stuff in one.consumables}
        rows.append(
            {
                "profile": name,
                "name": one.name,
                "prints": ", ".join(one.processes),
                "seconds": one.usual,
                "watts": one.watts_printing,
                "uses": ", ".join(f"{count} × {stuff}" for stuff, count in uses.items()) if pieces else "",
                "source": one.source,
            }
        )
    columns = ("profile", "name", "prints", "seconds", "watts", *(("uses",) if pieces else ()))
    show_json(rows) if as_json else show_table("Kinds of printers", rows, columns)
