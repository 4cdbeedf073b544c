"""Printful as its OpenAPI file of version 2 describes it, over real HTTP: what it keeps, answers and refuses.

What belongs here: the calls that our adapter makes, and two of version 1: cancelling, and the numbers of parcels, which
version 2 tells nowhere but in webhooks. `tests/peers/test_printful_sdk.py` holds every answer against the types that
were generated from that file. What does not: what is expected of our side.
"""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

TOKEN = "t0ken-of-the-shop"
AT = "2026-11-01T10:00:00Z"
SHIPPED = ("shipped", "returned")
NO_COSTS = dict.fromkeys(
    (
        "currency",
        "subtotal",
        "discount",
        "shipping",
        "digitization",
        "additional_fee",
        "fulfillment_fee",
        "retail_delivery_fee",
        "vat",
        "tax",
        "total",
    )
)
COSTS = dict.fromkeys(NO_COSTS, "0.00") | {"currency": "EUR", "subtotal": "19.56", "shipping": "4.79", "total": "24.35"}
RETAIL = dict.fromkeys(("subtotal", "discount", "shipping", "vat", "tax", "total"), "0.00") | {"currency": "EUR"}
ADDRESS = dict.fromkeys(
    (
        "name",
        "company",
        "address1",
        "address2",
        "city",
        "state_code",
        "state_name",
        "country_code",
        "country_name",
        "zip",
        "phone",
        "email",
        "tax_number",
    ),
    "",
)


def answer(body: object, status: int = 200, **headers: str) -> Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Response(json.dumps(body), status, named, content_type="application/json")


def problem(status: int, message: str | list[str]) -> Response:
    """As the endpoints of orders say no: theirs are not yet of RFC 9457, which points at fields as others do."""
    if isinstance(message, list):
        return answer({"status": status, "errors": [{"source": {"pointer": one}} for one in message]}, status)
    return answer({"data": message, "error": {"reason": "BadRequest", "message": message}}, status)


def link(path: str) -> dict[str, str]:
    return {"href": f"https://api.printful.com/{path}"}


def costs_of(status: str) -> dict[str, Any]:
    return {"calculation_status": status} | (COSTS if status == "done" else NO_COSTS)


@dataclass
class FakePrintful:
    """`change` is done to each item as it is kept; `refuse` answers the next creation with that status and `why`, words
    or pointers; `lose` calls are answered by a line that breaks off, after they were done. `costs` is how far the costs
    of a new order come: "done", "failed", or "calculating" until the test says otherwise. `busy` is how many calls are
    answered 429.
    """

    server: HTTPServer
    change: dict[str, Any] = field(default_factory=dict)
    refuse: int = 0
    why: str | list[str] = "Recipient: ZIP code of Anna is missing"
    lose: list[str] = field(default_factory=list)
    costs: str = "done"
    busy: int = 0
    orders: dict[int, dict[str, Any]] = field(default_factory=dict)
    calls: list[tuple[str, str, tuple[str, ...]]] = field(default_factory=list)
    ids: Iterator[int] = field(default_factory=lambda: itertools.count(5001))

    def __post_init__(self) -> None:
        for path, act in (
            (r"/v2/orders", self._orders),
            (r"/v2/orders/[^/]+", self._order),
            (r"/v2/orders/[^/]+/order-items", self._items),
            (r"/v2/orders/[^/]+/shipments", self._shipments),
            (r"/v2/orders/[^/]+/confirmation", self._confirm),
            (r"/orders/[^/]+", self._version_1),
        ):
            self.server.expect_request(re.compile(f"^{path}$")).respond_with_handler(self._checked(act))

    @property
    def url(self) -> str:
        return self.server.url_for("").rstrip("/")

    def only(self) -> dict[str, Any]:
        (order,) = self.orders.values()
        return order

    def confirmations(self) -> int:
        return sum(path.endswith("/confirmation") for _, path, _ in self.calls)

    def calculated(self, status: str = "done") -> None:
        """The costs of the newest order are worked out, or cannot be."""
        self.orders[max(self.orders)]["costs"] = costs_of(status)

    def placed(self, **changes: object) -> None:
        """The one placement of the one item stands otherwise now."""
        self.only()["items"][0]["placements"][0] |= changes

    def brand(self, source: str = "warehouse", kind: str = "branding_item") -> None:
        """An item that we did not ask for, such as a pack-in of the store's branding."""
        number = 90 + len(self.only()["items"])
        item = {"id": number, "external_id": None, "quantity": 1, "retail_price": "0.00", "name": "Thank-you card"}
        item |= {"source": source, "warehouse_product_variant_id": 1123581321, "kind": kind}
        item["_links"] = {"self": link(f"v2/orders/{self.only()['id']}/order-items/{number}")}
        self.only()["items"].append(item)

    def ship(self, order: dict[str, Any], *numbers: str, status: str = "fulfilled", shipment: str = "shipped") -> None:
        """Its pieces are in the first parcel; the others say no more than that they are there."""
        order["status"] = status
        order["shipments"] = [
            {
                "id": number,
                "order_id": order["id"],
                "order_external_id": order["external_id"],
                "carrier": "DHL",
                "service": "Paket",
                "shipment_status": shipment,
                "shipped_at": AT,
                "delivery_status": "in_transit",
                "delivered_at": None,
                "departure_address": {"country_name": "Latvia", "country_code": "LV", "state_code": ""},
                "is_reshipment": False,
                "tracking_url": f"https://myorders.example/tracking/{number}",
                "tracking_events": [],
                "estimated_delivery": None,
                "shipment_items": [_in_parcel(order, item, number == 1) for item in order["items"]],
                "_links": {
                    "self": link(f"v2/shipments/{number}"),
                    "order": link(f"v2/orders/{order['id']}"),
                },
                # Told by version 1 only.
                "number": tracking,
            }
            for number, tracking in enumerate(numbers, 1)
        ]

    def _checked(self, act: Callable[[Request], Response]) -> Callable[[Request], Response]:
        def handle(request: Request) -> Response:
            self.calls.append((request.method, request.path, tuple(sorted(request.args))))
            if request.headers.get("Authorization") != f"Bearer {TOKEN}":
                return answer({"code": 401, "result": "Unauthorized", "error": {"reason": "BadRequest"}}, 401)
            if self.busy:
                self.busy -= 1
                limits = {"X_Ratelimit_Limit": "120", "X_Ratelimit_Remaining": "0", "X_Ratelimit_Reset": "60.0"}
                return answer({"data": "Too many requests"}, 429, retry_after="60", **limits)
            done = act(request)
            if request.method in self.lose:
                self.lose.remove(request.method)
                return Response("", 502)
            return done

        return handle

    def _found(self, request: Request) -> dict[str, Any] | None:
        id_ = request.path.split("/orders/")[-1].split("/")[0]
        if id_.startswith("@"):
            return next((one for one in self.orders.values() if one["external_id"] == id_[1:]), None)
        return self.orders.get(int(id_))

    def _orders(self, request: Request) -> Response:
        if request.method == "GET":
            links = {"self": link("v2/orders?limit=1")}
            paging = {"total": len(self.orders), "limit": 1, "offset": 0}
            told = [self._told(one) for one in self.orders.values()]
            for one in told:
                one["_links"] = {name: one["_links"][name] for name in ("self", "order_items", "shipments")}
            return answer({"data": told, "paging": paging, "_links": links})
        body = json.loads(request.get_data())
        if self.refuse:
            status, self.refuse = self.refuse, 0
            return problem(status, self.why)
        if any(one["external_id"] == body["external_id"] for one in self.orders.values()):
            return problem(400, "Order with this External ID already exists")
        for item in body["order_items"]:
            assert isinstance(item["catalog_variant_id"], int), item
            assert all(layer["url"].startswith("https://") for one in item["placements"] for layer in one["layers"])
        id_ = next(self.ids)
        order = {
            "id": id_,
            "external_id": body["external_id"],
            "status": "draft",
            "shipping": body["shipping"],
            "recipient": body["recipient"],
            "costs": costs_of("calculating"),
            "items": [self._kept(id_, number, item) for number, item in enumerate(body["order_items"], 1)],
            "shipments": [],
        }
        self.orders[id_] = order
        told_now = self._told(order)
        # It is worked out by the time that somebody looks, or takes longer.
        if self.costs != "calculating":
            order["costs"] = costs_of(self.costs)
        return answer({"data": told_now})

    def _kept(self, order: int, number: int, item: dict[str, Any]) -> dict[str, Any]:
        placements = [one | {"status": "ok", "status_explanation": ""} for one in item["placements"]]
        return {
            "id": number,
            "external_id": item["external_id"],
            "quantity": item["quantity"],
            "retail_price": "0.00",
            "name": "A shirt",
            "placements": placements,
            "product_options": item.get("product_options", []),
            "source": "catalog",
            "catalog_variant_id": item["catalog_variant_id"],
            "_links": {"self": link(f"v2/orders/{order}/order-items/{number}")},
        } | self.change

    def _told(self, order: dict[str, Any]) -> dict[str, Any]:
        path = f"v2/orders/{order['id']}"
        return {
            "id": order["id"],
            "external_id": order["external_id"],
            "store_id": 10,
            "shipping": order["shipping"],
            "status": order["status"],
            "created_at": AT,
            "updated_at": AT,
            "recipient": ADDRESS | order["recipient"],
            "costs": order["costs"],
            "retail_costs": RETAIL | {"calculation_status": order["costs"]["calculation_status"]},
            "order_items": [_summary(item) for item in order["items"]],
            "_links": {
                "self": link(path),
                "order_confirmation": link(f"{path}/confirmation"),
                "order_invoices": link(f"{path}/invoices"),
                "order_items": link(f"{path}/order-items"),
                "shipments": link(f"{path}/shipments"),
            },
        }

    def _order(self, request: Request) -> Response:
        order = self._found(request)
        if order is None:
            return problem(404, "Not found")
        if request.method == "DELETE":
            if order["costs"]["calculation_status"] == "calculating":
                message = "Attempting to update a resource that is already being updated. Please try again"
                return answer({"code": 409, "result": message, "error": {"reason": 409, "message": message}}, 409)
            if order["status"] not in ("draft", "failed", "canceled"):
                return answer({"code": 409, "result": "The order cannot be deleted", "error": {"reason": 409}}, 409)
            del self.orders[order["id"]]
            return Response("", 204)
        return answer({"data": self._told(order)})

    def _items(self, request: Request) -> Response:
        order = self._found(request)
        if order is None:
            return problem(404, "Not found")
        offset, limit = int(request.args.get("offset", 0)), int(request.args.get("limit", 20))
        kind = request.args.get("type")
        items = [one for one in order["items"] if kind in (None, one.get("kind", "order_item"))]
        told = [{name: value for name, value in one.items() if name != "kind"} for one in items]
        path = f"v2/orders/{order['id']}"
        links = {"self": link(f"{path}/order-items"), "order": link(path)}
        return answer({"data": told[offset : offset + limit], "_links": links})

    def _shipments(self, request: Request) -> Response:
        order = self._found(request)
        if order is None:
            return problem(404, "Not found")
        offset, limit = int(request.args.get("offset", 0)), int(request.args.get("limit", 20))
        told = [{name: value for name, value in one.items() if name != "number"} for one in order["shipments"]]
        paging = {"total": len(told), "limit": limit, "offset": offset}
        links = {"self": link(f"v2/orders/{order['id']}/shipments")}
        return answer({"data": told[offset : offset + limit], "_links": links, "paging": paging})

    def _confirm(self, request: Request) -> Response:
        order = self._found(request)
        if order is None or order["status"] not in ("draft", "failed"):
            return problem(409, "The order cannot be confirmed")
        if order["costs"]["calculation_status"] != "done":
            return problem(400, "The order costs are not calculated")
        order["status"] = "pending"
        told = self._told(order)
        links = {name: told["_links"][name] for name in ("self", "order_items", "shipments")}
        return answer({"data": told, "_links": links | {"order": link(f"v2/orders/{order['id']}")}})

    def _version_1(self, request: Request) -> Response:
        order = self._found(request)
        if order is None:
            return answer({"code": 404, "result": "Not found", "error": {"reason": "NotFound"}}, 404)
        if request.method == "GET":
            shipments = [
                {
                    "id": one["id"],
                    "carrier": one["carrier"],
                    "service": one["service"],
                    "tracking_number": one["number"],
                    "tracking_url": one["tracking_url"],
                    "reshipment": one["is_reshipment"],
                }
                for one in order["shipments"]
                if one["shipment_status"] in SHIPPED
            ]
            return answer({"code": 200, "result": {"id": order["id"], "shipments": shipments}})
        if order["status"] not in ("draft", "pending"):
            return answer({"code": 400, "result": "This order cannot be canceled"}, 400)
        order["status"] = "canceled"
        return answer({"code": 200, "result": {"id": order["id"], "status": "canceled"}})


def _in_parcel(order: dict[str, Any], item: dict[str, Any], first: bool) -> dict[str, Any]:
    return {
        "id": item["id"],
        "order_item_id": item["id"],
        "order_item_external_id": item["external_id"],
        "order_item_name": item["name"],
        "quantity": item["quantity"] if first else 0,
        "_links": {"order_item": link(f"v2/orders/{order['id']}/order-items/{item['id']}")},
    }


def _summary(item: dict[str, Any]) -> dict[str, Any]:
    names = ("id", "source", "catalog_variant_id", "warehouse_product_variant_id", "external_id", "quantity", "name")
    told = {name: item[name] for name in names if name in item}
    prices = {"price": "8.00", "retail_price": "0.00", "currency": "EUR", "retail_currency": "EUR"}
    return told | prices | {"type": item.get("kind", "order_item"), "_links": item["_links"]}
