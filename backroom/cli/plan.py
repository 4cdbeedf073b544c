"""`backroom plan`: the first 30 days of a shop, how far it is by its own data, and what comes next."""

from __future__ import annotations

import getpass
import re
from dataclasses import asdict
from datetime import UTC, date, datetime
from typing import Annotated

import typer

from backroom.cli.opening import NeverStarted, open_room
from backroom.cli.output import console, show_json, show_table
from backroom.domain.errors import AskPerson
from backroom.domain.plan import DECISIONS, QUESTIONS, Known, next_step, steps
from backroom.insight.plan.page import headline, rows
from backroom.insight.plan.reading import known_without_shop, read_plan
from backroom.shop.room import Room, home_folder
from backroom.store import plan_answers
from backroom.store.database import now

app = typer.Typer(invoke_without_command=True)

_PRICE = re.compile(r"\d{1,6}([.,]\d{1,3})?")
_LONGEST = 80


class NotAnAnswer(AskPerson):
    """The plan does not ask this, or cannot take this for an answer."""

    cause = "not_an_answer"


@app.callback()
def plan(
    context: typer.Context, as_json: Annotated[bool, typer.Option("--json", help="One JSON document")] = False
) -> None:
    """What is done of the first 30 days, what the figures say, and what comes next."""
    if context.invoked_subcommand:
        return
    known = _known()
    found = steps(known)
    if as_json:
        told = [asdict(step) for step in found]
        rates = {"before": asdict(known.before) if known.before else None, "after": asdict(known.after)}
        show_json({"day": known.day, "steps": told, **rates})
        return
    console.print(f"[bold]{headline(known)}[/]", highlight=False)
    show_table("The first 30 days", rows(known), ("week", "step", "state", "what the data says"))
    _show_rates(known)
    following = next_step(found)
    if following is None:
        console.print("All steps are done. `backroom audit` and `backroom kpi show` go on telling.", highlight=False)
        return
    console.print(f"[bold]Next: {following.title}.[/] {following.action.words}", highlight=False)
    console.print(f"    {following.action.command}", highlight=False, markup=False)
    if following.action.page:
        console.print(f"    or in the browser: {following.action.page}", highlight=False)


@app.command("tell")
def tell(
    name: Annotated[str, typer.Argument(help=", ".join(QUESTIONS))] = "",
    value: Annotated[str, typer.Argument(help="The answer; it is asked for when left out")] = "",
) -> None:
    """Tell what the shop's data cannot say; without a name everything that is not told yet is asked."""
    room = open_room()
    with room.database.read() as connection:
        told = plan_answers.answers(connection)
    if name and name not in QUESTIONS:
        raise NotAnAnswer(f"nobody asks {name!r}.", remedy=f"Questions are {', '.join(QUESTIONS)}.")
    asked = [name] if name else [one for one in QUESTIONS if one not in told and one != "decision"]
    for one in asked:
        _keep(room, one, checked(one, value or typer.prompt(QUESTIONS[one])))
    if not asked:
        console.print("Everything is told. To change an answer, name it: backroom plan tell partner")


def checked(name: str, value: str) -> str:
    """An answer in the form that is kept; NotAnAnswer says which form it should have."""
    value = " ".join(value.split())[:_LONGEST]
    good = bool(value)
    if name == "event_date":
        try:
            value = date.fromisoformat(value).isoformat()
        except ValueError:
            good = False
    elif name == "partner_price":
        good = bool(_PRICE.fullmatch(value))
    elif name == "decision":
        good = value in DECISIONS
    if not good:
        raise NotAnAnswer(f"{value!r} is no answer.", remedy=QUESTIONS[name])
    return value


def _keep(room: Room, name: str, answer: str) -> None:
    room.database.write(lambda c: plan_answers.save(c, name, answer, getpass.getuser(), now(c)))
    console.print(f"{name}: {answer}", highlight=False, markup=False)


def _known() -> Known:
    home = home_folder()
    if not (home / "shop.toml").exists() or not (home / "secrets.toml").exists():
        return known_without_shop(home, datetime.now(UTC).date().isoformat())
    try:
        return read_plan(open_room())
    except NeverStarted:
        return known_without_shop(home, datetime.now(UTC).date().isoformat())


def _show_rates(known: Known) -> None:
    if known.before is None:
        return
    before, after = asdict(known.before), asdict(known.after)
    told = [
        {"rate": name.replace("_", " "), "before": _said(before[name]), "now": _said(after[name])} for name in before
    ]
    show_table("Before and after", told, ("rate", "before", "now"))


def _said(value: float | None) -> str:
    return "not known" if value is None else f"{value:.3g}"
