"""Commands about one person: find them, hand out what is held of them, forget them; and what was asked for."""

from __future__ import annotations

import getpass
import os
from pathlib import Path
from typing import Annotated

import typer

from backroom.cli.environments import auth_of, noted_ports
from backroom.cli.opening import open_room
from backroom.cli.output import console, show_json, show_table
from backroom.domain.errors import AskPerson
from backroom.engine.forgetting import Runs
from backroom.privacy import erasure
from backroom.privacy import requests as asked
from backroom.privacy.export import write_export
from backroom.privacy.people import Found, find
from backroom.shop.room import Room
from backroom.store import requests
from backroom.store.personal import Whose

app = typer.Typer(no_args_is_help=True)

KnownBy = Annotated[str, typer.Argument(help="E-mail, phone with its country, an order's number, or the person's own")]
Everywhere = Annotated[bool, typer.Option("--everywhere", help="Open every order's contact as well: slow, finds more")]
Json = Annotated[bool, typer.Option("--json", help="One JSON document instead of words")]


COLUMNS = ("id", "kind", "channel", "state", "asked_at", "due_at", "done_at")


class SeveralFound(AskPerson):
    """More than one person is meant, and what is done to them differs."""

    cause = "several_found"


class AlreadyThere(AskPerson):
    """A file of this name is there; it is left alone."""

    cause = "already_there"


@app.command("find")
def find_person(known_by: KnownBy, everywhere: Everywhere = False, as_json: Json = False) -> None:
    """Who is known by this: their number, their orders, and what is still open of theirs."""
    rows = [
        {"person": one.person_id, "since": one.since, "orders": _said(one), "still_open": ", ".join(one.open)}
        for one in find(open_room(), known_by, everywhere=everywhere)
    ]
    show_json(rows) if as_json else show_table("People", rows, ("person", "since", "orders", "still_open"))


@app.command()
def export(
    known_by: KnownBy,
    file: Annotated[Path | None, typer.Option(help="Where the page goes; person-NUMBER.html if left out")] = None,
    everywhere: Everywhere = False,
    request: Annotated[int, typer.Option(help="The request that this answers, which is then done")] = 0,
) -> None:
    """Write everything that is held of one person to a page that they can read. Hand it over, then delete it."""
    room = open_room()
    people = find(room, known_by, everywhere=everywhere)
    if file and len(people) > 1:
        raise SeveralFound(
            f"{len(people)} people are known by this: {', '.join(str(one.person_id) for one in people)}",
            remedy="Name one by number, or leave --file out.",
        )
    for one in people:
        _write(room, one.person_id, file or Path(f"person-{one.person_id}.html"))
    if request:
        room.database.write(lambda c: requests.settle(c, request, requests.DONE, getpass.getuser()))


@app.command()
def erase(
    known_by: KnownBy,
    everywhere: Everywhere = False,
    when_done: Annotated[bool, typer.Option("--when-done", help="If orders are open: once they have ended")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask whether it is meant")] = False,
) -> None:
    """Forget a person everywhere, for good. Refuses while an order of theirs is open, and names it."""
    room = open_room()
    people = find(room, known_by, everywhere=everywhere)
    if not yes:
        for one in people:
            console.print(f"Person {one.person_id}: {_said(one) or 'no orders'}", highlight=False)
        typer.confirm("Forget them for good? Nobody can undo it", abort=True)
    report = erasure.erase(room, [Whose(one.person_id) for one in people], getpass.getuser(), runs_of(room).forget)
    tell(report)
    if not report.still:
        return
    if not when_done:
        raise report.still[0]
    key = "desk:" + ",".join(str(one.person_id) for one in people)
    ids = [one.person_id for one in people]
    room.database.write(lambda c: requests.ask(c, requests.ERASE, key, ids, actor=getpass.getuser()))
    console.print("Noted: they are forgotten in the night after their last order has ended.")


@app.command("requests")
def list_requests(
    every: Annotated[bool, typer.Option("--all", help="Settled ones as well")] = False, as_json: Json = False
) -> None:
    """What people, or channels on their behalf, asked for and is not settled, with its last day."""
    room = open_room()
    with room.database.read() as connection:
        rows = requests.listed(connection, 200) if every else requests.waiting(connection)
    listed = [{column: row[column] for column in (*COLUMNS, "people")} for row in rows]
    show_json(listed) if as_json else show_table("Requests", listed, (*COLUMNS, "people"))


@app.command()
def settle(
    request: Annotated[int, typer.Argument(help="The request's number")],
    decline: Annotated[bool, typer.Option("--decline", help="Do not do it; say why to whoever asked")] = False,
) -> None:
    """Carry a request out now: write its exports, or forget whom it names. A channel that closes asks for it."""
    room = open_room()
    with room.database.read() as connection:
        row = requests.one(connection, request)
    if decline:
        room.database.write(lambda c: requests.settle(c, request, requests.DECLINED, getpass.getuser()))
        console.print(f"Request {request} is declined.")
        return
    if row["kind"] == requests.EXPORT:
        for person_id in row["people"]:
            _write(room, person_id, Path(f"person-{person_id}.html"))
        room.database.write(lambda c: requests.settle(c, request, requests.DONE, getpass.getuser()))
        return
    for _, report in asked.carry_out(room, runs_of(room).forget, request):
        tell(report)
        if report.still:
            raise report.still[0]
    console.print(f"Request {request} is done.")


@app.command()
def replay() -> None:
    """After a backup was put back: forget again whoever was forgotten since it was made, and what folders hold."""
    room = open_room()
    tell(erasure.replay(room, runs_of(room).forget))
    console.print(f"{erasure.remove_all_files(room)} files removed or written anew.")


def runs_of(room: Room) -> Runs:
    """The Prefect that the environment names, else the one that this shop was started with."""
    if os.environ.get("PREFECT_API_URL"):
        return Runs()
    return Runs(noted_ports(room.home).api, auth_of(room))


def tell(report: erasure.Report) -> None:
    """What was done, in a few lines."""
    if not report.people:
        console.print("Nobody was forgotten.")
    else:
        listed = ", ".join(f"{name} {count}" for name, count in report.rows.items())
        console.print(
            f"[bold green]Forgotten: {len(report.people)}.[/] Rows: {listed or 'none'}; files: {report.files}.",
            highlight=False,
        )
    for left in report.left:
        console.print(f"[yellow]Left for the night: {left}.[/]", highlight=False)


def _write(room: Room, person_id: int, path: Path) -> None:
    try:
        write_export(room, person_id, path)
    except FileExistsError:
        raise AlreadyThere(f"{path} is there already", remedy="Move it, or name another with --file.") from None
    console.print(str(path), highlight=False)


def _said(one: Found) -> str:
    return ", ".join(f"{number} {state}" for number, state in one.orders)
