"""`/samples/{location}`: samples on a tablet beside the printers: print one, take its photo, say whether it is good.

What waits to be looked at comes first; then how everything stands, how much came out bad, and the batches in use.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated
from urllib.parse import unquote

from fastapi import APIRouter, HTTPException, Query, Request, Response
from fastapi.responses import RedirectResponse
from sqlalchemy import Connection, RowMapping

from backroom.domain.locations import Location
from backroom.domain.reject_rates import rates
from backroom.domain.samples import Standing
from backroom.gateway.access import Staff
from backroom.gateway.booth import RowId
from backroom.gateway.front import front_of
from backroom.gateway.pages.forms import StaffFields
from backroom.gateway.pages.html import Child, Html, link, page, table, tag, when
from backroom.gateway.pages.prints import known_location, taken_back
from backroom.gateway.pages.sample_sections import (
    ORDER,
    drift_row,
    material_name,
    new_batch_form,
    path_of,
    print_one,
    standing_row,
    to_look_at,
)
from backroom.gateway.pages.uploads import StaffUpload
from backroom.printing.artwork import render_artwork
from backroom.shop import photos
from backroom.store import material_batches, reject_figures, sample_desk, sample_standing, samples
from backroom.store.catalogue import variants_by_sku
from backroom.store.database import now
from backroom.store.sample_closing import TakenBack
from backroom.store.samples import SampleDecided

router = APIRouter()

# What is approved for no longer than that is shown as something to do.
SOON = timedelta(days=7)


@router.get("/samples")
def show_all(request: Request, _staff: Staff) -> Response:
    """Every place that prints, with how many of its prints are approved and how many wait."""
    room = front_of(request).room
    with room.database.read() as connection:
        standing = sample_standing.every(connection, room.shop, now(connection))
    rows: list[list[Child]] = []
    for place in room.shop.locations:
        here = [one.verdict.standing for _, one in standing if one.location == place.id]
        if here:
            rows.append(
                [
                    link(path_of(place), place.name),
                    here.count(Standing.APPROVED),
                    here.count(Standing.WAITING),
                    sum(one in (Standing.EXPIRED, Standing.NEW_BATCH, Standing.CLOSED) for one in here),
                    here.count(Standing.NONE),
                ]
            )
    head = ("Place", "Approved", "To be looked at", "Ask for a new one", "Never sampled")
    return page(
        request, "Samples", _asked_for(room.shop.samples.require), table(head, rows, "No place prints anything.")
    )


@router.get("/samples/{location}")
def show(location: str, request: Request, _staff: Staff) -> Response:
    front = front_of(request)
    place, shop = known_location(front, location), front.room.shop
    with front.room.database.read() as connection:
        at = now(connection)
        standing = [x for x in sample_standing.every(connection, shop, at) if x[1].location == location]
        waiting = [row for row in samples.waiting(connection) if row["location"] == location]
        in_use = [row for row in material_batches.listing(connection) if row["location"] == location]
        made = reject_figures.made(connection, shop, at - reject_figures.WINDOW)
        drifts = reject_figures.drifts(connection, shop, [one for one in made if one.location == location])
        titles = variants_by_sku(connection, {row["sku"] for row in waiting})
    standing.sort(key=lambda one: (ORDER.index(one[1].verdict.standing), one[1].combination, one[1].printer))
    here = [one for one in made if one.location == location]
    of_print = rates(here, lambda one: (one.combination, one.printer))
    of_printer = rates(here, lambda one: one.printer)
    return page(
        request,
        f"Samples at {place.name}",
        _asked_for(shop.samples.require),
        tag("h2", "To be looked at"),
        [to_look_at(request, place, row, titles) for row in waiting] or tag("p", "Nothing waits.", cls="quiet"),
        tag("h2", "Print one"),
        print_one(request, place, standing),
        tag("h2", "How it stands"),
        table(
            ("Print", "Printer", "State", "Until, and why", "Came out bad"),
            [standing_row(request, place, *one, of_print, soon=at + SOON) for one in standing],
            "Nothing is printed here.",
        ),
        tag("h2", "Batches in use"),
        table(
            ("Material", "Batch", "Since", "By"),
            [[material_name(row), row["batch"], when(request, row["since"]), row["actor"]] for row in in_use],
            "Nobody has named one: any sample does.",
        ),
        new_batch_form(request, place, standing),
        tag("h2", "Came out bad"),
        table(("Printer", "In 90 days"), [[name, rate.words] for name, rate in of_printer.items()], "Nothing printed."),
        table(
            ("Batch", "With it", "Before it", ""),
            [drift_row(of, one) for of, one in drifts],
            "No batch followed another.",
        ),
    )


@router.post("/samples/{location}/printed")
def printed(location: str, request: Request, staff: Staff, given: StaffFields) -> Response:
    """`what` is `PRINTER/SKU`, as the page's list has it."""
    front = front_of(request)
    place = known_location(front, location)
    printer, sku = _chosen(given, 2)
    front.room.database.write(lambda c: sample_desk.printed(c, front.room.shop, sku, location, printer, staff.name))
    return RedirectResponse(path_of(place), 303)


@router.get("/samples/{location}/document")
def document(location: str, request: Request, _staff: Staff, sku: Annotated[str, Query(max_length=200)]) -> Response:
    """The PDF that an order's print would be, to be printed as a sample."""
    front = front_of(request)
    known_location(front, location)
    with front.room.database.read() as connection:
        variant = variants_by_sku(connection, [sku]).get(sku)
    if variant is None or not variant.artwork:
        raise HTTPException(404, "nothing is printed of this")
    pdf = render_artwork(
        front.room.artwork() / variant.artwork,
        width_mm=variant.printed_width_mm,
        height_mm=variant.printed_height_mm,
        process=variant.print_process,
        label=f"sample · {sku}",
    )
    return Response(pdf, media_type="application/pdf")


@router.post("/samples/{location}/{number}/word")
def say(location: str, number: RowId, request: Request, staff: Staff, sent: StaffUpload) -> Response:
    """`says`: good, which needs a `photo`, or bad; `note` is what was seen."""
    front = front_of(request)
    place, room = known_location(front, location), front.room
    says, note, content = sent.fields.get("says", ""), sent.fields.get("note", ""), sent.files.get("photo", b"")
    if says not in ("good", "bad"):
        raise HTTPException(400, "a sample is good, or bad")
    with room.database.read() as connection:
        row = _here(connection, location, number)
    if row["decided_at"] is not None:
        raise SampleDecided(f"sample {number} is {row['state']} already", remedy="Print a new one to look at it again.")
    photo = photos.keep(room.home, number, content) if content else ""
    if says == "bad":
        taken = room.database.write(
            lambda c: sample_desk.reject(c, room.shop, number, photo=photo, note=note, actor=staff.name)
        )
        front.send(taken.wakeups)
        return _answer(request, place, taken)
    _, owed = room.database.write(
        lambda c: sample_desk.approve(c, room.shop, number, photo=photo, note=note, actor=staff.name)
    )
    front.send(owed)
    return RedirectResponse(path_of(place), 303)


@router.get("/samples/{location}/{number}/photo")
def photo(location: str, number: RowId, request: Request, _staff: Staff) -> Response:
    """The photo of a sample, as it was kept."""
    room = front_of(request).room
    with room.database.read() as connection:
        row = _here(connection, location, number)
    path = photos.find(room.home, row["photo"])
    if path is None:
        raise HTTPException(404, "there is no photo kept of this")
    return Response(path.read_bytes(), media_type="image/jpeg")


@router.post("/samples/{location}/batch")
def new_batch(location: str, request: Request, staff: Staff, given: StaffFields) -> Response:
    """`what` is `ink/PRINTER/` or `fabric/PRODUCT/COLOURWAY`, as the page's list has it; `batch` its code."""
    front = front_of(request)
    place = known_location(front, location)
    kind, material, colourway = _chosen(given, 3)
    found = front.room.database.write(
        lambda c: sample_desk.new_batch(
            c,
            front.room.shop,
            location=location,
            kind=kind,
            material=material,
            colourway=colourway,
            batch=given.get("batch", ""),
            actor=staff.name,
        )
    )
    front.send(found.owed)
    return _answer(request, place, found.taken)


def _answer(request: Request, place: Location, taken: TakenBack) -> Response:
    """Back to the page, unless orders were to be printed as is not approved any more: then what became of them."""
    if not (taken.rerouted or taken.held):
        return RedirectResponse(path_of(place), 303)
    return page(
        request,
        "A new sample is asked for",
        tag("p", "What waited to be printed so is not printed now.", cls="answer bad", role="status"),
        tag("p", "Print a new sample and have it looked at. What is begun is printed to its end."),
        taken_back(request, taken.rerouted, taken.held),
        tag("p", link(path_of(place), "Back to the samples")),
    )


def _chosen(given: Mapping[str, str], count: int) -> list[str]:
    """The words of a form's `what`; 400 where they are not as many as the page's list gave."""
    words = [unquote(word) for word in given.get("what", "").split("/")]
    if len(words) != count:
        raise HTTPException(400, "choose one from the list")
    return words


def _here(connection: Connection, location: str, number: int) -> RowMapping:
    row = samples.find(connection, number)
    if row["location"] != location:
        raise HTTPException(404, f"there is no sample {number} here")
    return row


def _asked_for(required: bool) -> Html | None:
    said = "The shop file asks for no samples: what stands here keeps nothing from being printed."
    return None if required else tag("p", said, cls="quiet")
