"""`/events/{code}/count`: the last count of an event, piece by piece with a hand scanner.

Every scan is one piece more. As on the other scan page, the answer comes straight from the POST: were it a redirect,
reloading the page could not warn that it counts a piece again.
"""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from backroom.domain.events import EventState
from backroom.gateway.access import Staff, place_of
from backroom.gateway.front import front_of
from backroom.gateway.pages import event_tills
from backroom.gateway.pages.events import checked
from backroom.gateway.pages.forms import StaffFields
from backroom.gateway.pages.html import Child, Html, button, form, link, page, table, tag
from backroom.gateway.pages.scan import printable
from backroom.store import events, leases
from backroom.store.events import EventRefused

MOST_PIECES = 100_000

router = APIRouter(prefix="/events/{code}/count")


@router.get("")
def ask(code: str, request: Request, _staff: Staff) -> Response:
    return _page(request, checked(code), "calm", "Scan a piece")


@router.post("")
def count(code: str, request: Request, staff: Staff, given: StaffFields) -> Response:
    """`code` is what was scanned; `pieces` sets its count instead, for a box that was counted by hand."""
    scanned, typed = printable(given.get("code", "")), given.get("pieces", "")
    pieces = int(typed) if typed.isascii() and typed.isdigit() and int(typed[:9]) <= MOST_PIECES else None
    if typed and pieces is None:
        return _page(request, checked(code), "bad", f"Write a number from 0 to {MOST_PIECES}")
    database = front_of(request).room.database
    try:
        sku, counted = database.write(lambda c: leases.count(c, checked(code), scanned, pieces, staff.name))
    except EventRefused as refused:
        return _page(request, code, "bad", f"No: {refused.message}")
    return _page(request, code, "good", f"{sku}: {counted}")


def _page(request: Request, code: str, tone: str, said: str) -> Response:
    with front_of(request).room.database.read() as connection:
        row = events.find(connection, code)
        pieces, tills = leases.standing(connection, row), event_tills.look(connection, row)
    if row["state"] != EventState.CLOSED:
        tone, said = "bad", f"{row['name']} is {row['state']}: pieces are counted once it is closed"
    rows: list[list[Child]] = [
        [one.sku, one.there, "–" if one.counted is None else one.counted, _left(one)] for one in pieces
    ]
    return page(
        request,
        f"Count after {row['name']}",
        tag("p", said, cls=f"answer {tone}", role="status"),
        form(
            request,
            f"/events/{code}/count",
            tag("label", "Code", for_="code"),
            tag("input", id="code", name="code", cls="scanner", autofocus=True, autocomplete="off", required=True),
            Html(" "),
            button("Enter"),
            tag(
                "details",
                tag("summary", "A whole box: how many are there in all"),
                tag("label", "Pieces", for_="pieces"),
                tag("input", id="pieces", name="pieces", inputmode="numeric", autocomplete="off"),
            ),
        ),
        tag(
            "p",
            link(f"/events/{code}", "Back to the event" if place_of(request) else "Back to the event, to settle it"),
        ),
        event_tills.section(request, row, tills),
        table(("SKU", "There by the books", "Counted", ""), rows, "Nothing should be there."),
    )


def _left(one: leases.Standing) -> str:
    """What the books and the count differ by so far."""
    if one.counted is None:
        return "not counted yet" if one.there else ""
    if one.counted == one.there:
        return "all there"
    missing = one.there - one.counted
    return f"{missing} missing" if missing > 0 else f"{-missing} more than there should be"
