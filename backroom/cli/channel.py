"""Commands about channels: try a message before a shop sends it, and look into the drop folders now."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from backroom.channels.contact import contact_problems
from backroom.channels.dropping import DropFolder, Taken
from backroom.channels.files import ENDINGS, split_file
from backroom.channels.trying import Tried, try_message, try_signature
from backroom.cli.opening import open_new_room, open_room
from backroom.cli.output import console, show_json, show_table
from backroom.cli.waking import send
from backroom.domain.channels import ChannelSpec
from backroom.domain.errors import AskPerson
from backroom.domain.model import Problem
from backroom.domain.validation import validate
from backroom.shop.room import Room
from backroom.store import catalogue
from backroom.store.inbox_door import Delivery, Receipt, accept
from backroom.store.migrate import is_made

app = typer.Typer(no_args_is_help=True)


class NotAHeader(AskPerson):
    """What was typed is no header."""

    cause = "not_a_header"


class NoFolder(AskPerson):
    """The channel has no drop folder."""

    cause = "no_folder"


@app.command("test")
def try_file(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="The message, as the shop sends it")],
    channel: Annotated[str, typer.Option(help="The channel that it would come in by")],
    header: Annotated[
        list[str] | None, typer.Option(help='A header that came with it: "X-Signature: 3f1a…"; may be repeated')
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document instead of words")] = False,
) -> None:
    """Try a message: the order that would be read of it, field by field, and every problem. Stores nothing."""
    room = open_new_room()
    spec = room.shop.channel(channel)
    headers = dict(map(_header, header or ()))
    body = file.read_bytes()
    signature = _signature(room, spec, body, headers)
    bodies = [body]
    aside: tuple[str, ...] = ()
    if spec.kind in ENDINGS and not headers:
        split = split_file(spec, body, file.name)
        bodies, aside = [order.body for order in split.orders], split.problems
    tried = [_judged(room, try_message(spec, one, headers, room.shop.owner.country), spec) for one in bodies]
    if as_json:
        show_json({"signature": signature, "set_aside": list(aside), "orders": [_plain(one) for one in tried]})
    else:
        console.print(f"Signature: {signature}.", highlight=False, markup=False)
        for problem in aside:
            console.print(problem, style="yellow", highlight=False, markup=False)
        for one in tried:
            _show(one)
    wrong = any(one.order is None and not one.ping for one in tried) or bool(aside) or signature.startswith("wrong")
    room.close()
    if wrong:
        sys.exit(1)


@app.command("take")
def take(
    channel: Annotated[str, typer.Option(help="Only this channel's folder")] = "",
) -> None:
    """Take the files of the drop folders in now, instead of with the next look a minute later."""
    room = open_room()
    chosen = [room.shop.channel(channel)] if channel else [spec for spec in room.shop.channels if spec.folder]
    if not chosen or not all(spec.folder for spec in chosen):
        raise NoFolder(
            f"{channel or 'this shop'} has no drop folder.", remedy='Add folder = "drop/orders" to the channel.'
        )
    for spec in chosen:
        taken = list(_take(room, spec))
        for one in taken:
            console.print(f"{spec.id}: {one}", highlight=False, markup=False)
        if not taken:
            console.print(f"{spec.id}: no file is waiting, or it was written a moment ago.", highlight=False)
        send(room, [one.wakeup for one in taken if one.wakeup is not None][-1:])


def _take(room: Room, spec: ChannelSpec) -> Sequence[Taken]:
    hub = room.shop.hub

    def store(deliveries: Sequence[Delivery]) -> Sequence[Receipt]:
        return room.database.write(lambda c: [accept(c, room.seals, one, hub) for one in deliveries])

    return list(DropFolder(room.folder(spec.folder), spec, room.shop.owner.country).take_all(store))


def _header(text: str) -> tuple[str, str]:
    name, colon, value = text.partition(":")
    if not colon or not name.strip():
        raise NotAHeader(f"{name.strip() or 'a header'} has no value.", remedy='Write --header "Name: value".')
    return name.strip(), value.strip()


def _signature(room: Room, spec: ChannelSpec, body: bytes, headers: dict[str, str]) -> str:
    if not spec.secret:
        return "this channel takes no webhooks"
    if not headers:
        return "not looked at, because no --header was given"
    wrong = try_signature(spec, body, headers, room.secret(spec.secret))
    return f"wrong: {wrong.rstrip('.')}" if wrong else "right"


def _judged(room: Room, tried: Tried, spec: ChannelSpec) -> Tried:
    """With what intake would find besides: SKUs, sums, ways to reach the customer."""
    order = tried.order
    if order is None or not is_made(room.database.engine):
        return tried
    with room.database.read() as connection:
        variants = catalogue.variants_by_sku(connection, {line.sku for line in order.lines})
    owner = room.shop.owner
    tried.problems += validate(order, variants, owner.currency, contact_problems(order, owner.country))
    return tried


def _show(tried: Tried) -> None:
    if tried.ping:
        console.print("It only asks whether somebody is here: it is answered, and not stored.")
        return
    rows = [{"field": one.field, "value": _said(one.value), "from": one.place or "the mapping"} for one in tried.traces]
    mapped = any(one.place for one in tried.traces)
    show_table("What is read", rows, ("field", "value", "from") if mapped else ("field", "value"))
    for problem in tried.problems:
        end = "It would be a Hold." if problem.mendable else "It would go into quarantine."
        console.print(f"{_worded(problem)}. {end}", style="yellow", highlight=False, markup=False)
    if tried.order is not None and not tried.problems:
        console.print("[bold green]This is an order[/]: it would be taken in as it is.")


def _plain(tried: Tried) -> dict[str, Any]:
    return {
        "order": tried.order is not None,
        "ping": tried.ping,
        "topic": tried.topic,
        "fields": [{"field": one.field, "value": _said(one.value), "from": one.place} for one in tried.traces],
        "problems": [
            {"code": one.code, "field": one.field, "detail": one.detail, "mendable": one.mendable}
            for one in tried.problems
        ],
    }


def _worded(problem: Problem) -> str:
    return f"{problem.field or problem.code} {problem.detail}"


def _said(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:%Y-%m-%d %H:%M:%S} UTC" if isinstance(value, datetime) else str(value)
