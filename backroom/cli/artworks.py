"""Commands about artwork: whether all of it prints, and fetching one from an address that somebody sent."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import Annotated

import typer

from backroom.cli.opening import open_room
from backroom.cli.output import console
from backroom.cli.waking import send
from backroom.domain.errors import AskPerson, BackroomError
from backroom.domain.locations import PRINT_PROCESSES
from backroom.domain.model import Variant
from backroom.domain.routing_places import can_make
from backroom.domain.shop import Shop
from backroom.outgoing.fetching import Fetcher
from backroom.printing.artwork import Artwork, check_artwork
from backroom.store import catalogue, print_jobs

app = typer.Typer(no_args_is_help=True)


class BadName(AskPerson):
    """A file's name that is none, or that leads out of the artwork folder."""

    cause = "bad_name"


class BadProcess(AskPerson):
    """Nothing is printed in this way."""

    cause = "bad_process"


class IsThere(AskPerson):
    """A file of this name is there, and orders may be made with it now."""

    cause = "artwork_is_there"


def faults_in(shop: Shop, folder: Path, variants: list[Variant]) -> list[str]:
    """A sentence for each artwork that somebody would make and that does not print at its size, and for each piece of a
    partner's list that the catalogue does not have."""
    sentences: dict[str, None] = {}
    for variant in _made(shop, variants):
        try:
            _check(folder, variant)
        except BackroomError as error:
            sentences[f"{variant.sku}: {error}"] = None
    known = {variant.sku: variant for variant in variants}
    for place in shop.locations:
        for product in place.partner.products if place.partner else ():
            path = f"locations.{place.id}.partner.products"
            if product.sku not in known:
                sentences[f"{path}: the catalogue has no {product.sku}. Add it there, or take it off the list."] = None
            elif product.artwork and not known[product.sku].artwork:
                words = "Name it in the catalogue, or write artwork = false."
                sentences[f"{path}: {product.sku} has no artwork. {words}"] = None
    return list(sentences)


def doubts_in(shop: Shop, folder: Path, variants: list[Variant]) -> list[str]:
    """A sentence for each artwork that prints, and perhaps not as it is meant: once a design and process."""
    sentences: dict[str, None] = {}
    for variant in _made(shop, variants):
        with suppress(BackroomError):
            for doubt in _check(folder, variant).doubts:
                sentences[f"{variant.artwork} ({variant.print_process}) {doubt.what} {doubt.cure}"] = None
    return list(sentences)


def _made(shop: Shop, variants: list[Variant]) -> list[Variant]:
    return [one for one in variants if one.artwork and any(can_make(place, one) for place in shop.locations)]


def _check(folder: Path, variant: Variant) -> Artwork:
    size = variant.printed_width_mm, variant.printed_height_mm
    return check_artwork(folder / variant.artwork, *size, variant.print_process)


@app.command()
def check() -> None:
    """Look at every artwork that somebody makes: its kind, colours, transparency and how fine it is at its size.

    Exit code 1 for faults. What is only a doubt prints all the same.
    """
    room = open_room()
    with room.database.read() as connection:
        variants = catalogue.all_variants(connection)
    faults, doubts = (look(room.shop, room.artwork(), variants) for look in (faults_in, doubts_in))
    for fault in faults:
        console.print(fault, style="yellow", highlight=False, markup=False)
    for doubt in doubts:
        console.print(f"It prints, but: {doubt}", highlight=False, markup=False)
    if faults:
        raise typer.Exit(1)
    console.print("[bold green]All artwork prints at its size.[/]")


@app.command()
def accept(
    name: Annotated[str, typer.Argument(help="The artwork's file, as the catalogue names it")],
) -> None:
    """Say that an artwork was replaced on purpose: what is not begun of it is printed as its file is now.

    Without that, a print whose artwork is another file than was looked at waits.
    """
    room = open_room()
    with room.database.read() as connection:
        variants = [one for one in catalogue.all_variants(connection) if one.artwork == name]
    if not variants:
        raise BadName(f"the catalogue has no artwork {name!r}.", remedy="Write its name as it stands there.")
    for variant in _made(room.shop, variants):
        for doubt in _check(room.artwork(), variant).doubts:
            console.print(f"{variant.sku}: it prints, but it {doubt.what} {doubt.cure}", highlight=False, markup=False)
    count, wakeups = room.database.write(lambda connection: print_jobs.accept_artwork(connection, name))
    send(room, wakeups)
    console.print(f"[bold green]{count} prints[/] are made of {name} as it is now.", highlight=False)


@app.command()
def fetch(
    url: Annotated[str, typer.Argument(help="Where it is: an address that begins with https://")],
    name: Annotated[str, typer.Argument(help="How it is called in the artwork folder, such as owl-1042.png")],
    width: Annotated[int, typer.Option("--width", help="Its printed width in millimetres", min=1)],
    height: Annotated[int, typer.Option("--height", help="Its printed height, where that counts", min=0)] = 0,
    process: Annotated[
        str, typer.Option(help="How it is printed, as its print_process in the catalogue")
    ] = PRINT_PROCESSES[0],
) -> None:
    """Fetch an artwork that a channel or a customer sent an address of, and keep it if it prints at its size.

    It is fetched from the open internet only, and never from this house.
    """
    room = open_room()
    if Path(name).name != name or not name.lower().endswith(".png") or name.startswith("."):
        raise BadName(f"{name!r} is no name of an artwork.", remedy="Write one such as owl-1042.png.")
    if process not in PRINT_PROCESSES:
        raise BadProcess(f"nothing is printed by {process!r}", remedy=f"Write one of {', '.join(PRINT_PROCESSES)}.")
    folder = room.artwork()
    folder.mkdir(parents=True, exist_ok=True)
    path, draft = folder / name, folder / f".{name}.new"
    if path.exists():
        raise IsThere(f"{name} is there already.", remedy="Choose another name.")
    content = Fetcher().fetch(url, name).content
    draft.write_bytes(content)
    try:
        artwork = check_artwork(draft, width, height, process)
        os.link(draft, path)
    except FileExistsError:
        raise IsThere(f"{name} is there already.", remedy="Choose another name.") from None
    finally:
        draft.unlink()
    console.print(
        f"[bold green]{name} is in the artwork folder[/]: {artwork.width_mm:.0f} × {artwork.height_mm:.0f} mm. "
        "Name it in the catalogue.",
        highlight=False,
    )
    for doubt in artwork.doubts:
        console.print(f"It prints, but it {doubt.what} {doubt.cure}", highlight=False, markup=False)
