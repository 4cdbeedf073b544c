"""Two returns of the demo: one from its label to its refund, one that waits for whoever looks around to pay it back."""

from __future__ import annotations

from sqlalchemy import Connection, RowMapping, select

from backroom.cli.waking import send
from backroom.domain.returns import Disposition, Reason, Wanted
from backroom.shop.room import Room
from backroom.store import return_desk, return_opening, returns
from backroom.store.claims import Wakeup
from backroom.store.tables import fulfilment_lines, fulfilment_orders, orders, shipments

WHO = "demo"


def show_returns(room: Room) -> list[str]:
    """Let the first two parcels that left the hub come back; returns a sentence for each."""
    with room.database.read() as connection:
        sold = _sold(connection, room.shop.hub)
    said = []
    for row, pay in zip(sold, (True, False), strict=False):
        number = _come_back(room, row, pay=pay)
        with room.database.read() as connection:
            state = returns.find(connection, number)["state"]
        said.append(f"{row['number']} came back as {number}: {state}" + ("" if pay else ", its refund is to be paid"))
    return said


def _sold(connection: Connection, hub: str) -> list[RowMapping]:
    """The first parcels of one piece that left the hub."""
    query = (
        select(orders.c.number, shipments.c.return_tracking, fulfilment_lines.c.sku)
        .join(fulfilment_orders, fulfilment_orders.c.order_id == orders.c.id)
        .join(shipments, shipments.c.fulfilment_order_id == fulfilment_orders.c.id)
        .join(fulfilment_lines, fulfilment_lines.c.fulfilment_order_id == fulfilment_orders.c.id)
        .where(
            orders.c.state == "fulfilled",
            fulfilment_orders.c.location == hub,
            fulfilment_lines.c.from_stock + fulfilment_lines.c.to_print == 1,
            orders.c.total_minor > 0,
        )
        .order_by(orders.c.id)
        .limit(2)
    )
    return list(connection.execute(query).mappings())


def _come_back(room: Room, row: RowMapping, *, pay: bool) -> str:
    """Through the same calls as a station's, each in a commit of its own; returns the return's number."""
    shop, hub = room.shop, room.shop.hub
    opened = room.database.write(lambda c: return_opening.open_by_code(c, shop, row["return_tracking"], hub, WHO))
    number = opened.number
    taken = room.database.write(lambda c: return_desk.receive(c, shop, number, hub, row["sku"], WHO))
    assert taken.line_id is not None
    piece = taken.line_id

    def look_at_it(connection: Connection) -> list[Wakeup]:
        return_desk.say(connection, shop, piece, Reason.DAMAGED, Wanted.REFUND, "", WHO)
        return_desk.dispose(connection, shop, piece, Disposition.DISCARD, WHO)
        return return_desk.that_is_all(connection, shop, number, WHO)

    owed = room.database.write(look_at_it)
    with room.database.read() as connection:
        refund = returns.refund_of(connection, returns.find(connection, number)["id"])
    if pay and refund is not None:
        paid = refund["goods_minor"] + refund["shipping_minor"]
        owed += room.database.write(lambda c: return_desk.confirm_refund(c, shop, number, paid, "demo-1", WHO))
    send(room, owed)
    return number
