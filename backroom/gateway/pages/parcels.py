"""`/parcels`: parcels that somebody should look at, and those on their way; the label of one that was not used."""

from __future__ import annotations

from urllib.parse import quote

from fastapi import APIRouter, HTTPException, Request, Response
from fastapi.responses import RedirectResponse
from sqlalchemy import RowMapping

from backroom.domain.tracking import WHAT_TO_DO
from backroom.gateway.access import Staff
from backroom.gateway.front import front_of
from backroom.gateway.pages.forms import StaffFields
from backroom.gateway.pages.html import Child, Html, button, form, link, order_link, page, state, table, tag, when
from backroom.gateway.pages.orders import NUMBER
from backroom.store import parcel_desk, parcels

router = APIRouter(prefix="/parcels")


@router.get("")
def show(request: Request, _staff: Staff) -> Response:
    front = front_of(request)
    with front.room.database.read() as connection:
        to_see = parcels.listed(connection, attention=True)
        under_way = parcels.listed(connection)
    places = front.room.shop.locations
    doors = [
        tag("li", link(f"/courier/{quote(place.id, safe='')}", f"Our own courier at {place.name}")) for place in places
    ] + [tag("li", link(f"/collect/{quote(place.id, safe='')}", f"Hand over at {place.name}")) for place in places]
    return page(
        request,
        "Parcels",
        tag("ul", doors),
        tag("h2", "Somebody should look"),
        table(
            ("Order", "Parcel", "What to do", "Since", "Done"),
            [_to_see(request, row) for row in to_see],
            "No parcel needs anybody.",
        ),
        tag("h2", "On their way"),
        table(
            ("Order", "Parcel", "State", "Since"),
            [
                [
                    order_link(request, row["number"]),
                    row["tracking"] or row["location"],
                    state(row["state"]),
                    when(request, row["state_at"]),
                ]
                for row in under_way
            ],
            "None is on its way.",
        ),
    )


@router.post("/{number}/seen")
def seen(number: str, request: Request, staff: Staff, _given: StaffFields) -> Response:
    _known(number)
    room = front_of(request).room
    room.database.write(lambda c: parcel_desk.seen_to(c, number, staff.name, room.shop.hub))
    return RedirectResponse("/parcels", 303)


@router.post("/{number}/void")
def void(number: str, request: Request, staff: Staff, _given: StaffFields) -> Response:
    """Take the label back: its parcel is not sent."""
    _known(number)
    front = front_of(request)
    front.send(front.room.database.write(lambda c: parcel_desk.void(c, number, staff.name, front.room.shop.hub)))
    return RedirectResponse(f"/orders/{quote(number, safe='')}", 303)


@router.post("/{number}/put-back")
def put_back(number: str, request: Request, staff: Staff, _given: StaffFields) -> Response:
    """Nobody fetched it: its pieces go back."""
    _known(number)
    front_of(request).room.database.write(lambda c: parcel_desk.put_back(c, number, staff.name))
    return RedirectResponse("/parcels", 303)


def _to_see(request: Request, row: RowMapping) -> list[Child]:
    number = quote(row["number"], safe="")
    return [
        order_link(request, row["number"]),
        [row["tracking"] or row["location"], " ", state(row["state"])],
        WHAT_TO_DO.get(row["attention"], row["attention"]),
        when(request, row["attention_at"]),
        [
            form(request, f"/parcels/{number}/seen", button("Seen to")),
            form(request, f"/parcels/{number}/put-back", button("Put back"))
            if row["attention"] == "uncollected"
            else None,
        ],
    ]


def void_button(request: Request, number: str) -> Html:
    return form(request, f"/parcels/{quote(number, safe='')}/void", button("Take the label back"))


def _known(number: str) -> None:
    if not NUMBER.fullmatch(number):
        raise HTTPException(404, "there is no such order")
