"""`/scan/{location}`: one field for a hand scanner, and an answer that can be read from two metres.

The first code is the order's number; the ones after it are its pieces, until the next order's number. The answer comes
straight from the POST: were it a redirect, reloading the page could not warn that it counts a piece again.
"""

from __future__ import annotations

import re
from urllib.parse import quote

from fastapi import APIRouter, Request, Response

from backroom.domain.locations import Location
from backroom.gateway.access import Staff
from backroom.gateway.front import front_of
from backroom.gateway.pages.forms import StaffFields
from backroom.gateway.pages.html import Html, button, form, order_link, page, tag
from backroom.gateway.pages.prints import known_location
from backroom.gateway.pages.thumbs import thumbs
from backroom.store import scanning

LONGEST_CODE = 200

router = APIRouter()


@router.get("/scan/{location}")
def ask(location: str, request: Request, _staff: Staff) -> Response:
    place = known_location(front_of(request), location)
    return _page(request, place, "", "calm", "Scan the order")


@router.post("/scan/{location}")
def scan(location: str, request: Request, staff: Staff, given: StaffFields) -> Response:
    front = front_of(request)
    place = known_location(front, location)
    code, order = (printable(given.get(name, "")) for name in ("code", "order"))
    if re.fullmatch(rf"{re.escape(front.room.shop.owner.order_prefix)}-\d+", code, re.IGNORECASE):
        return _page(request, place, code.upper(), "calm", "Scan its pieces")
    if not order:
        return _page(request, place, "", "bad", "That is no order. Scan the order first")
    result = front.room.database.write(lambda c: scanning.scan(c, location, order, code, staff.name))
    front.send(result.wakeups)
    if not result.accepted:
        return _page(request, place, order, "bad", f"No: {result.reason}")
    if result.left:
        return _page(request, place, order, "good", f"Right. {result.left} to go")
    return _page(request, place, "", "good", f"{order} is complete. Scan the next order")


def printable(text: str) -> str:
    """What a scanner sends, without the control characters that some put around it."""
    return "".join(character for character in text[:LONGEST_CODE] if character.isprintable())


def _page(request: Request, place: Location, order: str, tone: str, said: str) -> Response:
    return page(
        request,
        f"Scan at {place.name}",
        tag("p", "Order ", order_link(request, order)) if order else None,
        tag("p", said, cls=f"answer {tone}", role="status"),
        form(
            request,
            f"/scan/{quote(place.id, safe='')}",
            tag("input", type="hidden", name="order", value=order),
            tag("label", "Code", for_="code"),
            tag("input", id="code", name="code", cls="scanner", autofocus=True, autocomplete="off", required=True),
            Html(" "),
            button("Enter"),
        ),
        by_thumb=thumbs(place, "Scan"),
    )
