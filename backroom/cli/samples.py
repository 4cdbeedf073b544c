"""Commands about samples: one was printed, this is good, this is not, a new batch is in use, and how it all stands."""

from __future__ import annotations

import getpass
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer
from sqlalchemy import RowMapping

from backroom.cli.opening import open_room
from backroom.cli.output import console, show_json, show_table, show_taken_back
from backroom.cli.waking import send
from backroom.domain.reject_rates import Rate, rates
from backroom.domain.samples import Standing
from backroom.printing.artwork import render_artwork
from backroom.shop import photos
from backroom.store import material_batches, reject_figures, sample_desk, sample_standing, samples
from backroom.store.catalogue import variants_by_sku
from backroom.store.database import now
from backroom.store.material_batches import FABRIC
from backroom.store.reject_figures import WINDOW

app = typer.Typer(no_args_is_help=True)

_K = TypeVar("_K")

Number = Annotated[int, typer.Argument(help="The sample's number, as `backroom sample list` shows it")]
Photo = Annotated[Path | None, typer.Option(help="A photo of the print, JPEG, PNG or WebP")]
Note = Annotated[str, typer.Option(help="What you saw")]
Json = Annotated[bool, typer.Option("--json", help="One JSON document instead of words")]


@app.command("new")
def new(
    sku: Annotated[str, typer.Argument(help="What was printed; its size does not matter")],
    location: Annotated[str, typer.Argument(help="Where it was printed")],
    printer: Annotated[str, typer.Option(help="On which printer there, where several do it")] = "",
    save: Annotated[
        Path | None, typer.Option(help="Write the PDF that is to be printed there first, as every order's is")
    ] = None,
    as_json: Json = False,
) -> None:
    """A sample was printed: write down of what, where and with which batches. Then look at it and say what you saw."""
    room = open_room()
    id_ = room.database.write(lambda c: sample_desk.printed(c, room.shop, sku, location, printer, getpass.getuser()))
    with room.database.read() as connection:
        row = samples.find(connection, id_)
        variant = variants_by_sku(connection, [sku])[sku]
    if save is not None:
        pdf = render_artwork(
            room.artwork() / variant.artwork,
            width_mm=variant.printed_width_mm,
            height_mm=variant.printed_height_mm,
            process=variant.print_process,
            label=f"sample {id_} · {sku}",
        )
        save.write_bytes(pdf)
    if as_json:
        show_json(_told(row))
        return
    console.print(f"Sample [bold]{id_}[/]: {samples.combination_of_row(row).name}", highlight=False)
    if save is not None:
        console.print(f"Print {save} on {row['printer']} and look at it.", highlight=False)
    console.print(f"Is it good? backroom sample approve {id_} --photo FILE", highlight=False)


@app.command()
def approve(
    number: Number,
    photo: Photo = None,
    note: Note = "",
    days: Annotated[int, typer.Option(min=0, max=3650, help="For how long; the shop file's valid_days if 0")] = 0,
) -> None:
    """It was looked at and is good: from now on it is printed on demand. Orders that waited for it go on."""
    room = open_room()
    with room.database.read() as connection:
        samples.find(connection, number)
    kept = photos.keep(room.home, number, photos.read_photo(photo)) if photo else ""
    row, owed = room.database.write(
        lambda c: sample_desk.approve(c, room.shop, number, photo=kept, note=note, actor=getpass.getuser(), days=days)
    )
    send(room, owed)
    console.print(f"Sample {number} is approved until {row['good_until'].astimezone():%Y-%m-%d}.", highlight=False)


@app.command()
def reject(number: Number, photo: Photo = None, note: Note = "") -> None:
    """It was looked at and is not good: it is not printed on demand until another sample is, nor is what waits."""
    room = open_room()
    with room.database.read() as connection:
        samples.find(connection, number)
    kept = photos.keep(room.home, number, photos.read_photo(photo)) if photo else ""
    taken = room.database.write(
        lambda c: sample_desk.reject(c, room.shop, number, photo=kept, note=note, actor=getpass.getuser())
    )
    send(room, taken.wakeups)
    console.print(f"Sample {number} is not good.")
    show_taken_back(taken.rerouted, taken.held)


@app.command("list")
def list_samples(
    location: Annotated[str, typer.Argument(help="Only what is printed here")] = "",
    every: Annotated[bool, typer.Option("--all", help="What was never sampled as well")] = False,
    as_json: Json = False,
) -> None:
    """How every colourway stands on its fabric at each printer, what waits to be looked at, and the batches in use."""
    room = open_room()
    place = room.shop.location(location).id if location else ""
    with room.database.read() as connection:
        at = now(connection)
        standing = sample_standing.every(connection, room.shop, at)
        batches = [dict(row) for row in material_batches.listing(connection)]
        waiting = samples.waiting(connection)
    rows = [
        {
            "location": one.location,
            "printer": one.printer,
            "artwork": one.combination.artwork,
            "fabric": one.combination.fabric,
            "colourway": one.combination.colourway,
            "sku": variant.sku,
            "standing": one.verdict.standing,
            "sample": one.verdict.sample,
            "until": one.verdict.until,
            "why": one.verdict.why,
            "fabric_batch": one.batches.fabric,
            "ink_batch": one.batches.ink,
        }
        for variant, one in standing
        if (not place or one.location == place) and (every or as_json or one.verdict.standing is not Standing.NONE)
    ]
    if as_json:
        show_json({"required": room.shop.samples.require, "standing": rows, "batches": batches})
        return
    if not room.shop.samples.require:
        console.print("The shop file asks for no samples: nothing here keeps anything from being printed.")
    columns = ("location", "printer", "artwork", "fabric", "colourway", "standing", "sample", "until", "why")
    show_table("Samples", rows, columns)
    show_table(
        "To be looked at", [_told(row) for row in waiting], ("sample", "sku", "location", "printer", "printed_at")
    )
    show_table("Batches in use", batches, ("location", "kind", "material", "colourway", "batch", "since"))
    unsampled = sum(one.verdict.standing is Standing.NONE for _, one in standing)
    if unsampled and not every:
        console.print(f"{unsampled} more were never sampled: backroom sample list --all", highlight=False)


@app.command()
def rejects(
    days: Annotated[int, typer.Option(min=1, max=3650, help="Of the last so many days")] = WINDOW.days,
    as_json: Json = False,
) -> None:
    """How many prints came out bad: by colourway and fabric, by printer, and each batch beside those before it."""
    room = open_room()
    with room.database.read() as connection:
        every = reject_figures.made(connection, room.shop, now(connection) - timedelta(days=days))
        drifts = reject_figures.drifts(connection, room.shop, every)
    combinations = rates(
        every, lambda one: (one.combination.artwork, one.combination.fabric, one.combination.colourway)
    )
    printers = rates(every, lambda one: (one.location, one.printer))
    told = {
        "combinations": [
            dict(zip(("artwork", "fabric", "colourway"), key, strict=True)) | _rate(rate)
            for key, rate in _worst(combinations)
        ],
        "printers": [
            dict(zip(("location", "printer"), key, strict=True)) | _rate(rate) for key, rate in _worst(printers)
        ],
        "batches": [
            {"of": of, "batch": one.batch, "now": one.now.words, "before": one.before.words, "worse": one.worse}
            for of, one in drifts
        ],
    }
    if as_json:
        show_json(told)
        return
    show_table("By colourway and fabric", told["combinations"], ("artwork", "fabric", "colourway", "said"))
    show_table("By printer", told["printers"], ("location", "printer", "said"))
    show_table("Each batch beside those before it", told["batches"], ("of", "batch", "now", "before", "worse"))


@app.command()
def batch(
    location: Annotated[str, typer.Argument(help="Where it is in use")],
    kind: Annotated[str, typer.Argument(help="fabric or ink")],
    material: Annotated[
        str, typer.Argument(help="The blank's product, such as blank-tee; or the printer that has the ink")
    ],
    code: Annotated[str, typer.Argument(help="What stands on the batch")],
    colourway: Annotated[str, typer.Option(help="Of fabric: in which colourway")] = "",
) -> None:
    """A new batch of fabric or ink is in use from now on: what is printed with it asks for a new sample. What nobody
    has begun to print waits for that, or is made elsewhere."""
    room = open_room()
    place = room.shop.location(location).id
    found = room.database.write(
        lambda c: sample_desk.new_batch(
            c,
            room.shop,
            location=place,
            kind=kind,
            material=material,
            colourway=colourway if kind == FABRIC else "",
            batch=code,
            actor=getpass.getuser(),
        )
    )
    send(room, found.owed)
    if not found.is_new:
        console.print(f"{code} is in use there already.", highlight=False)
        return
    console.print(f"{code} is in use at {place} from now on.", highlight=False)
    for one in found.fell:
        console.print(f"- asks for a new sample: {one.combination.name}", highlight=False)
    show_taken_back(found.taken.rerouted, found.taken.held)


def _worst(found: Mapping[_K, Rate]) -> list[tuple[_K, Rate]]:
    """Those that are certainly the worst first."""
    return sorted(found.items(), key=lambda one: -one[1].interval[0])


def _rate(rate: Rate) -> dict[str, Any]:
    low, high = rate.interval
    return {"pieces": rate.pieces, "bad": rate.bad, "low": low, "high": high, "said": rate.words}


def _told(row: RowMapping) -> dict[str, Any]:
    named = ("sku", "location", "printer", "artwork", "fabric", "colourway", "fabric_batch", "ink_batch", "state")
    return {"sample": row["id"]} | {name: row[name] for name in named} | {"printed_at": row["printed_at"]}
