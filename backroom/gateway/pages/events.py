"""`/events`: all events; `/events/{code}`: one of them, for the tablet at its booth.

What is missing comes first, with who has it in hand; then the pieces, and what is still open. A paper that an inspector
asks for is one tap away.
"""

from __future__ import annotations

import mimetypes
import re
from collections.abc import Callable
from datetime import datetime

from fastapi import APIRouter, HTTPException, Request, Response
from fastapi.responses import RedirectResponse
from sqlalchemy import Connection, RowMapping

from backroom.domain.events import BEFORE_THE_END, EventState
from backroom.domain.readiness import Check, CheckState, Readiness
from backroom.gateway.access import Staff, place_of
from backroom.gateway.front import front_of
from backroom.gateway.pages import event_along, event_overdue, event_tills
from backroom.gateway.pages.forms import StaffFields
from backroom.gateway.pages.html import Child, Html, button, day, form, link, order_link, page, state, table, tag, when
from backroom.shop import evidence
from backroom.store import event_desk, events, leases, overdue, selling
from backroom.store.backlog import wake_backorders
from backroom.store.claims import Wakeup
from backroom.store.database import now
from backroom.store.event_closing import open_at

CODE = re.compile(r"[a-z0-9-]{1,80}")
LONGEST_NOTE = 500
# What a browser shows beside the page; anything else is downloaded.
SHOWN = ("application/pdf", "image/jpeg", "image/png")

_Work = Callable[[Connection], list[Wakeup]]

router = APIRouter()


@router.get("/events")
def show_all(request: Request, staff: Staff) -> Response:
    with front_of(request).room.database.read() as connection:
        at = now(connection)
        rows = [
            (row, _missing(connection, row, at), overdue.overdue_of(connection, row))
            for row in events.listing(connection)
            if staff.location in ("", row["location"])
        ]
    head = ("Event", "State", "Booth", "Opens", "Ends", "Missing")
    return page(
        request,
        "Events",
        table(
            head,
            [
                [
                    link(f"/events/{row['code']}", row["name"]),
                    state(row["state"]),
                    row["location"],
                    when(request, row["starts_at"]),
                    when(request, row["ends_at"]),
                    tag("strong", f"{late.pieces} pieces overdue", cls="bad") if late else ", ".join(missing),
                ]
                for row, missing, late in rows
            ],
            "No event is planned. Plan one with: backroom event new",
        ),
    )


@router.get("/events/{code}")
def show(code: str, request: Request, _staff: Staff) -> Response:
    with front_of(request).room.database.read() as connection:
        row, at = events.find(connection, checked(code)), now(connection)
        checks = events.checks(connection, row["id"])
        found = events.readiness(connection, row, at)
        gate = events.gates(connection, at)[row["location"]]
        pieces = leases.standing(connection, row)
        settlement = leases.settlement_of(connection, row["id"])
        still_open = open_at(connection, row["location"])
        waits_for = event_desk.waits_for(connection, row)
        late = overdue.overdue_of(connection, row)
        tills = event_tills.look(connection, row)
    before = row["state"] in BEFORE_THE_END
    counted: list[list[Child]]
    if settlement:
        head = ("SKU", "Leased", "Other", "Sold", "Returned", "Missing")
        counted = [[x.sku, x.leased, x.other, x.sold, x.returned, x.missing] for x in settlement]
    else:
        head = ("SKU", "Leased", "Sold", "There by the books", "Counted", "Online")
        counted = [
            [x.sku, x.leased, x.sold, x.there, "–" if x.counted is None else x.counted, "shared" if x.shared else ""]
            for x in pieces
        ]
    return page(
        request,
        row["name"],
        tag(
            "p",
            state(row["state"]),
            f" {row['place']} ",
            when(request, row["starts_at"]),
            " to ",
            when(request, row["ends_at"]),
        ),
        tag("p", _gate(gate.shut), cls=f"answer {'good' if not gate.shut else 'calm'}", role="status"),
        tag("p", f"{waits_for} is still at this booth: close and settle it first.", cls="act") if waits_for else None,
        event_overdue.section(request, row, late),
        event_tills.section(request, row, tills, with_button=not place_of(request)),
        _acts(request, row, found),
        [tag("h2", "What it needs"), _list(request, row, checks, found)] if before else None,
        event_along.section(request, events.event_of(row)) if before else None,
        tag("h2", "Pieces"),
        tag("p", link(f"/events/{code}/count", "Count by scan")) if row["state"] == EventState.CLOSED else None,
        table(head, counted, "No piece is leased to it."),
        tag("h2", "Open at the booth"),
        table(
            ("Order", "State", "Handed over by", "Since"),
            [
                [order_link(request, x["number"]), state(x["state"]), x["delivery"], when(request, x["opened_at"])]
                for x in still_open
            ],
            "Nothing is open.",
        ),
    )


@router.post("/events/{code}/checks/{item}")
def say(code: str, item: str, request: Request, staff: Staff, given: StaffFields) -> Response:
    """`state`: done, failed or missing; `note` is what was seen. A file that was kept stays."""
    said = given.get("state", "")
    if said not in set(CheckState):
        raise HTTPException(400, f"a state is one of {', '.join(CheckState)}")

    def work(connection: Connection) -> list[Wakeup]:
        row, at = events.locked(connection, checked(code)), now(connection)
        before = events.find_check(connection, row, item)
        note = "".join(letter for letter in given.get("note", "")[:LONGEST_NOTE] if letter.isprintable())
        events.say(
            connection,
            row,
            item,
            CheckState(said),
            note=note or before.note,
            file=before.file,
            good_until=before.good_until,
            at=at,
            actor=staff.name,
        )
        event_desk.make_ready(connection, code, staff.name)
        return []

    return _act(request, code, work)


@router.get("/events/{code}/evidence/{item}")
def paper(code: str, item: str, request: Request, _staff: Staff) -> Response:
    """The paper behind an item, for whoever asks for it at the booth."""
    room = front_of(request).room
    with room.database.read() as connection:
        check = events.find_check(connection, events.find(connection, checked(code)), item)
    path = evidence.find(room.home, code, check.file)
    if path is None:
        raise HTTPException(404, "there is no paper kept for this")
    kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    shown = "inline" if kind in SHOWN else "attachment"
    headers = {"Content-Disposition": f'{shown}; filename="{path.name}"'}
    return Response(
        path.read_bytes(), media_type=kind if kind in SHOWN else "application/octet-stream", headers=headers
    )


@router.post("/events/{code}/open")
def open_booth(code: str, request: Request, staff: Staff, _given: StaffFields) -> Response:
    hub = front_of(request).room.shop.hub
    return _act(request, code, lambda c: event_desk.open_event(c, checked(code), hub, staff.name))


@router.post("/events/{code}/close")
def close_booth(code: str, request: Request, staff: Staff, _given: StaffFields) -> Response:
    hub = front_of(request).room.shop.hub
    return _act(request, code, lambda c: event_desk.close_event(c, checked(code), hub, staff.name)[1])


@router.post("/events/{code}/settle")
def settle(code: str, request: Request, staff: Staff, given: StaffFields) -> Response:
    """`rest` is `missing` where what nobody counted is; `sales` is `lost` where nobody will tell what tills lack."""
    hub = front_of(request).room.shop.hub
    said = {name: given.get(name) == value for name, value in (event_tills.REST_MISSING, event_tills.SALES_LOST)}

    def work(connection: Connection) -> list[Wakeup]:
        settled = leases.settle_event(
            connection,
            checked(code),
            hub=hub,
            actor=staff.name,
            rest_missing=said["rest"],
            sales_lost=said["sales"],
        )
        owed = wake_backorders(connection, [one.sku for one in settled if one.returned], hub)
        return owed + selling.wakeups(connection, front_of(request).room.shop)

    return _act(request, code, work)


def checked(code: str) -> str:
    """A code that may be one of ours; 404 for anything else."""
    if not CODE.fullmatch(code):
        raise HTTPException(404, "there is no such event")
    return code


def _act(request: Request, code: str, work: _Work) -> Response:
    front = front_of(request)
    front.send(front.room.database.write(work))
    return RedirectResponse(f"/events/{checked(code)}", 303)


def _missing(connection: Connection, row: RowMapping, at: datetime) -> tuple[str, ...]:
    return events.readiness(connection, row, at).missing_items if row["state"] in BEFORE_THE_END else ()


def _gate(shut: str) -> str:
    return f"No orders come here: {shut}" if shut else "Open: orders come here"


def _acts(request: Request, row: RowMapping, found: Readiness) -> Html | None:
    """The buttons that can do something in this state; the desk refuses what came too late."""
    path = f"/events/{row['code']}"
    match row["state"]:
        case EventState.PLANNED | EventState.READY:
            may_open = form(request, f"{path}/open", button("Open the booth now")) if found.green else None
            off = tag("details", tag("summary", "Call it off"), form(request, f"{path}/close", button("Call it off")))
            return tag("section", may_open, off)
        case EventState.LIVE:
            shut = tag(
                "details", tag("summary", "Close the booth now"), form(request, f"{path}/close", button("Close it"))
            )
            return tag("section", shut)
        case EventState.CLOSED:
            if not place_of(request):
                return tag("section", form(request, f"{path}/settle", button("Settle: the count is complete")))
    return None


def _list(request: Request, row: RowMapping, checks: tuple[Check, ...], found: Readiness) -> Html:
    gaps = {gap.check.item: gap for gap in (*found.missing, *found.open)}
    rows: list[list[Child]] = []
    for check in sorted(checks, key=lambda one: one.item not in gaps):
        gap = gaps.get(check.item)
        tone = "good" if gap is None else "bad" if gap.overdue and check.required else "act"
        paper = link(f"/events/{row['code']}/evidence/{check.item}", check.file) if check.file else None
        rows.append(
            [
                [
                    tag("strong", check.title),
                    tag("p", check.help, cls="quiet") if check.help and gap else None,
                    tag("p", "It keeps nobody from opening.", cls="quiet") if not check.required else None,
                ],
                [
                    tag("strong", gap.why if gap else "it is there", cls=tone),
                    [tag("br"), paper] if paper else None,
                    [tag("br"), tag("q", check.note)] if check.note else None,
                ],
                [check.who or tag("span", "nobody yet", cls="act"), tag("br"), f"until {day(request, check.due_at)}"],
                None if check.measure else _say(request, row["code"], check),
            ]
        )
    return table(("What", "State, and evidence", "Who", ""), rows, "Its list is empty.")


def _say(request: Request, code: str, check: Check) -> Html:
    saw = "What you saw"
    note = tag("input", name="note", placeholder=saw, aria_label=saw, maxlength=LONGEST_NOTE, autocomplete="off")
    buttons = [
        button("It is there", name="state", value=CheckState.DONE),
        button("Not good", name="state", value=CheckState.FAILED),
        button("Missing", name="state", value=CheckState.MISSING),
    ]
    asked = form(request, f"/events/{code}/checks/{check.item}", note, buttons, cls="row")
    return tag("details", tag("summary", "Say"), asked)
