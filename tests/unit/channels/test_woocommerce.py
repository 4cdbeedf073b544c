"""WooCommerce's orders."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backroom.channels.base import NotAnOrder, OrderDeleted
from backroom.domain.model import Delivery, IncomingOrder, PaymentStatus
from tests.unit.channels.samples import channel, payload, sum_of_parts


def order(**changes: object) -> dict[str, Any]:
    body: dict[str, Any] = payload("woocommerce_order.json")
    return body | changes


def parse(body: object, topic: str = "order.created", **spec: Any) -> IncomingOrder:
    return channel("woocommerce", **spec).parse(body, topic, "DE")


def reasons(body: object, topic: str = "order.created") -> set[tuple[str, str]]:
    with pytest.raises(NotAnOrder) as caught:
        parse(body, topic)
    return {(problem.code, problem.field) for problem in caught.value.problems}


def test_an_order_is_read_whole_and_its_cents_add_up() -> None:
    found = parse(order())
    assert (found.external_id, found.external_name, found.source) == ("4750", "4750", "checkout")
    assert found.placed_at == datetime(2026, 11, 20, 9, 54, 40, tzinfo=UTC)
    assert found.updated_at == datetime(2026, 11, 20, 9, 55, 2, tzinfo=UTC)
    line = found.lines[0]
    assert (line.sku, line.quantity, line.unit_price_minor, line.discount_minor) == ("MOTH-BLK-M", 2, 2750, 500)
    assert line.personalisation == "Engraving: S.K."
    assert (found.total_minor, found.shipping_minor) == (5984, 490)
    # Gift wrap 4.95, its tax in it; and the cent by which WooCommerce's rounded parts exceed its total.
    assert (found.tax_added_minor, found.discount_minor) == (495, 1)
    assert sum_of_parts(found) == found.total_minor
    assert (found.email, found.phone, found.language, found.note) == (
        "Soren@Example.com",
        "0176 12345678",
        "de",
        "Ring twice",
    )
    assert [(one.medium, one.purpose, one.granted) for one in found.consents] == [
        ("email", "order_updates", True),
        ("sms", "order_updates", True),
    ]


@pytest.mark.parametrize("name", ["_upload", "Your picture"])
def test_the_field_that_the_shop_names_is_where_the_buyers_picture_is(name: str) -> None:
    address = "https://uploads.example.net/soren/fox.png"
    body = order()
    body["line_items"][0]["meta_data"].append(
        {"id": 9, "key": "_upload", "value": address, "display_key": "Your picture", "display_value": address}
    )
    (line, *others) = parse(body, artwork_field=name).lines
    assert (line.artwork_url, line.personalisation) == (address, "Engraving: S.K.")
    assert [one.artwork_url for one in others] == [""] * len(others)
    assert parse(body).lines[0].artwork_url == "", "nobody said which field it is"


@pytest.mark.parametrize(("wordings", "words"), [({"email_marketing": "News, please."}, ["News, please."]), ({}, [])])
def test_a_tick_for_the_newsletter_has_the_shops_own_words_and_is_none_without(
    wordings: dict[str, str], words: list[str]
) -> None:
    ticked = order(meta_data=[{"key": "mailchimp_woocommerce_is_subscribed", "value": "1"}])
    found = channel("woocommerce", wordings=wordings).parse(ticked, "order.created", "DE")
    assert [one.wording for one in found.consents if one.purpose == "marketing"] == words


def test_a_shop_that_sells_without_tax_shows_prices_without_it_and_adds_the_tax() -> None:
    found = parse(order(prices_include_tax=False))
    line = found.lines[0]
    assert (line.unit_price_minor, line.discount_minor, found.shipping_minor) == (2311, 420, 412)
    assert (found.tax_added_minor, found.discount_minor) == (955 + 416, 1)
    assert sum_of_parts(found) == found.total_minor


def test_an_empty_shipping_block_means_the_billing_address() -> None:
    found = parse(order()).address
    assert found is not None
    assert (found.name, found.line1, found.postcode, found.country) == ("Søren Kjær", "Hauptstraße 1", "20095", "DE")


def test_a_shipping_block_goes_before_the_billing_address() -> None:
    body = order()
    body["shipping"] |= {"first_name": "Li", "address_1": "Hof 2", "city": "Bonn", "postcode": "53111", "country": ""}
    found = parse(body).address
    assert found is not None
    assert (found.name, found.line1, found.country) == ("Li", "Hof 2", "DE")


@pytest.mark.parametrize(
    ("status", "payment", "cancelled"),
    [
        ("processing", PaymentStatus.PAID, False),
        ("completed", PaymentStatus.PAID, False),
        ("wc-processing", PaymentStatus.PAID, False),
        ("on-hold", PaymentStatus.PENDING, False),
        ("pending", PaymentStatus.PENDING, False),
        ("failed", PaymentStatus.PENDING, False),
        ("cancelled", PaymentStatus.PENDING, True),
        ("trash", PaymentStatus.PENDING, True),
        ("refunded", PaymentStatus.REFUNDED, True),
    ],
)
def test_the_status_says_what_is_paid_and_what_has_ended(status: str, payment: PaymentStatus, cancelled: bool) -> None:
    found = parse(order(status=status), "order.updated")
    assert (found.payment, found.cancelled) == (payment, cancelled)


@pytest.mark.parametrize(
    ("line", "location"),
    [
        ({"method_id": "local_pickup", "instance_id": "3", "total": "0.00"}, ""),
        ({"method_id": "local_pickup:3", "total": "0.00"}, ""),
        (
            {"method_id": "pickup_location", "meta_data": [{"key": "pickup_location", "value": "Harbour Hub"}]},
            "harbour-hub",
        ),
    ],
)
def test_a_local_pickup_is_collected(line: dict[str, object], location: str) -> None:
    found = parse(order(shipping_lines=[line]))
    assert (found.delivery, found.location) == (Delivery.COLLECT, location)


def test_the_local_wall_clock_is_never_taken_for_utc() -> None:
    assert reasons(order(date_created_gmt=None)) == {("missing", "date_created_gmt")}


def test_a_deleted_order_is_told_apart() -> None:
    with pytest.raises(OrderDeleted):
        parse({"id": 4750}, "order.deleted")
    assert ("topic", "") in reasons({}, "order.deleted"), "of no order"


def test_every_reason_is_told() -> None:
    body = order(status="shipped", currency="", total="1e5", date_modified_gmt="now")
    body["line_items"][0]["quantity"] = "two"
    assert reasons(body) == {
        ("status", "status"),
        ("currency", "currency"),
        ("amount", "total"),
        ("time", "date_modified_gmt"),
        ("quantity", "line_items[0].quantity"),
    }


@pytest.mark.parametrize(
    ("body", "ping"),
    [
        (b"webhook_id=7", True),
        (b"webhook_id=", False),
        (b"webhook_id=7&x=1", False),
        (b"webhook_id=7\n", False),
        (b"{}", False),
        (b"", False),
    ],
)
def test_a_ping_is_the_form_that_saving_a_webhook_sends(body: bytes, ping: bool) -> None:
    assert channel("woocommerce").is_ping(body, {}) is ping


def test_two_orders_of_one_second_are_two_deliveries() -> None:
    """WooCommerce's delivery id is a hash of the webhook's id and the second."""
    shop, headers = channel("woocommerce"), {"X-Wc-Webhook-Delivery-Id": "36e520eb"}
    assert shop.delivery_key({}, headers, b'{"id":1}') != shop.delivery_key({}, headers, b'{"id":2}')
    assert shop.delivery_key({}, headers, b'{"id":1}') == shop.delivery_key({}, headers, b'{"id":1}')


def test_a_negative_fee_is_a_discount() -> None:
    body = order(fee_lines=[{"id": 1, "total": "-2.00", "total_tax": "0.00"}], total="53.69")
    found = parse(body)
    assert found.discount_minor == 200
    assert sum_of_parts(found) == found.total_minor


def test_totals_that_are_off_by_more_than_rounding_stay_off() -> None:
    found = parse(order(total="59.80"))
    assert sum_of_parts(found) != found.total_minor


def test_a_shop_with_more_decimals_is_rounded_to_cents() -> None:
    body = order(fee_lines=[], total="50.00", total_tax="7.983193", shipping_total="0", shipping_tax="0")
    net, tax = "42.016807", "7.983193"
    amounts = {"quantity": 1, "total": net, "total_tax": tax, "subtotal": net, "subtotal_tax": tax}
    body["line_items"][0] |= amounts
    for gross, price, added in ((True, 5000, 0), (False, 4202, 798)):
        found = parse(body | {"prices_include_tax": gross})
        assert (found.lines[0].unit_price_minor, found.tax_added_minor) == (price, added)
        assert sum_of_parts(found) == found.total_minor == 5000


def test_a_message_that_does_not_say_the_tax_of_its_lines_adds_it() -> None:
    body = order(fee_lines=[], total="50.00", total_tax="7.98", shipping_total="0", shipping_tax="0")
    body["line_items"][0] = {"id": 1, "sku": "S", "quantity": 1, "subtotal": "42.02", "total": "42.02"}
    found = parse(body)
    assert (found.lines[0].unit_price_minor, found.tax_added_minor) == (4202, 798)
    assert sum_of_parts(found) == found.total_minor


@given(
    st.lists(
        st.tuples(st.integers(1, 9), st.integers(0, 100_000), st.integers(0, 5_000), st.integers(0, 20_000)),
        min_size=1,
        max_size=5,
    ),
    st.tuples(st.integers(0, 2_000), st.integers(0, 400)),
    st.booleans(),
)
def test_any_order_whose_parts_add_up_adds_up_here(
    lines: list[tuple[int, int, int, int]], shipping: tuple[int, int], gross: bool
) -> None:
    def money(minor: int) -> str:
        return f"{minor // 100}.{minor % 100:02}"

    told = [
        {
            "id": i,
            "sku": "S",
            "quantity": quantity,
            "subtotal": money(paid + discount),
            "subtotal_tax": money(tax),
            "total": money(paid),
            "total_tax": money(tax),
        }
        for i, (quantity, paid, discount, tax) in enumerate(lines, 1)
    ]
    taxes = sum(tax for _, _, _, tax in lines) + shipping[1]
    total = sum(paid for _, paid, _, _ in lines) + shipping[0] + taxes
    body = order(
        prices_include_tax=gross,
        line_items=told,
        fee_lines=[],
        shipping_total=money(shipping[0]),
        shipping_tax=money(shipping[1]),
        total_tax=money(taxes),
        total=money(total),
    )
    found = parse(body)
    assert found.tax_added_minor == (0 if gross else taxes)
    assert sum_of_parts(found) == found.total_minor == total
    for line, (quantity, paid, discount, tax) in zip(found.lines, lines, strict=True):
        assert line.unit_price_minor == -(-(paid + discount + (tax if gross else 0)) // quantity)


def test_a_dirty_order_is_read_for_what_it_says() -> None:
    """No shipping block at all, prices as numbers, a status with the database's prefix, local dates without a zone
    beside the UTC ones, meta data that are objects, a coupon, a refund, an e-mail in capitals."""
    found = parse(payload("dirty/woocommerce_plugins.json"))
    assert (found.external_id, found.external_name, found.source) == ("9001", "SHOP-2026-17", "instagram")
    assert found.placed_at == datetime(2026, 11, 20, 9, 54, 40, tzinfo=UTC)
    assert found.updated_at == datetime(2026, 11, 20, 9, 55, 2, tzinfo=UTC)
    assert found.address is not None
    assert (found.address.name, found.address.city, found.address.country) == ("Søren Kjær", "Hamburg", "DE")
    assert [(line.sku, line.quantity, line.unit_price_minor, line.discount_minor) for line in found.lines] == [
        ("MOTH-BLK-M", 3, 1000, 300)
    ]
    assert (found.payment, found.cancelled) == (PaymentStatus.PAID, False)
    assert sum_of_parts(found) == found.total_minor == 3190
