"""Commands about stock: what lies where, and taking in what arrived."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated

import typer
from sqlalchemy import Connection, select

from backroom.cli.opening import open_room
from backroom.cli.output import console, show_json, show_table
from backroom.cli.waking import send
from backroom.domain.errors import AskPerson
from backroom.shop.catalogue import read_catalogue, read_stock
from backroom.store import catalogue, level_calls, selling, stock
from backroom.store.backlog import wake_backorders
from backroom.store.claims import Wakeup
from backroom.store.database import now
from backroom.store.tables import variants

app = typer.Typer(no_args_is_help=True)

LISTED = 10


class UnknownSku(AskPerson):
    """The catalogue has no such SKU."""

    cause = "unknown_sku"


class NotTold(AskPerson):
    """The shop file does not say that this channel is told of stock."""

    cause = "not_told"


@app.command("list")
def list_stock(
    low: Annotated[bool, typer.Option("--low", help="Only what is short")] = False,
    as_json: Annotated[bool, typer.Option("--json")] = False,
) -> None:
    """Pieces by location and SKU."""
    room = open_room()
    with room.database.read() as connection:
        levels = stock.levels(connection)
    rows = [
        {
            "location": level.location,
            "sku": level.sku,
            "on_hand": level.on_hand,
            "reserved": level.reserved,
            "available": level.available,
            "kept": level.kept,
            "in_quarantine": level.aside,
        }
        for _, level in sorted(levels.items())
        if not low or level.available <= room.shop.thresholds.low_stock
    ]
    show_json(rows) if as_json else show_table(
        "Stock", rows, ("location", "sku", "on_hand", "reserved", "available", "kept", "in_quarantine")
    )


@app.command("online")
def online(as_json: Annotated[bool, typer.Option("--json")] = False) -> None:
    """Pieces the web shops may sell now, each as it is told: nothing that is reserved, kept for an event, at a booth
    that is shut, or at a place that it does not sell from."""
    room = open_room()
    with room.database.read() as connection:
        may = selling.online(connection, room.shop)
    if as_json:
        found = [(channel, *one) for channel, free in may.items() for one in sorted(free.items())]
        show_json([{"channel": channel, "sku": sku, "pieces": pieces} for channel, sku, pieces in found])
        return
    named = {channel: channel or "pieces" for channel in may}
    skus = sorted({sku for free in may.values() for sku in free})
    rows = [{"sku": sku} | {named[channel]: str(free.get(sku, "")) for channel, free in may.items()} for sku in skus]
    show_table("May be sold online", rows, ("sku", *named.values()))
    if "" in may:
        console.print("No channel is told of stock: each may sell so many, of every place but the booths.")


@app.command("told")
def told(
    channel: Annotated[str, typer.Argument(help="A channel that is told of stock, such as web")],
    wrong: Annotated[bool, typer.Option("--wrong", help="Only what differs or cannot be told")] = False,
    as_json: Annotated[bool, typer.Option("--json")] = False,
) -> None:
    """What a channel may sell of each SKU, what it was told, and why a level could not be set there."""
    room = open_room()
    spec = room.shop.channel(channel)
    with room.database.read() as connection:
        may = selling.for_sale(connection, room.shop, spec.id)
        rows = {row["sku"]: row for row in selling.levels_of(connection, spec.id)}
        trouble = [row for row in level_calls.trouble_of(connection) if row["channel"] == spec.id]
    shown = [
        {
            "sku": sku,
            "may_sell": may.get(sku, 0),
            "shows": row["level"] if (row := rows.get(sku)) is not None and not row["doubtful"] else None,
            "sold_there_unheard": row["unheard"] if row is not None else 0,
            "trouble": row["trouble"] if row is not None else "not told yet",
            "told_at": row["told_at"] if row is not None else None,
        }
        for sku in sorted({*may, *rows})
    ]
    if wrong:
        shown = [one for one in shown if one["trouble"] or one["shows"] != one["may_sell"]]
    if as_json:
        show_json(shown)
        return
    show_table(f"What {spec.id} was told", shown, tuple(shown[0]) if shown else ())
    for row in trouble:
        console.print(f"[bold red]{row['cause']}[/]: {row['reason']} It is tried again.", highlight=False)


@app.command("tell")
def tell(channel: Annotated[str, typer.Argument(help="A channel that is told of stock, such as web")]) -> None:
    """Tell a channel every level anew, at once: after somebody changed it there, or mended what kept it from us."""
    room = open_room()
    spec = room.shop.channel(channel)
    if spec.id not in room.shop.told_ids(selling.KIND):
        raise NotTold(
            f"{spec.id} is not told of stock",
            remedy=f'Add "stock" to tell under [channels.{spec.id}.api] in shop.toml.',
        )
    send(room, room.database.write(lambda connection: level_calls.tell_anew(connection, spec.id)))
    console.print(f"{spec.id} is told every level now. See: backroom stock told {spec.id}")


@app.command()
def receive(
    location: Annotated[str, typer.Argument(help="Where it arrived")],
    sku: Annotated[str, typer.Argument(help="What")],
    pieces: Annotated[int, typer.Argument(min=1, help="How many")],
) -> None:
    """Take pieces into the stock; orders that waited for them are routed again."""
    room = open_room()
    room.shop.location(location)
    key = f"received:{datetime.now(UTC).isoformat()}"

    def work(connection: Connection) -> list[Wakeup]:
        check_skus(connection, [sku])
        stock.receive(connection, key, [(location, sku, pieces)], "received", now(connection))
        return wake_backorders(connection, [sku], room.shop.hub) + selling.wakeups(connection, room.shop)

    send(room, room.database.write(work))
    console.print(f"{pieces} of {sku} at {location}.")


@app.command("load")
def load(
    catalogue_file: Annotated[Path, typer.Argument(exists=True, help="CSV of what is sold")],
    stock_file: Annotated[Path | None, typer.Argument(exists=True, help="CSV of what lies where")] = None,
) -> None:
    """Load the catalogue, and with it the first count of the stock."""
    room = open_room()
    sold = read_catalogue(catalogue_file)
    counted = read_stock(stock_file) if stock_file else []
    for location, _, _ in counted:
        room.shop.location(location)
    key = f"counted:{datetime.now(UTC).isoformat()}"

    def work(connection: Connection) -> None:
        catalogue.save_variants(connection, sold)
        check_skus(connection, [sku for _, sku, _ in counted])
        stock.receive(connection, key, counted, "counted", now(connection))

    room.database.write(work)
    console.print(f"{len(sold)} variants, {len(counted)} stock levels.")


def check_skus(connection: Connection, skus: Sequence[str]) -> None:
    """Raise UnknownSku for the first that the catalogue does not have; its remedy lists what looks most like it."""
    there = catalogue.variants_by_sku(connection, skus)
    for sku in skus:
        if sku not in there:
            known = list(connection.execute(select(variants.c.sku).order_by(variants.c.sku)).scalars())
            listed = ", ".join(get_close_matches(sku, known, LISTED) or known[:LISTED])
            remedy = f"It has {len(known)}, such as: {listed}." if known else "Load it with `backroom stock load`."
            raise UnknownSku(f"the catalogue has no {sku!r}.", remedy=remedy)
