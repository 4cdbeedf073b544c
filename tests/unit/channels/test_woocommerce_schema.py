"""What we take WooCommerce's orders for, held against the schema that its own order controller publishes.

WooCommerce carries that schema in its source, and no registry that we reach carries WooCommerce. Names and kinds below
were read from `get_item_schema` of class-wc-rest-orders-v2-controller.php (plugins/woocommerce, commit 01ddd4f3), which
version 3 of the API inherits. What it gives besides is named.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from backroom.channels.woocommerce import PAYMENT
from backroom.channels.woocommerce_source import _FIELDS
from backroom.channels.woocommerce_telling import CANCELLED_STATUS, COMPLETED
from tests.unit.channels.samples import raw

TEXT, WHOLE, NUMBER, FLAG, ANY = str, int, (int, float), bool, object

Kinds = Mapping[str, Any]


def text(names: str) -> Kinds:
    return dict.fromkeys(names.split(), TEXT)


META = {"id": WHOLE, "key": TEXT, "value": ANY}
TAX = {"id": WHOLE, **text("total subtotal")}
PLACE = text("first_name last_name company address_1 address_2 city state postcode country")
SUMS = text("total total_tax")
ORDER: Kinds = {
    **dict.fromkeys(("id", "parent_id", "customer_id"), WHOLE),
    **text("number order_key created_via version status currency customer_note transaction_id cart_hash payment_url"),
    **text("date_created date_created_gmt date_modified date_modified_gmt date_paid date_paid_gmt"),
    **text("date_completed date_completed_gmt payment_method payment_method_title"),
    **text("discount_total discount_tax shipping_total shipping_tax cart_tax total total_tax"),
    **text("customer_ip_address customer_user_agent"),
    **dict.fromkeys(("prices_include_tax", "is_editable", "needs_payment", "needs_processing"), FLAG),
    "billing": {**PLACE, **text("email phone")},
    "shipping": PLACE,
    "meta_data": META,
    "line_items": {
        **dict.fromkeys(("id", "variation_id", "quantity"), WHOLE),
        **dict.fromkeys(("name", "product_id"), ANY),
        **text("parent_name tax_class subtotal subtotal_tax sku"),
        **SUMS,
        "price": NUMBER,
        "taxes": TAX,
        "meta_data": {**META, **text("display_key display_value")},
        "image": {"id": WHOLE, "src": TEXT},
    },
    "tax_lines": {
        **dict.fromkeys(("id", "rate_id"), WHOLE),
        **text("rate_code label tax_total shipping_tax_total"),
        "compound": FLAG,
        "meta_data": META,
    },
    "shipping_lines": {
        "id": WHOLE,
        **dict.fromkeys(("method_title", "method_id"), ANY),
        "instance_id": TEXT,
        **SUMS,
        "taxes": TAX,
        "meta_data": META,
    },
    "fee_lines": {"id": WHOLE, "name": ANY, **text("tax_class tax_status"), **SUMS, "taxes": TAX, "meta_data": META},
    "coupon_lines": {
        "id": WHOLE,
        "code": ANY,
        **text("discount discount_tax discount_type"),
        "nominal_amount": NUMBER,
        "free_shipping": FLAG,
        "meta_data": META,
    },
    "refunds": {"id": WHOLE, **text("reason total")},
}
# It gives all that an order has, and its schema was not told of this.
LATER = {".shipping.phone"}
STATUSES = {
    "pending",
    "processing",
    "on-hold",
    "completed",
    "cancelled",
    "refunded",
    "failed",
    "checkout-draft",
    "trash",
}


def wrong(value: Any, kinds: Any = ORDER, where: str = "") -> Iterator[str]:
    """Where an order is not as the schema has it."""
    if isinstance(kinds, Mapping):
        for one in value if isinstance(value, list) else [value]:
            if not isinstance(one, dict):
                yield where
                continue
            yield from (f"{where}.{name}" for name in sorted(one.keys() - kinds.keys()))
            for name in one.keys() & kinds.keys():
                yield from wrong(one[name], kinds[name], f"{where}.{name}")
    elif not isinstance(value, kinds) or (isinstance(value, bool) and kinds is not FLAG and kinds is not ANY):
        yield where


def test_an_order_as_we_read_it_is_as_the_schema_has_it() -> None:
    order = json.loads(raw("woocommerce_order.json"))
    assert set(wrong(order)) <= LATER
    assert order["status"] in STATUSES


def test_an_order_that_plug_ins_made_dirty_is_wrong_where_they_were() -> None:
    order = json.loads(raw("dirty/woocommerce_plugins.json"))
    assert set(wrong(order)) == {
        ".billing.company",
        ".customer_note",
        ".date_paid",
        ".line_items.meta_data.display_value",
        ".meta_data.key",
        ".shipping_lines.meta_data",
        ".tax_lines",
        ".transaction_id",
    }
    assert order["status"] not in STATUSES


def test_what_is_asked_for_and_which_states_are_known_and_told_are_of_the_schema() -> None:
    assert set(_FIELDS.split(",")) <= ORDER.keys()
    assert set(PAYMENT) <= STATUSES | {"auto-draft"}
    assert {COMPLETED, CANCELLED_STATUS} <= STATUSES


@pytest.mark.parametrize(
    ("changes", "where"),
    [
        ({"total": 59.84}, ".total"),
        ({"line_items": [{"sku": 7}]}, ".line_items.sku"),
        ({"line_items": [{"price": "21.00"}]}, ".line_items.price"),
        ({"refunds": [{"amount": "1.00"}]}, ".refunds.amount"),
        ({"id": True}, ".id"),
    ],
)
def test_what_the_schema_has_otherwise_is_seen(changes: dict[str, Any], where: str) -> None:
    assert list(wrong(changes)) == [where]
