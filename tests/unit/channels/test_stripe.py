"""Stripe Checkout: events that hint, and sessions read into the words we share."""

from __future__ import annotations

import copy
import time
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backroom.channels.base import BadSignature, Contact, NotAnOrder
from backroom.channels.reading import Reading
from backroom.channels.registry import channel_for
from backroom.channels.stripe_amounts import decimals, read_minor, to_stripe
from backroom.domain import signatures
from backroom.domain.channels import ChannelSpec
from backroom.domain.model import Delivery, IncomingOrder, PaymentStatus
from backroom.domain.money import EXPONENTS
from tests.unit.channels.samples import channel, payload, sum_of_parts

STRIPE = channel_for(ChannelSpec("links", "stripe", 3, "standard", secret="webhook.links"))
WHOLE = payload("stripe_session.json")
SESSION = WHOLE["session"]
CHARGE = SESSION["payment_intent"]["latest_charge"]


def event(kind: str, about: dict[str, Any]) -> dict[str, Any]:
    return {"id": "evt_1", "object": "event", "type": kind, "created": 1795196721, "data": {"object": about}}


def read(*, charge: dict[str, Any] | None = None, intent: str = "succeeded", **session: Any) -> IncomingOrder:
    whole = copy.deepcopy(WHOLE)
    whole["session"] |= session
    whole["session"]["payment_intent"]["status"] = intent
    whole["session"]["payment_intent"]["latest_charge"] |= charge or {}
    return STRIPE.parse(whole, "", "DE")


def refused(whole: object) -> dict[str, str]:
    with pytest.raises(NotAnOrder) as caught:
        STRIPE.parse(whole, "", "DE")
    return {problem.field: problem.code for problem in caught.value.problems}


@pytest.mark.parametrize(
    "kind",
    [
        "checkout.session.completed",
        "checkout.session.async_payment_succeeded",
        "checkout.session.async_payment_failed",
    ],
)
def test_an_event_of_a_session_only_says_which_one_to_fetch(kind: str) -> None:
    told = event(kind, SESSION)
    assert STRIPE.is_hint(told, "")
    assert STRIPE.external_id(told) == SESSION["id"]
    # It is sealed under the key of the person whom it names.
    assert STRIPE.contact(told) == Contact("zoe@example.com", "+4915123456789")


@pytest.mark.parametrize("kind", ["charge.refunded", "refund.created", "refund.updated", "refund.failed"])
def test_an_event_of_a_refund_only_says_of_which_payment_it_is(kind: str) -> None:
    told = event(kind, {"id": "ch_3abc", "object": "charge", "payment_intent": "pi_3abc"})
    assert STRIPE.is_hint(told, "")
    assert STRIPE.external_id(told) == "pi_3abc"


@pytest.mark.parametrize(("kind", "about"), [("customer.created", {"id": "cus_1"}), ("charge.refunded", {"id": "ch"})])
def test_an_event_about_something_else_names_no_order(kind: str, about: dict[str, Any]) -> None:
    assert STRIPE.external_id(event(kind, about)) == ""
    assert refused(event(kind, about))["type"] == "topic"


def test_an_event_sent_again_is_the_same_delivery() -> None:
    told = event("checkout.session.completed", SESSION)
    assert STRIPE.delivery_key(told, {}, b"1") == STRIPE.delivery_key(told, {}, b"2") == "evt_1"


def test_a_delivery_of_now_is_accepted_and_one_of_ten_minutes_ago_is_not() -> None:
    now = int(time.time())
    STRIPE.verify(b"{}", {"stripe-signature": signatures.stripe(b"{}", "whsec_x", now)}, "whsec_x")
    with pytest.raises(BadSignature):
        STRIPE.verify(b"{}", {"Stripe-Signature": signatures.stripe(b"{}", "whsec_x", now - 600)}, "whsec_x")


def test_a_session_is_read_whole() -> None:
    order = read()
    assert (order.external_id, order.external_name) == (SESSION["id"], "web-1042")
    assert [(line.sku, line.quantity, line.unit_price_minor, line.discount_minor) for line in order.lines] == [
        ("OWL-BLK-M", 2, 2900, 600),
        ("PATCH-OWL-1", 1, 700, 0),
    ]
    assert (order.currency, order.total_minor, order.shipping_minor) == ("EUR", 6390, 490)
    assert sum_of_parts(order) == order.total_minor
    assert order.address is not None
    assert (order.address.name, order.address.line1, order.address.line2) == ("Zoé Muster", "Nachtweg 7", "Hinterhaus")
    assert (order.payment, order.cancelled, order.delivery) == (PaymentStatus.PAID, False, Delivery.SHIP)
    assert (order.payment_token, order.language, order.source) == ("pi_3abc", "de", "checkout")
    assert order.note == "Words on the card: happy birthday"
    assert [(one.medium, one.purpose, one.granted) for one in order.consents] == [
        ("email", "order_updates", True),
    ]


@pytest.mark.parametrize(("wordings", "words"), [({"email_marketing": "News, please."}, ["News, please."]), ({}, [])])
def test_a_tick_for_promotions_has_the_shops_own_words_and_is_none_without(
    wordings: dict[str, str], words: list[str]
) -> None:
    found = channel("stripe", wordings=wordings).parse(copy.deepcopy(WHOLE), "", "DE")
    assert [one.wording for one in found.consents if one.purpose == "marketing"] == words


def test_a_payment_that_takes_days_is_pending_then_paid_or_off_in_that_order_of_time() -> None:
    waiting = read(payment_status="unpaid", intent="processing")
    paid = read()
    failed = read(payment_status="unpaid", intent="requires_payment_method")
    back = read(charge={"refunded": True})
    assert (waiting.payment, waiting.cancelled) == (PaymentStatus.PENDING, False)
    assert (failed.payment, failed.cancelled) == (PaymentStatus.PENDING, True)
    assert (back.payment, back.cancelled) == (PaymentStatus.REFUNDED, True)
    assert waiting.updated_at < paid.updated_at < failed.updated_at == back.updated_at
    assert failed.updated_at - waiting.updated_at == timedelta(microseconds=2)


def test_a_refund_is_newer_than_the_payment_and_a_part_of_it_leaves_the_order_paid() -> None:
    refund = {"id": "re_1", "created": CHARGE["created"] + 60, "amount": 700, "status": "succeeded"}
    part = read(charge={"amount_refunded": 700, "refunds": {"data": [refund]}})
    assert (part.payment, part.cancelled) == (PaymentStatus.PAID, False)
    assert part.updated_at > read().updated_at


def test_a_session_that_cost_nothing_is_paid() -> None:
    whole = copy.deepcopy(WHOLE)
    whole["session"] |= {"payment_status": "no_payment_required", "payment_intent": None}
    order = STRIPE.parse(whole, "", "DE")
    assert (order.payment, order.payment_token) == (PaymentStatus.PAID, "")


@pytest.mark.parametrize(
    ("changes", "delivery", "location"),
    [
        ({"metadata": {"delivery": "collect", "location": "Booth A"}}, Delivery.COLLECT, "booth-a"),
        ({"metadata": {"delivery": "carry_out"}}, Delivery.CARRY_OUT, ""),
        ({"metadata": {"delivery": "by owl"}}, Delivery.SHIP, ""),
        (
            {
                "shipping_cost": {
                    "amount_total": 490,
                    "shipping_rate": {"display_name": "Pick-up", "metadata": {"location": "hub"}},
                }
            },
            Delivery.COLLECT,
            "hub",
        ),
    ],
)
def test_it_is_collected_where_the_session_or_its_shipping_rate_says_so(
    changes: dict[str, Any], delivery: Delivery, location: str
) -> None:
    order = read(**changes)
    assert (order.delivery, order.location) == (delivery, location)


def test_where_no_address_was_asked_for_the_payers_own_is_taken_if_a_parcel_could_go_there() -> None:
    assert read(collected_information=None).address is None
    home = {"line1": "Tagweg 1", "postal_code": "10115", "city": "Berlin", "country": "DE"}
    order = read(collected_information=None, customer_details=SESSION["customer_details"] | {"address": home})
    assert order.address is not None
    assert order.address.line1 == "Tagweg 1"


def test_the_sku_stands_with_the_line_the_price_or_the_product() -> None:
    whole = copy.deepcopy(WHOLE)
    whole["line_items"][1]["metadata"] = {"sku": "LINE-1"}
    assert [line.sku for line in STRIPE.parse(whole, "", "DE").lines] == ["OWL-BLK-M", "LINE-1"]
    whole["line_items"][0]["price"]["metadata"] = {}
    assert [line.sku for line in STRIPE.parse(whole, "", "DE").lines] == ["OWL", "LINE-1"]
    whole["line_items"][0]["price"] = None
    assert [line.sku for line in STRIPE.parse(whole, "", "DE").lines] == ["", "LINE-1"]


@pytest.mark.parametrize(
    ("currency", "told", "minor"),
    [
        ("JPY", 500, 500),
        ("ISK", 50000, 500),
        ("UGX", 50000, 500),
        ("MGA", 500, 50000),
        ("KWD", 5000, 5000),
        ("EUR", 5, 5),
    ],
)
def test_stripes_amounts_become_minor_units_of_iso_4217(currency: str, told: int, minor: int) -> None:
    reading = Reading()
    assert read_minor(reading, {"amount": told}, "amount", "", currency, needed=True) == minor
    assert to_stripe(minor, currency) == told
    assert reading.problems == []


def test_an_amount_that_the_currency_cannot_hold_is_a_problem() -> None:
    reading = Reading()
    read_minor(reading, {"amount": 50001}, "amount", "", "ISK", needed=True)
    assert [problem.code for problem in reading.problems] == ["amount"]
    with pytest.raises(ValueError, match="cannot hold"):
        to_stripe(1, "MGA")


@given(st.sampled_from(sorted(EXPONENTS)), st.integers(0, 10**9))
def test_what_stripe_can_hold_comes_back_as_it_went(currency: str, amount: int) -> None:
    told = amount * 10 ** max(decimals(currency) - EXPONENTS[currency], 0)
    minor = read_minor(Reading(), {"a": told}, "a", "", currency, needed=True)
    assert to_stripe(minor, currency) == told


def test_everything_that_is_wrong_with_a_dirty_session_is_named_at_once() -> None:
    whole = copy.deepcopy(WHOLE)
    whole["session"] |= {"id": None, "created": "today", "currency": "??", "amount_total": "63.90"}
    whole["session"]["shipping_cost"]["amount_total"] = None
    whole["line_items"][0] |= {"quantity": 0, "amount_total": 1.5, "id": "x" * 200}
    whole["line_items"][1]["amount_total"] = None
    assert refused(whole) == {
        "session.id": "missing",
        "session.created": "time",
        "session.currency": "currency",
        "session.amount_total": "amount",
        "session.shipping_cost.amount_total": "missing",
        "line_items[0].quantity": "quantity",
        "line_items[0].amount_total": "amount",
        "line_items[0].id": "identifier",
        "line_items[1].amount_total": "missing",
    }


@pytest.mark.parametrize("whole", [{}, [], None, {"session": 1}, {"type": []}, {"data": {"object": 7}}])
def test_what_is_no_session_at_all_is_refused_and_never_a_crash(whole: object) -> None:
    assert "session.id" in refused(whole)
    assert STRIPE.external_id(whole) == ""
    assert not STRIPE.is_hint(whole, "")
