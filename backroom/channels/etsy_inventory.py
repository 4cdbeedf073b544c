"""A listing's inventory as Etsy shows it and as it takes it back, and what in it is counted together.

What belongs here: the two shapes, and the pools of pieces. What does not: calls and rules (`etsy_levels`).
Source: Etsy's API description 3.0.0, "ListingInventory" and the body of "updateListingInventory": a price is a number
there, equal to amount divided by divisor; ids of products and offerings, what was deleted and names of scales are left
out; the properties on which price, quantity, SKU and processing profile depend go back as they came.
"""

from __future__ import annotations

import html
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from backroom.channels.etsy_calls import SERVICE
from backroom.channels.reading import items, mapping, text
from backroom.outgoing.errors import AnswerUnreadable

# Etsy takes no more of one offering.
MOST = 999
_ON_PROPERTY = ("price_on_property", "quantity_on_property", "sku_on_property", "readiness_state_on_property")


@dataclass(frozen=True, slots=True)
class Pool:
    """Pieces that a listing counts as one: those of the products that differ in nothing on which quantity depends.

    `products` are Etsy's ids, `skus` theirs ("" where one has none), `pieces` what is shown; `on_show` says that a
    buyer can choose one of them.
    """

    products: frozenset[str]
    skus: frozenset[str]
    pieces: int
    on_show: bool


def pools_of(inventory: Mapping[str, Any], missed: Counter[str]) -> list[Pool]:
    """What a listing counts, less the pieces of `missed`, by product, that it should show less."""
    grouped: dict[tuple[object, ...], list[dict[str, Any]]] = {}
    for product in _live(inventory.get("products")):
        grouped.setdefault(_counted_by(inventory, product), []).append(product)
    return [_pool(products, missed) for products in grouped.values()]


def put_back(inventory: Mapping[str, Any], pieces: Mapping[frozenset[str], int]) -> dict[str, Any]:
    """The inventory as Etsy takes it, with new `pieces` by the products of a pool; the rest is as it was."""
    by_product = {product: count for products, count in pieces.items() for product in products}
    return {
        "products": [
            {
                "sku": plain(product.get("sku")),
                "property_values": [_property(one) for one in items(product.get("property_values"))],
                "offerings": [_offering(one, by_product[_id(product)]) for one in _live(product.get("offerings"))],
            }
            for product in _live(inventory.get("products"))
        ]
    } | {name: inventory.get(name) or [] for name in _ON_PROPERTY}


def variations_of(body: Mapping[str, Any]) -> int:
    """By how many properties the products of an inventory differ at the most."""
    return max((len(one["property_values"]) for one in body["products"]), default=0)


def plain(value: object) -> str:
    """A text as it was typed: Etsy shows it with HTML's entities, and would put these into it."""
    return html.unescape(value) if isinstance(value, str) else ""


def _pool(products: Sequence[dict[str, Any]], missed: Counter[str]) -> Pool:
    ids = frozenset(map(_id, products))
    offered = [one for product in products for one in _live(product.get("offerings"))]
    shown = min((_quantity(one) for one in offered), default=0)
    return Pool(
        products=ids,
        skus=frozenset(plain(one.get("sku")) for one in products),
        pieces=max(0, shown - sum(missed[product] for product in ids)),
        on_show=any(one.get("is_enabled") is not False for one in offered),
    )


def _counted_by(inventory: Mapping[str, Any], product: Mapping[str, Any]) -> tuple[object, ...]:
    by = inventory.get("quantity_on_property") or []
    values = items(product.get("property_values"))
    return tuple(
        (one.get("property_id"), tuple(one.get("value_ids") or ()), tuple(one.get("values") or ()))
        for one in values
        if one.get("property_id") in by
    )


def _property(one: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "property_id": one.get("property_id"),
        "value_ids": one.get("value_ids") or [],
        "scale_id": one.get("scale_id"),
        "property_name": plain(one.get("property_name")),
        "values": [plain(value) for value in one.get("values") or []],
    }


def _offering(one: Mapping[str, Any], pieces: int) -> dict[str, Any]:
    price = mapping(one.get("price"))
    amount, divisor = price.get("amount"), price.get("divisor")
    if not isinstance(amount, int) or not isinstance(divisor, int) or divisor <= 0:
        # Put back without its price it would be sold for another.
        raise AnswerUnreadable(SERVICE, f"{SERVICE} shows an offering without a price.", remedy="Report it to us.")
    return {
        "price": amount / divisor,
        "quantity": pieces,
        "is_enabled": one.get("is_enabled") is not False,
        "readiness_state_id": one.get("readiness_state_id"),
    }


def _live(found: object) -> list[dict[str, Any]]:
    return [one for one in items(found) if one.get("is_deleted") is not True]


def _id(product: Mapping[str, Any]) -> str:
    return text(product.get("product_id"))


def _quantity(offering: Mapping[str, Any]) -> int:
    found = offering.get("quantity")
    return found if isinstance(found, int) and not isinstance(found, bool) else 0
