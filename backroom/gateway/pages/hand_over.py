"""`/courier/{location}`: the run sheet of our own courier, and what he scans; `/collect/{location}`: who fetches what.

Both are for a hand scanner and can be read from two metres. The run sheet shows addresses and is made to be printed.
"""

from __future__ import annotations

from urllib.parse import quote

from fastapi import APIRouter, Request, Response
from sqlalchemy import RowMapping

from backroom.domain.errors import Refuse
from backroom.domain.tracking import ParcelState
from backroom.gateway.access import Staff
from backroom.gateway.front import Front, front_of
from backroom.gateway.pages.forms import StaffFields
from backroom.gateway.pages.html import Child, Html, button, form, order_link, page, state, table, tag, when
from backroom.gateway.pages.prints import known_location
from backroom.gateway.pages.scan import printable
from backroom.gateway.pages.thumbs import thumbs
from backroom.store import parcel_desk, people
from backroom.store.contacts import open_contact

router = APIRouter()

# What a scan says, as the courier reads it.
SAYS = {
    "handed_over": "I have it",
    "out_for_delivery": "I am on my way with it",
    "delivered": "It is delivered",
    "failed": "It was not delivered",
    "returned": "It is back here",
}
WHY = {
    "nobody_home": "nobody was there",
    "address_wrong": "the address is wrong",
    "refused": "it was refused",
    "damaged": "it is damaged",
    "no_time": "there was no time",
}


@router.get("/courier/{location}")
def courier(location: str, request: Request, _staff: Staff) -> Response:
    return _sheet(request, location, "calm", "Say what you do, then scan the labels", "handed_over", "")


@router.post("/courier/{location}")
def carried(location: str, request: Request, staff: Staff, given: StaffFields) -> Response:
    front = front_of(request)
    known_location(front, location)
    code, says, why = (printable(given.get(name, "")) for name in ("code", "says", "why"))
    if says not in SAYS:
        return _sheet(request, location, "bad", "Say what you do first", "handed_over", "")
    try:
        row, wakeups = front.room.database.write(
            lambda c: parcel_desk.scan(
                c, code, ParcelState(says), staff.name, front.room.shop.hub, carriers=own_carriers(front), why=why
            )
        )
    except Refuse as error:
        return _sheet(request, location, "bad", f"No: {error}", says, why)
    front.send(wakeups)
    return _sheet(request, location, "good", f"{row['tracking']}: {SAYS[says].lower()}", says, why)


@router.get("/collect/{location}")
def collect(location: str, request: Request, _staff: Staff) -> Response:
    return _counter(request, location, "calm", "Enter the order and the code its customer shows", "")


@router.post("/collect/{location}")
def collected(location: str, request: Request, staff: Staff, given: StaffFields) -> Response:
    front = front_of(request)
    known_location(front, location)
    number, code = printable(given.get("order", "")).strip().upper(), printable(given.get("code", "")).strip()
    try:
        front.room.database.write(lambda c: parcel_desk.collect(c, number, location, code, staff.name))
    except Refuse as error:
        return _counter(request, location, "bad", f"No: {error}", number)
    return _counter(request, location, "good", f"{number}: hand it over", "")


def own_carriers(front: Front) -> list[str]:
    """The carriers whose parcels we carry ourselves, by id."""
    return [spec.id for spec in front.room.shop.carriers if spec.kind == "local"]


def _sheet(request: Request, location: str, tone: str, said: str, says: str, why: str) -> Response:
    front = front_of(request)
    place = known_location(front, location)
    with front.room.database.read() as connection:
        rows = parcel_desk.run_sheet(connection, location, own_carriers(front))
        keys = people.load(connection, front.room.seals, (row["person_id"] for row in rows))
    return page(
        request,
        f"Our own courier at {place.name}",
        tag("p", said, cls=f"answer {tone}", role="status"),
        form(
            request,
            f"/courier/{quote(location, safe='')}",
            _choice("says", "What you do", SAYS, says),
            _choice("why", "Why not, if it was not delivered", {"": "", **WHY}, why),
            tag("label", "Label", for_="code"),
            tag("input", id="code", name="code", cls="scanner", autofocus=True, autocomplete="off", required=True),
            Html(" "),
            button("Enter"),
        ),
        tag("h2", "Run sheet"),
        table(
            ("Parcel", "Order", "To", "State", "Since"),
            [_stop(request, row, keys[row["person_id"]].key) for row in rows],
            "Nothing is to be brought.",
        ),
    )


def _stop(request: Request, row: RowMapping, key: bytes) -> list[Child]:
    contact = open_contact(key, row["contact"])
    address = contact.address
    lines = (
        [address.name, address.company, address.line1, address.line2, f"{address.postcode} {address.city}"]
        if address
        else []
    )
    return [
        row["tracking"],
        order_link(request, row["number"]),
        [[line, tag("br")] for line in [*lines, contact.phone] if line],
        [state(row["state"]), " ", row["attention"]],
        when(request, row["state_at"]),
    ]


def _counter(request: Request, location: str, tone: str, said: str, number: str) -> Response:
    front = front_of(request)
    place = known_location(front, location)
    with front.room.database.read() as connection:
        rows = parcel_desk.ready_at(connection, location)
    return page(
        request,
        f"Hand over at {place.name}",
        tag("p", said, cls=f"answer {tone}", role="status"),
        form(
            request,
            f"/collect/{quote(location, safe='')}",
            tag("label", "Order", for_="order"),
            tag(
                "input", id="order", name="order", value=number, autofocus=not number, autocomplete="off", required=True
            ),
            tag("label", "Code", for_="code"),
            tag("input", id="code", name="code", autofocus=bool(number), autocomplete="off", required=True),
            Html(" "),
            button("Hand over"),
        ),
        tag("h2", "Lies ready"),
        table(
            ("Order", "State", "Since"),
            [
                [
                    order_link(request, row["number"]),
                    [state(row["state"]), " ", row["attention"]],
                    when(request, row["state_at"]),
                ]
                for row in rows
            ],
            "Nothing lies ready.",
        ),
        by_thumb=thumbs(place, "Hand over"),
    )


def _choice(name: str, label: str, options: dict[str, str], chosen: str) -> Html:
    return tag(
        "label",
        label,
        " ",
        tag(
            "select",
            [tag("option", text, value=value, selected=value == chosen) for value, text in options.items()],
            name=name,
        ),
    )
