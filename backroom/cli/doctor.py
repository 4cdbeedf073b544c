"""`backroom doctor`: tries every configured connection with a harmless call, and says in plain words what is wrong.

What belongs here: trying them side by side, and showing what came of it. What does not: which there are
(`backroom.cli.connections`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from typing import Annotated

import typer
from rich.markup import escape

from backroom.cli.connections import connections_of
from backroom.cli.opening import open_new_room
from backroom.cli.output import console, show_json
from backroom.cli.own_house import Connection
from backroom.domain.errors import BackroomError, Retry
from backroom.outgoing.circuit import keep_in
from backroom.store.asked_waits import WaitsBook
from backroom.store.migrate import is_made

AT_ONCE = 8
WELL, WIDE, AWAY, WRONG, UNTRIED = "well", "wide", "away", "wrong", "untried"
# For a no that says nothing itself, such as that there is nothing at an address.
_REMEDY = "Check its address in the shop file, our key in secrets.toml, and what the key may do there."
_MARKS = {
    WELL: "[green]✓[/]",
    WIDE: "[yellow]✓[/]",
    AWAY: "[yellow]✗[/]",
    WRONG: "[bold red]✗[/]",
    UNTRIED: "[dim]–[/]",
}


@dataclass(frozen=True, slots=True)
class Finding:
    """What came of one try: well, wide (it works, and our key may more than it is for), away (it may pass by itself),
    wrong (somebody must mend it) or untried."""

    connection: str
    state: str
    cause: str = ""
    message: str = ""
    remedy: str = ""


def doctor(as_json: Annotated[bool, typer.Option("--json", help="One JSON document for programs")] = False) -> None:
    """Try every connection that the shop file names, without changing anything; exit code 1 where one does not work."""
    room = open_new_room()
    if is_made(room.database.engine):
        # Whoever asked to be left alone is tried once all the same, and what waits for it goes on if it answers.
        keep_in(WaitsBook(room.database), by_hand=True)
    connections = list(connections_of(room))
    if as_json:
        found = list(examine(connections))
        show_json([asdict(one) for one in found])
    else:
        found = _told(connections)
    if any(one.state in (AWAY, WRONG) for one in found):
        raise typer.Exit(1)


def examine(connections: Iterable[Connection]) -> Iterator[Finding]:
    """Try connections side by side; each finding as soon as it is there."""
    with ThreadPoolExecutor(AT_ONCE) as threads:
        tries = []
        for one in connections:
            if one.untried:
                yield Finding(one.name, UNTRIED, message=one.untried)
            else:
                tries.append(threads.submit(_try, one))
        for answer in as_completed(tries):
            yield answer.result()


def _try(connection: Connection) -> Finding:
    try:
        wide = connection.check()
    except BackroomError as error:
        if isinstance(error, Retry):
            return Finding(connection.name, AWAY, error.cause, error.message, error.remedy)
        return Finding(connection.name, WRONG, error.cause, error.message, error.remedy or _REMEDY)
    except Exception as error:  # noqa: BLE001 - one that breaks must not keep the others from being tried
        # Without its words: they may quote an address with a login in it.
        message = f"the try itself broke ({type(error).__name__})."
        return Finding(connection.name, WRONG, "broke", message, "Report it to us, with the line of logs/ beside it.")
    if wide is not None:
        return Finding(connection.name, WIDE, message=wide.message, remedy=wide.remedy)
    return Finding(connection.name, WELL)


def _told(connections: list[Connection]) -> list[Finding]:
    found: list[Finding] = []
    with console.status(f"Trying {len(connections)} connections …") as status:
        for one in examine(connections):
            found.append(one)
            console.print(f"{_MARKS[one.state]} {escape(one.connection)}{_sentence(one)}", highlight=False)
            status.update(f"Trying {len(connections) - len(found)} more …")
    broken = sum(one.state in (AWAY, WRONG) for one in found)
    if broken:
        console.print(f"\n[bold red]{broken} of {len(found)} do not work.[/] Mend them and run this again.")
    else:
        console.print(f"\n[bold green]All {sum(one.state in (WELL, WIDE) for one in found)} that were tried work.[/]")
    return found


def _sentence(one: Finding) -> str:
    if not one.message:
        return ""
    remedy = f"\n    [bold]{escape(one.remedy)}[/]" if one.remedy else ""
    waits = "\n    It may pass by itself." if one.state == AWAY and not one.remedy else ""
    return f": {escape(one.message)}{remedy}{waits}"
