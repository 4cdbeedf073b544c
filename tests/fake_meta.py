"""Meta's Graph API by hand and over real HTTP: commerce orders and what is told of them, answered as documented.

What belongs here: one seller's orders, their edges, keys of idempotency and errors with codes. What does not: the
seller's catalogue (`fake_meta_catalogue`). Its fields are held
against those that Meta's pages and its SDK name in `tests/integration/channels/test_meta.py`.
"""

from __future__ import annotations

import base64
import copy
import re
import threading
from dataclasses import dataclass, field
from typing import Any

from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from backroom.channels.meta_calls import VERSION
from tests.fake_meta_catalogue import CATALOGUE, FakeCatalogue, error, ok

__all__ = ["CATALOGUE", "CMS", "TOKEN", "FakeMeta", "error", "ok"]
TOKEN, CMS = "EAAB-nobody", "1710505299100321"
CARRIERS = ("dhl", "ups", "usps", "fedex", "OTHER")
# What an order and its edges are given with when nothing is asked for.
_USUAL = {
    "order": ("order_status", "created", "last_updated"),
    "items": ("product_id", "retailer_id", "quantity", "price_per_unit"),
    "cancellations": ("items", "cancel_reason"),
    "shipments": ("external_shipment_id", "items", "tracking_info"),
    "refunds": ("items", "refund_amount", "refund_reason"),
}


@dataclass
class FakeMeta:
    """One seller. `edges[order][name]` are an order's objects; `bad` are answers that come first."""

    orders: dict[str, dict[str, Any]] = field(default_factory=dict)
    edges: dict[str, dict[str, list[dict[str, Any]]]] = field(default_factory=dict)
    references: dict[str, str] = field(default_factory=dict)
    keys: dict[str, Response] = field(default_factory=dict)
    bad: list[Response] = field(default_factory=list)
    calls: list[tuple[str, str, dict[str, Any]]] = field(default_factory=list)
    page: int = 2
    next_host: str = "graph.facebook.com"
    catalogue: FakeCatalogue = field(default_factory=FakeCatalogue)
    # How many calls do what they say, and their answers are lost.
    lost: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def listen(self, server: HTTPServer) -> str:
        server.expect_request(re.compile(f"/{VERSION}/.*")).respond_with_handler(self.answer)
        return server.url_for("").rstrip("/")

    def take(self, whole: dict[str, Any]) -> str:
        """Put an order as `meta` reads it into the account; returns its id."""
        order = copy.deepcopy(whole)
        id_: str = order["id"]
        self.edges[id_] = {name: order.pop(name)["data"] for name in ("items", "cancellations")}
        self.edges[id_] |= {"shipments": [], "refunds": []}
        self.orders[id_] = order
        return id_

    def state(self, id_: str) -> str:
        state: str = self.orders[id_]["order_status"]["state"]
        return state

    def answer(self, request: Request) -> Response:
        with self.lock:
            path = request.path.removeprefix(f"/{VERSION}/")
            told = request.args.to_dict() if request.method == "GET" else request.get_json()
            self.calls.append((request.method, path, told))
            if self.bad:
                return self.bad.pop(0)
            if request.headers.get("Authorization") != f"Bearer {TOKEN}":
                return error(190, "Invalid OAuth access token.", status=401)
            if path.partition("/")[0] == CATALOGUE:
                return self.catalogue.answer(request.method, path.partition("/")[2], told)
            if request.method == "GET":
                return self._asked(path, told)
            key = told.get("idempotency_key")
            if not key:
                return error(100, "(#100) The parameter idempotency_key is required")
            if key not in self.keys:
                self.keys[key] = self._told(path, told)
            if self.lost:
                self.lost -= 1
                return Response("", 502)
            return self.keys[key]

    def _asked(self, path: str, params: dict[str, str]) -> Response:
        id_, _, edge = path.partition("/")
        if id_ == CMS and edge == "commerce_orders":
            states = params.get("state", "CREATED").split(",")
            since = params.get("updated_after")
            found = [
                self._shown(one, "order", params)
                for one in self.orders.values()
                if one["order_status"]["state"] in states and (since is None or int(since) >= 0)
            ]
            return self._paged(found, params)
        if id_ not in self.orders:
            return error(100, "Unsupported get request. Object does not exist", subcode=33)
        if edge:
            return self._paged([self._shown(one, edge, params) for one in self.edges[id_][edge]], params)
        return ok(self._shown(self.orders[id_], "order", params))

    def _shown(self, one: dict[str, Any], kind: str, params: dict[str, str]) -> dict[str, Any]:
        fields = params["fields"].split(",") if "fields" in params else _USUAL[kind]
        return {name: one[name] for name in ("id", *fields) if name in one}

    def _paged(self, found: list[dict[str, Any]], params: dict[str, str]) -> Response:
        start = int(base64.b64decode(params["after"])) if "after" in params else 0
        end = start + min(self.page, int(params.get("limit", 25)))
        answer: dict[str, Any] = {"data": found[start:end]}
        if found:
            answer["paging"] = {"cursors": {"before": "QQ==", "after": base64.b64encode(str(end).encode()).decode()}}
            if end < len(found):
                answer["paging"]["next"] = f"https://{self.next_host}/x?access_token={TOKEN}"
        return ok(answer)

    def _told(self, path: str, body: dict[str, Any]) -> Response:
        id_, _, edge = path.partition("/")
        if id_ == CMS and edge == "acknowledge_orders":
            return ok({"orders": [self._acknowledged(one) for one in body["orders"]]})
        if id_ not in self.orders:
            return error(100, "Unsupported post request.", subcode=33)
        if edge == "shipments":
            return self._ship(id_, body)
        if edge == "cancellations":
            return self._cancel(id_)
        return self._refund(id_)

    def _acknowledged(self, one: dict[str, Any]) -> dict[str, Any]:
        id_ = one["id"]
        if id_ not in self.orders or self.state(id_) != "CREATED":
            return {"id": id_, "error": {"error_code": 2361003, "error_message": "Order is not in CREATED state"}}
        self.orders[id_]["order_status"] = {"state": "IN_PROGRESS"}
        self.references[id_] = one["merchant_order_reference"]
        return {"id": id_, "state": "IN_PROGRESS"}

    def _ship(self, id_: str, body: dict[str, Any]) -> Response:
        tracking = body.get("tracking_info")
        if self.state(id_) != "IN_PROGRESS":
            return error(2361002, "Order is not in IN_PROGRESS state")
        if tracking and tracking["carrier"] not in CARRIERS:
            return error(100, "(#100) Param carrier must be one of")
        if re.search(r"\W", body["external_shipment_id"]):
            return error(100, "(#100) external_shipment_id: alphanumeric and _")
        for item in body["items"]:
            if item["quantity"] > self._left(id_).get(item["item_id"], 0):
                return error(2361040, "More than is left")
        self.edges[id_]["shipments"].append(
            {
                "id": f"9{len(self.edges[id_]['shipments'])}",
                "external_shipment_id": body["external_shipment_id"],
                "items": {"data": [{"id": one["item_id"], "quantity": one["quantity"]} for one in body["items"]]},
                "tracking_info": [tracking] if tracking else [],
            }
        )
        self._complete(id_)
        return ok({"success": True})

    def _cancel(self, id_: str) -> Response:
        if self.state(id_) != "IN_PROGRESS":
            return error(2361007, "Order cannot be cancelled")
        off = [{"id": item, "quantity": left} for item, left in self._left(id_).items() if left]
        self.edges[id_]["cancellations"].append({"id": "8", "items": {"data": off}})
        self._complete(id_)
        return ok({"success": True})

    def _refund(self, id_: str) -> Response:
        if self.state(id_) != "COMPLETED" or self.edges[id_]["refunds"]:
            return error(2361005, "Nothing to refund")
        paid = self.orders[id_]["estimated_payment_details"]["total_amount"]
        self.edges[id_]["refunds"].append({"id": "77", "refund_amount": {"total": paid}})
        return ok({"success": True})

    def _left(self, id_: str) -> dict[str, int]:
        left = {one["id"]: one["quantity"] for one in self.edges[id_]["items"]}
        for edge in ("cancellations", "shipments"):
            for one in self.edges[id_][edge]:
                for item in one["items"]["data"]:
                    left[item["id"]] -= item["quantity"]
        return left

    def _complete(self, id_: str) -> None:
        if not any(self._left(id_).values()):
            self.orders[id_]["order_status"] = {"state": "COMPLETED"}
