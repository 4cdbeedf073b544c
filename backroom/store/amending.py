"""Correcting what a person typed wrongly in an order: where it goes, how its customer is reached, which piece it is."""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy import Connection, RowMapping, select, update

from backroom.domain.model import FulfilmentState, OrderState
from backroom.store import effects, history, own_artworks, partner_orders, stock
from backroom.store.contacts import open_contact, seal_contact
from backroom.store.database import now
from backroom.store.desk import ENDED, NotPossibleNow, is_labelled, locked, refuse_while_labelling
from backroom.store.moves import moving
from backroom.store.people import load
from backroom.store.seals import Seals
from backroom.store.shipping import LABEL
from backroom.store.tables import fulfilment_orders, order_lines, orders

ADDRESS_FIELDS = ("name", "company", "line1", "line2", "postcode", "city", "region", "country")


def amend(connection: Connection, seals: Seals, number: str, field: str, value: str, actor: str) -> None:
    """Correct what a person typed wrongly: `email`, `phone`, `address.line1` …, or `line.1.sku`.

    Address and SKUs until the label, e-mail and phone until the end: a message that was not sent yet goes there. The
    value is written as it is given: the caller brings it into the form that intake gives it. Later news from the
    channel leave it alone. The history keeps which field was corrected and by whom, never the value.
    """
    order, at = locked(connection, number), now(connection)
    if order["state"] in ENDED:
        raise NotPossibleNow(f"{number} is {order['state']} already")
    refuse_while_labelling(connection, order["id"], number, at)
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
    number = int(line_no) if line_no.isdigit() else 0
    unfit = order["hold_reason"] == own_artworks.UNFIT and number in own_artworks.refused(connection, order["id"])
    changed = connection.execute(
        update(order_lines)
        .where(order_lines.c.order_id == order["id"], order_lines.c.line_no == number)
        # Another piece in the place of one whose picture was refused is printed with its own artwork.
        .values(sku=sku, **({"artwork_url": None} if unfit else {}))
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


def _refuse_at_partner(connection: Connection, order_id: int, number: str) -> None:
    """What a partner was told stays as it is: it is cancelled there, and asked anew."""
    if partner_orders.may_be_there(connection, order_id) or partner_orders.under_way(connection, order_id):
        raise NotPossibleNow(f"{number} is at its partner", remedy="Cancel it, its money kept, and enter it anew.")


def _refuse_after_label(connection: Connection, order_id: int, number: str) -> None:
    """What a label says is what was bought: it is not changed behind the carrier's back."""
    if is_labelled(connection, order_id):
        raise NotPossibleNow(
            f"{number} is labelled already", remedy="Take its parcel out of the pile, and enter the order anew."
        )
    if effects.begun(connection, order_id, LABEL):
        raise NotPossibleNow(f"{number} may have a label already", remedy="Look at it at the carrier first.")
