"""How a return begins: asked for beforehand, or opened by whoever scans its label, its number or its order's number.

What belongs here: choosing the pieces, the number and the first word. What does not: what happens to it afterwards
(`backroom.store.return_desk`).
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import Connection, RowMapping, func, insert, select, update

from backroom.domain.errors import Refuse
from backroom.domain.labels import return_code
from backroom.domain.return_policy import Judgement, judge
from backroom.domain.returns import Lane, PieceState, Reason, ReturnState, Wanted, Word
from backroom.domain.shop import Shop
from backroom.store import catalogue, desk, history
from backroom.store.claims import Wakeup
from backroom.store.database import now
from backroom.store.moves import moving
from backroom.store.return_steps import follow, touch
from backroom.store.returns import ENDED, NoSuchReturn, find, locked, of_order, shipment_by_return_label
from backroom.store.sold_pieces import SoldPiece, day_of, still_out
from backroom.store.tables import fulfilment_orders, orders, return_lines, returns, shipments


class NothingToReturn(Refuse):
    """The customer does not have this piece, or it is on its way back already."""

    cause = "nothing_to_return"


class NotOfHere(Refuse):
    """Whoever asks may open the returns of one place, and this is none of them."""

    cause = "return_of_elsewhere"


class NotOffered(Refuse):
    """The shop does not take returns this way, or does not exchange for this."""

    cause = "not_offered"


@dataclass(frozen=True, slots=True)
class Asked:
    """One piece that its customer wants to return: of which line, why, and what they want for it."""

    line_no: int
    reason: Reason
    wanted: Wanted = Wanted.REFUND
    exchange_sku: str = ""


@dataclass(frozen=True, slots=True)
class Opened:
    """The return that a code stands for; `new` when it was opened by this."""

    number: str
    new: bool
    wakeups: Sequence[Wakeup] = ()


def request(
    connection: Connection, shop: Shop, order_number: str, asked: Sequence[Asked], lane: Lane, actor: str
) -> Opened:
    """Write down that a customer wants to return pieces, and give the shop's word on each by its terms.

    Granted, the return is open; declined as a whole, it is over; else it waits for a person (REQUESTED).
    """
    if lane not in shop.returns.lanes:
        offered = ", ".join(shop.returns.lanes)
        raise NotOffered(f"this shop does not offer returns by {lane}", remedy=f"It offers: {offered}.")
    order, at = desk.locked(connection, order_number), now(connection)
    out = still_out(connection, shop, order)
    chosen: list[tuple[SoldPiece, Asked]] = []
    for one in asked:
        piece = next((p for p in out if p.line_no == one.line_no and p not in {c for c, _ in chosen}), None)
        if piece is None:
            raise NothingToReturn(f"no more of line {one.line_no} of {order_number} can come back")
        chosen.append((piece, one))
    if not chosen:
        raise NothingToReturn(f"no piece of {order_number} was named", remedy="Name at least one.")
    shipment = _shipment(connection, order["id"])
    back = _insert(connection, shop, order, shipment, lane, at, announced=True)
    words = []
    for piece, one in chosen:
        if one.wanted is Wanted.EXCHANGE:
            check_exchange(connection, piece.sku, one.exchange_sku)
        word = word_on(shop, order["channel"], piece, one.reason, day_of(shop, at))
        words.append(word.word)
        line = {"reason": one.reason, "wanted": one.wanted, "exchange_sku": one.exchange_sku} | as_columns(word)
        add_line(connection, back, piece, **line)
    told = {"return": back["number"], "pieces": len(words), "words": sorted({str(word) for word in words})}
    history.record(connection, [history.Entry(order["id"], "return.requested", told)], at=at, actor=actor)
    if all(word is Word.DECLINED for word in words):
        _move(connection, back, ReturnState.DECLINED, at, actor)
        return Opened(back["number"], new=True, wakeups=touch(connection, shop, back["id"]))
    if Word.ASK in words:
        return Opened(back["number"], new=True, wakeups=touch(connection, shop, back["id"]))
    return Opened(back["number"], new=True, wakeups=open_(connection, shop, back["number"], at, actor))


def open_by_code(
    connection: Connection, shop: Shop, code: str, location: str, actor: str, *, only_of_here: bool = False
) -> Opened:
    """Open the return that somebody holds in their hands at a hub or a booth: by the code on its return label, its own
    number, or its order's number. One that is open already, or over, is only named.

    `only_of_here`, the return must be at this place or at none yet, and a number, which anybody can guess, must be of
    an order that was sold or made here; a label is in nobody's hands but the customer's. NotOfHere else.

    NoSuchReturn for any other code; NothingToReturn where all of the order has come back.
    """
    at = now(connection)
    shipment = shipment_by_return_label(connection, code)
    known = connection.execute(select(returns.c.number).where(returns.c.number == code)).scalar_one_or_none()
    if shipment is not None:
        order = _order_of(connection, shipment["fulfilment_order_id"])
        known = _by_shipment(connection, shipment["id"])
    elif known is not None:
        order = desk.locked(connection, find(connection, known)["order_number"])
        if only_of_here:
            _refuse_elsewhere(connection, shop, order, location)
    else:
        order = _order_by_number(connection, code)
        if only_of_here:
            _refuse_elsewhere(connection, shop, order, location)
        known = _only_one_open(connection, order)
        shipment = _shipment(connection, order["id"])
    if known is not None:
        back = locked(connection, known)
        nowhere_yet = not back["location"] and back["state"] not in ENDED
        if only_of_here and back["location"] != location and not nowhere_yet:
            raise NotOfHere(
                f"{known} is not taken in at {location}", remedy="Ask somebody with a staff key of the whole shop."
            )
        return _here(connection, shop, back, location, at, actor)
    if not still_out(connection, shop, order):
        raise NothingToReturn(f"nothing of {order['number']} can come back any more", remedy="Look at its page.")
    lane = Lane.LABEL if shop.location(location).kind == "hub" else Lane.DROP_OFF
    back = _insert(connection, shop, order, shipment, lane, at, announced=False)
    return Opened(back["number"], new=True, wakeups=_here(connection, shop, back, location, at, actor).wakeups)


def open_(connection: Connection, shop: Shop, number: str, at: datetime, actor: str) -> list[Wakeup]:
    """REQUESTED → OPEN, and what follows."""
    _move(connection, find(connection, number), ReturnState.OPEN, at, actor)
    return follow(connection, shop, number, at, actor)


def add_line(connection: Connection, back: RowMapping, piece: SoldPiece, **values: object) -> int:
    """Put a piece into a return; returns the line's id."""
    row = {
        "return_id": back["id"],
        "order_id": back["order_id"],
        "line_no": piece.line_no,
        "piece_no": piece.piece_no,
        "sku": piece.sku,
        "value_minor": piece.value_minor,
        "personalised": piece.personalised,
        "delivered_on": piece.delivered_on.isoformat(),
        "state": PieceState.EXPECTED,
        "wanted": Wanted.REFUND,
    }
    line_id: int = connection.execute(
        insert(return_lines).values(**row | values).returning(return_lines.c.id)
    ).scalar_one()
    return line_id


def word_on(shop: Shop, channel: str, piece: SoldPiece, reason: Reason, asked_on: date) -> Judgement:
    """The word of the shop's terms on a piece."""
    return judge(
        shop.returns.terms_for(channel, piece.product),
        reason,
        personalised=piece.personalised,
        delivered_on=piece.delivered_on,
        asked_on=asked_on,
    )


def as_columns(word: Judgement) -> dict[str, str]:
    return {"word": word.word, "why": word.why, "last_day": word.last_day.isoformat()}


def check_exchange(connection: Connection, sku: str, other: str) -> None:
    """A piece is exchanged for another size or colour of the same product, whatever it costs; NotOffered else."""
    found = catalogue.variants_by_sku(connection, [sku, other])
    if other not in found or other == sku or sku not in found or found[sku].product != found[other].product:
        raise NotOffered(
            f"{sku} is not exchanged for {other or 'nothing'}",
            remedy="Choose another size or colour of the same product; for anything else, refund it.",
        )


def _here(connection: Connection, shop: Shop, back: RowMapping, location: str, at: datetime, actor: str) -> Opened:
    """A return is in somebody's hands: whatever was asked about it before, it is open now."""
    number = back["number"]
    if back["state"] in ENDED:
        return Opened(number, new=False)
    if not back["location"]:
        connection.execute(update(returns).where(returns.c.id == back["id"]).values(location=location))
    if back["state"] != ReturnState.REQUESTED:
        return Opened(number, new=False)
    told = {"return": number, "location": location, "lane": back["lane"]}
    history.record(connection, [history.Entry(back["order_id"], "return.scanned", told)], at=at, actor=actor)
    return Opened(number, new=True, wakeups=open_(connection, shop, number, at, actor))


def _insert(
    connection: Connection,
    shop: Shop,
    order: RowMapping,
    shipment: RowMapping | None,
    lane: Lane,
    at: datetime,
    *,
    announced: bool,
) -> RowMapping:
    number = return_code(order["number"], shipment["return_tracking"]) if shipment else ""
    there = select(returns.c.id).where(returns.c.number == number)
    if not number or connection.execute(there).first() is not None:
        # Fewer digits than the code of a label has, so that they never meet.
        before = select(func.count()).select_from(returns).where(returns.c.order_id == order["id"])
        number = f"R-{order['number']}-{connection.execute(before).scalar_one() + 1}"
    spec = shop.find_channel(order["channel"])
    connection.execute(
        insert(returns).values(
            number=number,
            key=uuid.uuid4().hex[:12],
            order_id=order["id"],
            person_id=order["person_id"],
            shipment_id=shipment["id"] if shipment else None,
            state=ReturnState.REQUESTED,
            lane=lane,
            announced=announced,
            priority=spec.priority if spec else order["priority"],
            asked_at=at,
            settled_revision=1,
        )
    )
    return find(connection, number)


def _move(connection: Connection, back: RowMapping, new: ReturnState, at: datetime, actor: str) -> None:
    stamp = "opened_at" if new is ReturnState.OPEN else "ended_at"
    moved = moving(returns, ReturnState(back["state"]), new).where(returns.c.id == back["id"])
    connection.execute(moved.values(**{stamp: at}))
    entry = history.Entry(back["order_id"], f"return.{new}", {"return": back["number"]})
    history.record(connection, [entry], at=at, actor=actor)


def _refuse_elsewhere(connection: Connection, shop: Shop, order: RowMapping, location: str) -> None:
    """NotOfHere for an order that was neither sold at a place nor made there, and of which nothing came back there."""
    spec = shop.find_channel(order["channel"])
    made = select(fulfilment_orders.c.id).where(
        fulfilment_orders.c.order_id == order["id"], fulfilment_orders.c.location == location
    )
    sold_here = spec is not None and spec.location == location
    came_here = any(row["location"] == location for row in of_order(connection, order["id"]))
    if not (sold_here or came_here) and connection.execute(made.limit(1)).first() is None:
        raise NotOfHere(
            f"{order['number']} was neither sold nor made at {location}",
            remedy="Scan the label of its parcel, or ask somebody with a staff key of the whole shop.",
        )


def _order_of(connection: Connection, part_id: int) -> RowMapping:
    query = select(orders.c.number).join(fulfilment_orders, fulfilment_orders.c.order_id == orders.c.id)
    return desk.locked(connection, connection.execute(query.where(fulfilment_orders.c.id == part_id)).scalar_one())


def _order_by_number(connection: Connection, code: str) -> RowMapping:
    try:
        return desk.locked(connection, code)
    except desk.NoSuchOrder:
        raise NoSuchReturn(
            "this is no return label, no return and no order of ours", remedy="Type the order's number."
        ) from None


def _by_shipment(connection: Connection, shipment_id: int) -> str | None:
    """The number of the return whose label this is; one that its customer had called off does not count."""
    query = select(returns.c.number).where(
        returns.c.shipment_id == shipment_id, returns.c.state != ReturnState.CANCELLED
    )
    found: str | None = connection.execute(query.order_by(returns.c.id.desc()).limit(1)).scalar_one_or_none()
    return found


def _only_one_open(connection: Connection, order: RowMapping) -> str | None:
    there = [row["number"] for row in of_order(connection, order["id"]) if row["state"] not in ENDED]
    if len(there) > 1:
        raise NothingToReturn(f"{order['number']} has several returns", remedy=f"Type one of: {', '.join(there)}.")
    return there[0] if there else None


def _shipment(connection: Connection, order_id: int) -> RowMapping | None:
    """The parcel of an order whose return label nothing has come by yet."""
    used = select(returns.c.id).where(returns.c.shipment_id == shipments.c.id).exists()
    query = (
        select(shipments)
        .join(fulfilment_orders, fulfilment_orders.c.id == shipments.c.fulfilment_order_id)
        .where(fulfilment_orders.c.order_id == order_id, ~used)
        .order_by(shipments.c.id)
        .limit(1)
    )
    return connection.execute(query).mappings().first()
