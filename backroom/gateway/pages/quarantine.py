"""`/quarantine`: what could not become an order, and rows that failed a grave check; every reason, and the way back."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse
from sqlalchemy import Connection, RowMapping

from backroom.domain.quality import FindingState
from backroom.gateway.access import Staff
from backroom.gateway.booth import RowId
from backroom.gateway.front import front_of
from backroom.gateway.pages.forms import StaffFields
from backroom.gateway.pages.html import Child, Html, button, form, order_link, page, table, tag, when
from backroom.quality.quarantine import table as quarantine_table
from backroom.store.claims import Wakeup, wakeup
from backroom.store.database import now
from backroom.store.hints import waiting
from backroom.store.intake import STAGE, replay
from backroom.store.quality import findings, quarantine
from backroom.store.quarantined import open_quarantine

router = APIRouter()

ROWS_MOST = 500
_ROWS = ("Of", "Why", "What to do", "Now", "")


@router.get("/quarantine")
def show(request: Request, _staff: Staff) -> Response:
    with front_of(request).room.database.read() as connection:
        rows = open_quarantine(connection)
        away = waiting(connection)
        aside = quarantine_table(quarantine.listed(connection, ROWS_MOST))
    head = ("Received", "Channel", "Its id there", "Why", "")
    return page(
        request,
        "Quarantine",
        tag("h2", "Messages that are no order yet"),
        table(head, [_row(request, row) for row in rows], "No message is in quarantine."),
        *_waiting(request, away),
        tag("h2", "Rows that failed a grave check"),
        tag(
            "p",
            "Their orders are on hold if they have not left, their stock is not sold, and no figure counts them, until "
            "they pass the check or somebody says that they are right.",
            cls="quiet",
        ),
        table(_ROWS, [_of_row(request, row) for row in aside], "No row is in quarantine."),
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


@router.post("/quarantine/rows/{finding_id}/accept")
def accept_row(finding_id: RowId, request: Request, staff: Staff, _given: StaffFields) -> Response:
    """A person says that a row is right as it is: its order goes on and is counted again. What is accepted or mended
    already stays as it is."""
    front = front_of(request)

    def work(connection: Connection) -> list[Wakeup]:
        at = now(connection)
        with contextlib.suppress(findings.NoFinding):
            findings.settle(connection, finding_id, FindingState.ACCEPTED, staff.name, at)
        return quarantine.let_go_on(connection, front.room.shop, at, staff.name)

    front.send(front.room.database.write(work))
    return RedirectResponse("/quarantine", 303)


def _of_row(request: Request, row: Mapping[str, str]) -> list[Child]:
    accept = form(request, f"/quarantine/rows/{row['id']}/accept", button("It is right as it is"))
    of: Child = order_link(request, row["number"]) if row["number"] else row["of"]
    repair = (
        tag("p", "Its repair is certain: backroom quality repair ", row["id"], cls="quiet") if row["repair"] else None
    )
    return [of, [tag("strong", row["why"]), repair], row["do"], row["now"], accept]


def _row(request: Request, row: RowMapping) -> list[Child]:
    problems = [
        tag("li", tag("strong", problem["code"]), f" {problem['field']}: {problem['detail']}")
        for problem in row["problems"]
    ]
    again = form(request, f"/quarantine/{row['id']}/replay", button("Replay"))
    return [when(request, row["received_at"]), row["channel"], row["external_id"], Html(tag("ul", problems)), again]
