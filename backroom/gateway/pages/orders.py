"""`/orders`: find an order by its number; what waits for a person; what came last."""

from __future__ import annotations

import re
from urllib.parse import quote

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse
from sqlalchemy import RowMapping

from backroom.domain.holds import what_to_do
from backroom.gateway.access import Staff
from backroom.gateway.front import front_of
from backroom.gateway.pages.html import Child, button, order_link, page, state, table, tag, when
from backroom.store import desk, story

# What an order's number may look like; anything else is not worth a look at the database.
NUMBER = re.compile(r"[A-Za-z0-9-]{1,40}")

router = APIRouter()


@router.get("/orders")
def show(request: Request, _staff: Staff, number: str = "") -> Response:
    wanted = number.strip().upper()
    with front_of(request).room.database.read() as connection:
        waiting = story.waiting_for_person(connection)
        newest = story.recent(connection)
        if NUMBER.fullmatch(wanted):
            try:
                return RedirectResponse(f"/orders/{quote(desk.find(connection, wanted)['number'], safe='')}", 303)
            except desk.NoSuchOrder:
                pass
    head = ("Order", "State", "Why", "Channel", "Placed")
    return page(
        request,
        "Orders",
        tag(
            "form",
            tag("label", "Number", tag("input", name="number", value=wanted, autofocus=True)),
            button("Find"),
            method="get",
            action="/orders",
            cls="row",
            role="search",
        ),
        tag("p", f"There is no order {wanted}.", cls="bad", role="alert") if wanted else None,
        tag("h2", "Waiting for somebody"),
        table(head, [_row(request, row) for row in waiting], "No order waits for a person."),
        tag("h2", "Newest"),
        table(head, [_row(request, row) for row in newest], "No order has come yet."),
        status=404 if wanted else 200,
    )


def _row(request: Request, row: RowMapping) -> list[Child]:
    return [
        order_link(request, row["number"]),
        [state(row["state"]), " ", state("sick") if row["sick_cause"] else None],
        row["sick_reason"] or what_to_do(row["hold_reason"]) or row["hold_reason"],
        row["channel"],
        when(request, row["placed_at"]),
    ]
