"""`/prints/{location}`: what has not come out of a printer yet, and a person's word where nobody else can tell."""

from __future__ import annotations

from urllib.parse import quote

from fastapi import APIRouter, HTTPException, Request, Response
from fastapi.responses import RedirectResponse
from sqlalchemy import Connection, RowMapping

from backroom.domain.model import PrintJobState
from backroom.domain.shop import Location
from backroom.gateway.access import Staff
from backroom.gateway.booth import RowId
from backroom.gateway.front import Front, front_of
from backroom.gateway.pages.forms import StaffFields
from backroom.gateway.pages.html import Child, button, form, order_link, page, state, table, tag, when
from backroom.store import print_attempts, print_jobs
from backroom.store.booth_wakes import location_of
from backroom.store.claims import Wakeup

router = APIRouter()

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
    waiting = [row for row in rows if row["state"] in NEEDS_A_PERSON]
    others = [row for row in rows if row["state"] not in NEEDS_A_PERSON]
    head = ("Job", "Order", "Piece", "State", "Why, and what to do", "Printer", "Since", "")
    return page(
        request,
        f"Prints at {place.name}",
        tag("h2", "Waiting for somebody"),
        table(head, [_row(request, row) for row in waiting], "Nothing waits for paper or a decision."),
        tag("h2", "Queue"),
        table(head, [_row(request, row) for row in others], "The queue is empty."),
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
    return RedirectResponse(f"/prints/{quote(location, safe='')}", 303)


def _row(request: Request, row: RowMapping) -> list[Child]:
    return [
        row["id"],
        order_link(row["order_number"]),
        f"{row['copies']} × {row['sku']}",
        state(row["state"]),
        [row["reason"], tag("p", print_jobs.to_do(row), cls="quiet")],
        row["printer"],
        when(request, row["started_at"] or row["handed_at"] or row["created_at"]),
        _decision(request, row),
    ]


def one_job(request: Request, row: RowMapping) -> list[Child]:
    """A job that needs a hand, as a card: what it is, why it stands, what to do, and the buttons for it."""
    return [
        tag("p", order_link(row["order_number"]), f" {row['copies']} × {row['sku']} ", state(row["state"])),
        tag("p", f"{row['printer']}: " if row["printer"] else "", row["reason"]),
        tag("p", print_jobs.to_do(row), cls="quiet"),
        _decision(request, row),
    ]


def _decision(request: Request, row: RowMapping) -> Child:
    asked = form(
        request,
        f"/prints/{quote(row['location'], safe='')}/{row['id']}/decision",
        button("It was printed", name="decision", value="printed"),
        button("Print it again", name="decision", value="print_again"),
        cls="row",
    )
    if row["state"] in (PrintJobState.UNKNOWN, PrintJobState.FAILED):
        return asked
    if row["state"] in print_jobs.ACTIVE:
        return tag("details", tag("summary", "Its worker is gone"), asked)
    return None
