"""Square by hand and over real HTTP: the calls of its API that we make, answered as its reference says.

What belongs here: one account with orders, a catalogue, counts and payments, and its refusals. What does not: events,
which the tests sign and send themselves. That it answers as Square does is held against Square's own SDK
(`tests/integration/channels/test_square_sdk.py`): the SDK reads every answer, and sends what we send.
"""

from __future__ import annotations

import copy
import json
import re
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

TOKEN, LOCATION = "EAAA-nobody", "L88917AVBK2S5"
LONG_AGO = datetime(2026, 11, 20, 18, tzinfo=UTC)
# The most of each that one call takes ("Max size is 100 changes" in BatchChangeInventoryRequest of Square's SDKs).
ORDERS, OBJECTS, SKUS, CHANGES = 100, 1000, 250, 100


@dataclass
class FakeSquare:
    """One account. `bad` are answers that come first, one a call; `fails` may answer in its stead, by path and body;
    `page` is how many rows it gives at once."""

    orders: dict[str, dict[str, Any]] = field(default_factory=dict)
    variations: dict[str, dict[str, Any]] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    # What became of counts, by variation: when a change happened, when it was received, the pieces, and whether they
    # were counted (else sold).
    changes: dict[str, list[tuple[datetime, datetime, int, bool]]] = field(default_factory=dict)
    # Sold right after the counts are read: nobody who read them knows of it.
    sold_meanwhile: dict[str, int] = field(default_factory=dict)
    payments: dict[str, dict[str, Any]] = field(default_factory=dict)
    refunds: dict[str, dict[str, Any]] = field(default_factory=dict)
    keys: dict[str, tuple[str, Response]] = field(default_factory=dict)
    bad: list[Response] = field(default_factory=list)
    fails: Callable[[str, Any], Response | None] = lambda _path, _body: None
    calls: list[tuple[str, str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    page: int = 2
    scopes: tuple[str, ...] = ("ORDERS_READ", "ITEMS_READ", "PAYMENTS_READ")
    # How many updates come just after somebody else's change of the order.
    races: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def listen(self, server: HTTPServer) -> str:
        server.expect_request(re.compile("/v2/.*")).respond_with_handler(self.answer)
        server.expect_request("/oauth2/token/status", method="POST").respond_with_handler(self.answer)
        return server.url_for("").rstrip("/")

    def answer(self, request: Request) -> Response:
        with self.lock:
            body = request.get_json(silent=True)
            self.calls.append((request.method, request.path, body))
            self.headers.append({name.lower(): value for name, value in request.headers.items()})
            if self.bad:
                return self.bad.pop(0)
            if failure := self.fails(request.path, body):
                return failure
            if request.headers.get("Authorization") != f"Bearer {TOKEN}":
                return error(401, "AUTHENTICATION_ERROR", "UNAUTHORIZED")
            key = (body or {}).get("idempotency_key")
            if key in self.keys:
                known, answer = self.keys[key]
                if known == json.dumps(body, sort_keys=True):
                    return answer
                return error(400, "INVALID_REQUEST_ERROR", "IDEMPOTENCY_KEY_REUSED")
            answer = self._answered(request.method, request.path.removeprefix("/v2/"), body or {})
            if key and answer.status_code == 200:
                self.keys[key] = json.dumps(body, sort_keys=True), answer
            return answer

    def _answered(self, method: str, path: str, body: dict[str, Any]) -> Response:
        first, _, rest = path.partition("/")
        match method, first, rest:
            case "POST", "", "oauth2/token/status":
                return ok({"scopes": list(self.scopes), "client_id": "app", "merchant_id": "M1"})
            case "POST", "orders", "search":
                return self._search(body)
            case "POST", "orders", "batch-retrieve":
                if len(body["order_ids"]) > ORDERS:
                    return too_long()
                return ok({"orders": [self.orders[id_] for id_ in body["order_ids"] if id_ in self.orders]})
            case "GET", "orders", _:
                return ok({"order": self.orders[rest]}) if rest in self.orders else not_found()
            case "PUT", "orders", _:
                return self._update(rest, body)
            case "POST", "catalog", "batch-retrieve":
                if len(body["object_ids"]) > OBJECTS:
                    return too_long()
                return ok({"objects": [self.variations[i] for i in body["object_ids"] if i in self.variations]})
            case "POST", "catalog", "search":
                wanted = {one.casefold() for one in body["query"]["set_query"]["attribute_values"]}
                if len(wanted) > SKUS:
                    return too_long()
                found = [
                    one for one in self.variations.values() if one["item_variation_data"]["sku"].casefold() in wanted
                ]
                return self._paged("objects", found, body)
            case "POST", "inventory", "counts/batch-retrieve":
                found = [self._count(i) for i in body["catalog_object_ids"] if i in self.counts]
                page = self._paged("counts", found, body)
                while self.sold_meanwhile:
                    self.sell(*self.sold_meanwhile.popitem())
                return page
            case "POST", "inventory", "changes/batch-create":
                return self._counted(body)
            case "GET", "payments", _:
                return ok({"payment": self.payments[rest]}) if rest in self.payments else not_found()
            case "GET", "refunds", _:
                return ok({"refund": self.refunds[rest]}) if rest in self.refunds else not_found()
            case "POST", "refunds", "":
                return self._refund(body)
        return not_found()

    def _search(self, body: dict[str, Any]) -> Response:
        if not body.get("location_ids"):
            return error(400, "INVALID_REQUEST_ERROR", "MISSING_REQUIRED_PARAMETER")
        query = body.get("query", {})
        since = query.get("filter", {}).get("date_time_filter", {}).get("updated_at", {}).get("start_at", "")
        if since and query.get("sort", {}).get("sort_field") != "UPDATED_AT":
            return error(400, "INVALID_REQUEST_ERROR", "BAD_REQUEST")
        found = sorted(
            (one for one in self.orders.values() if one["updated_at"] >= since), key=lambda one: one["updated_at"]
        )
        return self._paged("orders", found, body)

    def _paged(self, name: str, rows: list[dict[str, Any]], body: dict[str, Any]) -> Response:
        start = int(body.get("cursor") or 0)
        more = {"cursor": str(start + self.page)} if start + self.page < len(rows) else {}
        # An empty list is left out, as Square does.
        some = rows[start : start + self.page]
        return ok(({name: some} if some else {}) | more)

    def _update(self, order_id: str, body: dict[str, Any]) -> Response:
        order = self.orders.get(order_id)
        if order is None:
            return not_found()
        change = body["order"]
        if self.races:
            self.races -= 1
            order["version"] += 1
        if change.get("version") != order["version"]:
            return error(409, "INVALID_REQUEST_ERROR", "VERSION_MISMATCH")
        for told in change.get("fulfillments", []):
            way = next(one for one in order["fulfillments"] if one["uid"] == told["uid"])
            if way["state"] in ("COMPLETED", "CANCELED", "FAILED"):
                return error(400, "INVALID_REQUEST_ERROR", "BAD_REQUEST")
            way["state"] = told.get("state", way["state"])
            way.setdefault("shipment_details", {}).update(told.get("shipment_details", {}))
        order["version"] += 1
        return ok({"order": copy.deepcopy(order)})

    def sell(self, object_id: str, pieces: int) -> None:
        """Pieces are sold there at this moment."""
        at = datetime.now(UTC)
        self.changes.setdefault(object_id, []).append((at, at, pieces, False))
        self.counts[object_id] -= pieces

    def _counted(self, body: dict[str, Any]) -> Response:
        """Square adds up all adjustments since the last physical count, by when each happened, not when it came."""
        if len(body["changes"]) > CHANGES:
            return too_long()
        at, ignore = datetime.now(UTC), body.get("ignore_unchanged_counts", True)
        for change in body["changes"]:
            told = change["physical_count"]
            object_id, pieces = told["catalog_object_id"], int(told["quantity"])
            happened = datetime.fromisoformat(told["occurred_at"])
            if not at - timedelta(hours=24) <= happened <= at:
                return error(400, "INVALID_REQUEST_ERROR", "INVALID_TIME")
            known = self.changes.setdefault(object_id, [])
            before = max((one for one in known if one[3]), default=None)
            if ignore and before is not None and before[2] == pieces:
                continue
            known.append((happened, at, pieces, True))
            last = max(one for one in known if one[3])
            self.counts[object_id] = last[2] - sum(one[2] for one in known if not one[3] and one[0] > last[0])
        return ok({"counts": [self._count(c["physical_count"]["catalog_object_id"]) for c in body["changes"]]})

    def _count(self, object_id: str) -> dict[str, Any]:
        received = max((one[1] for one in self.changes.get(object_id, [])), default=LONG_AGO)
        return {
            "catalog_object_id": object_id,
            "catalog_object_type": "ITEM_VARIATION",
            "state": "IN_STOCK",
            "location_id": LOCATION,
            "quantity": str(self.counts[object_id]),
            "calculated_at": f"{received:%Y-%m-%dT%H:%M:%S}.{received.microsecond // 1000:03}Z",
        }

    def _refund(self, body: dict[str, Any]) -> Response:
        payment = self.payments.get(body["payment_id"])
        if payment is None:
            return not_found()
        back = payment.get("refunded_money", {"amount": 0})["amount"] + body["amount_money"]["amount"]
        if len(body["idempotency_key"]) > 45 or back > payment["total_money"]["amount"]:
            return error(400, "REFUND_ERROR", "REFUND_AMOUNT_INVALID")
        made = {
            "id": f"refund-{len(self.refunds) + 1}",
            "status": "PENDING",
            "payment_id": payment["id"],
            "order_id": "order-of-the-refund",
            "amount_money": body["amount_money"],
            "reason": body["reason"],
            "location_id": LOCATION,
            "created_at": "2026-11-21T09:00:00.000Z",
            "updated_at": "2026-11-21T09:00:00.000Z",
        }
        self.refunds[made["id"]] = made
        payment["refunded_money"] = {"amount": back, "currency": body["amount_money"]["currency"]}
        payment.setdefault("refund_ids", []).append(made["id"])
        return ok({"refund": made})


def variation(object_id: str, sku: str, *, counted: bool = True) -> dict[str, Any]:
    return {
        "type": "ITEM_VARIATION",
        "id": object_id,
        "updated_at": "2026-11-01T10:00:00.000Z",
        "version": 1655427266071,
        "is_deleted": False,
        "item_variation_data": {"item_id": "ITEM1", "name": sku, "sku": sku, "track_inventory": counted},
    }


def ok(body: dict[str, Any]) -> Response:
    return Response(json.dumps(body), 200, content_type="application/json")


def error(status: int, category: str, code: str) -> Response:
    body = {"errors": [{"category": category, "code": code, "detail": "nobody reads this"}]}
    return Response(json.dumps(body), status, content_type="application/json")


def too_long() -> Response:
    return error(400, "INVALID_REQUEST_ERROR", "ARRAY_LENGTH_TOO_LONG")


def not_found() -> Response:
    return error(404, "INVALID_REQUEST_ERROR", "NOT_FOUND")
