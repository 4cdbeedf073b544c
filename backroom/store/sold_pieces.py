"""What of an order left the house and may come back: each piece, what it cost, when it was delivered.

A piece that is in a return already, or came back for good, is not among them.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import Connection, RowMapping, case, or_, select

from backroom.domain.collection import CollectState
from backroom.domain.model import Delivery, FulfilmentState
from backroom.domain.opening import zone
from backroom.domain.promise import delivery_window
from backroom.domain.refunds import PaidLine, values
from backroom.domain.returns import Disposition, PieceState, ReturnState
from backroom.domain.shop import Shop
from backroom.domain.tracking import ParcelState
from backroom.store import catalogue
from backroom.store.orders import lines_of
from backroom.store.tables import fulfilment_lines, fulfilment_orders, parcels, return_lines, returns

ARRIVED = (ParcelState.DELIVERED, CollectState.COLLECTED)
SENT = (FulfilmentState.LABELLED, FulfilmentState.DONE)


@dataclass(frozen=True, slots=True)
class SoldPiece:
    """One piece that its customer has. `product` is empty where the catalogue has forgotten it."""

    line_no: int
    piece_no: int
    sku: str
    product: str
    value_minor: int
    personalised: bool
    delivered_on: date


def still_out(connection: Connection, shop: Shop, order: RowMapping) -> list[SoldPiece]:
    """The pieces of an order that may come back, line by line."""
    lines = lines_of(connection, [order["id"]])[order["id"]]
    sent = _sent(connection, shop, order)
    worth = values(
        [PaidLine(x["line_no"], x["quantity"], x["unit_price_minor"], x["discount_minor"]) for x in lines],
        discount_minor=order["discount_minor"],
        tax_added_minor=order["tax_added_minor"],
    )
    back = _in_returns(connection, order["id"])
    products = {
        sku: one.product for sku, one in catalogue.variants_by_sku(connection, (x["sku"] for x in lines)).items()
    }
    pieces = []
    for line in lines:
        count, delivered_on = sent.get(line["line_no"], (0, date.min))
        pieces += [
            SoldPiece(
                line["line_no"],
                number,
                line["sku"],
                products.get(line["sku"], ""),
                worth[line["line_no"]][number - 1],
                line["personalised"],
                delivered_on,
            )
            for number in range(1, min(count, line["quantity"]) + 1)
            if number not in back[line["line_no"]]
        ]
    return pieces


def day_of(shop: Shop, at: datetime) -> date:
    """The day of the shop's own calendar."""
    return at.astimezone(zone(shop.owner.timezone)).date()


def _sent(connection: Connection, shop: Shop, order: RowMapping) -> dict[int, tuple[int, date]]:
    """By line: how many pieces left the house, and when the last of them was delivered, at the latest."""
    query = (
        select(
            fulfilment_lines.c.line_no,
            (fulfilment_lines.c.from_stock + fulfilment_lines.c.to_print).label("pieces"),
            fulfilment_orders.c.delivery,
            fulfilment_orders.c.labelled_at,
            fulfilment_orders.c.done_at,
            case((parcels.c.state.in_(ARRIVED), parcels.c.state_at)).label("arrived_at"),
        )
        .join(fulfilment_orders, fulfilment_orders.c.id == fulfilment_lines.c.fulfilment_order_id)
        .outerjoin(parcels, parcels.c.fulfilment_order_id == fulfilment_orders.c.id)
        .where(fulfilment_orders.c.order_id == order["id"], fulfilment_orders.c.state.in_(SENT))
    )
    found: dict[int, tuple[int, date]] = {}
    for row in connection.execute(query).mappings():
        count, delivered_on = found.get(row["line_no"], (0, date.min))
        found[row["line_no"]] = count + row["pieces"], max(delivered_on, _delivered_on(shop, order["channel"], row))
    return found


def _delivered_on(shop: Shop, channel: str, part: RowMapping) -> date:
    """The day that its carrier told, or that it was fetched. Where nobody tells us, the last day that was promised
    counts, in the customer's favour."""
    if part["arrived_at"] is not None:
        return day_of(shop, part["arrived_at"])
    handed_over_at: datetime = part["done_at"] or part["labelled_at"]
    spec = shop.find_channel(channel)
    if part["delivery"] != Delivery.SHIP or spec is None:
        return day_of(shop, handed_over_at)
    return delivery_window(handed_over_at, shop.sla(spec.sla), shop.owner.timezone, shop.holidays).to_date


def _in_returns(connection: Connection, order_id: int) -> dict[int, set[int]]:
    """By line: the numbers of the pieces that are on their way back, or are back."""
    stayed = or_(
        returns.c.state.in_([ReturnState.CANCELLED, ReturnState.DECLINED]),
        return_lines.c.state == PieceState.MISSING,
        return_lines.c.disposition == Disposition.HAND_BACK,
    )
    query = (
        select(return_lines.c.line_no, return_lines.c.piece_no)
        .join(returns, returns.c.id == return_lines.c.return_id)
        .where(return_lines.c.order_id == order_id, ~stayed)
    )
    found: dict[int, set[int]] = defaultdict(set)
    for row in connection.execute(query):
        found[row.line_no].add(row.piece_no)
    return found
