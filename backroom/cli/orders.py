"""Commands about orders: list, show, explain, retry, hold, release, cancel; scans, CSV files and quarantine."""

from __future__ import annotations

import getpass
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any

import typer
from sqlalchemy import Connection

from backroom.channels.delivering import delivery_of
from backroom.channels.files import split_file
from backroom.channels.registry import channel_for
from backroom.cli.opening import open_room
from backroom.cli.output import console, show_json, show_table
from backroom.cli.waking import send
from backroom.domain import breaker
from backroom.domain.channels import DROPPED_KINDS, ChannelSpec
from backroom.domain.errors import AskPerson
from backroom.domain.explain import explain as explain_decision
from backroom.domain.explain_rate import explain_rate
from backroom.domain.quarantine import IN_QUARANTINE
from backroom.domain.shop import Shop
from backroom.quality.quarantine import why_held
from backroom.shop.room import Room
from backroom.store import cancelled_refunds, cancelling, desk, intake, news, selling, unfinished
from backroom.store.claims import Wakeup, wakeup
from backroom.store.database import now
from backroom.store.inbox_door import accept
from backroom.store.notes import open_notes, seal_note
from backroom.store.quarantined import open_quarantine
from backroom.store.routing import decision_from_row
from backroom.store.scanning import scan
from backroom.store.story import SEALED, OrderStory, recent, story, waiting_for_person

app = typer.Typer(no_args_is_help=True)
quarantine = typer.Typer(no_args_is_help=True)

Number = Annotated[str, typer.Argument(help="The order's number, such as A-1042")]
Json = Annotated[bool, typer.Option("--json", help="One JSON document instead of words")]
Note = Annotated[str, typer.Option(help="In your own words; kept sealed, shown on the order's page and by `show`")]
COLUMNS = ("number", "channel", "state", "hold_reason", "sick_cause", "delivery", "placed_at")


class NotAFileChannel(AskPerson):
    """Files come in by a channel of kind csv or mapped, and the shop file must say which."""

    cause = "not_a_file_channel"


@app.command("list")
def list_orders(
    waiting: Annotated[bool, typer.Option("--waiting", help="Only what waits for a person")] = False,
    state: Annotated[str, typer.Option(help="Only this state")] = "",
    most: Annotated[int, typer.Option(help="How many at the most")] = 50,
    as_json: Json = False,
) -> None:
    """The newest orders, or those that wait for a person."""
    room = open_room()
    with room.database.read() as connection:
        rows = waiting_for_person(connection, most) if waiting else recent(connection, most, state or None)
    listed = [{column: row[column] for column in COLUMNS} for row in rows]
    show_json(listed) if as_json else show_table("Orders", listed, COLUMNS)


@app.command()
def show(number: Number, as_json: Json = False) -> None:
    """One order's whole story."""
    room = open_room()
    told = _story(room, number)
    with room.database.read() as connection:
        notes = open_notes(connection, room.seals, told)
        told_aside = why_held(connection, told.order["number"])
    if as_json:
        show_json(_plain(told, notes))
        return
    order = told.order
    console.print(
        f"[bold]{order['number']}[/] from {order['channel']}: [bold]{order['state']}[/] {order['hold_reason']}"
    )
    for breaker_id in told.breakers:
        console.print(breaker.what_to_do(breaker_id), highlight=False, markup=False)
    for why in told_aside:
        console.print(f"[bold red]In quarantine[/]: {why}", highlight=False)
    for decision in told.decisions:
        console.print(explain_decision(decision_from_row(decision), order["number"], room.shop.location_names))
    for choice in told.rates:
        console.print(f"Carrier: {explain_rate(choice)}", highlight=False)
    show_table("Made at", told.parts, ("location", "state", "outstanding", "sick_cause", "sick_reason"))
    show_table("Prints", told.print_jobs, ("id", "sku", "copies", "state", "printer", "reason"))
    show_table("Parcels", told.shipments, ("tracking", "return_tracking", "carrier", "weight_g"))
    show_table("Where they are", told.parcels, ("tracking", "state", "state_at", "attention", "refund"))
    show_table("Returns", told.returns, ("number", "state", "lane", "location", "asked_at"))
    show_table("Messages", told.messages, ("kind", "medium", "state", "reason", "sent_at", "delivery"))
    show_table("History", _history(told, notes), ("at", "event", "data", "note", "actor"))


@app.command()
def explain(number: Number, as_json: Json = False) -> None:
    """Why an order is made where it is made, as a sentence."""
    room = open_room()
    told, names = _story(room, number), room.shop.location_names
    said = [explain_decision(decision_from_row(row), told.order["number"], names) for row in told.decisions]
    if as_json:
        decided = [dict(row) | {"sentence": sentence} for row, sentence in zip(told.decisions, said, strict=True)]
        show_json({"order": told.order["number"], "state": told.order["state"], "decisions": decided})
        return
    if not told.decisions:
        console.print(f"{number} is not routed yet: it is {told.order['state']}.")
    for sentence in said:
        console.print(sentence)


@app.command()
def retry(number: Number, as_json: Json = False) -> None:
    """Take a sick order up again from the step it stands at."""
    room = open_room()
    _act(room, number, lambda c, n: desk.retry(c, n, _actor(), room.shop.hub), "goes on", as_json)


@app.command()
def hold(number: Number, note: Note = "", as_json: Json = False) -> None:
    """Hold an order; what is labelled already goes on."""
    room = open_room()

    def work(connection: Connection, known: str) -> list[Wakeup]:
        sealed = seal_note(connection, room.seals, known, note)
        return desk.hold(connection, known, desk.ASKED_BY_STAFF, _actor(), sealed)

    _act(room, number, work, "is on hold", as_json)


@app.command()
def release(number: Number, as_json: Json = False) -> None:
    """Let a held order go on."""
    room = open_room()
    _act(room, number, lambda c, n: desk.release(c, n, _actor(), room.shop.hub), "goes on", as_json, held=STILL_ASIDE)


@app.command()
def elsewhere(number: Number, as_json: Json = False) -> None:
    """Send an order that was left unfinished at its booth from another place, whole."""
    room = open_room()

    def work(connection: Connection, known: str) -> list[Wakeup]:
        return unfinished.send_from_elsewhere(connection, known, _actor(), room.shop.hub)

    _act(room, number, work, "is routed anew", as_json)


@app.command()
def cancel(
    number: Number,
    note: Note = "",
    keep_money: Annotated[
        bool, typer.Option("--keep-money", help="Pay nothing back: it is entered anew, or settled otherwise")
    ] = False,
    as_json: Json = False,
) -> None:
    """Cancel an order that has no label yet. What was paid for it is paid back; `backroom return refunds` lists what
    waits for you."""
    room = open_room()

    def work(connection: Connection, known: str) -> list[Wakeup]:
        sealed = seal_note(connection, room.seals, known, note)
        told = room.shop.told_ids(news.CANCELLED)
        reason = desk.CANCELLED_BY_STAFF
        owed = cancelling.cancel(connection, known, _actor(), reason, sealed, told=told, keep_money=keep_money)
        owed += selling.wakeups(connection, room.shop)
        return owed + cancelled_refunds.wakeups(connection, room.shop)

    _act(room, number, work, "is cancelled, its pieces are free again", as_json, held=AT_PARTNER)


def scan_piece(
    location: Annotated[str, typer.Argument(help="Where you are, such as main-hub")],
    number: Number,
    code: Annotated[str, typer.Argument(help="The piece's SKU or GTIN")],
    as_json: Json = False,
) -> None:
    """Confirm a picked piece by its code; exit code 1 for a wrong one."""
    room = open_room()
    place = room.shop.location(location).id
    result = room.database.write(lambda c: scan(c, place, number.upper(), code, _actor()))
    send(room, result.wakeups)
    if as_json:
        said = {"accepted": result.accepted, "reason": result.reason, "left": result.left}
        show_json({"order": number.upper(), **said})
    elif result.accepted:
        console.print(f"[bold green]right[/]: {result.left} left for {number.upper()}")
    else:
        console.print(f"[bold red]WRONG[/]: {result.reason}")
    if not result.accepted:
        raise typer.Exit(1)


def import_file(
    file: Annotated[
        Path, typer.Argument(exists=True, dir_okay=False, help="A CSV file, or a JSON file of a mapped shop")
    ],
    channel: Annotated[str, typer.Option(help="The channel that it comes in by, where several take files")] = "",
) -> None:
    """Take the orders of a file in. A file taken in twice changes nothing."""
    room = open_room()
    spec = _file_channel(room.shop, channel)
    drop = split_file(spec, file.read_bytes(), file.name)
    for problem in drop.problems:
        console.print(problem, style="yellow", highlight=False, markup=False)
    reader = channel_for(spec)
    deliveries = [delivery_of(spec, reader, json.loads(order.body), {}, order.body) for order in drop.orders]
    hub = room.shop.hub
    receipts = room.database.write(lambda c: [accept(c, room.seals, one, hub) for one in deliveries])
    new = [receipt.wakeup for receipt in receipts if receipt.wakeup is not None]
    send(room, new[-1:])
    console.print(f"{len(receipts)} orders in {file.name}, {len(new)} new, {len(drop.problems)} rows set aside.")


@quarantine.command("list")
def list_quarantine(as_json: Json = False) -> None:
    """Messages put aside, with every reason."""
    room = open_room()
    with room.database.read() as connection:
        rows: list[dict[str, Any]] = [dict(row) for row in open_quarantine(connection)]
    show_json(rows) if as_json else show_table("Quarantine", rows, ("id", "channel", "problems", "at"))


@quarantine.command("replay")
def replay(id_: Annotated[int, typer.Argument(metavar="ID")]) -> None:
    """Put a message back to the front door, after what was wrong is mended."""
    room = open_room()
    if not room.database.write(lambda c: intake.replay(c, id_, now(c))):
        console.print(f"[yellow]Nothing with id {id_} waits in quarantine.[/]")
        raise typer.Exit(1)
    with room.database.read() as connection:
        send(room, [wakeup(connection, intake.STAGE, room.shop.hub)])
    console.print(f"Message {id_} is read again.")


STILL_ASIDE = "is in quarantine as well, and stays on hold for that: its page says why"
AT_PARTNER = "is at its partner, who is asked to cancel it: it is on hold until they answer"


def _act(
    room: Room, number: str, work: Callable[[Connection, str], list[Wakeup]], done: str, as_json: bool, held: str = ""
) -> None:
    """Do it in one commit, send what it owes, and say so: in words (`held`: where it is on hold now for its partner's
    answer), or with the state that the order is in now."""
    known = number.upper()
    send(room, room.database.write(lambda c: work(c, known)))
    with room.database.read() as connection:
        order = desk.find(connection, known)
    if not as_json:
        waits = bool(held) and order["hold_reason"] in (cancelling.CANCELLING, IN_QUARANTINE)
        console.print(f"{known} {held if waits else done}.")
        return
    show_json({"order": known, "state": order["state"], "hold_reason": order["hold_reason"]})


def _file_channel(shop: Shop, named: str) -> ChannelSpec:
    """The channel that a file comes in by: the one that is named, or the only one there is."""
    files = [spec for spec in shop.channels if spec.kind in DROPPED_KINDS]
    chosen = [shop.channel(named)] if named else files
    if len(chosen) != 1 or chosen[0] not in files:
        there = ", ".join(spec.id for spec in files) or "none"
        problem = f"{named} takes no files" if named else "it is not clear which channel the file comes from"
        raise NotAFileChannel(f"{problem}.", remedy=f"Name one that takes files with --channel; there are: {there}.")
    return chosen[0]


def _story(room: Room, number: str) -> OrderStory:
    with room.database.read() as connection:
        told = story(connection, number.upper())
    if told is None:
        raise desk.NoSuchOrder(f"there is no order {number.upper()}", remedy="`backroom order list` shows them.")
    return told


def _history(told: OrderStory, notes: Mapping[int, str]) -> list[dict[str, Any]]:
    return [dict(entry) | {"note": notes.get(entry["id"], "")} for entry in told.history]


def _plain(told: OrderStory, notes: Mapping[int, str]) -> dict[str, Any]:
    return {
        "order": {name: value for name, value in told.order.items() if name not in SEALED},
        **{
            name: [dict(row) for row in getattr(told, name)]
            for name in (
                "lines",
                "decisions",
                "parts",
                "part_lines",
                "print_jobs",
                "rates",
                "shipments",
                "tracking",
                "effects",
                "returns",
            )
        },
        "parcels": [{n: v for n, v in row.items() if n != "code"} for row in told.parcels],
        "history": _history(told, notes),
        "messages": [{n: v for n, v in row.items() if n != "content"} for row in told.messages],
    }


def _actor() -> str:
    return getpass.getuser()
