"""Commands about parcels, as somebody types them."""

from __future__ import annotations

from sqlalchemy import select

from backroom.domain.collection import CollectState
from backroom.domain.labels import tracking_number
from backroom.domain.tracking import ParcelState
from backroom.shop.room import Room
from backroom.store import parcels
from backroom.store.database import now
from backroom.store.tables import fulfilment_orders, orders
from tests.integration.cli.typing_in import answered, refused, typed
from tests.integration.gateway.conftest import make_sold_order

TRACKING = tracking_number("shipping", "typed")


def with_parcel(room: Room, kind: str, state: str, **more: str) -> str:
    """An order that has left with a parcel, or lies ready; its number."""
    number = make_sold_order(room, tracking_number("return", kind), location="main-hub")
    with room.database.read() as connection:
        query = select(fulfilment_orders.c.id, fulfilment_orders.c.order_id).join(
            orders, orders.c.id == fulfilment_orders.c.order_id
        )
        part = connection.execute(query.where(orders.c.number == number)).one()
    new = parcels.NewParcel(part.id, part.order_id, "main-hub", kind, state, **more)
    room.database.write(lambda c: parcels.open_parcels(c, [new], now(c)))
    return number


def test_our_own_courier_says_in_the_terminal_what_became_of_a_parcel(room: Room) -> None:
    own = next(spec.id for spec in room.shop.carriers if spec.kind == "local")
    number = with_parcel(room, parcels.SENT, ParcelState.ANNOUNCED, carrier=own, tracking=TRACKING)
    assert "handed_over" in typed("parcel", "scan", TRACKING.lower(), "handed_over").stdout
    assert typed("parcel", "scan", TRACKING, "eaten").exit_code == 2
    assert "nobody_home" in refused("parcel", "scan", TRACKING, "failed")
    typed("parcel", "scan", TRACKING, "failed", "--why", "nobody_home")
    [listed] = answered("parcel", "list", "--attention")
    assert (listed["number"], listed["state"], listed["attention"]) == (number, "failed", "failed")
    assert "Ask the carrier why" in typed("parcel", "list", "--attention").stdout
    assert "1 parcels seen to" in typed("parcel", "seen", number.lower()).stdout
    assert answered("parcel", "list", "--attention") == []
    assert "on its way" in refused("label", "void", number)


def test_a_label_that_was_not_used_is_taken_back_in_the_terminal(room: Room) -> None:
    own = next(spec.id for spec in room.shop.carriers if spec.kind == "local")
    number = with_parcel(room, parcels.SENT, ParcelState.ANNOUNCED, carrier=own, tracking=TRACKING)
    assert "taken back" in typed("label", "void", number).stdout
    assert "taken back" in refused("parcel", "scan", TRACKING, "handed_over")
    assert answered("order", "show", number)["parcels"][0]["voided_at"]


def test_what_is_fetched_is_handed_over_in_the_terminal_for_its_code(room: Room) -> None:
    number = with_parcel(room, parcels.COLLECTED, CollectState.READY, code="042917")
    assert "not the code" in refused("parcel", "collect", number, "000000", "--at", "main-hub")
    assert "hand it over" in typed("parcel", "collect", number, "042917", "--at", "main-hub").stdout
    told = answered("order", "show", number)
    assert told["parcels"][0]["state"] == "collected"
    assert "042917" not in str(told)
