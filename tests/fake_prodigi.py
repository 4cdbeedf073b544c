"""Prodigi as its reference of version 4 describes it, over real HTTP: what it keeps, answers and refuses.

What belongs here: the calls that our adapter makes. What does not: what is expected of our side.
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

from tests.fake_printful import TOKEN, answer


@dataclass
class FakeProdigi:
    """As FakePrintful; `may_cancel` is whether the cancel action is there. `paused`: the account has a pause window;
    within it an order is its id, and asking for it finds none. `issues` are those of a new order; `refuse` is the
    outcome with which it takes none, for what `fails` by field and code."""

    server: HTTPServer
    change: dict[str, Any] = field(default_factory=dict)
    may_cancel: bool = True
    paused: bool = False
    refuse: str = ""
    fails: dict[str, str] = field(default_factory=lambda: {"items.sku": "SkuNotFound"})
    issues: list[dict[str, Any]] = field(default_factory=list)
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

    def ship(self, number: str, stage: str = "Complete") -> None:
        self.stage(stage, inProduction="Complete", shipping="Complete")
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
            found = [one for one in self.orders.values() if one["merchantReference"] in wanted and not self.paused]
            return answer({"outcome": "Ok", "orders": found, "hasMore": False, "nextUrl": None})
        body = json.loads(request.get_data())
        assert body["shippingMethod"] in ("Budget", "Standard", "StandardPlus", "Express", "Overnight")
        assert all(item["sizing"] in ("fillPrintArea", "fitPrintArea", "stretchToPrintArea") for item in body["items"])
        assert all(asset["url"].startswith("https://") for item in body["items"] for asset in item["assets"])
        if self.refuse:
            failures = {name: [{"code": code, "providedValue": "it"}] for name, code in self.fails.items()}
            return answer({"outcome": self.refuse, "failures": failures}, 400)
        if not body["recipient"]["address"]["line1"]:
            return answer({"outcome": "ValidationFailed", "failures": {"recipient.address.line1": [{}]}}, 400)
        key = body["idempotencyKey"]
        if key in self.keys:
            return answer({"outcome": "AlreadyExists", "order": self._told(self.orders[self.keys[key]])})
        id_ = f"ord_{next(self.ids)}"
        steps = ("downloadAssets", "printReadyAssetsPrepared", "allocateProductionLocation", "inProduction", "shipping")
        order = body | {
            "id": id_,
            "status": {"stage": "InProgress", "issues": self.issues, "details": dict.fromkeys(steps, "NotStarted")},
            "charges": [],
            "shipments": [],
            "items": [
                {"id": f"ori_{number}", "status": "NotYetDownloaded"} | item | self.change
                for number, item in enumerate(body["items"], 1)
            ],
        }
        self.orders[id_], self.keys[key] = order, id_
        outcome = "OnHold" if self.paused else "CreatedWithIssues" if self.issues else "Created"
        return answer(
            {"outcome": outcome, "order": self._told(order), "traceParent": "00-f68685c43545e048bc44d9bc8239"}
        )

    def _told(self, order: dict[str, Any]) -> dict[str, Any]:
        return {"id": order["id"]} if self.paused else order

    def _order(self, request: Request) -> Response:
        order = self.orders.get(request.path.rsplit("/", 1)[1])
        if order is None or self.paused:
            return answer({"outcome": "EntityNotFound", "statusText": "Not Found", "statusCode": 404}, 404)
        return answer({"outcome": "Ok", "order": order})

    def _cancel(self, request: Request) -> Response:
        order = self.orders[request.path.split("/")[3]]
        if not self.may_cancel:
            return answer({"outcome": "ActionNotAvailable", "order": order})
        order["status"]["stage"] = "Cancelled"
        return answer({"outcome": "Cancelled", "order": self._told(order)})
