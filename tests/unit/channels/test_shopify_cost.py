"""What each of our documents costs at Shopify by the plain reckoning: a query that costs more than 1,000 is refused."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import pytest
from graphql import parse, validate

import backroom.channels
from backroom.channels import shopify_levels, shopify_source
from tests.fake_shops import admin_schema
from tests.shopify_cost import MOST, reckoned

# The sizes of those documents that are told them.
SIZES: dict[str, dict[str, Any]] = {
    shopify_source.CHANGED: {"first": shopify_source.PAGE},
    shopify_source.WHOLE: {"ids": ["an order"] * shopify_source.ORDERS, "lines": shopify_source.LINES},
    shopify_source.MORE_LINES: {"lines": shopify_source.LINES},
    shopify_levels.LEVELS: {"first": shopify_levels.SKUS_AT_ONCE},
}


def documents() -> dict[str, str]:
    """Every document of the Shopify modules, by its name."""
    found = {}
    for file in sorted(Path(backroom.channels.__path__[0]).glob("shopify*.py")):
        for value in vars(importlib.import_module(f"backroom.channels.{file.stem}")).values():
            if isinstance(value, str) and value.lstrip().startswith(("query ", "mutation ")):
                found[value.split("{")[0].split("(")[0].split()[1]] = value
    return found


@pytest.mark.parametrize("name", documents())
def test_no_document_may_cost_more_than_a_query_may_and_each_is_allowed(name: str) -> None:
    document = documents()[name]
    assert validate(admin_schema(), parse(document)) == []
    assert reckoned(admin_schema(), document, SIZES.get(document, {})) <= MOST


def test_every_document_is_among_them() -> None:
    assert {"Changed", "Standing", "Payments", "Levels", "Fulfil", "Cancel", "Refund"} < documents().keys()


@pytest.mark.parametrize(
    ("document", "points"),
    [
        ("query { order(id: 1) { id name } }", 1),
        ("query { locations(first: 50) { nodes { id } } }", 52),
        ("query { order(id: 1) { fulfillments(first: 10) { trackingInfo(first: 5) { number } } } }", 61),
        ("query { orders(first: 10) { nodes { lineItems(first: 4) { nodes { id } } } pageInfo { endCursor } } }", 73),
        ("query { nodes(ids: [1, 2]) { ... on Order { shippingAddress { city } } } }", 4),
        ("mutation { orderCancel(orderId: 1, reason: OTHER, restock: true) { job { id } } }", 12),
    ],
)
def test_the_reckoning(document: str, points: int) -> None:
    assert reckoned(admin_schema(), document, {}) == points
