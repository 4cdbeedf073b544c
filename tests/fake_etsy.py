"""Etsy by hand and over real HTTP: receipts, shipments and renewed logins, answered as its reference says.

What belongs here: one shop of one app. What does not: its listings (`fake_etsy_listings`), and webhooks, which the
tests sign themselves. Its fields are held against those of Etsy's own API description in
`tests/integration/channels/test_etsy.py`.
"""

from __future__ import annotations

import copy
import re
import threading
from dataclasses import dataclass, field
from typing import Any

from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from tests.fake_etsy_listings import FakeListings, error, ok

__all__ = ["FIRST", "KEY", "SECRET", "SHOP", "FakeEtsy", "error", "ok"]

SCOPES = ("transactions_r", "transactions_w", "listings_r", "listings_w")
SHOP, KEY, FIRST = "123456", "keystring:shared", "42.first"
SECRET = f"{KEY} {FIRST}"
CARRIERS = ("dhl", "usps", "other")


@dataclass
class FakeEtsy:
    """One shop. `renewals` are the refresh tokens that work, `access` the access token that does; `bad` comes first."""

    receipts: dict[str, dict[str, Any]] = field(default_factory=dict)
    renewals: set[str] = field(default_factory=lambda: {FIRST})
    access: str = ""
    expires_in: int = 3600
    only_once: bool = True
    bad: list[Response] = field(default_factory=list)
    calls: list[tuple[str, str, dict[str, str]]] = field(default_factory=list)
    renewed: int = 0
    scopes: tuple[str, ...] = SCOPES
    shelf: FakeListings = field(default_factory=lambda: FakeListings(SHOP))
    # How many shipments are made whose answer is lost.
    lost: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def listen(self, server: HTTPServer) -> str:
        server.expect_request(re.compile("/v3/.*")).respond_with_handler(self.answer)
        return server.url_for("").rstrip("/")

    def answer(self, request: Request) -> Response:
        with self.lock:
            path = request.path.removeprefix("/v3/")
            params = (request.args if request.method == "GET" else request.form).to_dict()
            if path.endswith("/tracking"):
                # Its description has this body as JSON, and the bodies of the login as a form.
                if not request.is_json:
                    return error(400, "Expected a JSON body.")
                params = request.get_json()
            self.calls.append((request.method, path, params))
            if self.bad:
                return self.bad.pop(0)
            if path == "public/oauth/token":
                return self._renew(params)
            if request.headers.get("x-api-key") != KEY:
                return error(403, "Shared secret is required in x-api-key header.")
            if path == "application/openapi-ping":
                return ok({"application_id": 7})
            if request.headers.get("Authorization") != f"Bearer {self.access}":
                return error(401, "invalid_token")
            if path == "application/scopes":
                return ok({"scopes": list(self.scopes)})
            if "/listings" in path:
                if ("listings_r" if request.method == "GET" else "listings_w") not in self.scopes:
                    return error(403, "insufficient_scope")
                return self.shelf.answer(request, path.removeprefix("application/"), self.receipts)
            return self._answered(request.method, path, params)

    def _renew(self, params: dict[str, str]) -> Response:
        told = params.get("refresh_token", "")
        if params.get("client_id") != KEY.partition(":")[0] or told not in self.renewals:
            return error(400, "invalid_grant")
        self.renewed += 1
        if self.only_once:
            self.renewals.discard(told)
        self.access, renewal = f"42.access-{self.renewed}", f"42.renewal-{self.renewed}"
        self.renewals.add(renewal)
        return ok(
            {
                "access_token": self.access,
                "token_type": "Bearer",
                "expires_in": self.expires_in,
                "refresh_token": renewal,
            }
        )

    def _answered(self, method: str, path: str, params: dict[str, str]) -> Response:
        shop, _, rest = path.removeprefix("application/shops/").partition("/")
        if shop != SHOP:
            return error(403, "You do not have access to this shop.")
        name, _, more = rest.partition("/")
        id_, _, what = more.partition("/")
        if name != "receipts":
            return error(404, "Resource not found")
        if not id_:
            return self._list(params)
        if id_ not in self.receipts:
            return error(404, "Could not find a Receipt with receipt_id")
        if method == "POST" and what == "tracking":
            return self._ship(self.receipts[id_], params)
        return ok(self.receipts[id_])

    def _list(self, params: dict[str, str]) -> Response:
        if int(params.get("limit", 25)) > 100 or int(params.get("offset", 0)) > 12_000:
            return error(400, "limit or offset out of range")
        since, created = int(params.get("min_last_modified", 0)), int(params.get("min_created", 0))
        found = sorted(
            (
                one
                for one in self.receipts.values()
                if one["updated_timestamp"] >= since and one["created_timestamp"] >= created
            ),
            key=lambda one: (one["updated_timestamp"], one["receipt_id"]),
        )
        start, limit = int(params.get("offset", 0)), int(params.get("limit", 25))
        return ok({"count": len(found), "results": found[start : start + limit]})

    def _ship(self, receipt: dict[str, Any], params: dict[str, str]) -> Response:
        carrier = params.get("carrier_name", "")
        if params and carrier not in CARRIERS:
            return error(400, "Invalid carrier name")
        receipt["is_shipped"] = True
        if params:
            # Each call is one more shipment, and one more mail to the buyer.
            receipt["shipments"].append(
                {
                    "receipt_shipping_id": len(receipt["shipments"]) + 1,
                    "shipment_notification_timestamp": 1795200000,
                    "carrier_name": carrier,
                    "tracking_code": params["tracking_code"],
                }
            )
        if self.lost:
            self.lost -= 1
            return Response("", 502)
        return ok(copy.deepcopy(receipt))
