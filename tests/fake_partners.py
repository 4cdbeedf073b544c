"""Printful and Prodigi as their documents describe them, over real HTTP: what they keep, answer and refuse.

What belongs here: the calls that our adapters make. Written after Printful's OpenAPI file of version 2 (and version 1
for cancelling), and Prodigi's reference of version 4. What does not: what is expected of our side.
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


def answer(body: object, status: int = 200) -> Response:
    return Response(json.dumps(body), status, content_type="application/json")


@dataclass
class FakePrintful:
    """`change` is done to each item as it is kept; `refuse` answers the next creation with that status; `lose` calls
    are answered by a line that breaks off, after they were done."""

    server: HTTPServer
    change: dict[str, Any] = field(default_factory=dict)
    refuse: int = 0
    lose: list[str] = field(default_factory=list)
    orders: dict[int, dict[str, Any]] = field(default_factory=dict)
    calls: list[tuple[str, str]] = field(default_factory=list)
    ids: Iterator[int] = field(default_factory=lambda: itertools.count(5001))

    def __post_init__(self) -> None:
        for path, act in (
            (r"/v2/orders", self._orders),
            (r"/v2/orders/[^/]+", self._order),
            (r"/v2/orders/[^/]+/order-items", self._items),
            (r"/v2/orders/[^/]+/shipments", self._shipments),
            (r"/v2/orders/[^/]+/confirmation", self._confirm),
            (r"/orders/[^/]+", self._cancel_v1),
        ):
            self.server.expect_request(re.compile(f"^{path}$")).respond_with_handler(self._checked(act))

    @property
    def url(self) -> str:
        return self.server.url_for("").rstrip("/")

    def only(self) -> dict[str, Any]:
        (order,) = self.orders.values()
        return order

    def ship(self, order: dict[str, Any], *numbers: str, status: str = "fulfilled") -> None:
        order["status"] = status
        order["shipments"] = [
            {
                "id": number,
                "order_id": order["id"],
                "carrier": "DHL",
                "service": "Paket",
                "shipment_status": "shipped",
                "tracking_number": tracking,
                "tracking_url": f"https://track.example/{tracking}",
            }
            for number, tracking in enumerate(numbers, 1)
        ]

    def _checked(self, act: Callable[[Request], Response]) -> Callable[[Request], Response]:
        def handle(request: Request) -> Response:
            self.calls.append((request.method, request.path))
            if request.headers.get("Authorization") != f"Bearer {TOKEN}":
                return self._problem(401, "Unauthorized")
            done = act(request)
            if request.method in self.lose:
                self.lose.remove(request.method)
                return Response("", 502)
            return done

        return handle

    def _problem(self, status: int, title: str) -> Response:
        return answer({"type": "about:blank", "status": status, "title": title, "detail": "no"}, status)

    def _found(self, request: Request) -> dict[str, Any] | None:
        id_ = request.path.split("/v2/orders/")[-1].split("/")[0]
        if id_.startswith("@"):
            return next((one for one in self.orders.values() if one["external_id"] == id_[1:]), None)
        return self.orders.get(int(id_))

    def _orders(self, request: Request) -> Response:
        if request.method == "GET":
            return answer({"data": [self._told(one) for one in self.orders.values()]})
        body = json.loads(request.get_data())
        if self.refuse:
            status, self.refuse = self.refuse, 0
            return self._problem(status, "Validation")
        if any(one["external_id"] == body["external_id"] for one in self.orders.values()):
            return self._problem(400, "Order with this External ID already exists")
        for item in body["order_items"]:
            assert isinstance(item["catalog_variant_id"], int), item
            assert all(layer["url"].startswith("https://") for one in item["placements"] for layer in one["layers"])
        order = {
            "id": next(self.ids),
            "external_id": body["external_id"],
            "status": "draft",
            "shipping": body["shipping"],
            "recipient": body["recipient"],
            "costs": {"calculation_status": "calculating", "currency": None, "total": None},
            "items": [
                {"id": number, "type": "order_item"} | item | self.change
                for number, item in enumerate(body["order_items"], 1)
            ],
            "shipments": [],
        }
        self.orders[order["id"]] = order
        return answer({"data": self._told(order)})

    def _told(self, order: dict[str, Any]) -> dict[str, Any]:
        return {name: value for name, value in order.items() if name not in ("items", "shipments")}

    def _order(self, request: Request) -> Response:
        order = self._found(request)
        if order is None:
            return self._problem(404, "Not Found")
        if request.method == "DELETE":
            if order["status"] not in ("draft", "failed", "canceled"):
                return self._problem(409, "The order cannot be deleted")
            del self.orders[order["id"]]
            return Response("", 204)
        return answer({"data": self._told(order)})

    def _items(self, request: Request) -> Response:
        order = self._found(request)
        if order is None:
            return self._problem(404, "Not Found")
        offset, limit = int(request.args.get("offset", 0)), int(request.args.get("limit", 20))
        return answer({"data": order["items"][offset : offset + limit], "paging": {"total": len(order["items"])}})

    def _shipments(self, request: Request) -> Response:
        order = self._found(request)
        return answer({"data": order["shipments"]}) if order else self._problem(404, "Not Found")

    def _confirm(self, request: Request) -> Response:
        order = self._found(request)
        if order is None or order["status"] != "draft":
            return self._problem(409, "The order cannot be confirmed")
        order["status"] = "pending"
        order["costs"] = {"calculation_status": "done", "currency": "EUR", "total": "24.35"}
        return answer({"data": self._told(order)})

    def _cancel_v1(self, request: Request) -> Response:
        order = self.orders.get(int(request.path.rsplit("/", 1)[1]))
        if order is None or order["status"] not in ("draft", "pending"):
            return answer({"code": 400, "result": "This order cannot be canceled"}, 400)
        order["status"] = "canceled"
        return answer({"code": 200, "result": {"id": order["id"], "status": "canceled"}})


@dataclass
class FakeProdigi:
    """As FakePrintful; `may_cancel` is whether the cancel action is there."""

    server: HTTPServer
    change: dict[str, Any] = field(default_factory=dict)
    may_cancel: bool = True
    lose: list[str] = field(default_factory=list)
    orders: dict[str, dict[str, Any]] = field(default_factory=dict)
    keys: dict[str, str] = field(default_factory=dict)
    ids: Iterator[int] = field(default_factory=lambda: itertools.count(840797))

    def __post_init__(self) -> None:
        for path, act in (
            (r"/v4\.0/Orders", self._orders),
            (r"/v4\.0/Orders/[^/]+", self._order),
            (r"/v4\.0/Orders/[^/]+/actions/cancel", self._cancel),
        ):
            self.server.expect_request(re.compile(f"^{path}$")).respond_with_handler(self._checked(act))

    @property
    def url(self) -> str:
        return self.server.url_for("").rstrip("/")

    def only(self) -> dict[str, Any]:
        (order,) = self.orders.values()
        return order

    def stage(self, stage: str, **details: str) -> None:
        status = self.only()["status"]
        status["stage"] = stage
        status["details"] |= details

    def ship(self, number: str) -> None:
        self.stage("Complete", inProduction="Complete", shipping="Complete")
        self.only()["shipments"] = [
            {
                "id": "shp_1",
                "status": "Shipped",
                "carrier": {"name": "Royal Mail", "service": "Tracked 48"},
                "tracking": {"number": number, "url": f"https://track.example/{number}"},
                "items": [{"itemId": item["id"]} for item in self.only()["items"]],
            }
        ]

    def charge(self, *amounts: str) -> None:
        self.only()["charges"] = [
            {"id": f"chg_{number}", "totalCost": {"amount": amount, "currency": "GBP"}, "items": []}
            for number, amount in enumerate(amounts)
        ]

    def _checked(self, act: Callable[[Request], Response]) -> Callable[[Request], Response]:
        def handle(request: Request) -> Response:
            if request.headers.get("X-API-Key") != TOKEN:
                return answer({"statusText": "Unauthorized", "statusCode": 401}, 401)
            done = act(request)
            if request.method in self.lose:
                self.lose.remove(request.method)
                return Response("", 502)
            return done

        return handle

    def _orders(self, request: Request) -> Response:
        if request.method == "GET":
            wanted = request.args.get("merchantReferences", "").split(",")
            found = [one for one in self.orders.values() if one["merchantReference"] in wanted]
            return answer({"outcome": "Ok", "orders": found, "hasMore": False, "nextUrl": None})
        body = json.loads(request.get_data())
        assert body["shippingMethod"] in ("Budget", "Standard", "StandardPlus", "Express", "Overnight")
        assert all(item["sizing"] in ("fillPrintArea", "fitPrintArea", "stretchToPrintArea") for item in body["items"])
        assert all(asset["url"].startswith("https://") for item in body["items"] for asset in item["assets"])
        if not body["recipient"]["address"]["line1"]:
            return answer({"outcome": "ValidationFailed", "failures": {"recipient.address.line1": [{}]}}, 400)
        key = body["idempotencyKey"]
        if key in self.keys:
            return answer({"outcome": "AlreadyExists", "order": self.orders[self.keys[key]]})
        id_ = f"ord_{next(self.ids)}"
        steps = ("downloadAssets", "printReadyAssetsPrepared", "allocateProductionLocation", "inProduction", "shipping")
        order = body | {
            "id": id_,
            "status": {"stage": "InProgress", "issues": [], "details": dict.fromkeys(steps, "NotStarted")},
            "charges": [],
            "shipments": [],
            "items": [
                {"id": f"ori_{number}", "status": "NotYetDownloaded"} | item | self.change
                for number, item in enumerate(body["items"], 1)
            ],
        }
        self.orders[id_], self.keys[key] = order, id_
        return answer({"outcome": "Created", "order": order})

    def _order(self, request: Request) -> Response:
        order = self.orders.get(request.path.rsplit("/", 1)[1])
        if order is None:
            return answer({"statusText": "Not Found", "statusCode": 404}, 404)
        return answer({"outcome": "Ok", "order": order})

    def _cancel(self, request: Request) -> Response:
        order = self.orders[request.path.split("/")[3]]
        if not self.may_cancel:
            return answer({"outcome": "ActionNotAvailable", "order": order})
        order["status"]["stage"] = "Cancelled"
        return answer({"outcome": "Cancelled", "order": order})
