"""What an event's page says of pieces that should be back: what to do, and more time for them.

What belongs here: that part of the page, and its button. What does not: settling (`events`), counting (`event_count`).
"""

from __future__ import annotations

from datetime import date, time, timedelta
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse
from sqlalchemy import Connection, RowMapping

from backroom.domain.events import EventState
from backroom.domain.leases import LeaseRefused
from backroom.domain.opening import instant
from backroom.gateway.access import Staff, place_of
from backroom.gateway.front import front_of
from backroom.gateway.pages.forms import StaffFields
from backroom.gateway.pages.html import Html, button, form, link, tag, when
from backroom.store import overdue, selling
from backroom.store.claims import Wakeup
from backroom.store.overdue import Overdue

router = APIRouter(prefix="/events/{code}/extend")


@router.post("")
def extend(code: str, request: Request, staff: Staff, given: StaffFields) -> Response:
    """`until` is the last day, by the shop's calendar."""
    front = front_of(request)
    try:
        last = date.fromisoformat(given.get("until", ""))
        until = instant(last + timedelta(days=1), time(), ZoneInfo(front.room.shop.owner.timezone))
    except (ValueError, OverflowError):
        raise LeaseRefused("that is no day", remedy="Write it like 2026-12-31.") from None

    def work(connection: Connection) -> list[Wakeup]:
        overdue.extend(connection, code, until - timedelta(seconds=1), staff.name)
        return selling.wakeups(connection, front.room.shop)

    front.send(front.room.database.write(work))
    return RedirectResponse(f"/events/{code}", 303)


def section(request: Request, row: RowMapping, late: Overdue | None) -> Html | None:
    """What is overdue and the three ways out, two of which a key of the booth does not open; nothing where nothing
    is."""
    if late is None:
        return None
    path = f"/events/{row['code']}"
    settle = f"{path}/settle"
    closed = row["state"] == EventState.CLOSED
    label = "Their last day out"
    said = tag(
        "p",
        f"Overdue: {late.pieces} pieces should have been back and counted since ",
        when(request, late.since),
        ". No online shop sells them until you decide.",
        cls="answer bad",
        role="alert",
    )
    count = tag("p", "They are back: ", link(f"{path}/count", "count them by scan"), ", then settle.")
    if place_of(request):
        return tag("section", said, count if closed else None)
    return tag(
        "section",
        said,
        count if closed else None,
        form(
            request,
            f"{path}/extend",
            tag("label", f"{label} ", tag("input", type="date", name="until", required=True, aria_label=label)),
            button("They come later"),
            cls="row",
        ),
        tag(
            "details",
            tag("summary", "They do not come back"),
            tag("p", "What was counted goes home; every piece that nobody counted is written down as missing."),
            form(request, settle, button("Settle: the rest is missing", name="rest", value="missing")),
        )
        if closed
        else tag("p", "Close the event first, to count and settle it."),
    )
