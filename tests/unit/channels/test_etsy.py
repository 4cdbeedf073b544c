"""Etsy: webhooks that hint, and receipts read into the words we share."""

from __future__ import annotations

import base64
import copy
import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backroom.channels.base import BadSignature, Contact, NotAnOrder
from backroom.channels.etsy import minor
from backroom.channels.reading import Reading
from backroom.channels.registry import channel_for
from backroom.domain import signatures
from backroom.domain.channels import ApiSpec, ChannelSpec
from backroom.domain.model import Delivery, IncomingOrder, PaymentStatus
from backroom.domain.money import EXPONENTS
from backroom.domain.validation import validate
from tests.unit.channels.samples import payload, sum_of_parts

API = ApiSpec("https://api.etsy.com", "channel.etsy", account="123456")
ETSY = channel_for(ChannelSpec("stall", "etsy", 3, "standard", secret="webhook.stall", api=API))
RECEIPT = payload("etsy_receipt.json")
SECRET = "whsec_" + base64.b64encode(b"twenty-four bytes of it!").decode()
TOLD = {
    "event_type": "order.paid",
    "resource_url": "https://api.etsy.com/v3/application/shops/123456/receipts/3141592653",
    "shop_id": "123456",
}


def money(amount: int, divisor: int = 100, code: str = "EUR") -> dict[str, Any]:
    return {"amount": amount, "divisor": divisor, "currency_code": code}


def read(**changes: Any) -> IncomingOrder:
    return ETSY.parse(copy.deepcopy(RECEIPT) | changes, "", "DE")


def refused(whole: object) -> dict[str, str]:
    with pytest.raises(NotAnOrder) as caught:
        ETSY.parse(whole, "", "DE")
    return {problem.field: problem.code for problem in caught.value.problems}


def test_a_webhook_only_names_the_receipt_to_fetch() -> None:
    for kind in ("order.paid", "order.canceled", "order.shipped", "order.delivered"):
        told = TOLD | {"event_type": kind}
        assert ETSY.is_hint(told, "")
        assert ETSY.external_id(told) == "3141592653"
        assert ETSY.contact(told) == Contact(None, None)


@pytest.mark.parametrize(
    "changes",
    [
        {"resource_url": "https://api.etsy.com/v3/application/shops/999/receipts/3141592653"},
        {"resource_url": "https://api.etsy.com/v3/application/shops/123456/listings/1"},
        {"resource_url": None},
        {"event_type": "shop.renamed"},
    ],
)
def test_a_webhook_of_another_shop_or_of_something_else_names_none(changes: dict[str, Any]) -> None:
    assert ETSY.external_id(TOLD | changes) == ""
    assert "event_type" in refused(TOLD | changes)


@pytest.mark.parametrize("bare", [False, True])
def test_its_signature_is_that_of_standard_webhooks_with_or_without_its_version(bare: bool) -> None:
    body, now = json.dumps(TOLD).encode(), int(time.time())
    told = signatures.standard("msg_1", now, body, SECRET)
    headers = {
        "Webhook-Id": "msg_1",
        "webhook-timestamp": str(now),
        "webhook-signature": told.removeprefix("v1,") if bare else told,
    }
    ETSY.verify(body, headers, SECRET)
    assert ETSY.delivery_key(TOLD, headers, body) == "msg_1"
    for wrong in (
        headers | {"webhook-timestamp": str(now - 400)},
        headers | {"webhook-signature": ""},
        headers | {"Webhook-Id": "msg_2"},
    ):
        with pytest.raises(BadSignature):
            ETSY.verify(body, wrong, SECRET)


def test_a_receipt_is_read_whole() -> None:
    order = read()
    assert (order.external_id, order.source) == ("3141592653", "etsy")
    assert [(line.sku, line.quantity, line.unit_price_minor) for line in order.lines] == [
        ("OWL-BLK-M", 2, 2900),
        ("PATCH-OWL-1", 1, 700),
    ]
    assert order.lines[0].title == "Night Owl Tee – black"
    assert [line.personalisation for line in order.lines] == ["for Ada & Zoé", ""]
    assert (order.total_minor, order.shipping_minor, order.discount_minor) == (6390, 490, 600)
    assert sum_of_parts(order) == order.total_minor
    assert order.address is not None
    assert (order.address.name, order.address.line1, order.address.line2) == (
        "Zoé O'Muster",
        "Nachtweg 7",
        "Hinterhaus",
    )
    assert order.note == "leave it with the neighbours & ring\n\nGift message: happy birthday"
    assert (order.payment, order.cancelled, order.delivery) == (PaymentStatus.PAID, False, Delivery.SHIP)


def test_an_order_whose_buyer_only_etsy_can_reach_is_no_hold() -> None:
    order = read()
    assert (order.email, order.phone, order.told_by_channel, order.consents) == ("", "", True, ())
    assert "unreachable" not in {problem.code for problem in validate(order, {}, "EUR")}


@pytest.mark.parametrize(
    ("status", "paid", "payment", "cancelled"),
    [
        ("paid", True, PaymentStatus.PAID, False),
        ("completed", True, PaymentStatus.PAID, False),
        ("partially refunded", True, PaymentStatus.PAID, False),
        ("fully refunded", True, PaymentStatus.REFUNDED, True),
        ("canceled", True, PaymentStatus.PENDING, True),
        ("open", False, PaymentStatus.PENDING, False),
        ("payment processing", False, PaymentStatus.PENDING, False),
        ("a status of tomorrow", True, PaymentStatus.PAID, False),
    ],
)
def test_each_status_means_what_etsy_says(status: str, paid: bool, payment: PaymentStatus, cancelled: bool) -> None:
    order = read(status=status, is_paid=paid)
    assert (order.payment, order.cancelled) == (payment, cancelled)


@pytest.mark.parametrize(
    ("on_top", "wrap"), [(0, 0), (1020, 0), (300, 300), (1320, 300)], ids=["in", "on top", "in, wrapped", "both"]
)
def test_vat_is_in_the_prices_or_on_top_as_the_total_tells(on_top: int, wrap: int) -> None:
    order = read(grandtotal=money(6390 + on_top), gift_wrap_price=money(wrap))
    assert (order.tax_added_minor, sum_of_parts(order)) == (on_top, order.total_minor)


def test_a_total_that_nothing_explains_is_left_to_the_check_of_the_sums() -> None:
    order = read(grandtotal=money(9999))
    assert sum_of_parts(order) != order.total_minor


def test_a_download_is_paid_and_not_made() -> None:
    receipt = copy.deepcopy(RECEIPT)
    receipt["transactions"][1]["is_digital"] = True
    order = ETSY.parse(receipt, "", "DE")
    assert [line.sku for line in order.lines] == ["OWL-BLK-M"]
    assert (order.tax_added_minor, sum_of_parts(order)) == (700, order.total_minor)
    receipt["transactions"] = receipt["transactions"][1:]
    assert refused(receipt) == {"transactions": "no_lines"}


@given(st.sampled_from(sorted(EXPONENTS)), st.integers(0, 10**8), st.sampled_from([1, 10, 100, 1000, 10000]))
def test_an_amount_with_any_divisor_is_exact_or_a_problem(currency: str, amount: int, divisor: int) -> None:
    reading = Reading()
    found = minor(reading, money(amount, divisor, currency), "m", currency)
    exact = amount * 10 ** EXPONENTS[currency] / divisor
    assert bool(reading.problems) is (exact != int(exact))
    assert found == (0 if reading.problems else int(exact))


def test_everything_that_is_wrong_with_a_dirty_receipt_is_named_at_once() -> None:
    receipt = copy.deepcopy(RECEIPT) | {
        "receipt_id": None,
        "created_timestamp": "now",
        "updated_timestamp": -5,
        "total_shipping_cost": money(490, 100, "USD"),
        "discount_amt": money(1, 3),
        "gift_wrap_price": {"amount": "1", "divisor": 100},
    }
    receipt["transactions"][0] |= {"quantity": 0, "price": None, "sku": "x" * 101}
    receipt["transactions"][1] |= {"price": money(1, 0), "transaction_id": "\x00\x00"}
    assert refused(receipt) == {
        "receipt_id": "missing",
        "created_timestamp": "time",
        "updated_timestamp": "time",
        "transactions[0].quantity": "quantity",
        "transactions[0].price": "missing",
        "transactions[0].sku": "identifier",
        "transactions[1].price": "amount",
        "transactions[1].transaction_id": "missing",
        "total_shipping_cost": "amount",
        "discount_amt": "amount",
        "gift_wrap_price": "amount",
    }


@pytest.mark.parametrize("whole", [{}, [], None, {"receipt_id": []}, {"resource_url": 1}])
def test_what_is_no_receipt_at_all_is_refused_and_never_a_crash(whole: object) -> None:
    assert "transactions" in refused(whole)
    assert ETSY.external_id(whole) == ""
    assert not ETSY.is_hint(whole, "")
