"""Etsy's listings and their inventories by hand, as its API description and what its makers said of it have them.

What belongs here: the listings of one shop, and what Etsy refuses of an inventory. What does not: logins and receipts
(`fake_etsy`). Its fields are held against Etsy's own description in `tests/integration/channels/test_etsy_levels.py`.
"""

from __future__ import annotations

import copy
import html
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from werkzeug import Request, Response

# The body of updateListingInventory, with what each object must have.
PRODUCT = ({"sku", "property_values", "offerings"}, {"offerings"})
VALUE = ({"property_id", "value_ids", "scale_id", "property_name", "values"}, {"property_id", "value_ids", "values"})
OFFERED = ("price", "quantity", "is_enabled", "readiness_state_id")
ON_PROPERTY = ("price_on_property", "quantity_on_property", "sku_on_property", "readiness_state_on_property")
SIZE = 100


@dataclass
class FakeListings:
    """The listings of a shop by their number. `between` happens once, before an inventory is put back."""

    shop: str
    listings: dict[str, dict[str, Any]] = field(default_factory=dict)
    inventories: dict[str, dict[str, Any]] = field(default_factory=dict)
    puts: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    between: list[Callable[[], None]] = field(default_factory=list)
    refuses: set[str] = field(default_factory=set)

    def have(self, number: int, levels: dict[str, int], *, state: str = "active", by: tuple[int, ...] = (SIZE,)) -> str:
        """A listing of these SKUs, one a size; `by` are the properties on which the quantity depends."""
        id_ = str(number)
        self.listings[id_] = {
            "listing_id": number,
            "state": state,
            "ending_timestamp": int(time.time()) + 10_000_000,
            "skus": list(levels),
        }
        products = [
            {
                "product_id": number * 100 + place,
                "sku": sku,
                "is_deleted": False,
                "offerings": [
                    {
                        "offering_id": number * 1000 + place,
                        "quantity": pieces,
                        "is_enabled": True,
                        "is_deleted": False,
                        "price": {"amount": 2590 + place, "divisor": 100, "currency_code": "EUR"},
                        "readiness_state_id": 77,
                    }
                ],
                "property_values": [
                    {
                        "property_id": SIZE,
                        "property_name": "Size &amp; fit",
                        "scale_id": 301,
                        "scale_name": "Letters",
                        "value_ids": [4000 + place],
                        "values": [f"Women&#39;s {place}"],
                    }
                ],
            }
            for place, (sku, pieces) in enumerate(levels.items())
        ]
        self.inventories[id_] = {
            "products": products,
            "price_on_property": [SIZE],
            "quantity_on_property": list(by),
            "sku_on_property": [SIZE],
            "readiness_state_on_property": [],
        }
        return id_

    def shows(self, listing: str) -> dict[str, int]:
        return {one["sku"]: one["offerings"][0]["quantity"] for one in self.inventories[listing]["products"]}

    def sell(self, listing: str, sku: str, receipts: dict[str, dict[str, Any]], number: int, pieces: int = 1) -> None:
        """Somebody buys it now: Etsy takes it off, and there is a receipt."""
        [product] = [one for one in self.inventories[listing]["products"] if one["sku"] == sku]
        product["offerings"][0]["quantity"] -= pieces
        at = int(time.time())
        line = {"listing_id": int(listing), "product_id": product["product_id"], "quantity": pieces, "sku": sku}
        receipts[str(number)] = {
            "receipt_id": number,
            "created_timestamp": at,
            "updated_timestamp": at,
            "transactions": [line | {"created_timestamp": at}],
        }

    def answer(self, request: Request, path: str, receipts: dict[str, dict[str, Any]]) -> Response:
        if path == f"shops/{self.shop}/listings" and request.method == "GET":
            return self._list(request.args.to_dict())
        id_ = path.removeprefix(f"shops/{self.shop}/").removeprefix("listings/").removesuffix("/inventory")
        if id_ not in self.listings:
            return error(404, "Resource not found")
        if path == f"shops/{self.shop}/listings/{id_}" and request.method == "PATCH":
            return self._state(id_, request)
        if path != f"listings/{id_}/inventory":
            return error(404, "Resource not found")
        if request.method == "GET":
            return ok(self.inventories[id_])
        while self.between:
            self.between.pop()()
        return self._put(id_, request)

    def _list(self, params: dict[str, str]) -> Response:
        limit, offset = int(params.get("limit", 25)), int(params.get("offset", 0))
        if limit > 100 or params.keys() - {"state", "limit", "offset"}:
            return error(400, "limit out of range")
        found = [one for one in self.listings.values() if one["state"] == params.get("state", "active")]
        return ok({"count": len(found), "results": found[offset : offset + limit]})

    def _state(self, id_: str, request: Request) -> Response:
        state = request.form.get("state")
        if state not in ("active", "inactive") or request.mimetype != "application/x-www-form-urlencoded":
            return error(400, "Invalid state")
        if id_ in self.refuses:
            return error(400, "Listing must have a shipping profile")
        if state == "active" and not any(self.shows(id_).values()):
            return error(400, "There was a problem with /quantity : cannot be empty")
        self.listings[id_]["state"] = state
        # By its description, only lists of a shop's own listings have their SKUs.
        return ok({name: value for name, value in self.listings[id_].items() if name != "skus"})

    def _put(self, id_: str, request: Request) -> Response:
        body = request.get_json()
        self.puts.append((id_, copy.deepcopy(body)))
        if trouble := ("refused" if id_ in self.refuses else _wrong(body)):
            return error(400, trouble)
        standing = self.inventories[id_]["products"]
        if len(body["products"]) != len(standing):
            raise AssertionError("a variation was lost")
        for product, told in zip(standing, body["products"], strict=True):
            offering, [new] = product["offerings"][0], told["offerings"]
            # Whatever it shows of the rest would have been replaced.
            assert new["price"] == offering["price"]["amount"] / offering["price"]["divisor"]
            assert new["readiness_state_id"] == offering["readiness_state_id"]
            assert new["is_enabled"] == offering["is_enabled"]
            assert told["sku"] == html.unescape(product["sku"])
            for was, value in zip(product["property_values"], told["property_values"], strict=True):
                assert value == {
                    "property_id": was["property_id"],
                    "property_name": html.unescape(was["property_name"]),
                    "scale_id": was["scale_id"],
                    "value_ids": was["value_ids"],
                    "values": [html.unescape(one) for one in was["values"]],
                }
            offering["quantity"] = new["quantity"]
        assert {name: body[name] for name in ON_PROPERTY} == {name: self.inventories[id_][name] for name in ON_PROPERTY}
        return ok(self.inventories[id_])


def _wrong(body: dict[str, Any]) -> str:
    """Why Etsy would not take an inventory."""
    if not body.keys() <= {"products", *ON_PROPERTY} or not body.get("products"):
        return "Missing input parameter: [products]"
    quantities: dict[tuple[Any, ...], int] = {}
    for product in body["products"]:
        if not PRODUCT[1] <= product.keys() <= PRODUCT[0]:
            return "Invalid product"
        for value in product["property_values"]:
            if not VALUE[1] <= value.keys() <= VALUE[0]:
                return "Invalid property value"
        for offering in product["offerings"]:
            price, quantity = offering.get("price"), offering.get("quantity")
            if offering.keys() != set(OFFERED) or isinstance(price, dict) or not 0 <= quantity <= 999:
                return "Invalid offering"
            by = tuple(
                tuple(value["value_ids"])
                for value in product["property_values"]
                if value["property_id"] in body["quantity_on_property"]
            )
            if quantities.setdefault(by, quantity) != quantity:
                return "Quantity must be consistent across products"
    if not any(quantities.values()):
        return "One offering must have quantity greater than 0"
    return ""


def ok(body: dict[str, Any]) -> Response:
    return Response(json.dumps(body), 200, content_type="application/json")


def error(status: int, words: str) -> Response:
    return Response(json.dumps({"error": words}), status, content_type="application/json")
