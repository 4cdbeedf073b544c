"""`/orders/{number}`: one order's whole story, and what a person can do with it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from urllib.parse import quote

from fastapi import APIRouter, HTTPException, Request, Response
from fastapi.responses import RedirectResponse
from sqlalchemy import Connection, RowMapping

from backroom.domain import breaker
from backroom.domain.cancelling import WHAT_TO_DO
from backroom.domain.holds import what_to_do
from backroom.domain.model import Delivery, OrderState, PaymentStatus
from backroom.domain.money import format_money
from backroom.gateway.access import Staff
from backroom.gateway.front import front_of
from backroom.gateway.pages.contact_form import amendments, contact_form, read_contact
from backroom.gateway.pages.forms import StaffFields
from backroom.gateway.pages.html import Child, Html, button, form, link, page, state, tag, when
from backroom.gateway.pages.order_story import deliveries, making, routing, timeline
from backroom.gateway.pages.orders import NUMBER
from backroom.quality.quarantine import why_held
from backroom.store import amending, cancelled_refunds, cancelling, desk, news, selling, unfinished
from backroom.store.claims import Wakeup
from backroom.store.database import now
from backroom.store.messages import FAILED
from backroom.store.notes import open_notes, seal_note
from backroom.store.refunds import DONE, WAITING
from backroom.store.story import OrderStory, story

LONGEST_NOTE = 500

_Work = Callable[[Connection], list[Wakeup]]

router = APIRouter(prefix="/orders/{number}")


@router.get("")
def show(number: str, request: Request, _staff: Staff) -> Response:
    front = front_of(request)
    with front.room.database.read() as connection:
        told = story(connection, number) if NUMBER.fullmatch(number) else None
        if told is None:
            raise HTTPException(404, "there is no such order")
        contact = read_contact(connection, front.room.seals, told.order)
        notes = open_notes(connection, front.room.seals, told)
        aside = why_held(connection, number)
    return page(
        request,
        f"Order {number}",
        _summary(request, told, aside),
        _acts(request, told),
        tag("h2", "Why it is made where it is made"),
        routing(told, front.room.shop.location_names),
        tag("h2", "Work"),
        making(request, told),
        tag("h2", "Parcels and messages"),
        deliveries(request, told),
        tag("h2", "Customer"),
        contact_form(request, told, contact),
        tag("h2", "History"),
        timeline(request, told, notes),
    )


@router.post("/hold")
def hold(number: str, request: Request, staff: Staff, given: StaffFields) -> Response:
    seals = front_of(request).room.seals

    def work(connection: Connection) -> list[Wakeup]:
        note = seal_note(connection, seals, number, _note(given))
        return desk.hold(connection, number, desk.ASKED_BY_STAFF, staff.name, note)

    return _act(request, number, work)


@router.post("/release")
def release(number: str, request: Request, staff: Staff, _given: StaffFields) -> Response:
    hub = front_of(request).room.shop.hub
    return _act(request, number, lambda c: desk.release(c, number, staff.name, hub))


@router.post("/elsewhere")
def elsewhere(number: str, request: Request, staff: Staff, _given: StaffFields) -> Response:
    """What was begun at a booth and cannot be finished there is sent from another place, whole."""
    hub = front_of(request).room.shop.hub
    return _act(request, number, lambda c: unfinished.send_from_elsewhere(c, number, staff.name, hub))


@router.post("/cancel")
def cancel(number: str, request: Request, staff: Staff, given: StaffFields) -> Response:
    room = front_of(request).room

    def work(connection: Connection) -> list[Wakeup]:
        note = seal_note(connection, room.seals, number, _note(given))
        told = room.shop.told_ids(news.CANCELLED)
        keep = given.get("keep", "") == "yes"
        owed = cancelling.cancel(
            connection, number, staff.name, desk.CANCELLED_BY_STAFF, note, told=told, keep_money=keep
        )
        owed += selling.wakeups(connection, room.shop)
        return owed + cancelled_refunds.wakeups(connection, room.shop)

    return _act(request, number, work)


@router.post("/retry")
def retry(number: str, request: Request, staff: Staff, _given: StaffFields) -> Response:
    hub = front_of(request).room.shop.hub
    return _act(request, number, lambda c: desk.retry(c, number, staff.name, hub))


@router.post("/told")
def told(number: str, request: Request, staff: Staff, _given: StaffFields) -> Response:
    """A person's word that the channel knows what it must know of this order."""

    def work(connection: Connection) -> list[Wakeup]:
        news.settle_by_hand(connection, desk.locked(connection, number)["id"], staff.name, now(connection))
        return []

    return _act(request, number, work)


@router.post("/amend")
def amend(number: str, request: Request, staff: Staff, given: StaffFields) -> Response:
    """Writes every field that differs from what stands there, in one commit."""
    front = front_of(request)

    def work(connection: Connection) -> list[Wakeup]:
        told = story(connection, number)
        if told is None:
            raise desk.NoSuchOrder(f"there is no order {number}")
        contact = read_contact(connection, front.room.seals, told.order)
        for field, value in amendments(told, contact, given, front.room.shop.owner.country):
            amending.amend(connection, front.room.seals, number, field, value, staff.name)
        return []

    return _act(request, number, work)


def _act(request: Request, number: str, work: _Work) -> Response:
    if not NUMBER.fullmatch(number):
        raise HTTPException(404, "there is no such order")
    front = front_of(request)
    front.send(front.room.database.write(work))
    return RedirectResponse(f"/orders/{quote(number, safe='')}", 303)


def _note(given: dict[str, str]) -> str:
    """What was written beside it, on one line; the database and a terminal take no control characters."""
    return "".join(letter if letter.isprintable() else " " for letter in given.get("note", "")[:LONGEST_NOTE])


def _summary(request: Request, told: OrderStory, aside: Sequence[str]) -> Html:
    order = told.order
    # An order that is under way falls sick at one of its parts.
    sick = [one["sick_reason"] for one in (order, *told.parts) if one["sick_cause"]]
    facts: list[tuple[str, Child]] = [
        (
            "State",
            [
                [state(order["state"]), " ", order["hold_reason"]],
                [[tag("br"), state("sick"), " ", reason] for reason in sick],
            ],
        ),
        ("Channel", f"{order['channel']}, {order['external_id']} there"),
        ("Placed", when(request, order["placed_at"])),
        ("Ship by", when(request, order["ship_by"])),
        ("Total", f"{format_money(order['total_minor'], order['currency'])}, {order['payment']}"),
    ]
    facts += [("Paid back", _paid_back(refund)) for refund in told.refunds if refund["return_id"] is None]
    if remedy := what_to_do(order["hold_reason"]):
        facts.insert(1, ("What to do", remedy))
    facts[1:1] = [("What to do", breaker.what_to_do(one)) for one in told.breakers]
    if aside:
        facts.insert(1, ("In quarantine", tag("ul", [tag("li", why) for why in aside])))
    rows = [tag("tr", tag("th", name, scope="row"), tag("td", value)) for name, value in facts]
    return tag("table", tag("tbody", rows))


def _paid_back(refund: RowMapping) -> Child:
    """How the money of a cancelled order stands."""
    if refund["state"] == DONE:
        return format_money(refund["paid_minor"], refund["currency"])
    if refund["state"] != WAITING:
        return "nothing"
    owed = format_money(refund["goods_minor"] + refund["shipping_minor"], refund["currency"])
    # What is put off goes on by itself; what is not stands with its reason.
    trouble = "" if refund["next_attempt_at"] else refund["sick_reason"] or WHAT_TO_DO.get(refund["by_hand"], "")
    return [f"{owed} to be paid back, ", link("/returns", "see there"), tag("p", trouble) if trouble else None]


def _acts(request: Request, told: OrderStory) -> Html | None:
    """The buttons that can do something in the order's state; the desk refuses what came too late."""
    order = told.order
    path = f"/orders/{quote(order['number'], safe='')}"
    unsent = any(message["state"] == FAILED for message in told.messages)
    unpaid = any(refund["sick_cause"] and refund["state"] == WAITING for refund in told.refunds)
    if order["state"] in desk.ENDED:
        # What waited for its hour may fail after all is done, and so may paying back what was cancelled.
        retry = form(request, f"{path}/retry", button("Retry")) if unsent or unpaid else None
        return tag("section", retry, aria_label="What can be done") if retry else None
    sick = order["sick_cause"] or any(part["sick_cause"] for part in told.parts) or unsent
    held = order["state"] in (OrderState.HELD, OrderState.BACKORDERED, OrderState.AWAITING_RETURN_ITEMS)
    left = held and order["hold_reason"] in unfinished.TAKEN_FROM_BOOTHS and order["delivery"] == Delivery.SHIP
    note = tag("input", name="note", placeholder="Note", aria_label="Note", maxlength=LONGEST_NOTE, autocomplete="off")
    # Of one that was never paid nothing is paid back anyway.
    box = tag("input", type="checkbox", name="keep", value="yes")
    keep = tag("label", box, "Pay nothing back: it is entered anew") if order["payment"] == PaymentStatus.PAID else None
    return tag(
        "section",
        form(request, f"{path}/retry", button("Retry")) if sick else None,
        form(request, f"{path}/elsewhere", button("Send it from elsewhere")) if left else None,
        form(request, f"{path}/release", button("Release")) if held else None,
        form(request, f"{path}/hold", note, button("Hold"), cls="row") if not held else None,
        form(request, f"{path}/cancel", note, keep, button("Cancel the order"), cls="row"),
        aria_label="What can be done",
    )
