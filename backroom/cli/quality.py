"""Commands about data quality: check now, what is open or in quarantine, repair, check a mended row again, accept."""

from __future__ import annotations

import getpass
from typing import Annotated

import typer
from sqlalchemy import Connection

from backroom.cli.opening import open_new_room
from backroom.cli.output import aside, console, show_json, show_table
from backroom.cli.waking import send
from backroom.domain.errors import AskPerson, BackroomError
from backroom.domain.quality import FindingState, Scope, Severity
from backroom.quality import telling
from backroom.quality.checking import Check
from backroom.quality.docs import FOLDER, write_pages
from backroom.quality.quarantine import table as quarantine_table
from backroom.quality.repairing import Workshop
from backroom.quality.suites import RULES, SUITES, is_certain
from backroom.quality.validate import Inspector
from backroom.shop.room import Room
from backroom.store import selling
from backroom.store.claims import Wakeup
from backroom.store.database import now
from backroom.store.quality import findings, quarantine, runs

app = typer.Typer(no_args_is_help=True)

Ids = Annotated[list[int] | None, typer.Argument(help="The finding's id, as `backroom quality list` shows it")]
Json = Annotated[bool, typer.Option("--json", help="One JSON document instead of words")]
FINDINGS_MOST = 100_000
LISTED = ("id", "severity", "check", "of", "what", "seen", "since", "repair")


class NothingNamed(AskPerson):
    """No finding was named."""

    cause = "nothing_named"


@app.command("check")
def check(
    full: Annotated[bool, typer.Option("--full", help="Every row, not only what changed and is under way")] = False,
    as_json: Json = False,
) -> None:
    """Check the shop's rows now, as the flow data-quality does by itself; writes the pages as well."""
    room = open_new_room()
    begun = Check.begin(room.database, room.shop, Scope.FULL if full else Scope.CHANGED, Inspector())
    for step in begun.steps():
        aside.print(f"{step.subject}: {step.rows} rows, {step.failed} failures", highlight=False)
    _settle(room)
    told = _told(room)
    if told is None:
        return
    page = write_pages(room.folder(FOLDER), room.shop.owner.name, told.run, told.results)
    if as_json:
        show_json({"run": told.run["id"], "open": dict(told.counts), "page": str(page)})
        return
    console.print(f"{telling.sentence(told)}.", highlight=False)
    console.print(f"All of it: {page}", highlight=False, soft_wrap=True)


@app.command("list")
def list_findings(
    severity: Annotated[Severity | None, typer.Option(help="Only those of one severity")] = None,
    most: Annotated[int, typer.Option(min=1, help="How many at the most")] = 50,
    as_json: Json = False,
) -> None:
    """What is open, gravest first."""
    with open_new_room().database.read() as connection:
        found = telling.table(findings.open_findings(connection, most, severity))
    if as_json:
        show_json(found)
        return
    show_table("Findings", found, LISTED)


@app.command("show")
def show(finding: Annotated[int, typer.Argument(help="The finding's id")], as_json: Json = False) -> None:
    """One finding: what is wrong with which row, and what somebody does about it."""
    with open_new_room().database.read() as connection:
        (row,) = telling.table([findings.finding(connection, finding)])
    if as_json:
        show_json(row)
        return
    for name, value in row.items():
        console.print(f"[bold]{name}[/]: {value}", highlight=False)


@app.command("repair")
def repair(
    ids: Ids = None,
    everything: Annotated[bool, typer.Option("--all", help="All whose repair is certain")] = False,
) -> None:
    """Repair findings whose repair is certain, and check each row again."""
    room = open_new_room()
    if everything:
        with room.database.read() as connection:
            rows = findings.open_findings(connection, FINDINGS_MOST)
        ids = [row["id"] for row in rows if is_certain(row["code"])]
        if not ids:
            console.print("Nothing is open whose repair is certain.")
            return
    _each(room, ids, "repair")


@app.command("replay")
def replay(ids: Ids = None) -> None:
    """Check rows again that somebody mended; a finding whose row is well now is closed."""
    _each(open_new_room(), ids, "replay")


@app.command("accept")
def accept(finding: Annotated[int, typer.Argument(help="The finding's id")]) -> None:
    """Let a finding be: somebody looked, and it is right as it is. It is not told again while it lasts, and what it
    kept in quarantine goes on and is counted."""
    room = open_new_room()

    def work(connection: Connection) -> list[Wakeup]:
        at = now(connection)
        findings.settle(connection, finding, FindingState.ACCEPTED, getpass.getuser(), at)
        return quarantine.let_go_on(connection, room.shop, at, getpass.getuser())

    send(room, room.database.write(work))
    console.print(f"Finding {finding} is accepted.", highlight=False)


@app.command("quarantine")
def show_quarantine(
    check: Annotated[str, typer.Option(help="Put all that fails this check into quarantine, however many")] = "",
    as_json: Json = False,
) -> None:
    """What is in quarantine and why: orders on hold, stock that is not sold, what no figure counts."""
    room = open_new_room()
    if check:
        if check not in RULES:
            raise NothingNamed(f"there is no check {check!r}", remedy="`backroom quality rules` names them.")

        def work(connection: Connection) -> tuple[list[str], list[Wakeup]]:
            return quarantine.take_all(connection, check, now(connection)), selling.wakeups(connection, room.shop)

        held, wakeups = room.database.write(work)
        send(room, wakeups)
        aside.print(f"Put on hold: {', '.join(held) or 'none'}.", highlight=False)
    with room.database.read() as connection:
        rows = quarantine_table(quarantine.listed(connection, FINDINGS_MOST))
    if as_json:
        show_json(rows)
        return
    show_table("Quarantine", rows, ("id", "of", "why", "now", "since", "repair"))


@app.command("trend")
def trend(most: Annotated[int, typer.Option(min=1, help="How many runs")] = 30, as_json: Json = False) -> None:
    """The last runs, and what was open after each."""
    with open_new_room().database.read() as connection:
        rows = [dict(row) for row in runs.last(connection, most)]
    if as_json:
        show_json(rows)
        return
    show_table("Runs", rows, ("id", "scope", "started_at", "ended_at", *Severity))


@app.command("rules")
def rules(as_json: Json = False) -> None:
    """Every check there is: what fails it, how grave that is, and what somebody does then."""
    listed = [
        {"check": rule.code, "severity": rule.severity, "fails": rule.says, "do": rule.person}
        for suite in SUITES
        for rule in suite.rules
    ]
    if as_json:
        show_json(listed)
        return
    show_table("Checks", listed, ("check", "severity", "fails", "do"))


def _settle(room: Room) -> None:
    """As the flow does after its checks: hold what failed gravely, let go on what is well."""
    settled = room.database.write(lambda connection: quarantine.look_after(connection, room.shop, now(connection)))
    send(room, settled.wakeups)
    if settled.held:
        aside.print(f"Put on hold: {', '.join(settled.held)}.", highlight=False)
    if settled.released:
        aside.print(f"Let go on: {', '.join(settled.released)}.", highlight=False)
    for code in settled.too_many:
        aside.print(f"[yellow]{code}: too many rows failed at once; none is put aside.[/]", highlight=False)


def _told(room: Room) -> telling.Told | None:
    with room.database.read() as connection:
        return telling.read_told(connection)


def _each(room: Room, ids: list[int] | None, what: str) -> None:
    """Repair or replay findings one by one: one that needs a person does not keep the others."""
    if not ids:
        raise NothingNamed("no finding is named", remedy="`backroom quality list` shows their ids.")
    workshop = Workshop(room.database, room.shop, Inspector())
    left = 0
    for id_ in ids:
        try:
            said = (workshop.repair if what == "repair" else workshop.replay)(id_, getpass.getuser())
            console.print(f"{said}.".capitalize(), highlight=False)
        except BackroomError as error:
            left += 1
            aside.print(f"[yellow]{error}[/]", highlight=False)
    if workshop.owed:
        send(room, [*workshop.owed, *room.database.write(lambda connection: selling.wakeups(connection, room.shop))])
    if left:
        raise typer.Exit(1)
