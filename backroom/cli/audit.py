"""`backroom audit`: what is lost, wrong and slow, now or in files of the past, with what to do about each."""

from __future__ import annotations

import getpass
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from backroom.cli.audit_files import audit_files, compare_paid, show_compared
from backroom.cli.opening import open_room
from backroom.cli.output import aside, console, show_json, show_table
from backroom.domain.audit import Failure, Finding
from backroom.domain.errors import AskPerson
from backroom.domain.money import format_money
from backroom.insight import reconciled
from backroom.insight.audit.page import ASKS, TITLES, rows, said_number, shares, write_page
from backroom.insight.audit.reading import Audit, keep_numbers, read_audit
from backroom.insight.past.figures import DAYS_PROMISED
from backroom.insight.refresh import refresh_facts
from backroom.shop.room import Room
from backroom.store import looks, paid_elsewhere
from backroom.store.database import now

app = typer.Typer(invoke_without_command=True)

Json = Annotated[bool, typer.Option("--json", help="One JSON document instead of words")]
Place = Annotated[str, typer.Option(help="Only this location or channel")]
COLUMNS = ("what", "where", "why", "do", "command", "money")


class NotAReason(AskPerson):
    """A missing order is settled for one of a few reasons."""

    cause = "not_a_reason"


@app.callback()
def audit(
    context: typer.Context,
    csv: Annotated[
        list[Path] | None,
        typer.Option(help="Orders of the past, exported from a channel; again for a second file, such as returns"),
    ] = None,
    promise_days: Annotated[
        int, typer.Option(min=0, max=60, help="With --csv: working days promised, where the files say nothing")
    ] = DAYS_PROMISED,
    currency: Annotated[str, typer.Option(help="With --csv and without a shop file: of amounts without one")] = "EUR",
    timezone: Annotated[str, typer.Option(help="With --csv and without a shop file: of times without one")] = "UTC",
    as_json: Json = False,
) -> None:
    """What is lost, wrong and slow now, with the next action for each; or was, in files of the past (--csv)."""
    if context.invoked_subcommand:
        return
    if csv:
        audit_files(csv, promise_days, currency, timezone, as_json=as_json)
        return
    found = _fresh(open_room())
    if as_json:
        show_json(_plain(found, found.findings))
        return
    currency = found.shop.owner.currency
    for number in found.numbers:
        console.print(
            f"[bold]{TITLES[number.failure]}: {number.count}[/] {ASKS[number.failure]}, of {number.of}; "
            f"{format_money(number.minor, currency)}",
            highlight=False,
        )
    for failure in Failure:
        show_table(TITLES[failure], rows(found.of(failure), currency), COLUMNS)
    _show_shares(found)


@app.command("lost")
def lost(
    paid: Annotated[Path | None, typer.Option(help="The channel's own list of orders, as CSV")] = None,
    channel: Annotated[str, typer.Option(help="Whose list it is; with one channel only it may be left out")] = "",
    place: Place = "",
    as_json: Json = False,
) -> None:
    """Paid orders that nobody is moving; with --paid, what a channel's own list has and we have not as well."""
    compared: dict[str, Any] = {}
    if paid is not None:
        found, files = compare_paid(open_room(), paid, channel)
        compared = {"compared": asdict(found)}
        if not as_json:
            show_compared(found, files)
    _show(Failure.LOST, place or channel, as_json, **compared)


@app.command("wrong")
def wrong(place: Place = "", as_json: Json = False) -> None:
    """Wrong pieces of the last 7 days: what was taken for what, and codes nobody knows."""
    _show(Failure.WRONG, place, as_json)


@app.command("slow")
def slow(place: Place = "", as_json: Json = False) -> None:
    """Late orders of the last 7 days, and which stage, place and printer carry the delay."""
    found = _show(Failure.SLOW, place, as_json)
    if not as_json:
        _show_shares(found)


@app.command("sources")
def sources(as_json: Json = False) -> None:
    """How the channels' own orders compare with ours: what the last looks counted, and what to do."""
    with open_room().database.read() as connection:
        at, looked = now(connection), looks.all_looks(connection)
        listed = reconciled.rows(looked, paid_elsewhere.count_missing(connection), at)
    if as_json:
        show_json(listed)
        return
    show_table("Paid at the source, and ours", listed, reconciled.COLUMNS)
    if not listed:
        console.print("No channel was asked for its orders yet: docs/connectors.md says how.", highlight=False)


@app.command("page")
def page(folder: Annotated[Path, typer.Argument(help="Where the page goes")] = Path("reports")) -> None:
    """Write the audit as one page that loads nothing."""
    console.print(str(write_page(_fresh(open_room()), folder)), highlight=False)


@app.command("settle")
def settle(
    channel: Annotated[str, typer.Argument(help="The channel, as the shop file names it")],
    order: Annotated[str, typer.Argument(help="The order's id or name there")],
    because: Annotated[str, typer.Option(help="paid_back, entered_by_hand, or not_ours")],
) -> None:
    """Say of an order that was paid elsewhere and never came why it will not."""
    reasons = ("paid_back", "entered_by_hand", "not_ours")
    if because not in reasons:
        raise NotAReason(f"{because!r} is no reason.", remedy=f"Choose one of {', '.join(reasons)}.")
    room = open_room()
    room.database.write(lambda c: paid_elsewhere.settle(c, channel, order, because, getpass.getuser(), now(c)))
    console.print(f"{order} of {channel}: {because}.", highlight=False)


def _fresh(room: Room) -> Audit:
    """The audit as of now, its numbers kept as the flow keeps them."""
    for count in refresh_facts(room):
        if count:
            aside.print(f"{count} orders read", highlight=False)
    found = read_audit(room)
    keep_numbers(room, found)
    return found


def _show(failure: Failure, place: str, as_json: bool, **besides: Any) -> Audit:
    found = _fresh(open_room())
    chosen = [finding for finding in found.of(failure) if place in ("", finding.place)]
    currency = found.shop.owner.currency
    if as_json:
        show_json(_plain(found, chosen) | besides)
    else:
        console.print(f"{TITLES[failure]}: {said_number(found.number(failure), currency)}", highlight=False)
        show_table(TITLES[failure], rows(chosen, currency), COLUMNS)
    return found


def _show_shares(found: Audit) -> None:
    for name, carried in shares(found):
        if carried:
            told = [{name: who, "share of the delay": f"{share * 100:.1f} %"} for who, share in carried]
            show_table(f"Which {name} carries the delay", told, (name, "share of the delay"))


def _plain(found: Audit, findings: Any) -> dict[str, Any]:
    return {
        "day": found.day,
        "numbers": {one.failure: {"count": one.count, "of": one.of, "minor": one.minor} for one in found.numbers},
        "findings": [_finding(one) for one in findings],
        "delay": [
            {"stage": one.stage, "place": one.place, "printer": one.printer, "seconds": one.seconds, "share": one.share}
            for one in found.delay
        ],
    }


def _finding(one: Finding) -> dict[str, Any]:
    return {
        "failure": one.failure,
        "kind": one.kind,
        "subject": one.subject,
        "place": one.place,
        "stage": one.stage,
        "since": one.since,
        "waited_s": one.waited_s,
        "normal_s": one.normal_s,
        "minor": one.minor,
        "times": one.times,
        "why": one.why,
        "do": one.action.words,
        "command": one.action.command,
        "page": one.action.page,
    }
