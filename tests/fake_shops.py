"""Shops that are asked for their orders, by hand and over real HTTP: Shopify's GraphQL, and WooCommerce's REST.

What belongs here: what the two answer, after shopify.dev and woocommerce-rest-api-docs, and their bad days. What does
not: webhooks, which the tests send themselves. An order is kept in the shape of its webhook (REST). Shopify's answers
are made by a GraphQL engine from `shopify_admin.graphql`, so a document that the schema does not allow gets an error.
"""

from __future__ import annotations

import base64
import json
import re
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from graphql import GraphQLSchema, build_schema, execute, parse, validate
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from backroom.channels.shopify_graphql import VERSION
from tests.shopify_cost import MOST, reckoned

SCHEMA = Path(__file__).parent / "shopify_admin.graphql"
TOKEN, LOGIN = "shpat_nobody", "ck_nobody:cs_nobody"


@cache
def admin_schema() -> GraphQLSchema:
    schema = build_schema(SCHEMA.read_text())
    node = schema.get_type("Node")
    node.resolve_type = lambda value, *_: value["__typename"]  # type: ignore[union-attr]
    return schema


@dataclass
class FakeShopify:
    """One shop. `bad` are answers that come first, one a call; `fails` may answer in its stead, by what is asked;
    `points` is what the bucket holds, -1 for enough."""

    orders: dict[int, dict[str, Any]] = field(default_factory=dict, repr=False)
    bad: list[Response] = field(default_factory=list)
    fails: Callable[[dict[str, Any]], Response | None] = lambda _asked: None
    calls: list[dict[str, Any]] = field(default_factory=list, repr=False)
    most_cost: float = float(MOST)
    points: float = -1.0
    restored: float = 50.0
    lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def listen(self, server: HTTPServer) -> str:
        """Answer at this server; returns the shop's address."""
        server.expect_request(f"/admin/api/{VERSION}/graphql.json", method="POST").respond_with_handler(self.answer)
        return server.url_for("")

    def root(self) -> Any:
        """What a document is answered from."""
        return _Root(self)

    def answer(self, request: Request) -> Response:
        with self.lock:
            asked = request.get_json()
            self.calls.append(asked)
            if self.bad:
                return self.bad.pop(0)
            if failure := self.fails(asked):
                return failure
            if request.headers.get("X-Shopify-Access-Token") != TOKEN:
                return _json({"errors": "[API] Invalid API key or access token"}, 401)
            return self._answered(asked["query"], asked.get("variables") or {})

    def _answered(self, query: str, variables: dict[str, Any]) -> Response:
        document = parse(query)
        if errors := validate(admin_schema(), document):
            return _json({"errors": [{"message": error.message} for error in errors]})
        cost = float(reckoned(admin_schema(), query, variables))
        if cost > self.most_cost:
            return _json({"errors": [{"message": "Query cost", "extensions": {"code": "MAX_COST_EXCEEDED"}}]})
        if 0 <= self.points < cost:
            left, self.points = self.points, self.points + self.restored
            return _json(
                {
                    "errors": [{"message": "Throttled", "extensions": {"code": "THROTTLED"}}],
                    "extensions": {"cost": self._told(cost, left)},
                }
            )
        if self.points >= 0:
            self.points -= cost
        done = execute(admin_schema(), document, root_value=self.root(), variable_values=variables)
        assert not isinstance(done, Iterator)
        said: dict[str, Any] = {"data": done.data, "extensions": {"cost": self._told(cost, self.points)}}  # type: ignore[union-attr]
        if done.errors:  # type: ignore[union-attr]
            said["errors"] = [
                {"message": error.message, "extensions": error.extensions}
                for error in done.errors  # type: ignore[union-attr]
            ]
        return _json(said)

    def _told(self, cost: float, left: float) -> dict[str, Any]:
        left = 2000.0 if left < 0 else left
        status = {"maximumAvailable": 2000.0, "currentlyAvailable": left, "restoreRate": self.restored}
        return {"requestedQueryCost": cost, "actualQueryCost": None, "throttleStatus": status}


class _Root:
    def __init__(self, shop: FakeShopify) -> None:
        self._shop = shop

    def orders(self, _info: Any, **arguments: Any) -> dict[str, Any]:
        since = re.fullmatch(r"updated_at:>='(.+)'", arguments["query"])
        assert since is not None, arguments["query"]
        assert arguments["sortKey"] == "UPDATED_AT"
        assert arguments["first"] <= 250
        begin = datetime.fromisoformat(since[1])
        found = sorted((_when(o["updated_at"]), id_) for id_, o in self._shop.orders.items())
        found = [key for key in found if key[0] >= begin]
        if arguments.get("after"):
            at, id_ = base64.b64decode(arguments["after"]).decode().split()
            found = [key for key in found if key > (datetime.fromisoformat(at), int(id_))]
        page = found[: arguments["first"]]
        cursor = base64.b64encode(f"{page[-1][0].isoformat()} {page[-1][1]}".encode()).decode() if page else None
        return {
            "nodes": [_Order(self._shop.orders[id_]) for _, id_ in page],
            "pageInfo": {"hasNextPage": len(found) > len(page), "endCursor": cursor},
        }

    def nodes(self, _info: Any, ids: list[str]) -> list[Any]:
        return [self.order(_info, id_) for id_ in ids]

    def order(self, _info: Any, id: str) -> Any:
        assert id.startswith("gid://shopify/Order/")
        found = self._shop.orders.get(int(id.rpartition("/")[2]))
        return None if found is None else _Order(found)


class _Order(dict[str, Any]):
    """An order as GraphQL tells it, made of what the webhook would say."""

    def __init__(self, rest: dict[str, Any]) -> None:
        currency = rest["currency"]

        def bag(amount: object) -> Any:
            if amount is None:
                return None
            money = {"amount": _decimal(amount), "currencyCode": currency}
            return {"shopMoney": money, "presentmentMoney": money}

        def of_set(name: str) -> Any:
            told = rest.get(name)
            return bag(told["shop_money"]["amount"]) if told else None

        now = {name: rest.get(f"current_{name}") or rest.get(name) for name in ("total_price", "subtotal_price")}
        tips = [line for line in rest["line_items"] if line.get("tip") or line.get("tip_payment_gateway")]
        super().__init__(
            __typename="Order",
            id=f"gid://shopify/Order/{rest['id']}",
            legacyResourceId=str(rest["id"]),
            name=rest.get("name", ""),
            createdAt=_z(rest["created_at"]),
            updatedAt=_z(rest["updated_at"]),
            cancelledAt=_z(rest["cancelled_at"]) if rest.get("cancelled_at") else None,
            test=bool(rest.get("test")),
            currencyCode=currency,
            email=rest.get("email"),
            phone=rest.get("phone"),
            note=rest.get("note"),
            customerLocale=rest.get("customer_locale"),
            sourceName=rest.get("source_name"),
            taxesIncluded=bool(rest.get("taxes_included")),
            customerAcceptsMarketing=bool(rest.get("buyer_accepts_marketing")),
            displayFinancialStatus=(rest["financial_status"] or "").upper() or None,
            displayFulfillmentStatus=(rest.get("fulfillment_status") or "unfulfilled").upper(),
            customAttributes=_attributes(rest.get("note_attributes")),
            totalPriceSet=bag(rest["total_price"]),
            currentTotalPriceSet=bag(now["total_price"]),
            subtotalPriceSet=bag(rest.get("subtotal_price")),
            currentSubtotalPriceSet=bag(now["subtotal_price"] or "0.00"),
            totalTaxSet=bag(rest.get("total_tax")),
            currentTotalTaxSet=bag(rest.get("current_total_tax") or rest.get("total_tax") or "0.00"),
            currentShippingPriceSet=of_set("current_shipping_price_set") or bag("0.00"),
            originalTotalDutiesSet=of_set("original_total_duties_set"),
            currentTotalDutiesSet=of_set("current_total_duties_set"),
            originalTotalAdditionalFeesSet=of_set("original_total_additional_fees_set"),
            currentTotalAdditionalFeesSet=of_set("current_total_additional_fees_set"),
            totalTipReceivedSet=bag(tips[0]["price"] if tips else "0.0"),
            shippingAddress=_address(rest.get("shipping_address")),
            billingAddress=_address(rest.get("billing_address")),
        )
        self._lines = [_line(line, bag) for line in rest["line_items"]]
        self._ways = [_way(line, bag) for line in rest.get("shipping_lines", [])]
        self["lineItems"] = self._line_items
        self["shippingLines"] = self._shipping_lines

    def _line_items(self, _info: Any, first: int, after: str | None = None, **_: Any) -> dict[str, Any]:
        begin = int(after or 0)
        return {
            "nodes": self._lines[begin : begin + first],
            "pageInfo": {"hasNextPage": len(self._lines) > begin + first, "endCursor": str(begin + first)},
        }

    def _shipping_lines(self, _info: Any, first: int, includeRemovals: bool, **_: Any) -> dict[str, Any]:  # noqa: N803
        ways = [way for way in self._ways if includeRemovals or not way["isRemoved"]]
        return {"nodes": ways[:first], "pageInfo": {"hasNextPage": False, "endCursor": None}}


def _line(line: dict[str, Any], bag: Any) -> dict[str, Any]:
    return {
        "__typename": "LineItem",
        "id": f"gid://shopify/LineItem/{line['id']}",
        "sku": line.get("sku"),
        "name": line.get("name") or line.get("title") or "",
        "title": line.get("title") or "",
        "quantity": line["quantity"],
        "currentQuantity": line.get("current_quantity", line["quantity"]),
        "isGiftCard": bool(line.get("gift_card")),
        "requiresShipping": bool(line.get("requires_shipping", True)),
        "originalUnitPriceSet": bag(line["price"]),
        "discountAllocations": [
            {"allocatedAmountSet": bag(one["amount"])} for one in line.get("discount_allocations", [])
        ],
        "customAttributes": _attributes(line.get("properties")),
    }


def _way(line: dict[str, Any], bag: Any) -> dict[str, Any]:
    return {
        "id": f"gid://shopify/ShippingLine/{line['id']}",
        "code": line.get("code"),
        "title": line.get("title", ""),
        "deliveryCategory": line.get("delivery_category"),
        "isRemoved": bool(line.get("is_removed")),
        "originalPriceSet": bag(line["price"]),
        "discountAllocations": [
            {"allocatedAmountSet": bag(one["amount"])} for one in line.get("discount_allocations", [])
        ],
    }


def _attributes(told: Any) -> list[dict[str, Any]]:
    return [{"key": one["name"], "value": one["value"]} for one in told or []]


def _address(told: dict[str, Any] | None) -> dict[str, Any] | None:
    if not told:
        return None
    renamed = {"country_code": "countryCodeV2"}
    return {"id": "gid://shopify/MailingAddress/1"} | {
        renamed.get(name) or re.sub("_(.)", lambda m: m[1].upper(), name): value for name, value in told.items()
    }


def _decimal(amount: object) -> str:
    """As the Decimal scalar is written: no zeros at the end but one."""
    whole, _, part = str(amount).partition(".")
    return f"{whole}.{part.rstrip('0') or '0'}"


def _when(told: str) -> datetime:
    return datetime.fromisoformat(told).astimezone(UTC)


def _z(told: str) -> str:
    return f"{_when(told):%Y-%m-%dT%H:%M:%SZ}"


@dataclass
class FakeWoo:
    """One WooCommerce shop. `bad` are answers that come first, one a call; `fails` may answer in its stead, by what is
    asked."""

    orders: dict[int, dict[str, Any]] = field(default_factory=dict, repr=False)
    bad: list[Response] = field(default_factory=list)
    fails: Callable[[dict[str, Any]], Response | None] = lambda _asked: None
    calls: list[dict[str, str]] = field(default_factory=list, repr=False)
    lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def listen(self, server: HTTPServer) -> str:
        server.expect_request("/wp-json/wc/v3/orders", method="GET").respond_with_handler(self.answer)
        return server.url_for("")

    def answer(self, request: Request) -> Response:
        with self.lock:
            self.calls.append(dict(request.args))
            if self.bad:
                return self.bad.pop(0)
            if failure := self.fails(dict(request.args)):
                return failure
            login = request.authorization
            if login is None or f"{login.username}:{login.password}" != LOGIN:
                return _json({"code": "woocommerce_rest_cannot_view"}, 401)
            return self._answered(dict(request.args))

    def _answered(self, asked: dict[str, str]) -> Response:
        assert 1 <= int(asked.get("per_page", 10)) <= 100
        size, page = int(asked.get("per_page", 10)), int(asked.get("page", 1))
        # As WordPress does: what it lists is never in the bin.
        found = [order for order in self.orders.values() if order["status"] != "trash"]
        if "include" in asked:
            wanted = {int(id_) for id_ in asked["include"].split(",")}
            found = [order for order in found if order["id"] in wanted]
        if "modified_after" in asked:
            # A date with a zone would be turned into the site's own time, see `woocommerce_source`.
            assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", asked["modified_after"])
            assert asked["dates_are_gmt"] == "true"
            found = [order for order in found if order["date_modified_gmt"] > asked["modified_after"]]
        if asked.get("orderby") == "modified":
            found.sort(key=lambda order: (order["date_modified_gmt"], order["id"]), reverse=asked["order"] == "desc")
        pages = -(-len(found) // size)
        part = found[(page - 1) * size : page * size]
        if "_fields" in asked:
            names = asked["_fields"].split(",")
            part = [{name: order.get(name) for name in names} for order in part]
        return _json(part, headers={"X-WP-Total": str(len(found)), "X-WP-TotalPages": str(pages)})


def _json(value: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    return Response(json.dumps(value), status=status, content_type="application/json", headers=headers)


@pytest.fixture
def fake_shopify() -> FakeShopify:
    return FakeShopify()


@pytest.fixture
def fake_woo() -> FakeWoo:
    return FakeWoo()
