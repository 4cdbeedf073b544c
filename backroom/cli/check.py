"""Commands that look ahead: would a robot pay, and where should the shop run?"""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from backroom.cli.opening import open_room
from backroom.cli.output import console, show_json, show_table
from backroom.cli.processes import ROOT
from backroom.cli.route import since_when
from backroom.domain import automation, hosting
from backroom.domain.assumptions import Assumptions
from backroom.insight import answer_page, hosting_report, robotics_report
from backroom.insight.hosting import check_hosting
from backroom.insight.robotics import check_robotics
from backroom.shop.assumptions import read_assumptions
from backroom.shop.room import Room

app = typer.Typer(no_args_is_help=True)

Since = Annotated[str, typer.Option(help="Such as 365d, 12w, or the day 2026-01-01")]
Html = Annotated[Path | None, typer.Option(help="Write a page with pictures into this file as well")]
AsJson = Annotated[bool, typer.Option("--json")]
Given = Annotated[
    Path | None, typer.Option("--assumptions", exists=True, help="Your own; else those of the home folder, else ours")
]


@app.command("robotics")
def robotics(since: Since = "365d", given: Given = None, html: Html = None, as_json: AsJson = False) -> None:
    """Would a robot pay, and how predictable is what is sold?"""
    room = open_room()
    found = check_robotics(
        room, _assumptions(room, given, "robotics.toml", automation.ASSUMPTIONS), since_when(since, room)
    )
    if html is not None:
        answer_page.write_page(html, robotics_report.html_page(found))
    if as_json:
        show_json(asdict(found))
        return
    console.print(f"[bold]{found.verdict}[/]", highlight=False)
    _say(found.because, robotics_report.facts(found), robotics_report.walking(found))
    show_table("A year, each way", robotics_report.way_rows(found), robotics_report.WAY_COLUMNS)
    console.print(_hangs_on(found.swings, found.assumptions), highlight=False)


@app.command("hosting")
def hosting_(
    since: Since = "90d",
    given: Given = None,
    peak: Annotated[int, typer.Option(min=1, max=1000, help="The busiest hour with so many times the orders")] = 10,
    html: Html = None,
    as_json: AsJson = False,
) -> None:
    """Where should it run: always on, serverless, or mixed?"""
    room = open_room()
    assumptions = _assumptions(room, given, "hosting.toml", hosting.ASSUMPTIONS)
    found = check_hosting(room, assumptions, since_when(since, room), peak)
    if html is not None:
        answer_page.write_page(html, hosting_report.html_page(found))
    if as_json:
        show_json(asdict(found))
        return
    console.print(f"[bold]{found.verdict}[/]", highlight=False)
    _say(found.because, hosting_report.facts(found))
    show_table("Each way", hosting_report.way_rows(found), hosting_report.WAY_COLUMNS)
    console.print(_hangs_on(found.swings, found.assumptions), highlight=False)


def _say(*groups: tuple[str, ...] | list[str]) -> None:
    for group in groups:
        for sentence in group:
            console.print(f"• {sentence}", highlight=False)


def _hangs_on(swings: tuple[tuple[str, float, float], ...], assumptions: Assumptions) -> str:
    names = ", ".join(name for name, low, high in swings[:3] if low != high)
    return f'It hangs most on {names}. As of {assumptions.as_of}; what says "assumption" is yours to replace.'


def _assumptions(room: Room, given: Path | None, name: str, names: tuple[str, ...]) -> Assumptions:
    path = given or room.home / name
    if given is None and not path.exists():
        path = ROOT / "data" / name
    return read_assumptions(path, names, room.shop.owner.currency)
