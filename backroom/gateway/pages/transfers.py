"""`/transfers` and `/transfers/{number}`: what goes to a market, from a person's yes to the scan on arrival.

One page shows the pick list, what was sent and what is still to be scanned, and has the button that comes next. The
answer to a scan comes straight from the POST, as on the page for orders (`scan`).
"""

from __future__ import annotations

from urllib.parse import quote

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from backroom.domain.transfers import TransferLine, TransferRefused, TransferState
from backroom.gateway.access import Staff, place_of
from backroom.gateway.front import front_of
from backroom.gateway.pages.forms import StaffFields
from backroom.gateway.pages.html import Child, Html, button, form, link, page, state, table, tag, when
from backroom.gateway.pages.scan import printable
from backroom.gateway.place_pages import ARRIVED
from backroom.insight.restocking import titles
from backroom.store import catalogue, selling, stock_prints, transfer_rows, transfers
from backroom.store.transfer_rows import Transfer

router = APIRouter()


@router.get("/transfers")
def show_all(request: Request, staff: Staff) -> Response:
    with front_of(request).room.database.read() as connection:
        found = transfer_rows.listing(connection)
    rows: list[list[Child]] = [
        [
            link(_path(one.number), one.number),
            one.event,
            state(one.state.value),
            sum(line.sent for line in one.lines) or one.asked,
            sum(one.missing.values()) or "–",
            when(request, one.row["proposed_at"]),
        ]
        for one in found
        if staff.location in ("", one.to_location)
    ]
    head = ("Transfer", "Event", "State", "Pieces", "Missing", "Proposed")
    return page(request, "To the market", table(head, rows, "Nothing was proposed yet."))


@router.get("/transfers/{number}")
def show(number: str, request: Request, _staff: Staff) -> Response:
    return _page(request, number)


@router.post("/transfers/{number}/scan")
def scan(number: str, request: Request, _staff: Staff, given: StaffFields) -> Response:
    """One piece, by its SKU or GTIN, or one pack, by its material or code."""
    code = printable(given.get("code", ""))
    result = front_of(request).room.database.write(lambda connection: transfers.scan(connection, number, code))
    if not result.accepted:
        return _page(request, number, "bad", f"No: {result.reason}")
    left = f"{result.left} to go" if result.left else "That was the last one"
    return _page(request, number, "good", f"{result.sku}. {left}")


@router.post("/transfers/{number}/{act}")
def do(number: str, act: str, request: Request, staff: Staff, _given: StaffFields) -> Response:
    """`yes`, `no`, `send`, `arrived` or `cancel`."""
    front = front_of(request)
    database = front.room.database
    match act:
        case "yes":
            done = database.write(lambda connection: transfers.approve(connection, front.room.shop, number, staff.name))
            front.send(database.write(lambda connection: stock_prints.wakeups(connection, done)))
        case "no":
            database.write(lambda connection: transfers.decline(connection, number, staff.name))
        case "send":
            database.write(lambda connection: transfers.send(connection, number, {}, staff.name))
        case "arrived":
            database.write(lambda connection: transfers.book_in(connection, number, staff.name))
        case "cancel":
            database.write(lambda connection: transfers.cancel(connection, number, staff.name))
        case _:
            raise TransferRefused(f"nothing called {act!r} is done with a transfer")
    # What is set aside for a market cannot be sold online any more, and what comes back can.
    front.send(database.write(lambda connection: selling.wakeups(connection, front.room.shop)))
    return RedirectResponse(_path(number), 303)


def _page(request: Request, number: str, tone: str = "calm", said: str = "") -> Response:
    with front_of(request).room.database.read() as connection:
        one = transfer_rows.read(connection, number)
        named = titles(catalogue.all_variants(connection))
    rows: list[list[Child]] = [
        [line.sku, named.get(line.sku, ""), line.asked, _to_print(one, line), line.sent or "–", line.arrived or "–"]
        for line in one.lines
    ]
    rows += [[pack.material, pack.name, pack.asked, "–", pack.sent or "–", pack.arrived or "–"] for pack in one.packs]
    head = ("SKU", "What", "Asked for", "To print", "Packed", "Arrived")
    return page(
        request,
        f"{one.number} to {one.event}",
        tag("p", state(one.state.value), f" {one.from_location} → {one.to_location}"),
        tag("p", said, cls=f"answer {tone}", role="status") if said else None,
        [tag("p", f"Missing: {count} of {sku}", cls="bad") for sku, count in (one.missing | one.missing_packs).items()],
        _printing(request, one),
        _scanner(request, one),
        _buttons(request, one),
        table(head, rows, "Nothing is in it."),
        link("/transfers", "All transfers"),
    )


def _to_print(one: Transfer, line: TransferLine) -> Child:
    """Before the yes what it would have printed, afterwards what has not come out yet."""
    return (line.to_print if one.state is TransferState.PROPOSED else line.printing) or "–"


def _printing(request: Request, one: Transfer) -> Child:
    """What has not come out yet: whoever sends it now leaves that out."""
    if not one.still_to_print:
        return None
    said = f"Still to be printed: {one.still_to_print}. What has not come out when it leaves is left out. "
    queue = link(f"/prints/{quote(one.from_location, safe='')}", "Print queue")
    return tag("p", said, None if place_of(request) else queue, cls="act")


def _scanner(request: Request, one: Transfer) -> Child:
    late = one.state is TransferState.ARRIVED and (one.missing or one.missing_packs)
    if one.state is not TransferState.SENT and not late:
        return None
    return form(
        request,
        f"{_path(one.number)}/scan",
        tag("label", "Piece or pack", for_="code"),
        tag("input", id="code", name="code", cls="scanner", autofocus=True, autocomplete="off", required=True),
        Html(" "),
        button("Enter"),
    )


def _buttons(request: Request, one: Transfer) -> Child:
    offered = {
        TransferState.PROPOSED: (("yes", "Yes, set them aside"), ("no", "No, they stay")),
        TransferState.APPROVED: (("send", "Packed, it leaves"), ("cancel", "It does not go")),
        TransferState.SENT: (("arrived", "That is all"), ("cancel", "It came back whole")),
        TransferState.ARRIVED: (("arrived", "That is all"),) if one.missing or one.to_book else (),
    }.get(one.state, ())
    at_booth = place_of(request)
    return [
        form(request, f"{_path(one.number)}/{act}", button(text), cls="row")
        for act, text in offered
        if act == ARRIVED or not at_booth
    ]


def _path(number: str) -> str:
    return f"/transfers/{quote(number, safe='')}"
