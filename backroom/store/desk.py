"""What a person does with one order at the desk: hold, release, cancel, retry, amend. Each is one transaction.

The CLI, the gateway's pages, the form in Prefect's UI and a channel's cancellation all come through here, so that the
rules are the same at every door. What a call owes in wake-ups it returns; they are sent after the commit.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection, RowMapping, or_, select, update

from backroom.domain.errors import Refuse, Retry
from backroom.domain.lifecycle import Kind, ends, may_cancel
from backroom.domain.model import FulfilmentState, OrderState
from backroom.domain.partner_orders import AT_WORK, PartnerOrderState
from backroom.domain.quarantine import IN_QUARANTINE
from backroom.domain.tracking import HOLDS
from backroom.store import (
    cancelled_refunds,
    ceding,
    effects,
    history,
    news,
    partner_orders,
    print_jobs,
    sickness,
    stock,
    waiting_messages,
)
from backroom.store.claims import Wakeup, is_free, wakeup
from backroom.store.contacts import open_contact, seal_contact
from backroom.store.database import now
from backroom.store.fulfilment import BEFORE_LABEL, finish_orders, is_picked
from backroom.store.fulfilment import STAGE as FULFILMENT
from backroom.store.intake import STAGE as INTAKE
from backroom.store.moves import moving
from backroom.store.parcels import STAGE as PARCELS
from backroom.store.parcels import see_to
from backroom.store.people import load
from backroom.store.print_jobs import STAGE as PRINT
from backroom.store.quality import aside
from backroom.store.returns import STAGE as RETURNS
from backroom.store.seals import Seals
from backroom.store.shipping import LABEL
from backroom.store.tables import fulfilment_orders, order_lines, orders, parcels, reservations, returns
from backroom.store.waiting import HEALTHY

ENDED = ends(Kind.ORDER)
# Why a person held or cancelled an order, as Prefect and every list may show it; what else they say is a sealed note.
ASKED_BY_STAFF = "asked_by_staff"
CANCELLED_BY_STAFF = "cancelled_by_staff"
# What the history calls the end of a Hold, by what ended it: a person, the news that its parcel goes on, that its
# customer was silent for so long that nobody will ask any more, or that nothing keeps it in quarantine.
BY_PERSON, BY_CARRIER = "order.released_by_person", "order.released_by_carrier"
BY_RETENTION = "order.released_by_retention"
FROM_QUARANTINE = "order.released_from_quarantine"
RELEASED = (BY_PERSON, BY_CARRIER, BY_RETENTION, FROM_QUARANTINE)
# It waits until its partner says whether it can still be cancelled there.
CANCELLING = "cancelling_at_partner"
ADDRESS_FIELDS = ("name", "company", "line1", "line2", "postcode", "city", "region", "country")


class NoSuchOrder(Refuse):
    """No order has this number."""

    cause = "no_such_order"


class NotPossibleNow(Refuse):
    """The order has gone too far for this."""

    cause = "not_possible_now"


class BeingWorkedOn(Retry):
    """A run holds this order for its label at this moment; it is a matter of seconds."""

    cause = "being_worked_on"


def find(connection: Connection, number: str) -> RowMapping:
    """The order's row by its number; NoSuchOrder when there is none."""
    row = connection.execute(select(orders).where(orders.c.number == number)).mappings().one_or_none()
    if row is None:
        raise NoSuchOrder(f"there is no order {number}")
    return row


def locked(connection: Connection, number: str) -> RowMapping:
    """The order's row, which nobody else changes until the commit; NoSuchOrder when there is none."""
    row = connection.execute(select(orders).where(orders.c.number == number).with_for_update()).mappings().one_or_none()
    if row is None:
        raise NoSuchOrder(f"there is no order {number}")
    return row


def hold(connection: Connection, number: str, reason: str, actor: str, note: bytes | None = None) -> list[Wakeup]:
    """Hold an order for a person. What is labelled already goes on; what is not, waits.

    `reason` is a code, which everybody sees, Prefect included; `note` what a person wrote, sealed (`notes.seal_note`).
    Parts keep the token of a wave that has them: until that wave is over nobody else may take them, because it may be
    buying a label at this moment.
    """
    history.check_code(reason)
    order, at = locked(connection, number), now(connection)
    if order["state"] in ENDED:
        raise NotPossibleNow(f"{number} is {order['state']} already")
    if order["state"] == OrderState.HELD:
        if note is not None:
            history.record(connection, [history.Entry(order["id"], "order.noted", note=note)], at=at, actor=actor)
        return []
    connection.execute(
        moving(orders, OrderState(order["state"]), OrderState.HELD)
        .where(orders.c.id == order["id"])
        .values(held_from=order["state"], hold_reason=reason, claim_token=None)
    )
    _hold_parts(connection, order["id"], reason)
    history.record(connection, [history.Entry(order["id"], "order.held", {"reason": reason}, note)], at=at, actor=actor)
    return []


def hold_for_news(connection: Connection, number: str, reason: str) -> None:
    """Hold an order because of what its source, a parcel's carrier or a till says now, wherever it stands: one that is
    held for something else is asked about anew, and one whose parcels all left goes on from there when a person lets
    it. That one keeps its end: it has left, whatever is asked about it now."""
    history.check_code(reason)
    order, at = locked(connection, number), now(connection)
    if order["state"] == OrderState.HELD:
        if order["hold_reason"] == reason:
            return
        connection.execute(update(orders).where(orders.c.id == order["id"]).values(hold_reason=reason))
    elif order["state"] == OrderState.FULFILLED:
        connection.execute(
            moving(orders, OrderState.FULFILLED, OrderState.HELD, by_source=True)
            .where(orders.c.id == order["id"])
            .values(held_from=OrderState.RELEASED, hold_reason=reason)
        )
    else:
        hold(connection, number, reason, "")
        return
    history.record(connection, [history.Entry(order["id"], "order.held", {"reason": reason})], at=at)


def release(connection: Connection, number: str, actor: str, hub: str, *, event: str = BY_PERSON) -> list[Wakeup]:
    """Let a held order go on from where it was held; one held at intake is routed (again). One that waits for the
    goods it was exchanged for waits no longer. `event` is what its history calls it, where no person did it.

    One that was held for something else and is in quarantine as well stays on hold, for that. Whoever lets one go on
    that waits for that alone says that it is right as it is. One that lost a piece to somebody else goes on only with
    another one: NotPossibleNow while there is none; held for something else it stays on hold, for that.
    """
    order, at = locked(connection, number), now(connection)
    if order["state"] not in (OrderState.HELD, OrderState.BACKORDERED, OrderState.AWAITING_RETURN_ITEMS):
        raise NotPossibleNow(f"{number} is not held: it is {order['state']}")
    if order["state"] == OrderState.HELD:
        if lacking := ceding.take_again(connection, order["id"], at):
            if order["hold_reason"] == ceding.PIECE_CARRIED_OUT:
                raise _short(number, lacking)
            _hold_for(connection, order["id"], ceding.PIECE_CARRIED_OUT, actor, at)
            return []
        if order["hold_reason"] == IN_QUARANTINE:
            aside.let_be(connection, number, actor, at)
        elif aside.keeps(connection, order):
            _hold_for(connection, order["id"], IN_QUARANTINE, actor, at)
            return []
    back = OrderState(order["held_from"] or OrderState.ACCEPTED)
    connection.execute(
        moving(orders, OrderState(order["state"]), back)
        .where(orders.c.id == order["id"])
        .values(held_from="", hold_reason="", ended_at=None, next_attempt_at=None, attempts=0)
    )
    places: list[str] = []
    held = connection.execute(
        select(fulfilment_orders).where(
            fulfilment_orders.c.order_id == order["id"], fulfilment_orders.c.state == FulfilmentState.HELD
        )
    ).mappings()
    for part in held.all():
        connection.execute(
            moving(fulfilment_orders, FulfilmentState.HELD, FulfilmentState(part["held_from"]))
            .where(fulfilment_orders.c.id == part["id"])
            .values(held_from="", hold_reason="", attempts=0)
        )
        places.append(part["location"])
    sickness.make_healthy(connection, order["id"])
    if order["hold_reason"] in HOLDS.values():
        see_to(connection, order["id"], actor, at, list(HOLDS))
    # Whoever lets it go on takes it as its partner makes it.
    partner_orders.leave(connection, order["id"])
    entries = [history.Entry(order["id"], event, {})]
    # What was labelled before the hold went on: the last part may have ended meanwhile.
    entries += [history.Entry(id_, "order.fulfilled") for id_ in finish_orders(connection, [order["id"]], at)]
    history.record(connection, entries, at=at, actor=actor)
    stages = [(FULFILMENT, place) for place in places] + [(PRINT, place) for place in places]
    return [wakeup(connection, stage, place) for stage, place in [(INTAKE, hub), *stages]]


def cancel(
    connection: Connection,
    number: str,
    actor: str,
    reason: str,
    note: bytes | None = None,
    *,
    told: Collection[str] = (),
    keep_money: bool = False,
) -> list[Wakeup]:
    """Cancel an order that has no label yet: its pieces are free again, what was printed is taken into the stock, its
    waiting prints are dropped, and what was paid for it is owed back (`domain.cancelling`). `reason` and `note` are as
    for `hold`; `told` are the channels that are told of what is cancelled here (none, where the channel itself
    cancelled it). With `keep_money` nothing is paid back: it is entered anew, or its money was settled otherwise.

    Whoever wakes the waves that pay adds `cancelled_refunds.wakeups`; the sweep does it within a minute.

    One that a partner makes is held until the partner has cancelled it (`partner_news`). NotPossibleNow once a parcel
    is labelled or sent; BeingWorkedOn while a run is just buying the label.
    """
    history.check_code(reason)
    order, at = locked(connection, number), now(connection)
    if order["state"] == OrderState.CANCELLED:
        return []
    parts = connection.execute(
        select(fulfilment_orders.c.id, fulfilment_orders.c.state)
        .where(fulfilment_orders.c.order_id == order["id"], fulfilment_orders.c.state != FulfilmentState.CANCELLED)
        .with_for_update()
    ).all()
    states = sorted({FulfilmentState(part.state) for part in parts})
    if order["state"] == OrderState.FULFILLED or not may_cancel(states):
        raise NotPossibleNow(
            f"{number} is labelled already",
            remedy="If it has not left, take its label back on its page; else let it come back as a return.",
        )
    _refuse_while_labelling(connection, order["id"], number, at)
    if effects.begun(connection, order["id"], LABEL):
        raise NotPossibleNow(f"{number} may have a label already", remedy="Look at it at the carrier first.")
    asked = _ask_partners_to_cancel(connection, order, reason, actor, note, told, keep_money=keep_money)
    if asked is not None:
        return asked
    stock.release(connection, [order["id"]])
    _restock_packed(connection, order["id"], at)
    ended = {"claim_token": None, "held_from": "", "hold_reason": "", **HEALTHY}
    for state in states:
        ending = moving(fulfilment_orders, state, FulfilmentState.CANCELLED)
        connection.execute(ending.where(fulfilment_orders.c.order_id == order["id"]).values(**ended))
    print_jobs.drop(connection, [part.id for part in parts], at)
    print_jobs.shelve(connection, [part.id for part in parts], at)
    connection.execute(
        moving(orders, OrderState(order["state"]), OrderState.CANCELLED)
        .where(orders.c.id == order["id"])
        .values(ended_at=at, **ended)
    )
    said = {"reason": reason} | ({"kept": True} if keep_money else {})
    entry = history.Entry(order["id"], "order.cancelled", said, note)
    history.record(connection, [entry], at=at, actor=actor)
    cancelled_refunds.owe(connection, order, reason, actor, at, kept=keep_money)
    return news.write_cancelled(connection, order, reason, at) if order["channel"] in told else []


def is_labelled(connection: Connection, order_id: int) -> bool:
    """Whether a parcel of the order has its label, so that it is cancelled and changed no more."""
    query = select(fulfilment_orders.c.state).where(fulfilment_orders.c.order_id == order_id)
    return not may_cancel([FulfilmentState(state) for state in connection.execute(query.distinct()).scalars()])


def start_over(connection: Connection, order_id: int) -> bool:
    """Undo routing and reserving of an order nobody has begun to make, so that news can be applied; False if begun.

    Work that is held since before it began counts as not begun, and so does what waits for prints alone of which no
    worker has taken any: they are dropped.
    """
    at = now(connection)
    query = select(fulfilment_orders, is_free(fulfilment_orders, at).label("free")).where(
        fulfilment_orders.c.order_id == order_id, fulfilment_orders.c.state != FulfilmentState.CANCELLED
    )
    parts = connection.execute(query.with_for_update()).mappings().all()
    if any(_is_begun(connection, part) for part in parts) or partner_orders.may_be_there(connection, order_id):
        return False
    ids = [part["id"] for part in parts]
    for state in (FulfilmentState.OPEN, FulfilmentState.MAKING, FulfilmentState.HELD):
        undoing = moving(fulfilment_orders, state, FulfilmentState.CANCELLED).where(fulfilment_orders.c.id.in_(ids))
        connection.execute(undoing.values(claim_token=None, held_from="", hold_reason=""))
    print_jobs.drop(connection, ids, at, "order changed")
    stock.release(connection, [order_id])
    return True


def _is_begun(connection: Connection, part: RowMapping) -> bool:
    """Whether somebody has begun to make this part, or a wave has it in its hands."""
    stands = part["held_from"] if part["state"] == FulfilmentState.HELD else part["state"]
    if not part["free"]:
        return True
    if stands == FulfilmentState.MAKING:
        # Where pieces are scanned as well, somebody may have them in their hands.
        waits = part["outstanding"] != print_jobs.untouched(connection, part["id"])
        return bool(waits or is_picked(connection, part["id"]))
    return bool(stands != FulfilmentState.OPEN)


def retry(connection: Connection, number: str, actor: str, hub: str) -> list[Wakeup]:
    """Take the mark off a sick order, its returns and its news: the next wave carries them on from where they stand."""
    order, at = locked(connection, number), now(connection)
    sickness.make_healthy(connection, order["id"])
    history.record(connection, [history.Entry(order["id"], "order.retried", {})], at=at, actor=actor)
    locations = connection.execute(
        select(fulfilment_orders.c.location).where(fulfilment_orders.c.order_id == order["id"]).distinct()
    ).scalars()
    comes_back = connection.execute(select(returns.c.id).where(returns.c.order_id == order["id"]).limit(1)).first()
    stages = [(INTAKE, hub), *((FULFILMENT, location) for location in locations)]
    stages += [(RETURNS, hub)] if comes_back else []
    stages += [(cancelled_refunds.STAGE, hub)] if cancelled_refunds.try_again(connection, order["id"]) else []
    if channel := news.channel_of(connection, order["id"]):
        stages.append((news.STAGE, channel))
    again = waiting_messages.try_again(connection, waiting_messages.of_order(order["id"]), at)
    stages += [(waiting_messages.STAGE, hub)] if again else []
    sent = connection.execute(select(parcels.c.id).where(parcels.c.order_id == order["id"]).limit(1)).first()
    stages += [(PARCELS, hub)] if sent else []
    return [wakeup(connection, stage, location) for stage, location in stages]


def amend(connection: Connection, seals: Seals, number: str, field: str, value: str, actor: str) -> None:
    """Correct what a person typed wrongly: `email`, `phone`, `address.line1` …, or `line.1.sku`.

    Address and SKUs until the label, e-mail and phone until the end: a message that was not sent yet goes there. The
    value is written as it is given: the caller brings it into the form that intake gives it. Later news from the
    channel leave it alone. The history keeps which field was corrected and by whom, never the value.
    """
    order, at = locked(connection, number), now(connection)
    if order["state"] in ENDED:
        raise NotPossibleNow(f"{number} is {order['state']} already")
    _refuse_while_labelling(connection, order["id"], number, at)
    if field not in ("email", "phone"):
        _refuse_after_label(connection, order["id"], number)
        _refuse_at_partner(connection, order["id"], number)
    kind, _, rest = field.partition(".")
    if kind == "line" and rest.endswith(".sku"):
        _amend_line(connection, order, rest.removesuffix(".sku"), value)
    else:
        key = load(connection, seals, [order["person_id"]])[order["person_id"]].key
        contact = open_contact(key, order["contact"])
        if field == "email":
            contact = replace(contact, email=value)
        elif field == "phone":
            contact = replace(contact, phone=value)
        elif kind == "address" and rest in ADDRESS_FIELDS and contact.address is not None:
            contact = replace(contact, address=replace(contact.address, latitude=None, longitude=None, **{rest: value}))
        else:
            raise NotPossibleNow(f"{field!r} cannot be amended", remedy="Use email, phone, address.… or line.N.sku.")
        changed: dict[str, object] = {"contact": seal_contact(key, contact)}
        if field == "address.country":
            changed["country"] = value
        connection.execute(update(orders).where(orders.c.id == order["id"]).values(**changed))
    amended = sorted({*order["amended"], field})
    connection.execute(update(orders).where(orders.c.id == order["id"]).values(amended=amended))
    history.record(connection, [history.Entry(order["id"], "order.amended", {"field": field})], at=at, actor=actor)


def _amend_line(connection: Connection, order: RowMapping, line_no: str, sku: str) -> None:
    parts = select(fulfilment_orders.c.id).where(
        fulfilment_orders.c.order_id == order["id"], fulfilment_orders.c.state != FulfilmentState.CANCELLED
    )
    if connection.execute(parts.limit(1)).first() is not None:
        raise NotPossibleNow(
            f"{order['number']} is being made already", remedy="Cancel it, its money kept, and enter it anew."
        )
    changed = connection.execute(
        update(order_lines)
        .where(
            order_lines.c.order_id == order["id"], order_lines.c.line_no == (int(line_no) if line_no.isdigit() else 0)
        )
        .values(sku=sku)
    )
    if changed.rowcount != 1:
        raise NotPossibleNow(f"{order['number']} has no line {line_no}")
    # What was planned and reserved was for the other piece.
    stock.release(connection, [order["id"]])
    planned = (OrderState.ROUTED, OrderState.RESERVED)
    if order["state"] in planned:
        back = moving(orders, OrderState(order["state"]), OrderState.ACCEPTED)
        connection.execute(back.where(orders.c.id == order["id"]).values(claim_token=None))
    elif order["held_from"] in planned:
        connection.execute(update(orders).where(orders.c.id == order["id"]).values(held_from=OrderState.ACCEPTED))


def _ask_partners_to_cancel(
    connection: Connection,
    order: RowMapping,
    reason: str,
    actor: str,
    note: bytes | None,
    told: Collection[str],
    *,
    keep_money: bool,
) -> list[Wakeup] | None:
    """Have partners cancel what they have of an order, and hold it until then; None where none has anything."""
    number = order["number"]
    if partner_orders.may_be_there(connection, order["id"]):
        raise NotPossibleNow(f"{number} may be at its partner already", remedy="Retry it: then it is known.")
    there = partner_orders.under_way(connection, order["id"])
    if any(row["state"] == PartnerOrderState.SHIPPED for row in there):
        raise NotPossibleNow(f"{number} was sent by its partner already", remedy="Let it come back as a return.")
    at_work = [row for row in there if row["state"] in AT_WORK]
    if not at_work:
        return None
    wakeups = [] if order["state"] == OrderState.HELD else hold(connection, number, CANCELLING, actor, note)
    connection.execute(update(orders).where(orders.c.id == order["id"]).values(hold_reason=CANCELLING))
    # Whoever is to be told of it is told when it is cancelled.
    asked = {"reason": reason, "locations": sorted({row["location"] for row in at_work}), "told": sorted(told)}
    said: dict[str, object] = asked | ({"kept": True} if keep_money else {})
    entry = history.Entry(order["id"], "order.cancel_asked", said)
    history.record(connection, [entry], at=now(connection), actor=actor)
    places = [row["location"] for row in at_work]
    return wakeups + partner_orders.want_cancelled(connection, [row["id"] for row in at_work], places)


def _short(number: str, lacking: Collection[ceding.Lacking]) -> NotPossibleNow:
    named = ", ".join(f"{one.pieces} of {one.sku} at {one.location}" for one in lacking)
    return NotPossibleNow(
        f"{number} lacks {named}",
        remedy="Put one there and count it, then let it go on; or send it from elsewhere; or cancel it.",
    )


def _refuse_at_partner(connection: Connection, order_id: int, number: str) -> None:
    """What a partner was told stays as it is: it is cancelled there, and asked anew."""
    if partner_orders.may_be_there(connection, order_id) or partner_orders.under_way(connection, order_id):
        raise NotPossibleNow(f"{number} is at its partner", remedy="Cancel it, its money kept, and enter it anew.")


def _hold_for(connection: Connection, order_id: int, reason: str, actor: str, at: datetime) -> None:
    """Keep a held order on hold, for something else than before."""
    connection.execute(update(orders).where(orders.c.id == order_id).values(hold_reason=reason))
    parts = (fulfilment_orders.c.order_id == order_id) & (fulfilment_orders.c.state == FulfilmentState.HELD)
    connection.execute(update(fulfilment_orders).where(parts).values(hold_reason=reason))
    history.record(connection, [history.Entry(order_id, "order.held", {"reason": reason})], at=at, actor=actor)


def _hold_parts(connection: Connection, order_id: int, reason: str) -> None:
    held: list[int] = []
    for state in BEFORE_LABEL:
        holding = (
            moving(fulfilment_orders, state, FulfilmentState.HELD)
            .where(fulfilment_orders.c.order_id == order_id)
            .values(held_from=state, hold_reason=reason)
        )
        held += connection.execute(holding.returning(fulfilment_orders.c.id)).scalars()
    print_jobs.take_back(connection, held)


def _refuse_while_labelling(connection: Connection, order_id: int, number: str, at: datetime) -> None:
    packed = or_(
        fulfilment_orders.c.state == FulfilmentState.PACKED, fulfilment_orders.c.held_from == FulfilmentState.PACKED
    )
    busy = connection.execute(
        select(fulfilment_orders.c.id).where(
            fulfilment_orders.c.order_id == order_id, packed, ~is_free(fulfilment_orders, at)
        )
    ).first()
    if busy is not None:
        raise BeingWorkedOn(f"{number} is being labelled just now", remedy="Try again in a moment.")


def _refuse_after_label(connection: Connection, order_id: int, number: str) -> None:
    """What a label says is what was bought: it is not changed behind the carrier's back."""
    if is_labelled(connection, order_id):
        raise NotPossibleNow(
            f"{number} is labelled already", remedy="Take its parcel out of the pile, and enter the order anew."
        )
    if effects.begun(connection, order_id, LABEL):
        raise NotPossibleNow(f"{number} may have a label already", remedy="Look at it at the carrier first.")


def _restock_packed(connection: Connection, order_id: int, at: datetime) -> None:
    """Pieces that were packed from stock go back on the shelf, once."""
    consumed = connection.execute(
        select(reservations).where(reservations.c.order_id == order_id, reservations.c.state == "consumed")
    ).all()
    for row in consumed:
        stock.receive(connection, f"unpacked:{row.id}", [(row.location, row.sku, row.quantity)], "cancelled", at)
