"""`/prints/{location}`: what has not come out of a printer yet, a person's word where nobody else can tell, and what
came out and is bad."""

from __future__ import annotations

from urllib.parse import quote

from fastapi import APIRouter, HTTPException, Request, Response
from fastapi.responses import RedirectResponse
from sqlalchemy import Connection, RowMapping

from backroom.domain.locations import Location
from backroom.domain.model import PrintJobState
from backroom.domain.reject_rates import FAULT_WORDS
from backroom.gateway.access import Staff, place_of
from backroom.gateway.booth import RowId
from backroom.gateway.front import Front, front_of
from backroom.gateway.pages.forms import StaffFields
from backroom.gateway.pages.html import Child, button, form, link, order_link, page, state, table, tag, when
from backroom.gateway.pages.thumbs import thumbs
from backroom.store import print_attempts, print_jobs, print_rejects
from backroom.store.booth_wakes import location_of
from backroom.store.claims import Wakeup
from backroom.store.database import now
from backroom.store.print_jobs import is_to_stock

router = APIRouter()

AT_BOOTH = "booth"
NEEDS_A_PERSON = (PrintJobState.UNKNOWN, PrintJobState.BLOCKED, PrintJobState.FAILED)


def known_location(front: Front, location: str) -> Location:
    """The location of the shop file, or 404."""
    found = next((one for one in front.room.shop.locations if one.id == location), None)
    if found is None:
        raise HTTPException(404, "there is no such location")
    return found


@router.get("/prints/{location}")
def show(location: str, request: Request, _staff: Staff) -> Response:
    front = front_of(request)
    place = known_location(front, location)
    with front.room.database.read() as connection:
        rows = print_jobs.queue(connection, location)
        out = print_rejects.lately(connection, location, now(connection))
    waiting = [row for row in rows if row["state"] in NEEDS_A_PERSON]
    others = [row for row in rows if row["state"] not in NEEDS_A_PERSON]
    head = ("Job", "For", "Piece", "State", "Why, and what to do", "Printer", "Since", "")
    return page(
        request,
        f"Prints at {place.name}",
        tag("h2", "Waiting for somebody"),
        table(head, [_row(request, row) for row in waiting], "Nothing waits for paper or a decision."),
        tag("h2", "Queue"),
        table(head, [_row(request, row) for row in others], "The queue is empty."),
        tag("h2", "Came out lately", id="out"),
        tag("p", "Is one bad? Say so: it is printed again, and counted.", cls="quiet"),
        table(
            ("For", "Piece", "Printer", "At", ""),
            [_came_out(request, row) for row in out],
            "Nothing came out in the last hours.",
        ),
        by_thumb=thumbs(place, "Prints"),
    )


@router.post("/prints/{location}/{job_id}/decision")
def decide(location: str, job_id: RowId, request: Request, staff: Staff, given: StaffFields) -> Response:
    """`printed`: it came out, go on. `print_again`: it certainly did not, or is spoilt."""
    front = front_of(request)
    known_location(front, location)

    def work(connection: Connection) -> list[Wakeup]:
        if location_of(connection, job_id) != location:
            raise HTTPException(404, f"there is no print job {job_id} here")
        return print_attempts.decide(connection, job_id, given.get("decision", ""), staff.name)

    front.send(front.room.database.write(work))
    back = "booths" if given.get("back") == AT_BOOTH else "prints"
    return RedirectResponse(f"/{back}/{quote(location, safe='')}", 303)


@router.post("/prints/{location}/{job_id}/bad")
def bad(location: str, job_id: RowId, request: Request, staff: Staff, given: StaffFields) -> Response:
    """`fault` says what is wrong with what came out, `pieces` how many of them, `attempt` which try it is about."""
    front = front_of(request)
    known_location(front, location)
    attempt, pieces = _count(given, "attempt"), _count(given, "pieces")

    def work(connection: Connection) -> print_rejects.Rejected:
        if location_of(connection, job_id) != location:
            raise HTTPException(404, f"there is no print job {job_id} here")
        fault = given.get("fault", "")
        return print_rejects.came_out_bad(connection, front.room.shop, job_id, attempt, fault, staff.name, pieces)

    found = front.room.database.write(work)
    front.send(found.wakeups)
    if not found.closed:
        return RedirectResponse(f"/prints/{quote(location, safe='')}#out", 303)
    return page(
        request,
        "Too many came out bad",
        tag("p", f"It is not printed on demand any more: {found.why}.", cls="answer bad", role="status"),
        tag("p", "Find out why, then print a new sample and have it looked at. What is begun is printed to its end."),
        taken_back(request, found.rerouted, found.held),
        tag("p", link(f"/prints/{quote(location, safe='')}", "Back to the prints")),
    )


def _count(given: dict[str, str], name: str) -> int:
    typed = given.get(name, "") or "0"
    if not (typed.isascii() and typed.isdigit() and len(typed) < 6):
        raise HTTPException(400, f"{name} is a number")
    return int(typed)


def taken_back(request: Request, rerouted: list[str], held: list[str]) -> list[Child]:
    """The orders that were to be printed as is not approved any more, and what became of them."""
    return [
        _orders(request, "Made elsewhere: ", rerouted),
        _orders(request, "On hold, until a new sample is approved: ", held),
    ]


def _orders(request: Request, said: str, numbers: list[str]) -> Child:
    return tag("p", said, [[order_link(request, number), " "] for number in numbers]) if numbers else None


def _came_out(request: Request, row: RowMapping) -> list[Child]:
    return [
        made_for(request, row),
        f"{print_jobs.pieces_of(row)} × {row['sku']}",
        row["printer"],
        when(request, row["ended_at"]),
        tag("details", tag("summary", "It is bad"), _bad(request, row)),
    ]


def made_for(request: Request, row: RowMapping) -> Child:
    """The order that a job is for, or the transfer to a market."""
    number = row["order_number"]
    if not is_to_stock(row):
        return order_link(request, number)
    return [number if place_of(request) else link(f"/transfers/{quote(number, safe='')}", number), " to stock"]


def _bad(request: Request, row: RowMapping) -> Child:
    out, name = print_jobs.pieces_of(row), f"fault-{row['id']}"
    options = [tag("option", words, value=fault) for fault, words in FAULT_WORDS.items()]
    number = f"pieces-{row['id']}"
    many = [
        tag("label", f"How many of {out}", for_=number),
        tag("input", type="number", id=number, name="pieces", min=1, max=out, value=out, inputmode="numeric"),
    ]
    return form(
        request,
        f"/prints/{quote(row['location'], safe='')}/{row['id']}/bad",
        tag("input", type="hidden", name="attempt", value=row["attempt"]),
        tag("div", tag("label", "What is wrong", for_=name), tag("select", options, name="fault", id=name)),
        tag("div", many) if out > 1 else None,
        button("Bad: print it again"),
        cls="row",
    )


def _row(request: Request, row: RowMapping) -> list[Child]:
    return [
        row["id"],
        made_for(request, row),
        f"{print_jobs.pieces_of(row)} × {row['sku']}",
        state(row["state"]),
        [row["reason"], tag("p", print_jobs.to_do(row), cls="quiet")],
        row["printer"],
        when(request, row["started_at"] or row["handed_at"] or row["created_at"]),
        _decision(request, row),
    ]


def one_job(request: Request, row: RowMapping, *, at_booth: bool = False) -> list[Child]:
    """A job that needs a hand, as a card: what it is, why it stands, what to do, and the buttons for it; those on the
    booth's page lead back there."""
    return [
        tag("p", made_for(request, row), f" {print_jobs.pieces_of(row)} × {row['sku']} ", state(row["state"])),
        tag("p", f"{row['printer']}: " if row["printer"] else "", row["reason"]),
        tag("p", print_jobs.to_do(row), cls="quiet"),
        _decision(request, row, AT_BOOTH if at_booth else ""),
    ]


def _decision(request: Request, row: RowMapping, back: str = "") -> Child:
    asked = form(
        request,
        f"/prints/{quote(row['location'], safe='')}/{row['id']}/decision",
        tag("input", type="hidden", name="back", value=back) if back else None,
        button("It was printed", name="decision", value="printed"),
        button("Print it again", name="decision", value="print_again"),
        cls="row",
    )
    if row["state"] == PrintJobState.UNKNOWN:
        return [asked, tag("details", tag("summary", "It came out, and is bad"), _bad(request, row))]
    if row["state"] == PrintJobState.FAILED:
        return asked
    if row["state"] in print_jobs.ACTIVE:
        return tag("details", tag("summary", "Its worker is gone"), asked)
    return None
