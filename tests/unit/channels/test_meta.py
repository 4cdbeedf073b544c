"""Meta: orders of Instagram and Facebook checkout read into the words we share."""

from __future__ import annotations

import copy
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backroom.channels.base import BadSignature, Contact, NotAnOrder
from backroom.channels.meta import cancelled_pieces, is_cancelled
from backroom.channels.registry import channel_for
from backroom.domain.channels import ChannelSpec
from backroom.domain.model import Delivery, IncomingOrder, PaymentStatus
from tests.unit.channels.samples import payload, sum_of_parts

META = channel_for(ChannelSpec("insta", "meta", 2, "standard"))
ORDER = payload("meta_order.json")
OWL, FOX = (one["id"] for one in ORDER["items"]["data"])


def usd(amount: object, currency: str = "USD") -> dict[str, Any]:
    return {"amount": amount, "currency": currency}


def read(**changes: Any) -> IncomingOrder:
    return META.parse(copy.deepcopy(ORDER) | changes, "", "US")


def refused(**changes: Any) -> dict[str, str]:
    with pytest.raises(NotAnOrder) as caught:
        read(**changes)
    return {problem.field: problem.code for problem in caught.value.problems}


def off(*pieces: tuple[str, int]) -> dict[str, Any]:
    """Cancellations, each of one item."""
    return {"data": [{"id": str(n), "items": {"data": [{"id": i, "quantity": q}]}} for n, (i, q) in enumerate(pieces)]}


def lines(**changes: Any) -> dict[str, Any]:
    """The items, with the first changed."""
    owl, fox = copy.deepcopy(ORDER["items"]["data"])
    return {"data": [owl | changes, fox]}


def paid(**changes: Any) -> dict[str, Any]:
    return copy.deepcopy(ORDER["estimated_payment_details"]) | changes


def test_a_webhook_is_never_believed() -> None:
    with pytest.raises(BadSignature):
        META.verify(b"{}", {"X-Hub-Signature-256": "sha256=00"}, "secret")
    assert not META.is_hint(ORDER, "")


def test_an_order_in_our_words() -> None:
    order = read()
    assert (order.external_id, order.source, order.currency) == ("368508827392800", "instagram", "USD")
    assert order.payment is PaymentStatus.PAID
    assert order.delivery is Delivery.SHIP
    assert not order.cancelled
    assert [(x.external_id, x.sku, x.quantity, x.unit_price_minor, x.personalisation) for x in order.lines] == [
        (OWL, "OWL-BLK-M", 1, 2900, "for Ada"),
        (FOX, "FOX-RED-S", 1, 2900, ""),
    ]
    assert (order.total_minor, order.shipping_minor, order.discount_minor, order.tax_added_minor) == (6800, 490, 0, 510)
    assert sum_of_parts(order) == order.total_minor
    assert order.address is not None
    assert (order.address.name, order.address.line1, order.address.region) == ("Zoe Muster", "1 Hacker Way", "CA")
    assert order.email == "n8miblde3i@marketplace.facebook.com"
    assert META.contact(ORDER) == Contact("n8miblde3i@marketplace.facebook.com", None)


def test_a_tax_that_is_in_the_prices_comes_not_on_top() -> None:
    order = read(estimated_payment_details=paid(total_amount=usd("62.90")))
    assert (order.tax_added_minor, sum_of_parts(order)) == (0, 6290)


def test_what_an_offer_took_off_is_a_discount() -> None:
    subtotal = {"items": usd("50.00"), "shipping": usd("4.90")}
    order = read(estimated_payment_details=paid(subtotal=subtotal, total_amount=usd("60.00")))
    assert (order.discount_minor, order.tax_added_minor) == (800, 510)
    assert sum_of_parts(order) == order.total_minor == 6000


def test_what_was_cancelled_is_not_made() -> None:
    order = read(cancellations=off((FOX, 1)))
    assert ([line.sku for line in order.lines], order.cancelled) == (["OWL-BLK-M"], False)
    assert sum_of_parts(order) == order.total_minor == 3900
    order = read(items=lines(quantity=3), cancellations=off((OWL, 1), (OWL, 1)))
    assert [(line.sku, line.quantity) for line in order.lines] == [("OWL-BLK-M", 1), ("FOX-RED-S", 1)]


def test_an_order_cancelled_whole_comes_without_its_buyer() -> None:
    gone = {"cancellations": off((FOX, 1), (OWL, 1)), "order_status": {"state": "COMPLETED"}}
    whole = copy.deepcopy(ORDER) | gone
    del whole["shipping_address"]
    whole["buyer_details"] = {"email_remarketing_option": False}
    order = META.parse(whole, "", "US")
    assert order.cancelled
    assert (order.address, order.email, len(order.lines)) == (None, "", 2)
    assert is_cancelled(whole)
    assert META.contact(whole) == Contact(None, None)


def test_cancellations_in_no_known_shape_cancel_nothing() -> None:
    for broken in (None, [], {"data": [{"items": {"data": [{"id": OWL, "quantity": "1"}]}}]}, off((OWL, -1))):
        assert cancelled_pieces({"cancellations": broken}) == {}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"order_status": {"state": "FB_PROCESSING"}}, {"order_status.state": "state"}),
        ({"order_status": None}, {"order_status.state": "state"}),
        ({"is_test_order": True}, {"is_test_order": "test"}),
        ({"id": None}, {"id": "missing"}),
        ({"created": "2026-11-20T19:17:31"}, {"created": "time"}),
        ({"last_updated": None}, {"last_updated": "missing"}),
        ({"items": None}, {"items": "no_lines"}),
        ({"items": lines(quantity=0)}, {"items[0].quantity": "quantity"}),
        ({"items": lines(quantity=1.5)}, {"items[0].quantity": "quantity"}),
        ({"items": lines(price_per_unit=usd("29.001"))}, {"items[0].price_per_unit": "amount"}),
        ({"items": lines(price_per_unit=usd("29.00", "EUR"))}, {"items[0].price_per_unit": "amount"}),
        ({"items": lines(price_per_unit=None)}, {"items[0].price_per_unit": "missing"}),
        ({"items": lines(id=None)}, {"items[0].id": "missing"}),
        ({"items": lines(retailer_id="x" * 101)}, {"items[0].retailer_id": "identifier"}),
    ],
)
def test_what_is_wrong_is_named(changes: dict[str, Any], expected: dict[str, str]) -> None:
    assert refused(**changes) == expected


def test_sums_that_are_not_there_are_named() -> None:
    found = refused(estimated_payment_details=None)
    assert found["estimated_payment_details.total_amount.currency"] == "currency"
    assert found["estimated_payment_details.total_amount"] == "missing"


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([*ORDER, "data", "id"]), inner),
    max_leaves=12,
)


@given(st.dictionaries(st.sampled_from(list(ORDER)), _JSON))
def test_whatever_it_holds_it_is_an_order_or_none(changes: dict[str, Any]) -> None:
    whole = copy.deepcopy(ORDER) | changes
    META.contact(whole)
    META.external_id(whole)
    with suppress(NotAnOrder):
        META.parse(whole, "", "US")
