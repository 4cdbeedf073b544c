"""`backroom`: the program as its users type it. Each group of commands stands in a file of its own."""

from __future__ import annotations

import sys

import typer
from rich.console import Console
from sqlalchemy.exc import DBAPIError

from backroom.cli import (
    artworks,
    audit,
    backup,
    booths,
    channel,
    check,
    demo,
    doctor,
    effects,
    event_day,
    event_look,
    event_pages,
    events,
    keys,
    kpi,
    master_key,
    orders,
    parcels,
    partner_bills,
    partners,
    person,
    plan,
    printers,
    prints,
    quality,
    restock,
    returns,
    route,
    samples,
    shop,
    stock,
    system,
    till,
)
from backroom.cli.opening import close_rooms
from backroom.domain.errors import BackroomError
from backroom.store.database import trouble_of_the_moment

app = typer.Typer(
    help="The back room of a small fashion shop: every order routed, printed or picked, labelled, announced.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.add_typer(shop.app, name="shop", help="The shop file.")
app.add_typer(orders.app, name="order", help="One order: look at it, hold it, let it go on, cancel it, try again.")
app.add_typer(channel.app, name="channel", help="Channels: try a message, take dropped files in.")
app.add_typer(keys.app, name="key", help="Keys for tills, booths, staff and metrics.")
app.add_typer(person.app, name="person", help="One person: find, export, forget; and what was asked for.")
app.add_typer(master_key.app, name="master-key", help="The key under which everything personal is sealed.")
app.add_typer(backup.app, name="backup", help="Backups that forget whom the shop forgets: make one, put one back.")
app.add_typer(stock.app, name="stock", help="What lies where, and what has arrived.")
events.app.command("list")(event_look.list_events)
events.app.command("show")(event_look.show)
events.app.command("publish")(event_pages.publish)
events.app.command("page")(event_pages.page)
events.app.command("open")(event_day.open_booth)
events.app.command("close")(event_day.close_booth)
events.app.command("lend")(event_day.lend)
events.app.command("count")(event_day.count)
events.app.command("settle")(event_day.settle)
events.app.command("extend")(event_day.extend)
app.add_typer(artworks.app, name="artwork", help="Artwork: does all of it print; fetch one that was sent.")
partners.app.command("bill")(partner_bills.bill)
app.add_typer(partners.app, name="partner", help="Partners: what is at each of them, and what they sent.")
app.add_typer(events.app, name="event", help="Events: plan one, get it ready, open and close its booth, settle it.")
app.add_typer(restock.app, name="restock", help="What to take to a market, and the transfers that carry it there.")
app.add_typer(
    booths.app, name="booth", help="The machines at booths: which there are, and the end of one that is lost."
)
prints.app.command("pace")(printers.pace)
prints.app.command("profiles")(printers.profiles)
app.add_typer(
    prints.app,
    name="print",
    help="Print jobs, a person's word on those nobody can tell about, and how fast printers are.",
)
app.add_typer(samples.app, name="sample", help="Samples: what may be printed on demand, because one was looked at.")
app.add_typer(
    effects.app, name="effect", help="What nobody could tell: sheets, messages, labels that may have gone out."
)
app.add_typer(parcels.app, name="parcel", help="Parcels after their label: where they are, and what is fetched.")
app.add_typer(parcels.label, name="label", help="Labels that were not used.")
app.add_typer(returns.app, name="return", help="What comes back: ask, take in, put away, pay back, exchange.")
app.add_typer(kpi.app, name="kpi", help="Key figures: how fast, at what cost, how well, who comes back.")
app.add_typer(
    audit.app, name="audit", help="What is lost, wrong and slow, and what to do; now, or in files of the past."
)
app.add_typer(plan.app, name="plan", help="The first 30 days: what is done, what the figures say, what comes next.")
app.add_typer(route.app, name="route", help="What other rules, or other stock, would have come to.")
app.add_typer(check.app, name="check", help="Would a robot pay, and where should the shop run?")
app.add_typer(quality.app, name="quality", help="Data quality: what cannot be true, and what to do about it.")
app.add_typer(orders.quarantine, name="quarantine", help="Messages that were no orders.")
app.command("init")(shop.init)
app.command("scan")(orders.scan_piece)
app.command("import")(orders.import_file)
app.command("up")(system.up)
app.command("worker")(system.worker)
app.command("till")(till.till)
app.command("doctor")(doctor.doctor)
app.command("demo")(demo.demo)


def main() -> None:
    """Run the program; an error of ours is one clear sentence and exit code 1, not a traceback."""
    try:
        try:
            app()
        except DBAPIError as error:
            # Writing says so by itself; what is only read comes here.
            trouble = trouble_of_the_moment(error)
            if trouble is None:
                raise
            raise trouble from None
    except BackroomError as error:
        Console(stderr=True).print(f"[bold red]{error.cause}[/]: {error}", highlight=False)
        sys.exit(1)
    finally:
        close_rooms()
