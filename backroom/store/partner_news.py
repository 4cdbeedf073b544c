"""What follows from a partner's word: for its order there, for the work here, and for our order.

What belongs here: one commit's worth of consequences. What does not: asking (`backroom.partners`), when (`tasks`), and
what a person does about a Hold (`desk`).

A refusal sends the pieces elsewhere: that work is cancelled here, what it reserved is free, and the order is routed
again without this partner; what else of the order is being made goes on. Each refusal leaves one partner fewer, so that
this ends. A parcel that its partner sent is told to the customer as one of ours.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, RowMapping, select, update

from backroom.domain.lifecycle import MOVES, Kind
from backroom.domain.locations import Location
from backroom.domain.model import FulfilmentState, OrderState, StepOutcome
from backroom.domain.partner_answers import (
    Difference,
    compare,
    contents,
    missing_pieces,
    not_in_totes,
    uncounted,
    undone,
)
from backroom.domain.partner_orders import AT_WORK, REFUSED, PartnerOrderState, PartnerParcel, PartnerStatus
from backroom.store import cancelling, desk, fulfilment, history, partner_orders, shipping, stock
from backroom.store.cancelling import CANCELLING
from backroom.store.claims import Wakeup, wakeup
from backroom.store.database import now
from backroom.store.intake import STAGE as INTAKE
from backroom.store.moves import moving
from backroom.store.tables import fulfilment_orders, orders, shipments
from backroom.store.tables import partner_orders as table
from backroom.store.waiting import HEALTHY

DIFFERS, STUCK, SHORT = "partner_differs", "partner_stuck", "partner_short"
SENT_PART = "partner_sent_part"
CANNOT_CANCEL = "partner_cannot_cancel"
# What an order is held for on behalf of its partner.
HOLDS = (DIFFERS, STUCK, SHORT, SENT_PART, CANCELLING, CANNOT_CANCEL)
_S = PartnerOrderState


@dataclass(frozen=True, slots=True)
class Context:
    """What an answer is read with: where the partner stands in the shop file, the hub, the run, and now.

    `note` is what somebody over there wrote, sealed.
    """

    location: Location
    hub: str
    token: str
    run_id: str
    at: datetime
    note: bytes | None = None


def apply(
    connection: Connection, context: Context, row: RowMapping, status: PartnerStatus, ask_at: datetime
) -> tuple[StepOutcome, list[Wakeup]]:
    """Take a partner's word for one claimed order in the commit of its claim; `ask_at` is when it is asked again.

    `row` is the order as it was when its partner was asked. A word that is older than what is known, or that no life
    cycle allows, changes nothing.
    """
    order = desk.locked(connection, row["number"])
    before, row = row, _row(connection, row["id"])
    old, new = _S(row["state"]), status.state
    if row["claim_token"] != context.token:
        return StepOutcome(order["number"], "waiting"), []
    older = status.revision and status.revision < row["revision"]
    if older or (new is not old and new not in MOVES[Kind.PARTNER_ORDER][old]):
        wakeups = partner_orders.let_go(connection, context.token, before, ask_at, context.at, asked_at=context.at)
        return StepOutcome(order["number"], "waiting"), wakeups
    told: dict[str, object] = {}
    wakeups = _note_differences(connection, context, order, row, status)
    differs = bool(wakeups)
    if differs:
        row = _row(connection, row["id"])
    asked = partner_orders.asked_lines(row)
    ended = new not in AT_WORK
    values: dict[str, Any] = {
        "asked_at": context.at,
        "revision": max(row["revision"], status.revision),
        "partner_id": status.partner_id or row["partner_id"],
        "parcels": [asdict(parcel) for parcel in status.parcels] or row["parcels"],
        "totes": contents(asked, status.totes) or row["totes"],
        **_cost(context.location, row, status),
    }
    if new is _S.SHIPPED:
        values["shipped_at"] = context.at
    if ended and new is not _S.SHIPPED:
        values["ended_at"] = context.at
    if new is not old:
        moved = moving(table, old, new).where(table.c.id == row["id"])
        connection.execute(moved.values(cancel_wanted=row["cancel_wanted"] and not ended))
    next_at = None if ended else ask_at
    wakeups += partner_orders.let_go(connection, context.token, before, next_at, context.at, **values)
    if new is old:
        if status.cost_minor is not None and status.cost_minor != row["bill_minor"]:
            # What is counted is counted again where something is written about an order.
            told = {"location": row["location"], "bill_minor": status.cost_minor, "currency": status.currency}
            _record(connection, context, order, "partner.billed", told)
        return StepOutcome(order["number"], "waiting", f"{old} at {context.location.name}"), wakeups
    told = {"location": row["location"], "state": new}
    if missing := missing_pieces(asked, status.lines):
        told["missing"] = missing
    if values["totes"]:
        told["totes"] = values["totes"]
    _record(connection, context, order, f"partner.{new}", told)
    outcome, wakeups = _follow(connection, context, order, _row(connection, row["id"]), status, old, wakeups)
    return (StepOutcome(order["number"], "held", DIFFERS) if differs else outcome), wakeups


def not_taken(
    connection: Connection, context: Context, submitted: partner_orders.Submitted, number: str, words: str
) -> tuple[StepOutcome, list[Wakeup]]:
    """The partner does not take an order when it is asked: as if it had taken it and rejected it. `words` are codes."""
    order = desk.locked(connection, number)
    partner_orders.open_orders(connection, [submitted], context.at)
    row = partner_orders.of_parts(connection, [submitted.part_id])[submitted.part_id]
    ended = moving(table, _S.SUBMITTED, _S.REJECTED).where(table.c.id == row["id"])
    connection.execute(ended.values(ended_at=context.at, asked_at=context.at, next_attempt_at=None))
    told = {"location": row["location"], "state": _S.REJECTED, "said": words}
    _record(connection, context, order, f"partner.{_S.REJECTED}", told)
    status = PartnerStatus(row["reference"], "", _S.REJECTED)
    return _take_back(connection, context, order, _row(connection, row["id"]), status, [])


def cannot_cancel(
    connection: Connection, context: Context, row: RowMapping, ask_at: datetime
) -> tuple[StepOutcome, list[Wakeup]]:
    """The partner does not cancel any more: a person sees that it goes on."""
    order = desk.locked(connection, row["number"])
    values = {"cancel_wanted": False, "asked_at": context.at}
    wakeups = partner_orders.let_go(connection, context.token, row, ask_at, context.at, **values)
    _record(connection, context, order, "partner.cancel_refused", {"location": row["location"]})
    if order["state"] == OrderState.HELD and order["hold_reason"] == CANCELLING:
        connection.execute(update(orders).where(orders.c.id == order["id"]).values(hold_reason=CANNOT_CANCEL))
    return StepOutcome(order["number"], "held", CANNOT_CANCEL), wakeups


def arrived(connection: Connection, number: str, location: str, actor: str) -> list[Wakeup]:
    """What a partner sent to our hub is in our hands: it is packed and labelled like any other. NotPossibleNow where
    nothing of this order is on its way from there."""
    order, at = desk.locked(connection, number), now(connection)
    coming = [
        row
        for row in partner_orders.under_way(connection, order["id"])
        if row["location"] == location and row["state"] == _S.SHIPPED and row["ended_at"] is None
    ]
    if not coming:
        raise desk.NotPossibleNow(f"nothing of {number} is on its way from {location}")
    wakeups: list[Wakeup] = []
    for row in coming:
        moved = moving(table, _S.SHIPPED, _S.MADE).where(table.c.id == row["id"])
        connection.execute(moved.values(ended_at=at))
        wakeups += fulfilment.piece_done(connection, row["fulfilment_order_id"], at)
    history.record(
        connection, [history.Entry(order["id"], "partner.arrived", {"location": location})], at=at, actor=actor
    )
    return wakeups


def hold_for_difference(
    connection: Connection, order_id: int, number: str, location: str, differences: tuple[Difference, ...], run_id: str
) -> list[Wakeup]:
    """A partner has something else than it was asked: the order waits for a person, who reads what differs."""
    told = {"location": location, "differences": [difference.sentence() for difference in differences]}
    at = now(connection)
    history.record(connection, [history.Entry(order_id, "partner.differs", told)], at=at, run_id=run_id)
    return desk.hold(connection, number, DIFFERS, "")


def _follow(
    connection: Connection,
    context: Context,
    order: RowMapping,
    row: RowMapping,
    status: PartnerStatus,
    old: PartnerOrderState,
    wakeups: list[Wakeup],
) -> tuple[StepOutcome, list[Wakeup]]:
    number, name, part_id = order["number"], context.location.name, row["fulfilment_order_id"]
    if old is _S.STUCK and status.state is not _S.STUCK and order["hold_reason"] == STUCK:
        wakeups += desk.release(connection, number, "", context.hub)
    match status.state:
        case _S.STUCK:
            wakeups += desk.hold(connection, number, STUCK, "")
            return StepOutcome(number, "held", STUCK), wakeups
        case _S.SHIPPED if not context.location.partner_ships:
            return StepOutcome(number, "waiting", f"on its way from {name}"), wakeups
        case _S.SHIPPED:
            _save_shipment(connection, context, order, row, status)
            wakeups += fulfilment.piece_done(connection, part_id, context.at)
            if missing_pieces(partner_orders.asked_lines(row), status.lines):
                # It has ended over there, and not whole: its customer is told nothing before a person knows.
                wakeups += desk.hold(connection, number, SENT_PART, "")
                return StepOutcome(number, "held", SENT_PART), wakeups
            return StepOutcome(number, "advanced", f"shipped by {name}"), wakeups
        case _S.MADE:
            wakeups += fulfilment.piece_done(connection, part_id, context.at)
            return StepOutcome(number, "advanced", f"made by {name}"), wakeups
        case _S.REJECTED | _S.CANCELLED | _S.SHORT:
            return _take_back(connection, context, order, row, status, wakeups)
    return StepOutcome(number, "waiting", f"{status.state} at {name}"), wakeups


def _take_back(
    connection: Connection,
    context: Context,
    order: RowMapping,
    row: RowMapping,
    status: PartnerStatus,
    wakeups: list[Wakeup],
) -> tuple[StepOutcome, list[Wakeup]]:
    """It is not made there: the pieces go elsewhere, or the order is cancelled where that was what it was for."""
    number, part_id = order["number"], row["fulfilment_order_id"]
    ended = {"claim_token": None, "held_from": "", "hold_reason": "", **HEALTHY}
    for state in (FulfilmentState.OPEN, FulfilmentState.MAKING, FulfilmentState.HELD):
        undoing = moving(fulfilment_orders, state, FulfilmentState.CANCELLED).where(fulfilment_orders.c.id == part_id)
        connection.execute(undoing.values(**ended))
    stock.release_parts(connection, [part_id])
    if order["state"] == OrderState.HELD and order["hold_reason"] == CANCELLING:
        if any(one["state"] in AT_WORK for one in partner_orders.under_way(connection, order["id"])):
            return StepOutcome(number, "held", CANCELLING), wakeups
        return StepOutcome(number, "cancelled"), wakeups + _finish_cancelling(connection, order)
    again = {"claim_token": None, "next_attempt_at": None, "attempts": 0, **HEALTHY}
    if order["state"] == OrderState.RELEASED:
        going = moving(orders, OrderState.RELEASED, OrderState.ACCEPTED).where(orders.c.id == order["id"])
        connection.execute(going.values(**again))
        _record(connection, context, order, "order.rerouted", {"from": row["location"], "why": status.state})
        wakeups.append(wakeup(connection, INTAKE, context.hub))
    elif order["state"] == OrderState.HELD:
        connection.execute(update(orders).where(orders.c.id == order["id"]).values(held_from=OrderState.ACCEPTED))
    if status.state is _S.SHORT:
        # What its stock says is not there: somebody counts before the next order finds out the same.
        wakeups += desk.hold(connection, number, SHORT, "")
        return StepOutcome(number, "held", SHORT), wakeups
    return StepOutcome(number, "again", f"{status.state} by {context.location.name}"), wakeups


def _note_differences(
    connection: Connection, context: Context, order: RowMapping, row: RowMapping, status: PartnerStatus
) -> list[Wakeup]:
    """What differs from what was asked, and is not known yet, is a Hold, and is to be cancelled over there; what is
    sent or picked already waits for a person before anybody is told of it."""
    if status.state in REFUSED:
        return []
    asked, at_work = partner_orders.asked_lines(row), status.state in AT_WORK
    found = compare(asked, status.lines)
    if status.state is _S.MADE:
        found += undone(asked, status.lines) + not_in_totes(asked, status.totes)
    if status.state is _S.SHIPPED:
        # Fewer than were asked are missing pieces: another Hold.
        found += uncounted(asked, status.lines)
    plain = [asdict(difference) for difference in found]
    if not plain or plain == row["differences"]:
        return []
    noted = update(table).where(table.c.id == row["id"])
    connection.execute(noted.values(differences=plain, cancel_wanted=at_work))
    wakeups = hold_for_difference(connection, order["id"], order["number"], row["location"], found, context.run_id)
    return [*wakeups, wakeup(connection, partner_orders.STAGE, row["location"])]


def _cost(location: Location, row: RowMapping, status: PartnerStatus) -> dict[str, object]:
    """The partner's bill, and in the shop's currency where the shop file says what theirs is worth."""
    if status.cost_minor is None:
        return {}
    partner = location.partner
    known = partner is not None and partner.currency == status.currency
    ours = partner.in_shop_currency(status.cost_minor) if partner and known else None
    return {"bill_minor": status.cost_minor, "currency": status.currency, "cost_minor": ours}


def _save_shipment(
    connection: Connection, context: Context, order: RowMapping, row: RowMapping, status: PartnerStatus
) -> None:
    """The parcel that the customer is told of. The partner paid its carrier: what that cost is in its bill."""
    parcel = status.parcels[0] if status.parcels else PartnerParcel(context.location.name, "")
    tracking = _unlike_others(connection, parcel.tracking, row["reference"])
    new = shipping.NewShipment(
        part_id=row["fulfilment_order_id"],
        person_id=order["person_id"],
        carrier=parcel.carrier or context.location.name,
        service=shipping.BY_PARTNER,
        tracking=tracking,
        return_tracking=f"none-{row['reference']}",
        weight_g=0,
        cost_minor=0,
        currency=order["currency"],
        labels=(),
    )
    shipping.save_shipments(connection, [new], context.at)


def _unlike_others(connection: Connection, tracking: str, reference: str) -> str:
    """The number of the parcel; with our reference behind it where two orders are in one parcel, or it has none."""
    if not tracking:
        return reference
    taken = connection.execute(select(shipments.c.id).where(shipments.c.tracking == tracking)).first()
    return f"{tracking} {reference}" if taken else tracking


def _finish_cancelling(connection: Connection, order: RowMapping) -> list[Wakeup]:
    """Cancel an order for the reason, and telling those, for which it was asked to be."""
    asked = history.newest(connection, order["id"], "order.cancel_asked")
    told = asked.get("told")
    reason = str(asked.get("reason") or desk.CANCELLED_BY_STAFF)
    tell = told if isinstance(told, list) else ()
    return cancelling.cancel(connection, order["number"], "", reason, told=tell, keep_money=bool(asked.get("kept")))


def _row(connection: Connection, id_: int) -> RowMapping:
    return connection.execute(select(table).where(table.c.id == id_).with_for_update()).mappings().one()


def _record(
    connection: Connection, context: Context, order: RowMapping, event: str, told: Mapping[str, object]
) -> None:
    entry = history.Entry(order["id"], event, told, context.note)
    history.record(connection, [entry], at=context.at, run_id=context.run_id)
