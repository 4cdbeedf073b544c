"""Commands about events on their day and after it: open and close the booth, lend it pieces, count and settle."""

from __future__ import annotations

import getpass
import uuid
from dataclasses import asdict
from typing import Annotated

import typer
from sqlalchemy import Connection

from backroom.cli.event_words import moment_of
from backroom.cli.events import Code, Json
from backroom.cli.opening import open_room
from backroom.cli.output import console, show_json, show_table
from backroom.cli.stock import check_skus
from backroom.cli.waking import send
from backroom.domain.leases import LeaseRefused, Loan, Settled
from backroom.domain.opening import zone
from backroom.store import event_desk, leases, overdue, selling
from backroom.store.backlog import wake_backorders
from backroom.store.claims import Wakeup
from backroom.store.events import EventRefused


def open_booth(code: Code) -> None:
    """Open the booth now; by itself it opens when its hours begin. Refused while something required is missing."""
    room = open_room()
    hub = room.shop.hub
    send(room, room.database.write(lambda connection: event_desk.open_event(connection, code, hub, getpass.getuser())))
    console.print(f"[bold green]{code} is live[/]: orders are routed to its booth until its hours end.")


def close_booth(code: Code, as_json: Json = False) -> None:
    """Close the booth now, or call the event off; what is open is routed elsewhere. By itself it closes at its end."""
    room = open_room()
    hub = room.shop.hub
    cleared, wakeups = room.database.write(
        lambda connection: event_desk.close_event(connection, code, hub, getpass.getuser())
    )
    send(room, wakeups)
    if as_json:
        show_json(asdict(cleared))
        return
    console.print(
        f"[bold]{code} is closed.[/] Count what is there, then: backroom event settle {code}", highlight=False
    )
    for said, numbers in (
        ("Routed elsewhere", cleared.rerouted),
        ("On hold for somebody to decide; each one's page says what can be done", cleared.held),
        ("Begun already, and finished at the booth", cleared.finishing),
    ):
        if numbers:
            console.print(f"{said}: {', '.join(numbers)}", highlight=False)


def lend(
    code: Code,
    sku: Annotated[str, typer.Argument(help="What")],
    pieces: Annotated[int, typer.Argument(min=1, help="How many")],
    from_: Annotated[str, typer.Option("--from", help="Whose stock they leave; the hub's if left out")] = "",
    shared: Annotated[bool, typer.Option("--shared", help="The online shops may sell them meanwhile")] = False,
) -> None:
    """Lend pieces to an event: they leave the lender's stock, and only its booth may sell them until it is settled."""
    room = open_room()
    loan = Loan(sku, room.shop.location(from_ or room.shop.hub).id, pieces, shared)

    def work(connection: Connection) -> list[Wakeup]:
        check_skus(connection, [sku])
        leases.lend(connection, code, [loan], key=uuid.uuid4().hex, actor=getpass.getuser())
        return selling.wakeups(connection, room.shop)

    send(room, room.database.write(work))
    console.print(f"{pieces} of {sku} left {loan.from_location} for {code}.")


def count(
    code: Code,
    sku: Annotated[str, typer.Argument(help="The SKU, or the code on the piece")],
    pieces: Annotated[int, typer.Argument(min=0, help="How many are there in all; 0 for none")],
) -> None:
    """Say how many pieces of a SKU are there after the event; on a tablet they are scanned one by one."""
    room = open_room()
    known, counted = room.database.write(
        lambda connection: leases.count(connection, code, sku, pieces, getpass.getuser())
    )
    console.print(f"{counted} of {known} counted.")


def extend(
    code: Code,
    until: Annotated[str, typer.Option("--until", help="The last day that the pieces may be out, such as 2026-12-31")],
) -> None:
    """Give an event's leased pieces more time before they are overdue, or after."""
    room = open_room()
    asked = moment_of(until, zone(room.shop.owner.timezone))
    if asked is None:
        raise LeaseRefused("no day was given", remedy="Write it like --until 2026-12-31.")

    def work(connection: Connection) -> list[Wakeup]:
        overdue.extend(connection, code, asked, getpass.getuser())
        return selling.wakeups(connection, room.shop)

    send(room, room.database.write(work))
    console.print(f"The pieces leased to {code} may be out until {until}.")


def settle(
    code: Code,
    all_there: Annotated[bool, typer.Option("--all-there", help="Nothing is missing: it never left the house")] = False,
    rest_missing: Annotated[bool, typer.Option("--rest-missing", help="What nobody counted is missing")] = False,
    sales_lost: Annotated[
        bool, typer.Option("--sales-lost", help="Nobody will tell the sales that a till never told: it is lost")
    ] = False,
    as_json: Json = False,
) -> None:
    """Settle a closed event: what was counted goes back to its lenders, and what was not is a figure: missing."""
    if all_there and rest_missing:
        raise EventRefused("they are all there, or the rest is missing", remedy="Give one of the two.")
    room = open_room()
    hub = room.shop.hub

    def work(connection: Connection) -> tuple[list[Settled], list[Wakeup]]:
        settled = leases.settle_event(
            connection,
            code,
            hub=hub,
            actor=getpass.getuser(),
            all_there=all_there,
            rest_missing=rest_missing,
            sales_lost=sales_lost,
        )
        owed = wake_backorders(connection, [one.sku for one in settled if one.returned], hub)
        return settled, owed + selling.wakeups(connection, room.shop)

    settled, wakeups = room.database.write(work)
    send(room, wakeups)
    rows = [asdict(one) for one in settled]
    if as_json:
        show_json(rows)
        return
    show_table(f"Settlement of {code}", rows, ("sku", "leased", "other", "sold", "returned", "missing"))
    missing = sum(one.missing for one in settled)
    console.print(f"Missing in all: [bold]{missing}[/]" if missing >= 0 else f"More than there should be: {-missing}")
