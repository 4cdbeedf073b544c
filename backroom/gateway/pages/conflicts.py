"""`/conflicts`: what booths sold or printed while they had no network, where it did not go together with the rest."""

from __future__ import annotations

from fastapi import APIRouter, HTTPException, Request, Response
from fastapi.responses import RedirectResponse
from sqlalchemy import RowMapping

from backroom.gateway.access import Staff
from backroom.gateway.booth import RowId
from backroom.gateway.front import front_of
from backroom.gateway.pages.forms import StaffFields
from backroom.gateway.pages.html import Child, button, form, order_link, page, table, tag, when
from backroom.store import offline_conflicts
from backroom.store.offline_conflicts import ConflictKind

WORDS = {
    ConflictKind.TAKEN_BACK: "printed at the booth, after it was taken back here",
    ConflictKind.PRINTED_TWICE: "printed at the booth and elsewhere",
    ConflictKind.FOR_NOTHING: "printed at the booth for work that was cancelled or sent elsewhere",
    ConflictKind.SAID_PRINTED: "said to be printed, and it was not",
    ConflictKind.DISPLACED: "carried out by another customer, while this order had it reserved",
    ConflictKind.NOT_IN_BOOKS: "carried out, and the books had none",
}

router = APIRouter()


@router.get("/conflicts")
def show(request: Request, _staff: Staff) -> Response:
    with front_of(request).room.database.read() as connection:
        rows = offline_conflicts.listing(connection)
    head = ("When we heard", "Where", "Order", "What", "What was done", "")
    return page(
        request,
        "Sold or printed without network",
        tag("p", "Each is settled already, by the rule that a piece that is there, or in a customer's hand, counts."),
        table(head, [_row(request, row) for row in rows], "Nothing that nobody has looked at."),
    )


@router.post("/conflicts/{conflict_id}/seen")
def seen(conflict_id: RowId, request: Request, staff: Staff, given: StaffFields) -> Response:
    """Somebody has looked at it: it leaves the list."""
    database = front_of(request).room.database
    if not database.write(lambda connection: offline_conflicts.look(connection, conflict_id, staff.name)):
        raise HTTPException(404, "it is not on the list any more")
    return RedirectResponse("/conflicts", 303)


def _row(request: Request, row: RowMapping) -> list[Child]:
    what = WORDS[ConflictKind(row["kind"])]
    return [
        when(request, row["at"]),
        row["location"],
        order_link(request, row["order_number"]) if row["order_number"] else "",
        [f"{row['pieces']} × {row['sku']}: {what}"],
        row["settled"],
        form(request, f"/conflicts/{row['id']}/seen", button("I have seen it"), cls="row"),
    ]
