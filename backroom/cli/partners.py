"""Commands about partners: what is at each of them, and saying that what they sent is here."""

from __future__ import annotations

from typing import Annotated

import typer

from backroom.cli.opening import open_room
from backroom.cli.output import console, show_json, show_table
from backroom.cli.waking import send
from backroom.domain.money import format_money
from backroom.partners.registry import spec_of
from backroom.store import partner_news, partner_orders

app = typer.Typer(no_args_is_help=True)

COLUMNS = ("order", "location", "state", "asked", "tracking", "totes", "bill")
By = Annotated[str, typer.Option("--by", help="Who says so")]


@app.command("list")
def list_orders(
    location: Annotated[str, typer.Argument(help="One partner's location; all otherwise")] = "",
    everything: Annotated[bool, typer.Option("--all", help="What has ended as well")] = False,
    as_json: Annotated[bool, typer.Option("--json")] = False,
) -> None:
    """Orders at partners: where each stands, when it was asked about, what it costs."""
    room = open_room()
    if location:
        spec_of(room.shop.location(location))
    with room.database.read() as connection:
        found = partner_orders.listed(connection, location, ended=everything)
    rows = [
        {
            "order": row["number"],
            "location": row["location"],
            "state": row["state"],
            "asked": row["asked_at"].strftime("%Y-%m-%d %H:%M") if row["asked_at"] else "",
            "tracking": ", ".join(parcel["tracking"] for parcel in row["parcels"]),
            "totes": ", ".join(f"{tote['tote']} {tote['at']}".strip() for tote in row["totes"]),
            "bill": format_money(row["bill_minor"], row["currency"]) if row["bill_minor"] is not None else "",
        }
        for row in found
    ]
    show_json(rows) if as_json else show_table("At partners", rows, COLUMNS)


@app.command("arrived")
def arrived(
    number: Annotated[str, typer.Argument(help="The order's number")],
    location: Annotated[str, typer.Argument(help="The partner's location")],
    by: By = "",
) -> None:
    """What a partner sent to the hub for an order is here: it is packed and labelled like any other."""
    room = open_room()
    spec_of(room.shop.location(location))
    number = number.upper()
    send(
        room, room.database.write(lambda connection: partner_news.arrived(connection, number, location, by or "staff"))
    )
    console.print(f"[bold green]{number} is here[/] from {location}: it goes on.", highlight=False)
