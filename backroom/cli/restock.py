"""Commands about going to market: what to take, and the transfers that carry it there and what of them arrived."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import typer

from backroom.cli.opening import open_room
from backroom.cli.output import aside, console, show_json, show_table
from backroom.cli.waking import send as send_wakeups
from backroom.domain.errors import AskPerson
from backroom.domain.transfers import TransferRefused
from backroom.insight import restock_report, restocking
from backroom.insight.restocking import titles
from backroom.shop.room import Room
from backroom.store import catalogue, events, selling, stock_prints, transfer_rows, transfers
from backroom.store.database import now
from backroom.store.transfer_rows import Transfer

app = typer.Typer(no_args_is_help=True)

ACTOR = "terminal"

Number = Annotated[str, typer.Argument(help="A transfer, such as T-7")]
AsJson = Annotated[bool, typer.Option("--json")]
Fewer = Annotated[list[str] | None, typer.Option("--only", help="SKU=HOW MANY, where fewer went than were asked for")]
Missing = Annotated[list[str] | None, typer.Option("--missing", help="SKU=HOW MANY did not arrive")]


class NotACount(AskPerson):
    """What was given is not a SKU and how many."""

    cause = "not_a_count"


@app.command("plan")
def plan(
    event: Annotated[str, typer.Argument(help="The event's code; all that are near or open if left out")] = "",
    as_json: AsJson = False,
) -> None:
    """What to take to an event and why; proposes the transfer, which waits for `backroom restock yes`."""
    room = open_room()
    with room.database.read() as connection:
        codes = [event] if event else restocking.due_events(connection, room.shop, now(connection))
        named = titles(catalogue.all_variants(connection))
    if not codes:
        console.print(f"No event begins within {room.shop.restock.days_before} days.", highlight=False)
    for code in codes:
        found = restocking.propose(room, code)
        rows = restock_report.plan_rows(found.stored, named)
        unsampled = restock_report.left_out_rows(found.stored, named)
        if as_json:
            show_json({"event": code, "transfer": found.transfer, "lines": rows, "left_out": unsampled})
            continue
        columns = ("bring", "sku", "what", "how", "expected", "last time", "by SBA", "why")
        show_table(f"What to take to {code}", rows, columns)
        if unsampled:
            show_table("Not printed for want of a sample", unsampled, ("sku", "what", "where", "why"))
        if found.transfer:
            aside.print(f"Transfer {found.transfer} waits: backroom restock yes {found.transfer}", highlight=False)


@app.command("list")
def list_transfers(
    event: Annotated[str, typer.Argument(help="Only those of this event")] = "", as_json: AsJson = False
) -> None:
    """Transfers, the newest first."""
    room = open_room()
    with room.database.read() as connection:
        event_id = events.find(connection, event)["id"] if event else None
        found = transfer_rows.listing(connection, event_id)
    rows = [
        {
            "number": one.number,
            "event": one.event,
            "state": one.state.value,
            "asked": one.asked,
            "to_print": one.still_to_print,
            "sent": sum(line.sent for line in one.lines),
            "arrived": sum(line.arrived for line in one.lines),
            "missing": sum(one.missing.values()),
        }
        for one in found
    ]
    columns = ("number", "event", "state", "asked", "to_print", "sent", "arrived", "missing")
    show_json(rows) if as_json else show_table("Transfers", rows, columns)


def _wake(room: Room) -> None:
    """What is set aside for a market cannot be sold online any more, and what comes back can."""
    send_wakeups(room, room.database.write(lambda connection: selling.wakeups(connection, room.shop)))


@app.command("yes")
def yes(number: Number) -> None:
    """Let a proposed transfer go: its pieces are set aside, out of the hub's stock, and what is to be printed first is
    printed there. Prints what to pack."""
    room = open_room()
    done = room.database.write(lambda connection: transfers.approve(connection, room.shop, number, ACTOR))
    _wake(room)
    send_wakeups(room, room.database.write(lambda connection: stock_prints.wakeups(connection, done)))
    _show_pick_list(room, done)


@app.command("no")
def no(number: Number) -> None:
    """Leave the pieces of a proposed transfer at the hub."""
    room = open_room()
    done = room.database.write(lambda connection: transfers.decline(connection, number, ACTOR))
    console.print(f"{done.number} is {done.state}.", highlight=False)


@app.command("pick")
def pick(number: Number, as_json: AsJson = False) -> None:
    """The pick list of a transfer: what to put into the boxes."""
    room = open_room()
    with room.database.read() as connection:
        one = transfer_rows.read(connection, number)
    if as_json:
        rows: list[dict[str, object]] = [
            {"sku": line.sku, "asked": line.asked, "pieces": line.sent, "to_print": line.printing} for line in one.lines
        ]
        rows += [
            {"sku": pack.material, "asked": pack.asked, "pieces": pack.sent, "pack": pack.pack, "units": pack.units}
            for pack in one.packs
        ]
        show_json(rows)
        return
    _show_pick_list(room, one)


@app.command("send")
def send(number: Number, only: Fewer = None) -> None:
    """It is packed and leaves. What was not packed goes back to the hub's stock; what was not printed yet is not
    printed any more."""
    room, packed = open_room(), _counts(only)
    done = room.database.write(lambda connection: transfers.send(connection, number, packed, ACTOR))
    _wake(room)
    pieces, packs = sum(line.sent for line in done.lines), sum(pack.sent for pack in done.packs)
    beside = f" and {packs} packs" if packs else ""
    console.print(f"{done.number}: {pieces} pieces{beside} are on their way to {done.event}.", highlight=False)


@app.command("scan")
def scan(
    number: Number, code: Annotated[str, typer.Argument(help="SKU or GTIN of one piece, or material of one pack")]
) -> None:
    """Scan one piece as arrived; `backroom restock arrived` books all that was scanned."""
    room = open_room()
    result = room.database.write(lambda connection: transfers.scan(connection, number, code))
    if not result.accepted:
        raise TransferRefused(result.reason, remedy="Put it aside and scan the next one.")
    console.print(f"{result.sku}. {result.left} to go.", highlight=False)


@app.command("arrived")
def arrived(
    number: Number,
    all_: Annotated[bool, typer.Option("--all", help="Everything is there, without scanning it")] = False,
    missing: Missing = None,
) -> None:
    """That is all that arrived: it becomes the booth's stock, and what did not come is named."""
    room, gone = open_room(), _counts(missing)
    if all_ or gone:
        room.database.write(lambda connection: transfers.scan_all(connection, number, gone))
    done = room.database.write(lambda connection: transfers.book_in(connection, number, ACTOR))
    _wake(room)
    here = sum(line.arrived for line in done.lines)
    console.print(f"{done.number}: {here} pieces are in stock at {done.to_location}.", highlight=False)
    for sku, count in (done.missing | done.missing_packs).items():
        console.print(f"[yellow]missing: {count} of {sku}[/]", highlight=False)


@app.command("cancel")
def cancel(number: Number) -> None:
    """It does not go, or came back whole: its pieces lie on the hub's shelf again."""
    room = open_room()
    done = room.database.write(lambda connection: transfers.cancel(connection, number, ACTOR))
    _wake(room)
    console.print(f"{done.number} is cancelled; its pieces are back at {done.from_location}.", highlight=False)


@app.command("compare")
def compare(event: Annotated[str, typer.Argument(help="The event's code")], as_json: AsJson = False) -> None:
    """How the plan of an event went: planned, brought, asked for, sold and back, and what was expected."""
    room = open_room()
    with room.database.read() as connection:
        found = restocking.compare(connection, room.shop, event)
        named = titles(catalogue.all_variants(connection))
    if found is None:
        console.print(f"{event} never had a plan.", highlight=False)
        return
    rows = restock_report.review_rows(found.review, named)
    became, packs = restock_report.outcome_rows(found.outcome, named), restock_report.pack_rows(found.outcome)
    sums = restock_report.review_sentences(found)
    if as_json:
        show_json({"plan": became, "materials": packs, "lines": rows, "sums": sums})
        return
    columns = ("sku", "what", "planned", "printed first", "brought", "asked", "sold or used", "back", "short")
    show_table(f"The plan for {event}, and what became of it", became, columns)
    if packs:
        show_table("Ink and paper", packs, ("material", "pack", "planned", "sent", "arrived"))
    show_table("What was expected", rows, ("sku", "what", "expected", "last time", "brought", "asked", "within"))
    for sentence in sums:
        console.print(sentence, highlight=False)


def _show_pick_list(room: Room, one: Transfer) -> None:
    with room.database.read() as connection:
        named = titles(catalogue.all_variants(connection))
    rows = [{"pieces": line.sent, "sku": line.sku, "what": named.get(line.sku, "")} for line in one.lines if line.sent]
    rows += [{"pieces": pack.sent, "sku": pack.material, "what": pack.name} for pack in one.packs if pack.sent]
    show_table(f"Pick for {one.number}, to {one.event} ({one.state})", rows, ("pieces", "sku", "what"))
    for line in one.lines:
        if line.printing:
            aside.print(
                f"{line.printing} of {line.sku} are still to be printed at {one.from_location}", highlight=False
            )
    for sku, count in transfer_rows.short_of(one).items():
        aside.print(f"[yellow]{count} of {sku} are not there any more[/]", highlight=False)


def _counts(given: Sequence[str] | None) -> dict[str, int]:
    counts = {}
    for text in given or ():
        sku, _, count = text.rpartition("=")
        if not sku or not count.isdigit():
            raise NotACount(f"{text!r} says no number of pieces", remedy="Write it like TEE-MOTH-INK-S=2.")
        counts[sku] = int(count)
    return counts
