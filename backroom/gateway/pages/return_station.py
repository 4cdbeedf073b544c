"""`/returns/at/{location}` and `/returns/{number}`: taking a return in at a hub or a booth, on a tablet.

The first code is the return label, the return's number or its order's number, and opens the return at once; the ones
after it are its pieces, until the next label. Below it stands each piece, with what is to be said about it.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import TypeVar
from urllib.parse import quote

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse
from sqlalchemy import Connection

from backroom.domain.errors import Refuse
from backroom.domain.returns import Disposition, Reason, Wanted, Word
from backroom.domain.shop import Shop
from backroom.gateway.access import Staff, only_at, place_of
from backroom.gateway.booth import RowId
from backroom.gateway.front import front_of
from backroom.gateway.pages.forms import StaffFields
from backroom.gateway.pages.html import Html, button, form, page, tag
from backroom.gateway.pages.prints import known_location
from backroom.gateway.pages.return_view import instead_of, read_view, show_return
from backroom.gateway.pages.scan import printable
from backroom.gateway.pages.thumbs import thumbs
from backroom.store import desk, return_desk, return_opening, returns
from backroom.store.claims import Wakeup

router = APIRouter(prefix="/returns")

C = TypeVar("C", bound=StrEnum)


@router.get("/at/{location}")
def ask(location: str, request: Request, _staff: Staff) -> Response:
    known_location(front_of(request), location)
    return _station(request, location, "", "calm", "Scan the return label, or type the order's number")


@router.post("/at/{location}")
def scan(location: str, request: Request, staff: Staff, given: StaffFields) -> Response:
    """A label or a number opens its return; anything else is a piece of the return that is open at this station."""
    front = front_of(request)
    room = front.room
    known_location(front, location)
    code, rma = (printable(given.get(name, "")) for name in ("code", "rma"))
    mistaken_for = int(line) if (line := given.get("instead_of", "")).isdecimal() else 0
    bound = bool(place_of(request))
    if rma and bound:
        with room.database.read() as connection:
            only_at(request, returns.find(connection, rma)["location"])
    try:
        opened = room.database.write(
            lambda c: return_opening.open_by_code(c, room.shop, code.upper(), location, staff.name, only_of_here=bound)
        )
    except returns.NoSuchReturn as error:
        if not rma:
            return _station(request, location, "", "bad", str(error))
    except Refuse as error:
        return _station(request, location, rma, "bad", f"No: {error}")
    else:
        front.send(opened.wakeups)
        said = "is open. Scan its pieces" if opened.new else "was known already"
        return _station(request, location, opened.number, "good", f"{opened.number} {said}")
    try:
        taken = room.database.write(
            lambda c: return_desk.receive(c, room.shop, rma, location, code, staff.name, mistaken_for)
        )
    except Refuse as error:
        return _station(request, location, rma, "bad", f"No: {error}")
    front.send(taken.wakeups)
    if taken.line_id is None:
        return _station(request, location, rma, "bad", f"No: {taken.reason}", wrong=code)
    return _station(request, location, rma, "good", "Right. Say below why it came back")


@router.get("/{number}")
def show(number: str, request: Request, _staff: Staff, at: str = "") -> Response:
    with front_of(request).room.database.read() as connection:
        back = returns.find(connection, number)
    place = at or back["location"] or front_of(request).room.shop.hub
    only_at(request, place)
    known_location(front_of(request), place)
    return _station(request, place, number, "calm", "")


@router.post("/{number}/approve")
def approve(number: str, request: Request, staff: Staff, given: StaffFields) -> Response:
    return _act(request, number, given, lambda c: return_desk.approve(c, _shop(request), number, staff.name))


@router.post("/{number}/decline")
def decline(number: str, request: Request, staff: Staff, given: StaffFields) -> Response:
    return _act(request, number, given, lambda c: return_desk.decline(c, _shop(request), number, staff.name))


@router.post("/{number}/cancel")
def cancel(number: str, request: Request, staff: Staff, given: StaffFields) -> Response:
    return _act(request, number, given, lambda c: return_desk.cancel(c, _shop(request), number, staff.name))


@router.post("/{number}/complete")
def complete(number: str, request: Request, staff: Staff, given: StaffFields) -> Response:
    """Nothing more comes."""
    return _act(request, number, given, lambda c: return_desk.that_is_all(c, _shop(request), number, staff.name))


@router.post("/{number}/retry")
def retry(number: str, request: Request, staff: Staff, given: StaffFields) -> Response:
    """Take up a return again whose customer could not be told."""

    def work(connection: Connection) -> list[Wakeup]:
        order = returns.find(connection, number)["order_number"]
        return desk.retry(connection, order, staff.name, _shop(request).hub)

    return _act(request, number, given, work)


@router.post("/{number}/pieces/{piece}/say")
def say(number: str, piece: RowId, request: Request, staff: Staff, given: StaffFields) -> Response:
    """`reason`, and `other`: the SKU it is exchanged for, empty to pay it back."""
    reason, other = _choice(Reason, given.get("reason", "")), given.get("other", "")
    wanted = Wanted.EXCHANGE if other else Wanted.REFUND
    return _act(
        request,
        number,
        given,
        lambda c: return_desk.say(c, _shop(request), piece, reason, wanted, other, staff.name),
    )


@router.post("/{number}/pieces/{piece}/decide")
def decide(number: str, piece: RowId, request: Request, staff: Staff, given: StaffFields) -> Response:
    granted = _choice(Word, given.get("word", "")) is Word.GRANTED
    return _act(
        request,
        number,
        given,
        lambda c: return_desk.decide(c, _shop(request), piece, granted=granted, actor=staff.name),
    )


@router.post("/{number}/pieces/{piece}/dispose")
def dispose(number: str, piece: RowId, request: Request, staff: Staff, given: StaffFields) -> Response:
    way = _choice(Disposition, given.get("disposition", ""))
    return _act(request, number, given, lambda c: return_desk.dispose(c, _shop(request), piece, way, staff.name))


class NoSuchChoice(Refuse):
    """A page of ours offers nothing of that name."""

    cause = "no_such_choice"


def _choice(kind: type[C], word: str) -> C:
    try:
        return kind(word)
    except ValueError as error:
        raise NoSuchChoice("this page offers no such choice", remedy="Reload it.") from error


def _act(request: Request, number: str, given: dict[str, str], work: Callable[[Connection], list[Wakeup]]) -> Response:
    """Do it in one commit, send what it owes, and go back to where it was asked."""
    front = front_of(request)
    front.send(front.room.database.write(work))
    at = given.get("at", "")
    return RedirectResponse(f"/returns/{quote(number, safe='')}" + (f"?at={quote(at, safe='')}" if at else ""), 303)


def _shop(request: Request) -> Shop:
    return front_of(request).room.shop


def _station(
    request: Request, location: str, number: str, tone: str, said: str, *, wrong: str = "", status: int = 200
) -> Response:
    """The page of a station: the answer to what was scanned, the field for the next code, the return and its pieces."""
    room = front_of(request).room
    view = None
    if number:
        with room.database.read() as connection:
            view = read_view(connection, room.shop, number)
    return page(
        request,
        f"Returns at {room.shop.location(location).name}",
        tag("p", said, cls=f"answer {tone}", role="status") if said else None,
        form(
            request,
            f"/returns/at/{quote(location, safe='')}",
            tag("input", type="hidden", name="rma", value=number),
            tag("label", "Label, number or piece", for_="code"),
            tag("input", id="code", name="code", cls="scanner", autofocus=True, autocomplete="off", required=True),
            Html(" "),
            button("Enter"),
        ),
        instead_of(request, view, location, wrong) if view and wrong else None,
        show_return(request, view, location) if view else None,
        status=status,
        by_thumb=thumbs(room.shop.location(location), "Take back"),
    )
