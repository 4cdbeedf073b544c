"""Orders of our own: what a customer gets for a piece that comes back, an exchange or a piece made anew.

A replacement is an order like any other: routed, made, labelled and announced. It is its customer's, goes where the
first one went, and is worth what the piece had cost. Waiting for the goods it is AWAITING_RETURN_ITEMS.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, RowMapping, delete, func, insert, select, update

from backroom.domain.model import Delivery, OrderState, PaymentStatus
from backroom.domain.promise import ship_by
from backroom.domain.shop import Shop
from backroom.store import history
from backroom.store.batches import chunks
from backroom.store.moves import moving
from backroom.store.orders import take_numbers
from backroom.store.tables import order_lines, orders, return_lines

SOURCE = "return"
_KEPT = (
    "channel",
    "delivery",
    "country",
    "language",
    "currency",
    "person_id",
    "contact",
    "amended",
    "fingerprint",
    "priority",
)


@dataclass(frozen=True, slots=True)
class Another:
    """The piece that is sent for one that comes back: the return's line, and what is sent."""

    line_id: int
    sku: str
    value_minor: int
    personalised: bool


def open_replacement(
    connection: Connection, shop: Shop, back: RowMapping, pieces: Sequence[Another], state: OrderState, at: datetime
) -> str:
    """Write the order that sends these pieces, and tie it to the return's lines; returns its number.

    Whoever collected the first one, or carried it out, gets this one where the return was taken in.
    """
    first = connection.execute(select(orders).where(orders.c.id == back["order_id"])).mappings().one()
    earlier = select(func.count()).select_from(orders).where(orders.c.return_id == back["id"])
    number = f"{shop.owner.order_prefix}-{take_numbers(connection, 1)}"
    spec = shop.find_channel(first["channel"])
    hub = shop.location(shop.hub)
    shipped = first["delivery"] == Delivery.SHIP
    total = sum(piece.value_minor for piece in pieces)
    row = {name: first[name] for name in _KEPT} | {
        "number": number,
        "external_id": f"{back['number']}/{connection.execute(earlier).scalar_one() + 1}",
        "source": SOURCE,
        "state": state,
        "location": first["location"] if shipped else back["location"] or first["location"],
        # A market may be over by now; who is handed something there gets it there.
        "event": "" if shipped else first["event"],
        "total_minor": total,
        "payment": PaymentStatus.PAID,
        "placed_at": at,
        "source_at": at,
        "accepted_at": at,
        "ship_by": ship_by(at, shop.sla(spec.sla), hub.hours) if spec else None,
        "return_id": back["id"],
    }
    order_id: int = connection.execute(insert(orders).values(**row).returning(orders.c.id)).scalar_one()
    for line_no, piece in enumerate(pieces, start=1):
        connection.execute(
            insert(order_lines).values(
                order_id=order_id,
                line_no=line_no,
                external_id=str(piece.line_id),
                sku=piece.sku,
                quantity=1,
                unit_price_minor=piece.value_minor,
                personalised=piece.personalised,
            )
        )
    ids = [piece.line_id for piece in pieces]
    connection.execute(update(return_lines).where(return_lines.c.id.in_(ids)).values(replacement_id=order_id))
    told = {"channel": first["channel"], "return": back["number"], "state": state}
    history.record(connection, [history.Entry(order_id, "order.accepted", told)], at=at)
    return number


def let_go(connection: Connection, return_id: int, earned: Collection[int], at: datetime) -> bool:
    """End the wait of a return's replacements: what was earned by a piece that came (`earned`, ids of the return's
    lines) goes on, the rest is taken off; an order of which nothing is left is cancelled. Whether any goes on."""
    goes_on = False
    held = (orders.c.state == OrderState.HELD) & (orders.c.held_from == OrderState.AWAITING_RETURN_ITEMS)
    waiting = select(orders.c.id, orders.c.state, orders.c.number).where(
        orders.c.return_id == return_id, (orders.c.state == OrderState.AWAITING_RETURN_ITEMS) | held
    )
    for row in connection.execute(waiting.with_for_update()).all():
        lines = connection.execute(
            select(order_lines.c.id, order_lines.c.external_id, order_lines.c.unit_price_minor).where(
                order_lines.c.order_id == row.id
            )
        ).all()
        off = [line for line in lines if int(line.external_id) not in earned]
        if len(off) == len(lines):
            _end(connection, row.id, OrderState(row.state), at)
            continue
        connection.execute(delete(order_lines).where(order_lines.c.id.in_([line.id for line in off])))
        less = orders.c.total_minor - sum(line.unit_price_minor for line in off)
        here = orders.c.id == row.id
        if row.state == OrderState.HELD:
            connection.execute(update(orders).where(here).values(held_from=OrderState.ACCEPTED, total_minor=less))
            continue
        going = moving(orders, OrderState.AWAITING_RETURN_ITEMS, OrderState.ACCEPTED)
        connection.execute(going.where(here).values(total_minor=less))
        history.record(connection, [history.Entry(row.id, "return.items_arrived")], at=at)
        goes_on = True
    return goes_on


def on_their_way(connection: Connection, return_ids: Iterable[int]) -> dict[int, list[str]]:
    """By the return's id the numbers of the orders that are sent for its pieces, and neither wait for the goods nor
    were cancelled."""
    held = (orders.c.state == OrderState.HELD) & (orders.c.held_from == OrderState.AWAITING_RETURN_ITEMS)
    goes = orders.c.state.not_in([OrderState.AWAITING_RETURN_ITEMS, OrderState.CANCELLED]) & ~held
    found: dict[int, list[str]] = defaultdict(list)
    for batch in chunks(sorted(set(return_ids))):
        query = (
            select(return_lines.c.return_id, orders.c.id, orders.c.number)
            .join(orders, orders.c.id == return_lines.c.replacement_id)
            .where(return_lines.c.return_id.in_(batch), goes)
            .order_by(orders.c.id)
            .distinct()
        )
        for row in connection.execute(query):
            found[row.return_id].append(row.number)
    return found


def is_cancelled(connection: Connection, order_id: int) -> bool:
    """Whether this replacement was cancelled, so that another may be sent, or the piece be paid back."""
    state = connection.execute(select(orders.c.state).where(orders.c.id == order_id)).scalar_one()
    return bool(state == OrderState.CANCELLED)


def _end(connection: Connection, order_id: int, state: OrderState, at: datetime) -> None:
    ending = moving(orders, state, OrderState.CANCELLED).where(orders.c.id == order_id)
    connection.execute(ending.values(ended_at=at, held_from="", hold_reason=""))
    told = {"reason": "return_did_not_come"}
    history.record(connection, [history.Entry(order_id, "order.cancelled", told)], at=at)
