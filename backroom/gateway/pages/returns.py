"""`/returns`: what waits for a person (money to pay back for returns and for orders that were cancelled, returns to say
yes or no to), and what is on its way.

A refund is paid in the channel's own pages. What is said here is that it was, and how much.
"""

from __future__ import annotations

from urllib.parse import quote

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse
from sqlalchemy import RowMapping

from backroom.domain.cancelling import WHAT_TO_DO
from backroom.domain.errors import Refuse
from backroom.domain.money import format_money, to_minor
from backroom.domain.returns import ReturnState
from backroom.gateway.access import Staff
from backroom.gateway.front import front_of
from backroom.gateway.pages.forms import StaffFields
from backroom.gateway.pages.html import Child, Html, button, form, link, order_link, page, state, table, tag, when
from backroom.store import cancelled_refunds, refunds, return_desk, returns
from backroom.store.refunds import Owed, by_itself

router = APIRouter()

_LANES = {"label": "by parcel", "drop_off": "handed in", "collection": "we collect it"}


class NoAmount(Refuse):
    """What was typed is no amount of money."""

    cause = "no_amount"


@router.get("/returns")
def show(request: Request, _staff: Staff) -> Response:
    front = front_of(request)
    with front.room.database.read() as connection:
        owed = refunds.waiting(connection, front.room.seals)
        under_way = returns.listed(connection)
    asking = [row for row in under_way if row["state"] == ReturnState.REQUESTED]
    coming = [row for row in under_way if row["state"] != ReturnState.REQUESTED]
    stations = [
        tag("li", link(f"/returns/at/{quote(place.id, safe='')}", f"Take returns in at {place.name}"))
        for place in front.room.shop.locations
    ]
    head = ("Return", "Order", "State", "Way back", "Where", "Asked")
    return page(
        request,
        "Returns",
        tag("ul", stations),
        tag("h2", "To be paid back"),
        table(
            ("Return", "Order", "At the channel", "Amount", "Since", "When you have paid it back there"),
            [_owed(request, row) for row in owed],
            "Nothing is to be paid back.",
        ),
        tag("h2", "Waiting for a yes or no"),
        table(head, [_row(request, row) for row in asking], "Nobody waits for a word."),
        tag("h2", "Under way"),
        table(head, [_row(request, row) for row in coming], "No return is under way."),
    )


@router.post("/returns/{number}/refund")
def refund(number: str, request: Request, staff: Staff, given: StaffFields) -> Response:
    """`number` is the return's, or that of an order that was cancelled; `amount` in the order's currency, and the
    channel's own id of the refund, where it shows one."""
    front = front_of(request)
    with front.room.database.read() as connection:
        cancelled = refunds.cancelled_order(connection, number)
        currency = cancelled["currency"] if cancelled else returns.find(connection, number)["currency"]
    try:
        paid = to_minor(given.get("amount", "").replace(",", "."), currency)
    except ValueError as error:
        raise NoAmount("that is no amount", remedy="Write it like 29.00.") from error
    reference = given.get("reference", "")
    if cancelled:
        front.room.database.write(lambda c: cancelled_refunds.confirm(c, number, paid, reference, staff.name))
    else:
        front.send(
            front.room.database.write(
                lambda c: return_desk.confirm_refund(c, front.room.shop, number, paid, reference, staff.name)
            )
        )
    return RedirectResponse("/returns", 303)


def return_link(number: str) -> Html:
    return link(f"/returns/{quote(number, safe='')}", number)


def _owed(request: Request, owed: Owed) -> list[Child]:
    shown = format_money(owed.amount_minor, owed.currency)
    what = owed.trouble or WHAT_TO_DO.get(owed.by_hand, "")
    postage = f"of it {format_money(owed.shipping_minor, owed.currency)} postage" if owed.shipping_minor else None
    return [
        return_link(owed.number) if owed.of_return else "cancelled",
        order_link(request, owed.order_number),
        [
            f"{owed.channel}, {owed.external_id} there",
            tag("p", f"payment {owed.payment_token}", cls="quiet") if owed.payment_token else None,
        ],
        [shown, tag("p", postage, cls="quiet")],
        when(request, owed.planned_at),
        "it is paid back by itself"
        if by_itself(front_of(request).room.shop, owed)
        else [what, _confirmation(request, owed, shown)],
    ]


def _confirmation(request: Request, owed: Owed, shown: str) -> Html:
    return form(
        request,
        f"/returns/{quote(owed.number, safe='')}/refund",
        tag(
            "label",
            "Paid back",
            tag("input", name="amount", value=shown.split()[0], inputmode="decimal", size=8, required=True),
        ),
        tag("label", "Its number there", tag("input", name="reference", maxlength=100, autocomplete="off")),
        button("I have paid it back"),
        cls="row",
    )


def _row(request: Request, row: RowMapping) -> list[Child]:
    return [
        return_link(row["number"]),
        order_link(request, row["order_number"]),
        [state(row["state"]), " ", state("sick") if row["sick_cause"] else None],
        _LANES[row["lane"]],
        front_of(request).room.shop.location_names.get(row["location"], ""),
        when(request, row["asked_at"]),
    ]
