"""`/effects`: sheets, messages and labels of which nobody can tell whether they went out, and a person's word on each.

Prints have a page of their own, beside their printers.
"""

from __future__ import annotations

from fastapi import APIRouter, HTTPException, Request, Response
from fastapi.responses import RedirectResponse
from sqlalchemy import Connection

from backroom.domain.errors import Refuse
from backroom.gateway.access import Staff
from backroom.gateway.booth import RowId
from backroom.gateway.front import front_of
from backroom.gateway.pages.forms import StaffFields
from backroom.gateway.pages.html import Child, button, form, order_link, page, table, tag, when
from backroom.store.claims import Wakeup
from backroom.store.decisions import Undecided, decide, undecided

HAPPENED, DID_NOT = "happened", "did_not_happen"

# Where to look before deciding, and what the two answers mean.
_LOOK = {
    "sheet": ("Look at the label printer.", "It was printed", "Print it again"),
    "message": ("Look into the log of the mail server or the SMS gateway.", "It was sent", "Send it again"),
    "refund": ("Look at the order in the channel's own pages.", "It was paid back", "Pay it back again"),
    "told": ("Look at the order in the channel's own pages.", "The channel knows it", "Tell it again"),
    "label": ("Look at the carrier, and void it there if it was bought.", "", "It was not bought, or is void"),
}

router = APIRouter()


class NoSuchAnswer(Refuse):
    """A decision is one of the two words that the page offers."""

    cause = "no_such_answer"


@router.get("/effects")
def show(request: Request, _staff: Staff) -> Response:
    with front_of(request).room.database.read() as connection:
        rows = undecided(connection)
    head = ("What", "Orders", "Begun", "Why nobody can tell", "What you saw")
    return page(
        request,
        "Nobody can tell",
        tag(
            "p", "Each was begun, and its answer was lost. Its orders wait for your word; it is never repeated blindly."
        ),
        table(head, [_row(request, row) for row in rows], "Nothing waits for a decision."),
    )


@router.post("/effects/{effect_id}/decision")
def settle(effect_id: RowId, request: Request, staff: Staff, given: StaffFields) -> Response:
    """`happened`: go on. `did_not_happen`: do it again, under the same key."""
    answer = given.get("decision", "")
    if answer not in (HAPPENED, DID_NOT):
        raise NoSuchAnswer(f"a decision is {HAPPENED} or {DID_NOT}")
    front = front_of(request)

    def work(connection: Connection) -> list[Wakeup]:
        row = next((one for one in undecided(connection) if one.id == effect_id), None)
        if row is None:
            raise HTTPException(404, "it does not wait for a decision any more")
        return decide(connection, row.key, happened=answer == HAPPENED, actor=staff.name)

    front.send(front.room.database.write(work))
    return RedirectResponse("/effects", 303)


def _row(request: Request, row: Undecided) -> list[Child]:
    look, yes, no = _LOOK[row.kind]
    buttons = [button(yes, name="decision", value=HAPPENED)] if row.may_have_happened else []
    answer = form(
        request, f"/effects/{row.id}/decision", buttons, button(no, name="decision", value=DID_NOT), cls="row"
    )
    return [
        [row.kind, " ", tag("span", row.key, cls="quiet")],
        [[order_link(request, number), " "] for number in row.numbers],
        when(request, row.started_at),
        [row.reason, tag("p", look, cls="quiet")],
        answer,
    ]
