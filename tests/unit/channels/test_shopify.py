"""Shopify's orders."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from backroom.channels.base import NotAnOrder, OrderDeleted
from backroom.channels.reading import named_address
from backroom.channels.shopify import ShopifyChannel
from backroom.channels.shopify_translate import as_webhook
from backroom.domain.channels import ChannelSpec
from backroom.domain.model import Delivery, IncomingOrder, PaymentStatus
from tests.unit.channels.samples import channel, payload, sum_of_parts

WORDS = {"email_marketing": "Yes, send me news."}


def order(**changes: object) -> dict[str, Any]:
    body: dict[str, Any] = payload("shopify_order.json")
    return body | changes


def parse(body: object, topic: str = "orders/create", **spec: Any) -> IncomingOrder:
    return channel("shopify", **spec).parse(body, topic, "DE")


def reasons(body: object, topic: str = "orders/create") -> set[tuple[str, str]]:
    with pytest.raises(NotAnOrder) as caught:
        parse(body, topic)
    return {(problem.code, problem.field) for problem in caught.value.problems}


def test_an_order_is_read_whole() -> None:
    found = parse(order())
    assert (found.channel, found.external_id, found.external_name) == ("my-shopify", "5465556418862", "#1042")
    assert found.placed_at == datetime(2026, 11, 20, 8, 13, 35, tzinfo=UTC)
    assert found.updated_at == datetime(2026, 11, 20, 8, 13, 36, tzinfo=UTC)
    assert [(line.sku, line.quantity, line.unit_price_minor, line.discount_minor) for line in found.lines] == [
        ("MOTH-BLK-M", 2, 2900, 580),
        ("FOX-SAND-L", 1, 3000, 300),
    ]
    assert [line.personalisation for line in found.lines] == ["Back print: ZOFIA", ""]
    assert (found.currency, found.total_minor, found.shipping_minor, found.tax_added_minor) == ("EUR", 8410, 490, 0)
    assert found.address is not None
    assert (found.address.name, found.address.line2, found.address.region) == ("Zofia Łukasiewicz", "Hinterhaus", "")
    assert (found.address.latitude, found.address.longitude) == (52.5031, 13.3964)
    assert (found.email, found.phone, found.language) == ("zofia@example.com", "+4917612345678", "de")
    assert (found.source, found.delivery, found.payment) == ("web", Delivery.SHIP, PaymentStatus.PAID)
    assert not found.cancelled
    assert sum_of_parts(found) == found.total_minor


UPLOAD = "https://uploads.example.net/zofia/" + "cat-" * 200 + ".png"


def test_the_property_that_the_shop_names_is_where_the_buyers_picture_is() -> None:
    body = order()
    (first, second) = body["line_items"]
    first["properties"].append({"name": "_picture", "value": UPLOAD})
    found = parse(body, artwork_field="_picture")
    assert [line.artwork_url for line in found.lines] == [UPLOAD, ""]
    assert [line.personalisation for line in found.lines] == ["Back print: ZOFIA", ""]
    assert [line.artwork_url for line in parse(body).lines] == ["", ""], "nobody said which property it is"
    second["properties"] = [{"name": "Your picture", "value": None}, "none", {"value": 7}]
    assert parse(body, artwork_field="Your picture").lines[1].artwork_url == ""


def test_a_picture_that_is_named_is_no_text_to_print() -> None:
    body = order()
    body["line_items"][0]["properties"].append({"name": "Your picture", "value": UPLOAD})
    assert "uploads.example.net" in parse(body).lines[0].personalisation
    found = parse(body, artwork_field="Your picture").lines[0]
    assert (found.personalisation, found.artwork_url) == ("Back print: ZOFIA", UPLOAD)


def test_a_picture_is_read_alike_of_what_was_asked_for() -> None:
    asked = {"customAttributes": [{"key": "_picture", "value": UPLOAD}]}
    line = as_webhook({"lineItems": {"nodes": [asked]}})["line_items"][0]
    assert named_address(line["properties"], "_picture", "name") == UPLOAD


def test_consents_are_what_the_documented_fields_say() -> None:
    stated = {(one.medium, one.purpose, one.granted): one.at for one in parse(order(), wordings=WORDS).consents}
    assert set(stated) == {
        ("sms", "order_updates", True),
        ("email", "order_updates", True),
        ("email", "marketing", True),
        ("sms", "marketing", False),
    }
    assert stated["sms", "marketing", False] == datetime(2026, 10, 2, 6, 0, tzinfo=UTC)


def test_a_yes_to_marketing_has_the_shops_own_words_and_is_none_without() -> None:
    subscribed = {"state": "subscribed", "opt_in_level": "single_opt_in", "consent_updated_at": None}
    body = order(customer={"email_marketing_consent": subscribed, "sms_marketing_consent": subscribed})
    for wordings, expected in ((WORDS, {("email", WORDS["email_marketing"])}), ({}, set())):
        stated = parse(body, wordings=wordings).consents
        assert {(one.medium, one.wording) for one in stated if one.purpose == "marketing"} == expected
        assert all(one.wording for one in stated)


def test_a_phone_in_the_address_is_no_consent_to_texts() -> None:
    found = parse(order(phone=None, customer=None, buyer_accepts_marketing=False))
    assert found.phone == "030 901820"
    assert [(one.medium, one.purpose) for one in found.consents] == [("email", "order_updates")]


def test_not_subscribed_is_silence() -> None:
    silent = {"state": "not_subscribed", "opt_in_level": None, "consent_updated_at": None}
    found = parse(order(buyer_accepts_marketing=False, customer={"sms_marketing_consent": silent}))
    assert not [one for one in found.consents if one.purpose == "marketing"]


@pytest.mark.parametrize(
    ("told", "source"),
    [
        ("web", "web"),
        (None, "web"),
        ("580111", "web"),
        ("Instagram", "instagram"),
        ("pos", "pos"),
        ("129785", "pos"),
        (2329312, "facebook_instagram"),
        ("3041525761", "3041525761"),
    ],
)
def test_the_source_is_where_it_was_sold(told: str | int | None, source: str) -> None:
    assert parse(order(source_name=told)).source == source


@pytest.mark.parametrize(
    ("told", "payment"),
    [
        ("paid", PaymentStatus.PAID),
        ("authorized", PaymentStatus.PAID),
        ("partially_refunded", PaymentStatus.PAID),
        ("pending", PaymentStatus.PENDING),
        ("partially_paid", PaymentStatus.PENDING),
        (None, PaymentStatus.PENDING),
        ("refunded", PaymentStatus.REFUNDED),
        ("voided", PaymentStatus.REFUNDED),
    ],
)
def test_the_payment_follows_the_financial_status(told: str | None, payment: PaymentStatus) -> None:
    assert parse(order(financial_status=told)).payment is payment


def test_a_line_that_was_removed_is_not_made() -> None:
    body = order(current_total_price="57.10", current_subtotal_price="52.20", current_total_discounts="5.80")
    body["line_items"][1]["current_quantity"] = 0
    found = parse(body, "orders/updated")
    assert [line.sku for line in found.lines] == ["MOTH-BLK-M"]
    assert sum_of_parts(found) == found.total_minor == 5710


def test_a_partial_refund_takes_its_share_of_the_discount() -> None:
    body = order(current_total_price="58.00", current_subtotal_price="53.10")
    body["line_items"][0]["current_quantity"] = 1
    found = parse(body, "orders/updated")
    assert [(line.quantity, line.discount_minor) for line in found.lines] == [(1, 290), (1, 300)]
    assert sum_of_parts(found) == found.total_minor == 5800


def test_cents_of_a_discount_that_do_not_divide_still_add_up() -> None:
    body = order(current_total_price="42.23", current_subtotal_price="37.33")
    line = body["line_items"][0] | {"quantity": 3, "current_quantity": 2, "price": "20.00"}
    line["discount_allocations"] = [{"amount": "4.00"}]
    body["line_items"] = [line]
    found = parse(body, "orders/updated")
    assert (found.lines[0].discount_minor, found.discount_minor) == (266, 1)
    assert sum_of_parts(found) == found.total_minor == 4223


def test_taxes_that_prices_do_not_include_come_on_top() -> None:
    body = order(taxes_included=False, current_total_price="97.53")
    found = parse(body)
    assert found.tax_added_minor == 1343
    assert sum_of_parts(found) == found.total_minor == 9753


def test_a_discount_on_shipping_is_taken_off_shipping() -> None:
    body = order(current_shipping_price_set=None, current_total_price="79.20")
    body["shipping_lines"][0]["discount_allocations"] = [{"amount": "4.90"}]
    found = parse(body)
    assert found.shipping_minor == 0
    assert sum_of_parts(found) == found.total_minor


def test_tips_and_gift_cards_are_paid_for_but_not_made() -> None:
    body = order(current_total_price="114.10")
    body["line_items"] += [
        {"id": 3, "sku": None, "quantity": 1, "price": "5.00", "tip": {"payment_gateway": "x"}},
        {"id": 4, "sku": "GIFT-25", "quantity": 1, "current_quantity": 1, "price": "25.00", "gift_card": True},
    ]
    found = parse(body)
    assert len(found.lines) == 2
    assert found.tax_added_minor == 3000
    assert sum_of_parts(found) == found.total_minor


def test_an_order_of_gift_cards_only_is_nothing_to_make() -> None:
    body = order()
    body["line_items"] = [{"id": 4, "sku": "G", "quantity": 1, "price": "25.00", "gift_card": True}]
    assert reasons(body) == {("no_lines", "line_items")}


def test_a_cancelled_order_is_read_as_it_was_placed() -> None:
    body = order(cancelled_at="2026-11-20T10:00:00+01:00", current_total_price="0.00", current_subtotal_price="0.00")
    body["current_shipping_price_set"]["shop_money"]["amount"] = "0.00"
    for line in body["line_items"]:
        line["current_quantity"] = 0
    found = parse(body, "orders/cancelled")
    assert found.cancelled
    assert sum(line.quantity for line in found.lines) == 3
    assert sum_of_parts(found) == found.total_minor == 8410


def test_an_order_of_which_every_line_was_removed_is_cancelled() -> None:
    body = order(financial_status="refunded", current_total_price="0.00")
    for line in body["line_items"]:
        line["current_quantity"] = 0
    found = parse(body, "orders/updated")
    assert (found.cancelled, found.payment) == (True, PaymentStatus.REFUNDED)


@pytest.mark.parametrize(
    ("changes", "delivery", "location"),
    [
        ({"shipping_lines": [{"code": "Local pickup", "price": "0.00"}]}, Delivery.COLLECT, "booth-a"),
        (
            {"shipping_lines": [{"code": "x", "delivery_category": "pickup", "price": 0}]},
            Delivery.COLLECT,
            "booth-a",
        ),
        (
            {
                "note_attributes": [
                    {"name": "Checkout-Method", "value": "pickup"},
                    {"name": "Pickup Location Id", "value": "hub"},
                ]
            },
            Delivery.COLLECT,
            "hub",
        ),
        ({"note_attributes": [{"name": "Checkout-Method", "value": "shipping"}]}, Delivery.SHIP, "booth-a"),
        ({"source_name": "pos", "shipping_lines": [], "shipping_address": None}, Delivery.CARRY_OUT, "booth-a"),
        ({"source_name": "pos"}, Delivery.SHIP, "booth-a"),
        (
            {"shipping_lines": [{"code": "Harbour Hub", "price": "0.00"}], "shipping_address": None},
            Delivery.COLLECT,
            "harbour-hub",
        ),
        ({"shipping_lines": [], "shipping_address": None}, Delivery.SHIP, "booth-a"),
    ],
)
def test_pickup_and_carry_out_are_told_from_parcels(
    changes: dict[str, object], delivery: Delivery, location: str
) -> None:
    found = parse(order(**changes), location="booth-a")
    assert (found.delivery, found.location) == (delivery, location)


def test_an_event_comes_from_the_cart_or_else_from_the_channel() -> None:
    attributes = [{"name": "event", "value": "spring-fair"}]
    assert parse(order(), event="winter").event == "winter"
    assert parse(order(note_attributes=attributes), event="winter").event == "spring-fair"


def test_every_reason_is_told_and_not_the_first_only() -> None:
    body = order(id=None, created_at="soon", currency="EURO", current_total_price="1.234,5")
    body["line_items"][0]["quantity"] = 0
    body["line_items"][1]["price"] = "30.005"
    assert reasons(body, "products/update") >= {
        ("topic", ""),
        ("missing", "id"),
        ("time", "created_at"),
        ("currency", "currency"),
        ("amount", "total_price"),
        ("quantity", "line_items[0].quantity"),
        ("amount", "line_items[1].price"),
    }


def test_a_test_order_is_not_made() -> None:
    assert ("test_order", "test") in reasons(order(test=True))


def test_problems_quote_nothing_of_the_person() -> None:
    body = order(id=None, created_at="Zofia", currency="Zofia", name="Zofia")
    with pytest.raises(NotAnOrder) as caught:
        parse(body)
    assert "Zofia" not in f"{caught.value} {caught.value.problems}"


def test_one_event_under_two_topics_is_two_messages() -> None:
    shop = channel("shopify")
    created, paid = ({"x-shopify-event-id": "e1", "x-shopify-topic": t} for t in ("orders/create", "orders/paid"))
    assert shop.delivery_key({}, created, b"{}") != shop.delivery_key({}, paid, b"{}")
    assert shop.delivery_key({}, {"X-Shopify-Webhook-Id": "w"}, b"1") == ":w"


def test_the_person_is_found_quickly() -> None:
    found = channel("shopify").contact(order(phone=None))
    assert (found.email, found.phone) == ("zofia@example.com", "+4930901820")


def test_control_characters_do_not_reach_the_database() -> None:
    found = parse(order(note="a\x00b\nc", name="#1\x00"))
    assert (found.note, found.external_name) == ("a b\nc", "#1")


def test_what_a_till_sold_by_its_apps_id_and_nobody_ships_is_carried_out() -> None:
    body = order(source_name="129785", shipping_lines=[], shipping_address=None)
    assert parse(body, location="booth-a").delivery is Delivery.CARRY_OUT


def dirty(name: str) -> IncomingOrder:
    return parse(payload(f"dirty/{name}.json"))


def test_a_dirty_order_of_metas_app_is_read_for_what_it_says() -> None:
    """Numbers where text is documented, nulls, no phone, a country's name without its code, odd spaces."""
    found = dirty("shopify_facebook")
    assert (found.source, found.payment, found.email) == ("facebook_instagram", PaymentStatus.PAID, "jo@example.com")
    assert found.address is not None
    assert (found.address.country, found.address.postcode, found.address.line1) == ("DE", "10969", "Lindenstraße 7")
    assert [(line.sku, line.quantity, line.unit_price_minor) for line in found.lines] == [("MOTH-BLK-M", 1, 2900)]
    assert [(one.medium, one.purpose) for one in found.consents] == [("email", "order_updates")]
    assert sum_of_parts(found) == found.total_minor == 3390


def test_a_dirty_order_of_a_till_is_read_for_what_it_says() -> None:
    """No customer, no address, no shipping; a tip; a line without a SKU; a refund in it."""
    found = dirty("shopify_pos")
    assert (found.source, found.delivery, found.address) == ("pos", Delivery.CARRY_OUT, None)
    assert [(line.sku, line.quantity) for line in found.lines] == [("FOX-SAND-L", 1), ("", 1)]
    assert (found.email, found.phone) == ("", "")
    assert sum_of_parts(found) == found.total_minor == 4300


def test_a_deleted_order_is_told_by_its_id_and_when_by_a_header() -> None:
    with pytest.raises(OrderDeleted):
        parse({"id": 5465556418862}, "orders/delete")
    assert reasons({}, "orders/delete") >= {("topic", "")}
    one = ShopifyChannel(ChannelSpec("my-shopify", "shopify", 3, "standard"))
    told = one.said_at({"x-shopify-triggered-at": "2026-11-20T08:13:36.877041743Z"})
    assert told == datetime(2026, 11, 20, 8, 13, 36, 877041, tzinfo=UTC)
    for unread in ({}, {"X-Shopify-Triggered-At": "yesterday"}, {"X-Shopify-Triggered-At": "2026-11-20T08:13:36"}):
        assert one.said_at(unread) is None
