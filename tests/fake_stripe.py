"""Stripe by hand and over real HTTP: the calls of its API that we make, answered as its reference says.

What belongs here: sessions, their lines, payments, refunds and events, expansion and paging. What does not: webhooks,
which the tests sign themselves. It is held against Stripe's own SDK in `tests/integration/channels/test_stripe_sdk.py`.
"""

from __future__ import annotations

import copy
import json
import re
import threading
from dataclasses import dataclass, field
from typing import Any

from pytest_httpserver import HTTPServer
from werkzeug import Request, Response
from werkzeug.datastructures import MultiDict

KEY = "rk_test_nobody"


@dataclass
class FakeStripe:
    """One account. Sessions hold ids of payments, payments of charges; `bad` are answers that come first."""

    sessions: dict[str, dict[str, Any]] = field(default_factory=dict)
    lines: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    objects: dict[str, dict[str, Any]] = field(default_factory=dict)
    refunds: list[dict[str, Any]] = field(default_factory=list)
    events: list[dict[str, Any]] = field(default_factory=list)
    keys: dict[str, tuple[Any, Response]] = field(default_factory=dict)
    bad: list[Response] = field(default_factory=list)
    calls: list[tuple[str, str, list[tuple[str, str]]]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    page: int = 100
    lock: threading.Lock = field(default_factory=threading.Lock)

    def listen(self, server: HTTPServer) -> str:
        server.expect_request(re.compile("/v1/.*")).respond_with_handler(self.answer)
        return server.url_for("").rstrip("/")

    def take(self, whole: dict[str, Any]) -> None:
        """Put a session as `stripe_checkout` reads it into the account: as objects that refer to each other."""
        session = copy.deepcopy(whole["session"])
        self.lines[session["id"]] = [self._kept(line, ("price",)) for line in copy.deepcopy(whole["line_items"])]
        self.sessions[session["id"]] = self._kept(session, ("payment_intent",))
        cost = session.get("shipping_cost") or {}
        if isinstance(cost.get("shipping_rate"), dict):
            self.sessions[session["id"]]["shipping_cost"] = self._kept(cost, ("shipping_rate",))

    def _kept(self, holder: dict[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
        kept = dict(holder)
        for name in names:
            one = kept.get(name)
            if isinstance(one, dict):
                self.objects[one["id"]] = self._kept(one, ("latest_charge", "product"))
                # A price stands whole in its line; its product does not.
                kept[name] = self.objects[one["id"]] if name == "price" else one["id"]
        return kept

    def answer(self, request: Request) -> Response:
        with self.lock:
            params = request.args if request.method == "GET" else request.form
            listed = sorted(params.items(multi=True))
            self.calls.append((request.method, request.path, listed))
            self.headers.append({name.lower(): value for name, value in request.headers.items()})
            if self.bad:
                return self.bad.pop(0)
            if request.headers.get("Authorization") != f"Bearer {KEY}":
                return error(401, "invalid_request_error", "")
            key = request.headers.get("Idempotency-Key")
            if request.method == "POST" and key in self.keys:
                known, answer = self.keys[key]
                return answer if known == listed else error(400, "idempotency_error", "")
            answer = self._answered(request.method, request.path.removeprefix("/v1/"), params)
            if request.method == "POST" and key:
                self.keys[key] = listed, answer
            return answer

    def _answered(self, method: str, path: str, params: MultiDict[str, str]) -> Response:
        expand = params.getlist("expand[]")
        if any(one.count(".") > 3 for one in expand):
            return error(400, "invalid_request_error", "expand_too_deep")
        if method == "POST" and path == "refunds":
            return self._refund(params)
        if path == "checkout/sessions":
            return self._list(self._wanted(params), params, path)
        if path == "events":
            kind, since = params.get("type"), int(params.get("created[gte]") or 0)
            found = [one for one in self.events if one["type"] == kind and one["created"] >= since]
            return self._list(found, params, path)
        if path == "refunds":
            intent = params.get("payment_intent")
            return self._list([one for one in self.refunds if one["payment_intent"] == intent], params, path)
        id_, _, rest = path.removeprefix("checkout/sessions/").partition("/")
        if id_ not in self.sessions:
            return error(404, "invalid_request_error", "resource_missing")
        if rest == "line_items":
            return self._list(self.lines[id_], params, path)
        return ok(self._expanded(self.sessions[id_], expand))

    def _wanted(self, params: MultiDict[str, str]) -> list[dict[str, Any]]:
        since, intent, status = int(params.get("created[gte]") or 0), params.get("payment_intent"), params.get("status")
        found = [
            one
            for one in self.sessions.values()
            if one["created"] >= since
            and (not intent or one["payment_intent"] == intent)
            and (not status or one["status"] == status)
        ]
        return sorted(found, key=lambda one: -int(one["created"]))

    def _list(self, rows: list[dict[str, Any]], params: MultiDict[str, str], path: str) -> Response:
        after, limit = params.get("starting_after"), min(int(params.get("limit") or 10), self.page)
        start = [one["id"] for one in rows].index(after) + 1 if after else 0
        some = rows[start : start + limit]
        expand = [one.removeprefix("data.") for one in params.getlist("expand[]") if one.startswith("data.")]
        return ok(
            {
                "object": "list",
                "data": [self._expanded(one, expand) for one in some],
                "has_more": start + limit < len(rows),
                "url": f"/v1/{path}",
            }
        )

    def _expanded(self, holder: dict[str, Any], paths: list[str]) -> dict[str, Any]:
        """What is not asked for stays an id, and a charge's refunds stay away."""
        shown = copy.deepcopy(holder)
        if shown.get("object") == "charge" and "refunds" not in paths:
            shown.pop("refunds", None)
        for name in {path.partition(".")[0] for path in paths}:
            inner = [path.partition(".")[2] for path in paths if path.startswith(f"{name}.")]
            value = shown.get(name)
            if isinstance(value, str) and value in self.objects:
                shown[name] = self._expanded(self.objects[value], inner)
            elif isinstance(value, dict) and inner:
                shown[name] = self._expanded(value, inner)
        return shown

    def _refund(self, params: MultiDict[str, str]) -> Response:
        intent = self.objects.get(params.get("payment_intent") or "")
        if intent is None:
            return error(404, "invalid_request_error", "resource_missing")
        charge, amount = self.objects[intent["latest_charge"]], int(params["amount"])
        if charge["amount_refunded"] + amount > charge["amount"]:
            return error(400, "invalid_request_error", "charge_already_refunded")
        made = {
            "id": f"re_{len(self.refunds) + 1}",
            "object": "refund",
            "amount": amount,
            "charge": charge["id"],
            "created": 1795200000 + len(self.refunds),
            "currency": "eur",
            "metadata": {"backroom": params["metadata[backroom]"]},
            "payment_intent": intent["id"],
            "reason": params["reason"],
            "status": "succeeded",
        }
        self.refunds.insert(0, made)
        charge["amount_refunded"] += amount
        charge["refunded"] = charge["amount_refunded"] == charge["amount"]
        charge["refunds"]["data"].append(made)
        return ok(made)


def ok(body: dict[str, Any]) -> Response:
    return Response(json.dumps(body), 200, content_type="application/json")


def error(status: int, kind: str, code: str) -> Response:
    body = {"error": {"type": kind, "code": code, "message": "nobody reads this"}}
    return Response(json.dumps(body), status, content_type="application/json")
