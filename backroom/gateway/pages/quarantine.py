"""`/quarantine`: what could not become an order, every reason why, and the way back after a fix."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse
from sqlalchemy import Connection, RowMapping

from backroom.gateway.access import Staff
from backroom.gateway.booth import RowId
from backroom.gateway.front import front_of
from backroom.gateway.pages.forms import StaffFields
from backroom.gateway.pages.html import Child, Html, button, form, page, table, tag, when
from backroom.store.claims import Wakeup, wakeup
from backroom.store.database import now
from backroom.store.hints import waiting
from backroom.store.intake import STAGE, replay
from backroom.store.quarantined import open_quarantine

router = APIRouter()


@router.get("/quarantine")
def show(request: Request, _staff: Staff) -> Response:
    with front_of(request).room.database.read() as connection:
        rows = open_quarantine(connection)
        away = waiting(connection)
    head = ("Received", "Channel", "Its id there", "Why", "")
    return page(
        request,
        "Quarantine",
        table(head, [_row(request, row) for row in rows], "Nothing is in quarantine."),
        *_waiting(request, away),
    )


def _waiting(request: Request, away: list[RowMapping]) -> list[Child]:
    """What only hints at an order whose channel does not give it out now. It goes on by itself."""
    if not away:
        return []
    head = ("Channel", "Messages", "Why", "Since", "Next attempt")
    rows: list[list[Child]] = [
        [row["channel"], str(row["messages"]), row["reason"], when(request, row["since"]), when(request, row["again"])]
        for row in away
    ]
    return [tag("h2", "Waiting for a channel"), table(head, rows, "")]


@router.post("/quarantine/{quarantine_id}/replay")
def send_again(quarantine_id: RowId, request: Request, _staff: Staff, _given: StaffFields) -> Response:
    """Puts a message back to the front door; one that was replayed already stays where it is."""
    front = front_of(request)
    hub = front.room.shop.hub

    def work(connection: Connection) -> list[Wakeup]:
        return [wakeup(connection, STAGE, hub)] if replay(connection, quarantine_id, now(connection)) else []

    front.send(front.room.database.write(work))
    return RedirectResponse("/quarantine", 303)


def _row(request: Request, row: RowMapping) -> list[Child]:
    problems = [
        tag("li", tag("strong", problem["code"]), f" {problem['field']}: {problem['detail']}")
        for problem in row["problems"]
    ]
    again = form(request, f"/quarantine/{row['id']}/replay", button("Replay"))
    return [when(request, row["received_at"]), row["channel"], row["external_id"], Html(tag("ul", problems)), again]
