"""Refunds at Shopify over real HTTP: once, to the payments that have so much left, and found again by our key."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Response

from backroom.channels.refunding import Refunded, RefundRefused, RefundRequest
from backroom.channels.shopify_refunds import ShopifyRefunds
from backroom.outgoing.circuit import close_all
from backroom.outgoing.errors import ServiceAway, ServiceSetup
from tests.fake_shops import TOKEN
from tests.fake_tills import ShopifyTill, paid
from tests.shops import an_order

KEY = "refund-A-1042-R1-0a1b2c3d"
OWED = RefundRequest(KEY, "7001", 2900, "EUR")


@pytest.fixture(autouse=True)
def fresh_circuits() -> Iterator[None]:
    close_all()
    yield
    close_all()


@pytest.fixture
def refunds(shopify_till: ShopifyTill, httpserver: HTTPServer) -> Iterator[ShopifyRefunds]:
    shopify_till.orders[7001] = an_order(7001, [("TEE", 2)])
    shopify_till.transactions[7001] = [
        paid(901, "AUTHORIZATION", "58.00"),
        paid(902, "SALE", "20.00", gateway="gift_card"),
        paid(903, "SALE", "5.00", status="FAILURE"),
        paid(904, "CAPTURE", "38.00"),
    ]
    made = ShopifyRefunds(shopify_till.listen(httpserver), TOKEN)
    yield made
    made.close()


def given(till: ShopifyTill) -> list[tuple[str, str]]:
    """What was paid back: to which payment, how much."""
    made = [one for refund in till.refunds.get(7001, []) for one in refund["made"]]
    return [
        (one["parentTransaction"]["id"].rpartition("/")[2], one["amountSet"]["presentmentMoney"]["amount"])
        for one in made
    ]


def test_it_is_paid_back_to_the_payments_in_turn_and_no_more_than_each_has(
    refunds: ShopifyRefunds, shopify_till: ShopifyTill
) -> None:
    answer = refunds.refund(OWED)
    assert given(shopify_till) == [("902", "20.00"), ("904", "9.00")]
    assert answer == Refunded(answer.reference, 2900)
    assert answer.reference.isdigit()
    assert [refund["note"] for refund in shopify_till.refunds[7001]] == [f"Backroom {KEY}"]


def test_what_was_paid_under_its_key_is_found_and_not_paid_again(
    refunds: ShopifyRefunds, shopify_till: ShopifyTill
) -> None:
    assert refunds.find(OWED) is None
    first = refunds.refund(OWED)
    shopify_till.keys.clear()
    assert refunds.refund(OWED) == refunds.find(OWED) == first
    assert len(shopify_till.refunds[7001]) == 1


def test_another_return_of_the_same_order_is_another_refund(refunds: ShopifyRefunds, shopify_till: ShopifyTill) -> None:
    refunds.refund(OWED)
    refunds.refund(RefundRequest("refund-A-1042-R2-9f8e7d6c", "7001", 2900, "EUR"))
    assert given(shopify_till) == [("902", "20.00"), ("904", "9.00"), ("904", "29.00")]


def test_more_than_is_left_is_refused_before_anything_is_paid(
    refunds: ShopifyRefunds, shopify_till: ShopifyTill
) -> None:
    with pytest.raises(RefundRefused) as caught:
        refunds.refund(RefundRequest(KEY, "7001", 5801, "EUR"))
    assert "by hand" in caught.value.remedy
    assert given(shopify_till) == []


def test_a_payment_in_another_currency_is_a_persons_matter(refunds: ShopifyRefunds) -> None:
    with pytest.raises(RefundRefused):
        refunds.refund(RefundRequest(KEY, "7001", 100, "USD"))


def test_an_answer_that_is_lost_after_it_was_paid_pays_once(refunds: ShopifyRefunds, shopify_till: ShopifyTill) -> None:
    shopify_till.lose = 1
    assert refunds.refund(OWED).amount_minor == 2900
    assert len(shopify_till.refunds[7001]) == 1


def test_an_answer_that_stays_lost_is_found_by_the_next_try(refunds: ShopifyRefunds, shopify_till: ShopifyTill) -> None:
    shopify_till.lose = 3
    with pytest.raises(ServiceAway):
        refunds.refund(OWED)
    close_all()
    shopify_till.keys.clear()
    assert refunds.refund(OWED).amount_minor == 2900
    assert len(shopify_till.refunds[7001]) == 1


def test_a_provider_that_pays_nothing_is_told_from_one_that_has_not_paid_yet(
    refunds: ShopifyRefunds, shopify_till: ShopifyTill
) -> None:
    shopify_till.refunding = "FAILURE"
    with pytest.raises(RefundRefused, match="paid nothing back"):
        refunds.refund(OWED)
    assert refunds.find(OWED) is None
    shopify_till.refunding = "PENDING"
    shopify_till.keys.clear()
    shopify_till.refunds.clear()
    assert refunds.refund(OWED) == refunds.find(OWED)


def test_an_order_that_is_unknown_and_a_token_that_is_refused_are_told(
    refunds: ShopifyRefunds, shopify_till: ShopifyTill
) -> None:
    with pytest.raises(RefundRefused, match="does not know"):
        refunds.refund(RefundRequest(KEY, "9999", 100, "EUR"))
    shopify_till.bad = [Response("{}", status=401)]
    with pytest.raises(ServiceSetup):
        refunds.refund(OWED)
