"""Shops that are told what became of their orders, by hand and over real HTTP: Shopify's GraphQL, WooCommerce's REST.

What belongs here: what the two do with fulfilments, cancellations, levels and refunds, after shopify.dev and
woocommerce-rest-api-docs, and an answer that is lost after all was done. What does not: being asked for orders, which
these inherit (`tests.fake_shops`). Both sell by themselves as well: `sell` lowers a level as their checkout does.
"""

from __future__ import annotations

import itertools
import json
import os
import re
import signal
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import pytest
from graphql import GraphQLError
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from tests.fake_shops import FakeShopify, FakeWoo, _Root

PLACE = "gid://shopify/Location/1"
ALL_SCOPES = (
    "read_orders",
    "write_orders",
    "write_merchant_managed_fulfillment_orders",
    "write_inventory",
    "read_locations",
)


def _lost() -> Response:
    """What a proxy says whose backend answered too late."""
    return Response("<html>502 Bad Gateway</html>", status=502)


@dataclass
class ShopifyTill(FakeShopify):
    """A Shopify that is told. `levels` are available pieces by SKU; `lose` answers are lost after they were done."""

    levels: dict[str, int] = field(default_factory=dict)
    untracked: set[str] = field(default_factory=set)
    twice: set[str] = field(default_factory=set)
    places: list[str] = field(default_factory=lambda: [PLACE])
    scopes: tuple[str, ...] = ALL_SCOPES
    lose: int = 0
    fulfilments: dict[int, list[dict[str, Any]]] = field(default_factory=dict)
    on_hold: set[int] = field(default_factory=set)
    # Of how many fulfilment orders an order is made.
    parts: int = 1
    cancels: list[dict[str, Any]] = field(default_factory=list)
    transactions: dict[int, list[dict[str, Any]]] = field(default_factory=dict)
    refunds: dict[int, list[dict[str, Any]]] = field(default_factory=dict)
    refunding: str = "SUCCESS"
    # Sold at the moment between a level's reading and its setting, so many times.
    rush: list[str] = field(default_factory=list)
    sets: list[dict[str, int]] = field(default_factory=list)
    keys: dict[str, dict[str, Any]] = field(default_factory=dict)
    ids: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def root(self) -> Any:
        return _Till(self)

    def sell(self, sku: str, pieces: int = 1) -> None:
        with self.lock:
            self.levels[sku] -= pieces

    def told(self) -> list[str]:
        """The documents that were asked, by name."""
        return [re.findall(r"(?:query|mutation) (\w+)", call["query"])[0] for call in self.calls]

    def _answered(self, query: str, variables: dict[str, Any]) -> Response:
        said = super()._answered(query, variables)
        if self.lose and "mutation" in query:
            self.lose -= 1
            return _lost()
        return said


def run_killed(till: ShopifyTill, command: Sequence[str], *, after: bool, within: float) -> None:
    """Run a process that has the till change something, and kill -9 it just before the change is made, or just `after`
    it; in both cases before it hears of it. It must be gone `within` so many seconds."""
    answers, caller = till._answered, []

    def kills(query: str, variables: dict[str, Any]) -> Response:
        if "mutation" not in query:
            return answers(query, variables)
        said = answers(query, variables) if after else Response("", status=500)
        os.kill(caller[0].pid, signal.SIGKILL)
        return said

    till._answered = kills  # type: ignore[method-assign]
    caller.append(subprocess.Popen(command))
    assert caller[0].wait(within) == -signal.SIGKILL
    till._answered = answers  # type: ignore[method-assign]


class _Till(_Root):
    def __init__(self, shop: ShopifyTill) -> None:
        super().__init__(shop)
        self._till = shop

    def _need(self, scope: str, field: str) -> None:
        """As Shopify refuses a field: with its scope in the sentence, and a code."""
        if not {scope, scope.replace("read_", "write_", 1)} & set(self._till.scopes):
            raise GraphQLError(
                f"Access denied for {field} field. Required access: `{scope}` access scope.",
                extensions={"code": "ACCESS_DENIED", "requiredAccess": f"`{scope}` access scope."},
            )

    def order(self, _info: Any, id: str) -> Any:
        self._need("read_orders", "order")
        found = super().order(_info, id)
        if found is None:
            return None
        number = int(id.rpartition("/")[2])
        found["fulfillments"] = lambda _i, first: self._till.fulfilments.get(number, [])[:first]
        found["fulfillmentOrders"] = lambda _i, first, after=None: _page(self._fulfilment_orders(number), first, after)
        found["transactions"] = lambda _i, first: self._transactions(number)[:first]
        found["refunds"] = lambda _i, first: self._till.refunds.get(number, [])[:first]
        return found

    def currentAppInstallation(self, _info: Any) -> Any:  # noqa: N802 - Shopify's name
        return {"accessScopes": [{"handle": scope} for scope in self._till.scopes]}

    def locations(self, _info: Any, first: int) -> Any:
        self._need("read_locations", "locations")
        return _page([{"id": id_, "name": f"Shop {id_[-1]}"} for id_ in self._till.places], first)

    def inventoryItems(self, _info: Any, first: int, query: str, after: str | None = None, **_: Any) -> Any:  # noqa: N802
        wanted = [re.sub(r"\\(.)", r"\1", sku) for sku in re.findall(r'sku:"((?:[^"\\]|\\.)*)"', query)]
        # It finds words: other SKUs that begin alike come along.
        known = [sku for sku in self._till.levels if any(sku.startswith(one) for one in wanted)]
        known += [sku for sku in known if sku in self._till.twice]
        begin = int(after or 0)
        page = [self._item(sku) for sku in known[begin : begin + first]]
        more = {"hasNextPage": len(known) > begin + first, "endCursor": str(begin + first)}
        return {"nodes": page, "pageInfo": more}

    def _item(self, sku: str) -> dict[str, Any]:
        def level(_info: Any, locationId: str, **_: Any) -> Any:  # noqa: N803
            assert locationId == PLACE
            return {"quantities": lambda _i, names: [{"name": names[0], "quantity": self._till.levels[sku]}]}

        return {
            "id": f"gid://shopify/InventoryItem/{sku}",
            "sku": sku,
            "tracked": sku not in self._till.untracked,
            "inventoryLevel": level,
        }

    def inventorySetQuantities(self, info: Any, input: dict[str, Any]) -> Any:  # noqa: N802
        self._need("write_inventory", "inventorySetQuantities")
        key = _idempotency_key(info)
        if key in self._till.keys:
            return self._till.keys[key]
        for sku in self._till.rush[:1]:
            self._till.rush.pop(0)
            self._till.levels[sku] -= 1
        assert input["name"] == "available"
        assert len(input["quantities"]) <= 250
        stale = []
        for number, one in enumerate(input["quantities"]):
            assert one["locationId"] == PLACE
            # Since 2026-04 it must be said, be it null.
            assert "changeFromQuantity" in one
            if one["changeFromQuantity"] not in (None, self._till.levels[_sku(one)]):
                stale.append(
                    {
                        "code": "CHANGE_FROM_QUANTITY_STALE",
                        "field": ["input", "quantities", str(number), "changeFromQuantity"],
                        "message": "The changeFromQuantity argument no longer matches the persisted quantity.",
                    }
                )
        if not stale:
            self._till.sets.append({_sku(one): one["quantity"] for one in input["quantities"]})
            self._till.levels |= self._till.sets[-1]
        self._till.keys[key] = {"userErrors": stale}
        return self._till.keys[key]

    def _fulfilment_orders(self, number: int) -> list[dict[str, Any]]:
        done: dict[str, int] = {}
        for fulfilment in self._till.fulfilments.get(number, []):
            for line in fulfilment["lines"]:
                done[line["lineItem"]["id"]] = done.get(line["lineItem"]["id"], 0) + line["quantity"]
        lines = []
        for line in self._till.orders[number]["line_items"]:
            id_ = f"gid://shopify/LineItem/{line['id']}"
            lines.append(
                {
                    "id": f"gid://shopify/FulfillmentOrderLineItem/{number}{line['id']}",
                    "lineItem": {"id": id_},
                    "totalQuantity": line["quantity"],
                    "remainingQuantity": line["quantity"] - done.get(id_, 0),
                }
            )
        held = number in self._till.on_hold
        parts = []
        size = -(-len(lines) // self._till.parts)
        for part in range(self._till.parts):
            mine = lines[part * size : (part + 1) * size]
            left = any(line["remainingQuantity"] for line in mine)
            closed = not left or bool(self._till.orders[number].get("cancelled_at"))
            actions = [] if closed else [{"action": "RELEASE_HOLD" if held else "CREATE_FULFILLMENT"}]
            parts.append(
                {
                    "id": f"gid://shopify/FulfillmentOrder/{number}" + (f"0{part}" if part else ""),
                    "of": number,
                    "status": "CLOSED" if closed else ("ON_HOLD" if held else "OPEN"),
                    "supportedActions": actions,
                    "assignedLocation": {"location": {"id": PLACE, "name": "Shop 1"}},
                    "lines": mine,
                    "lineItems": lambda _i, first, after=None, mine=mine: _page(mine, first, after),
                }
            )
        return parts

    def fulfillmentOrder(self, _info: Any, id: str) -> Any:  # noqa: N802
        found = (one for number in self._till.orders for one in self._fulfilment_orders(number) if one["id"] == id)
        return next(found, None)

    def fulfillment(self, _info: Any, id: str) -> Any:
        self._need("read_orders", "fulfillment")
        made = (one for those in self._till.fulfilments.values() for one in those if one["id"] == id)
        return next(made, None)

    def refund(self, _info: Any, id: str) -> Any:
        self._need("read_orders", "refund")
        made = (one for those in self._till.refunds.values() for one in those if one["id"] == id)
        return next(made, None)

    def fulfillmentCreate(self, _info: Any, fulfillment: dict[str, Any]) -> Any:  # noqa: N802
        self._need("write_merchant_managed_fulfillment_orders", "fulfillmentCreate")
        asked = fulfillment["lineItemsByFulfillmentOrder"]
        made = []
        for part in asked:
            there = self.fulfillmentOrder(_info, part["fulfillmentOrderId"])
            number, lines = there["of"], {line["id"]: line for line in there["lines"]}
            for one in part["fulfillmentOrderLineItems"]:
                if not there["supportedActions"] or one["quantity"] > lines[one["id"]]["remainingQuantity"]:
                    problem = {
                        "field": ["fulfillment"],
                        "message": "Invalid fulfillment order line item quantity requested.",
                    }
                    return {"fulfillment": None, "userErrors": [problem]}
                made.append({"id": "x", "lineItem": lines[one["id"]]["lineItem"], "quantity": one["quantity"]})
        tracking = fulfillment.get("trackingInfo")
        fulfilment = {
            "id": f"gid://shopify/Fulfillment/{next(self._till.ids)}",
            "status": "SUCCESS",
            "trackingInfo": lambda _i, first: [tracking] if tracking else [],
            "tracking": tracking,
            "notified": fulfillment["notifyCustomer"],
            "lines": made,
            "fulfillmentLineItems": lambda _i, first, after=None: _page(made, first, after),
        }
        self._till.fulfilments.setdefault(number, []).append(fulfilment)
        return {"fulfillment": fulfilment, "userErrors": []}

    def orderCancel(self, _info: Any, orderId: str, **how: Any) -> Any:  # noqa: N802, N803
        self._need("write_orders", "orderCancel")
        number = int(orderId.rpartition("/")[2])
        order = self._till.orders[number]
        if order.get("cancelled_at") or self._till.fulfilments.get(number):
            errors = [{"code": "INVALID", "field": ["orderId"], "message": "It cannot be cancelled."}]
            return {"job": None, "orderCancelUserErrors": errors}
        order["cancelled_at"] = "2026-11-25T12:00:00+00:00"
        self._till.cancels.append({"order": number} | how)
        return {"job": {"id": "gid://shopify/Job/1", "done": False}, "orderCancelUserErrors": []}

    def _transactions(self, number: int) -> list[dict[str, Any]]:
        given = [one for refund in self._till.refunds.get(number, []) for one in refund["made"]]
        return [*self._till.transactions.get(number, []), *given]

    def refundCreate(self, info: Any, input: dict[str, Any]) -> Any:  # noqa: N802
        self._need("write_orders", "refundCreate")
        key = _idempotency_key(info)
        if key in self._till.keys:
            return self._till.keys[key]
        number = int(input["orderId"].rpartition("/")[2])
        paid = {one["id"]: one for one in self._transactions(number)}
        made, total, currency = [], Decimal(0), "EUR"
        for one in input["transactions"]:
            parent = paid[one["parentId"]]
            assert (one["kind"], one["gateway"]) == ("REFUND", parent["gateway"])
            money = parent["amountSet"]["presentmentMoney"]
            back = sum(
                (
                    Decimal(other["amountSet"]["presentmentMoney"]["amount"])
                    for other in paid.values()
                    if other["kind"] == "REFUND" and other["parentTransaction"]["id"] == parent["id"]
                ),
                Decimal(0),
            )
            if back + Decimal(one["amount"]) > Decimal(money["amount"]):
                return {
                    "refund": None,
                    "userErrors": [{"field": ["transactions"], "message": "Refund amount too high."}],
                }
            made.append(
                _paid(next(self._till.ids), "REFUND", one["amount"], parent=parent, status=self._till.refunding)
            )
            total, currency = total + Decimal(one["amount"]), money["currencyCode"]
        refund = {
            "id": f"gid://shopify/Refund/{next(self._till.ids)}",
            "note": input["note"],
            "made": made,
            "transactions": lambda _i, first: _page(made, first),
            "totalRefundedSet": _bag(str(total), currency),
        }
        self._till.refunds.setdefault(number, []).append(refund)
        self._till.keys[key] = {"refund": refund, "userErrors": []}
        return self._till.keys[key]


def _paid(
    id_: int, kind: str, amount: str, *, gateway: str = "shopify_payments", status: str = "SUCCESS", parent: Any = None
) -> dict[str, Any]:
    return {
        "id": f"gid://shopify/OrderTransaction/{id_}",
        "kind": kind,
        "status": status,
        "gateway": parent["gateway"] if parent else gateway,
        "amountSet": _bag(amount, "EUR"),
        "parentTransaction": parent,
    }


paid = _paid


def _bag(amount: str, currency: str) -> dict[str, Any]:
    money = {"amount": amount, "currencyCode": currency}
    return {"shopMoney": money, "presentmentMoney": money}


def _page(nodes: list[Any], first: int, after: str | None = None) -> dict[str, Any]:
    begin = int(after or 0)
    more = len(nodes) > begin + first
    end = str(begin + first) if more else None
    return {"nodes": nodes[begin : begin + first], "pageInfo": {"hasNextPage": more, "endCursor": end}}


def _sku(quantity: dict[str, Any]) -> str:
    return str(quantity["inventoryItemId"]).rpartition("/")[2]


def _idempotency_key(info: Any) -> str:
    """Mandatory for these since 2026-04."""
    (directive,) = info.field_nodes[0].directives
    assert directive.name.value == "idempotent"
    value = directive.arguments[0].value
    key = info.variable_values.coerced[value.name.value]
    assert key.strip()
    return str(key)


@dataclass
class WooTill(FakeWoo):
    """A WooCommerce that is told. `products` by id, variations with their `parent_id`."""

    products: dict[int, dict[str, Any]] = field(default_factory=dict)
    notes: dict[int, list[dict[str, Any]]] = field(default_factory=dict)
    lose: int = 0
    writes: list[tuple[str, str, Any]] = field(default_factory=list)
    ids: Iterator[int] = field(default_factory=lambda: itertools.count(281))

    def listen(self, server: HTTPServer) -> str:
        address = super().listen(server)
        server.expect_request(re.compile(r"/wp-json/wc/v3/.+")).respond_with_handler(self.told)
        return address

    def stock(self, id_: int, sku: str, pieces: int | None, *, parent: int = 0) -> None:
        """A product, or a variation of one, of which so many pieces are counted (None: not counted)."""
        self.products[id_] = {
            "id": id_,
            "type": "variation" if parent else "simple",
            "parent_id": parent,
            "sku": sku,
            "manage_stock": pieces is not None,
            "stock_quantity": pieces,
        }

    def level(self, sku: str) -> Any:
        return next(one["stock_quantity"] for one in self.products.values() if one["sku"] == sku)

    def sell(self, sku: str, pieces: int = 1) -> None:
        with self.lock:
            next(one for one in self.products.values() if one["sku"] == sku)["stock_quantity"] -= pieces

    def told(self, request: Request) -> Response:
        with self.lock:
            if self.bad:
                return self.bad.pop(0)
            path = request.path.removeprefix("/wp-json/wc/v3/")
            if request.method != "GET":
                self.writes.append((request.method, path, request.get_json()))
            said = self._told(request, path)
            if self.lose and request.method != "GET":
                self.lose -= 1
                return _lost()
            return said

    def _told(self, request: Request, path: str) -> Response:
        body = None if request.method == "GET" else request.get_json()
        if path == "products":
            return self._products(dict(request.args))
        if found := re.fullmatch(r"products(?:/(\d+)/variations)?/batch", path):
            return self._batch(int(found[1] or 0), body)
        found = re.fullmatch(r"orders/(\d+)(/notes)?", path)
        assert found is not None, path
        order = self.orders.get(int(found[1]))
        if order is None:
            return _json({"code": "woocommerce_rest_shop_order_invalid_id"}, 404)
        if found[2]:
            notes = self.notes.setdefault(order["id"], [])
            if body is None:
                return _json(list(reversed(notes)))
            notes.append({"id": next(self.ids), "note": body["note"], "customer_note": body["customer_note"]})
            return _json(notes[-1], 201)
        if body is not None:
            # A meta is found by its id, or by its key (WC_Data::update_meta_data), and added where there is none.
            metas = order.setdefault("meta_data", [])
            for meta in body.pop("meta_data", []):
                kept = [one for one in metas if not (one["id"] == meta.get("id") or one["key"] == meta["key"])]
                order["meta_data"] = metas = [*kept, {"id": next(self.ids)} | meta]
            order |= body
        return _json(order)

    def _products(self, asked: dict[str, str]) -> Response:
        size, page = int(asked["per_page"]), int(asked["page"])
        assert size <= 100
        wanted = asked["sku"].split(",")
        found = [one for one in self.products.values() if one["sku"] in wanted]
        names = asked["_fields"].split(",")
        return _json([{name: one[name] for name in names} for one in found[(page - 1) * size : page * size]])

    def _batch(self, parent: int, body: Any) -> Response:
        assert len(body["update"]) <= 100
        done: list[dict[str, Any]] = []
        for change in body["update"]:
            product = self.products[change["id"]]
            if product["parent_id"] != parent:
                done.append({"id": change["id"], "error": {"code": "woocommerce_rest_product_variation_invalid_id"}})
                continue
            product |= change
            done.append(product)
        return _json({"update": done})


def _json(value: Any, status: int = 200) -> Response:
    return Response(json.dumps(value), status=status, content_type="application/json")


@pytest.fixture
def shopify_till() -> ShopifyTill:
    return ShopifyTill()


@pytest.fixture
def woo_till() -> WooTill:
    return WooTill()
