"""What was begun at a booth whose event is over, and cannot be finished there: held for a person, or sent elsewhere.

What belongs here: which work that is, and the taking back of what somebody began. What does not: when it is looked at
(`event_closing`), what nobody began (`rerouting`), and a piece that was printed wrongly (`print_rejects`).

After the close whoever is there finishes what they have in hand. Where nothing has been done about a part for a while,
no press prints for it and pieces are lacking, nobody does any more: the blank, the paper or the piece is not there.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Connection, RowMapping, func, select

from backroom.domain.events import EventState
from backroom.domain.model import Delivery, FulfilmentState, OrderState, PrintJobState
from backroom.store import ceding, desk, events, history, partner_orders, print_jobs
from backroom.store.ceding import PIECE_CARRIED_OUT
from backroom.store.claims import Wakeup
from backroom.store.database import now
from backroom.store.desk import RELEASED, NotPossibleNow
from backroom.store.events import EventRefused
from backroom.store.rerouting import begun, in_hand, parts_of, send_elsewhere
from backroom.store.tables import fulfilment_orders, orders
from backroom.store.tables import history as history_table
from backroom.store.tables import print_jobs as jobs

LEFT_UNFINISHED = "left_unfinished"
# Reasons for which what was begun at a booth may be sent from elsewhere.
TAKEN_FROM_BOOTHS = (LEFT_UNFINISHED, PIECE_CARRIED_OUT)
# So long after the close, and after the last thing that was done about it, work is waited for.
FINISHING = timedelta(minutes=15)
# An error names so many orders.
MOST_NAMED = 5
# What people do about work that lacks a piece.
_DONE_ABOUT_IT = ("piece.scanned", *RELEASED, "print.done", "print.failed", "print.returned")


def is_left(connection: Connection, part: RowMapping, closed_at: datetime, at: datetime) -> bool:
    """Whether a part at a closed booth that somebody began lacks pieces, and nobody is about to make them there."""
    if part["state"] != FulfilmentState.MAKING or at < closed_at + FINISHING:
        return False
    if in_hand(connection, part, at):
        return False
    mine = jobs.c.fulfilment_order_id == part["id"]
    if connection.execute(select(jobs.c.id).where(mine, jobs.c.state == PrintJobState.PRINTING).limit(1)).first():
        return False
    told = select(func.max(history_table.c.at, type_=history_table.c.at.type)).where(
        history_table.c.order_id == part["order_id"], history_table.c.event.in_(_DONE_ABOUT_IT)
    )
    started = select(func.max(jobs.c.started_at, type_=jobs.c.started_at.type)).where(mine)
    done = [connection.execute(query).scalar() for query in (told, started)]
    return all(one is None or one + FINISHING <= at for one in done)


def waiting_at(connection: Connection, location: str, at: datetime) -> list[str]:
    """Numbers of the orders that somebody began at a location and that lack a piece, on hold or not."""
    standing = func.coalesce(func.nullif(fulfilment_orders.c.held_from, ""), fulfilment_orders.c.state)
    query = (
        select(fulfilment_orders, orders.c.number)
        .join(orders, orders.c.id == fulfilment_orders.c.order_id)
        .where(
            fulfilment_orders.c.location == location,
            fulfilment_orders.c.state.in_((FulfilmentState.MAKING, FulfilmentState.HELD)),
            standing.in_((FulfilmentState.MAKING, FulfilmentState.MADE)),
        )
        .order_by(orders.c.id)
    )
    rows = connection.execute(query).mappings().all()
    return [row["number"] for row in rows if begun(connection, row, at) and _lacks(connection, row)]


def _lacks(connection: Connection, part: RowMapping) -> bool:
    """Whether a part is being made, or all of its prints are there and a piece that it lost to a customer is not."""
    if FulfilmentState.MAKING in (part["state"], part["held_from"]):
        return True
    return any(one.part_id == part["id"] for one in ceding.lacking(connection, part["order_id"]))


def refuse_while_unfinished(connection: Connection, row: RowMapping, at: datetime) -> None:
    """EventRefused while an order that was begun at an event's booth lacks a piece: what was printed for it lies in its
    bag and in no count, until somebody says what becomes of it."""
    if any(other["state"] == EventState.LIVE for other in events.others_at_its_booth(connection, row)):
        return
    if numbers := waiting_at(connection, row["location"], at):
        more = f" and {len(numbers) - MOST_NAMED} more" if len(numbers) > MOST_NAMED else ""
        raise EventRefused(
            f"begun at {row['location']} and not finished: {', '.join(numbers[:MOST_NAMED])}{more}",
            remedy="On each one's page: send it from elsewhere, finish it, or cancel it.",
        )


def send_from_elsewhere(connection: Connection, number: str, actor: str, hub: str) -> list[Wakeup]:
    """Take an order that cannot be finished at its booth back from there, and route it anew, whole: one that was left
    unfinished, or lost a piece to a customer.

    What was printed for it is taken into the booth's stock, and what was scanned is free again: both are counted and
    come home with everything else. NotPossibleNow for any other order, one that is not sent as a parcel, and one of
    which another place has begun its part.
    """
    order, at = desk.locked(connection, number), now(connection)
    short = {one.part_id for one in ceding.lacking(connection, order["id"])}
    if order["state"] != OrderState.HELD or not (short or order["hold_reason"] in TAKEN_FROM_BOOTHS):
        raise NotPossibleNow(f"{number} was not left unfinished at a booth, and lost no piece there")
    if order["delivery"] != Delivery.SHIP:
        raise NotPossibleNow(
            f"{number} is handed over at its booth",
            remedy="Ask the customer: cancel it, its money kept, and enter it anew as a parcel.",
        )
    parts = parts_of(connection, order["id"])
    left = [part for part in parts if part["id"] in short] or [
        part for part in parts if part["held_from"] == FulfilmentState.MAKING
    ]
    others = [part for part in parts if part not in left]
    if (
        any(begun(connection, part, at) for part in others)
        or partner_orders.may_be_there(connection, order["id"])
        or partner_orders.under_way(connection, order["id"])
    ):
        raise NotPossibleNow(
            f"another place has begun its part of {number}",
            remedy="Send what is lacking there, and let it go on; or cancel it.",
        )
    places = sorted({part["location"] for part in left})
    why = {"from": ", ".join(places), "because": order["hold_reason"]}
    send_elsewhere(connection, order, parts, why, "not finished here, sent from elsewhere", at, "")
    print_jobs.shelve(connection, [part["id"] for part in parts], at)
    asked = history.Entry(order["id"], "order.sent_from_elsewhere", {"from": why["from"]})
    history.record(connection, [asked], at=at, actor=actor)
    return desk.release(connection, number, actor, hub)
