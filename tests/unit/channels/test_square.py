"""Square: events that hint, and orders read into the words we share."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest

from backroom.channels.base import BadSignature, Contact, NotAnOrder
from backroom.channels.registry import channel_for
from backroom.domain import signatures
from backroom.domain.channels import ChannelSpec
from backroom.domain.model import Delivery, IncomingOrder, PaymentStatus
from tests.unit.channels.samples import payload, sum_of_parts

URL = "https://orders.example.com/webhooks/market"
SPEC = ChannelSpec("market", "square", 3, "standard", secret="webhook.market", location="booth-a", notification_url=URL)
SQUARE = channel_for(SPEC)
WHOLE = payload("square_order.json")


def event(kind: str, where: str, **more: Any) -> dict[str, Any]:
    about = {"order_id": "ORDER-1", "version": 2, "location_id": "L1", "state": "OPEN"} | more
    return {
        "merchant_id": "M1",
        "type": kind,
        "event_id": "bc316346-6691-4243-88ed-6d651a0d0c47",
        "created_at": "2026-11-20T17:45:16.500Z",
        "data": {"type": where, "id": "X", "object": {where: about}},
    }


def read(**order: Any) -> IncomingOrder:
    whole = copy.deepcopy(WHOLE)
    whole["order"] |= order
    return SQUARE.parse(whole, "order.fetched", "DE")


def refused(whole: object) -> dict[str, str]:
    with pytest.raises(NotAnOrder) as caught:
        SQUARE.parse(whole, "", "DE")
    return {problem.field: problem.code for problem in caught.value.problems}


@pytest.mark.parametrize(
    ("kind", "where"),
    [
        ("order.created", "order_created"),
        ("order.updated", "order_updated"),
        ("order.fulfillment.updated", "order_fulfillment_updated"),
        ("payment.updated", "payment"),
        ("refund.created", "refund"),
    ],
)
def test_an_event_only_says_which_order_to_fetch(kind: str, where: str) -> None:
    told = event(kind, where)
    assert SQUARE.is_hint(told, "")
    assert SQUARE.external_id(told) == "ORDER-1"
    assert SQUARE.contact(told) == Contact(None, None)


def test_an_event_about_something_else_is_no_hint_and_no_order() -> None:
    told = event("catalog.version.updated", "catalog_version")
    assert not SQUARE.is_hint(told, "")
    assert SQUARE.external_id(told) == ""
    assert refused(told)["type"] == "topic"


def test_an_event_sent_again_is_the_same_delivery() -> None:
    first, again = event("order.created", "order_created"), event("order.created", "order_created", version=3)
    assert SQUARE.delivery_key(first, {}, b"1") == SQUARE.delivery_key(again, {}, b"2")
    assert SQUARE.delivery_key({}, {}, b"1") != SQUARE.delivery_key({}, {}, b"2")


def test_the_signature_is_over_the_url_as_square_has_it() -> None:
    body = json.dumps(event("order.created", "order_created")).encode()
    told = signatures.square(URL, body, "key")
    SQUARE.verify(body, {"X-Square-HmacSha256-Signature": told}, "key")
    elsewhere = channel_for(ChannelSpec("market", "square", 3, "standard", notification_url=URL + "/"))
    with pytest.raises(BadSignature):
        elsewhere.verify(body, {"x-square-hmacsha256-signature": told}, "key")


def test_an_order_is_read_whole() -> None:
    order = read()
    assert (order.external_id, order.external_name) == ("CAISENgvlJ6jLWAzERDzjyHVybY", "market-1042")
    assert [(line.sku, line.quantity, line.unit_price_minor, line.discount_minor) for line in order.lines] == [
        ("OWL-BLK-M", 2, 3200, 600),
        ("PATCH-OWL-1", 1, 700, 0),
    ]
    assert order.lines[0].personalisation == "Gift box; fold it small"
    assert (order.total_minor, order.shipping_minor, order.tax_added_minor) == (6990, 490, 0)
    assert sum_of_parts(order) == order.total_minor
    assert order.address is not None
    assert (order.address.name, order.address.line2, order.address.region) == ("Zoé Muster", "Hinterhaus", "BE")
    assert (order.delivery, order.payment, order.source) == (Delivery.SHIP, PaymentStatus.PAID, "square-online")
    assert order.note == "leave it with the neighbours"
    assert [(one.medium, one.purpose) for one in order.consents] == [("email", "order_updates")]
    assert SQUARE.contact(WHOLE) == Contact("zoe@example.com", "+4915123456789")


def test_what_a_counter_sold_is_carried_out_at_the_channels_location() -> None:
    order = read(fulfillments=[], source={"name": "Square Point of Sale"})
    assert (order.delivery, order.location, order.address) == (Delivery.CARRY_OUT, "booth-a", None)
    assert order.source == "square-point-of-sale"


def test_what_is_picked_up_is_collected() -> None:
    way = {"uid": "1", "type": "PICKUP", "state": "PROPOSED", "pickup_details": {"note": "at six"}}
    order = read(fulfillments=[way])
    assert (order.delivery, order.note) == (Delivery.COLLECT, "at six")


@pytest.mark.parametrize(
    ("changes", "cancelled"),
    [
        ({"state": "CANCELED"}, True),
        ({"fulfillments": [{"uid": "1", "type": "SHIPMENT", "state": "CANCELED"}]}, True),
        ({"fulfillments": [{"uid": "1", "state": "CANCELED"}, {"uid": "2", "state": "PROPOSED"}]}, False),
        ({"fulfillments": []}, False),
    ],
)
def test_an_order_is_cancelled_by_its_state_or_by_all_that_was_to_be_sent(
    changes: dict[str, Any], cancelled: bool
) -> None:
    assert read(**changes).cancelled is cancelled


def test_an_order_that_still_owes_is_not_paid() -> None:
    assert read(net_amount_due_money={"amount": 1, "currency": "EUR"}).payment is PaymentStatus.PENDING


@pytest.mark.parametrize(("back", "payment"), [(6990, PaymentStatus.REFUNDED), (700, PaymentStatus.PAID)])
def test_what_was_paid_back_whole_is_not_made(back: int, payment: PaymentStatus) -> None:
    whole = copy.deepcopy(WHOLE)
    whole["payments"][0]["refunded_money"] = {"amount": back, "currency": "EUR"}
    order = SQUARE.parse(whole, "", "DE")
    assert (order.payment, order.cancelled) == (payment, payment is PaymentStatus.REFUNDED)


def test_a_refund_that_was_rejected_pays_nothing_back() -> None:
    made = {"id": "r", "amount_money": {"amount": 6990, "currency": "EUR"}}
    assert read(refunds=[made | {"status": "REJECTED"}]).payment is PaymentStatus.PAID
    assert read(refunds=[made | {"status": "APPROVED"}]).payment is PaymentStatus.REFUNDED


@pytest.mark.parametrize("tip", [0, 300])
def test_a_tip_is_on_top_whether_the_total_has_it_or_not(tip: int) -> None:
    order = read(
        total_tip_money={"amount": 300, "currency": "EUR"}, total_money={"amount": 6990 + tip, "currency": "EUR"}
    )
    assert (order.tax_added_minor, sum_of_parts(order)) == (tip, order.total_minor)


def test_charges_that_are_in_the_lines_are_not_counted_twice() -> None:
    whole = copy.deepcopy(WHOLE)
    whole["order"]["line_items"][1] |= {
        "total_money": {"amount": 1190, "currency": "EUR"},
        "total_service_charge_money": {"amount": 490, "currency": "EUR"},
    }
    order = SQUARE.parse(whole, "", "DE")
    assert (order.shipping_minor, sum_of_parts(order)) == (0, order.total_minor)


def test_a_total_that_nothing_explains_is_left_to_the_check_of_the_sums() -> None:
    order = read(total_money={"amount": 9999, "currency": "EUR"})
    assert sum_of_parts(order) != order.total_minor


def test_a_gift_card_is_paid_and_not_made() -> None:
    whole = copy.deepcopy(WHOLE)
    whole["order"]["line_items"][1]["item_type"] = "GIFT_CARD"
    order = SQUARE.parse(whole, "", "DE")
    assert [line.sku for line in order.lines] == ["OWL-BLK-M"]
    assert (order.tax_added_minor, sum_of_parts(order)) == (700, order.total_minor)
    whole["order"]["line_items"] = whole["order"]["line_items"][1:]
    assert refused(whole) == {"order.line_items": "no_lines"}


def test_a_line_without_a_catalogue_object_has_no_sku_for_a_person_to_add() -> None:
    whole = copy.deepcopy(WHOLE)
    del whole["order"]["line_items"][0]["catalog_object_id"]
    whole["skus"] = {}
    assert [line.sku for line in SQUARE.parse(whole, "", "DE").lines] == ["", ""]


def test_a_currency_without_minor_units_is_read_as_it_is() -> None:
    whole = json.loads(json.dumps(WHOLE).replace('"EUR"', '"JPY"'))
    order = SQUARE.parse(whole, "", "JP")
    assert (order.currency, order.total_minor) == ("JPY", 6990)


def test_everything_that_is_wrong_with_a_dirty_order_is_named_at_once() -> None:
    whole = copy.deepcopy(WHOLE)
    whole["order"] |= {
        "id": "",
        "created_at": "yesterday",
        "updated_at": None,
        "total_money": {"amount": "69.90", "currency": "EURO"},
    }
    whole["order"]["line_items"][0] |= {"quantity": "2.5", "uid": "", "total_money": {"amount": 12.5}}
    whole["order"]["line_items"][1] |= {"quantity": "0", "total_money": {"amount": 10**14, "currency": "EUR"}}
    assert refused(whole) == {
        "order.id": "missing",
        "order.created_at": "time",
        "order.updated_at": "missing",
        "order.total_money.currency": "currency",
        "order.total_money.amount": "amount",
        "order.line_items[0].uid": "missing",
        "order.line_items[0].quantity": "quantity",
        "order.line_items[0].total_money.amount": "amount",
        "order.line_items[1].quantity": "quantity",
        "order.line_items[1].total_money.amount": "amount",
    }


@pytest.mark.parametrize("whole", [{}, [], None, {"order": []}, {"order": {"line_items": "?"}}, {"type": 7}])
def test_what_is_no_order_at_all_is_refused_and_never_a_crash(whole: object) -> None:
    assert "order.line_items" in refused(whole)
    assert SQUARE.external_id(whole) == ""
    assert not SQUARE.is_hint(whole, "")
