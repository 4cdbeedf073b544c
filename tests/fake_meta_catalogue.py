"""A catalogue at Meta by hand: items with quantities, batches that change them, and what became of each.

What belongs here: one catalogue and its batches. What does not: orders (`fake_meta`). Its fields are held against those
of Meta's pages and its SDK in `tests/integration/channels/test_meta_levels.py`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from werkzeug import Response

CATALOGUE = "912345678901234"
QUANTITY = "quantity_to_sell_on_facebook"


@dataclass
class FakeCatalogue:
    """The items by their ids of Meta's. `open` is whether the token may see it, `allowed` whether it may change it.

    `statuses` are said of a batch before it is finished; `invalid` are the seller's ids that a batch does not save, and
    `rejected` those that it refuses at once.
    """

    items: dict[str, dict[str, Any]] = field(default_factory=dict)
    open: bool = True
    allowed: bool = True
    statuses: list[str] = field(default_factory=list)
    invalid: set[str] = field(default_factory=set)
    rejected: set[str] = field(default_factory=set)
    batches: list[dict[str, Any]] = field(default_factory=list)
    asked: list[dict[str, str]] = field(default_factory=list)

    def have(self, sku: str, quantity: int | None, availability: str = "in stock") -> str:
        id_ = str(7000 + len(self.items))
        self.items[id_] = {"id": id_, "retailer_id": sku, QUANTITY: quantity, "availability": availability}
        return id_

    def shows(self) -> dict[str, tuple[int | None, str]]:
        return {one["retailer_id"]: (one[QUANTITY], one["availability"]) for one in self.items.values()}

    def answer(self, method: str, edge: str, told: dict[str, Any]) -> Response:
        if not self.open:
            return error(100, "Unsupported get request. Object does not exist", subcode=33)
        if not self.allowed:
            return error(200, "(#200) Requires catalog_management permission to manage the object")
        if method == "GET":
            self.asked.append(told)
        if (method, edge) == ("GET", ""):
            return ok({"id": CATALOGUE})
        if (method, edge) == ("GET", "products"):
            return self._products(told)
        if (method, edge) == ("GET", "check_batch_request_status"):
            return self._status(told)
        if (method, edge) == ("POST", "items_batch"):
            return self._batch(told)
        return error(100, "Unsupported request.", subcode=33)

    def _products(self, told: dict[str, str]) -> Response:
        wanted = json.loads(told["filter"])["retailer_id"]["is_any"]
        fields = ("id", *told["fields"].split(","))
        found = [one for one in self.items.values() if one["retailer_id"] in wanted][: int(told["limit"])]
        # What has no value is left out.
        return ok({"data": [{name: one[name] for name in fields if one.get(name) is not None} for one in found]})

    def _batch(self, body: dict[str, Any]) -> Response:
        if body.get("item_type") != "PRODUCT_ITEM" or not 0 < len(body["requests"]) <= 5000:
            return error(100, "(#100) Invalid parameter")
        self.batches.append(body)
        known = {one["retailer_id"]: one for one in self.items.values()}
        for request in body["requests"]:
            assert request.keys() == {"method", "data"}
            data = dict(request["data"])
            sku = data.pop("id")
            if request["method"] != "UPDATE" or (body.get("allow_upsert", True) and sku not in known):
                return error(100, "(#100) Invalid parameter")
            if sku in known and sku not in self.invalid | self.rejected:
                known[sku] |= data
        told = [one["data"]["id"] for one in body["requests"]]
        wrong = [{"retailer_id": sku, "errors": [{"message": "invalid"}]} for sku in told if sku in self.rejected]
        return ok({"handles": [f"Acz{len(self.batches)}"], "validation_status": wrong})

    def _status(self, told: dict[str, str]) -> Response:
        assert told["handle"] == f"Acz{len(self.batches)}"
        status = self.statuses.pop(0) if self.statuses else "finished"
        sent = [one["data"]["id"] for one in self.batches[-1]["requests"]]
        wrong = [sku for sku in sent if sku in self.invalid] if status == "finished" else []
        return ok(
            {
                "data": [
                    {
                        "handle": told["handle"],
                        "status": status,
                        "errors_total_count": len(wrong),
                        "errors": [{"line": 0, "id": sku, "message": "Invalid value"} for sku in wrong[:1]],
                        "ids_of_invalid_requests": wrong if told.get("load_ids_of_invalid_requests") == "true" else [],
                    }
                ]
            }
        )


def ok(body: dict[str, Any]) -> Response:
    return Response(json.dumps(body), 200, content_type="application/json")


def error(code: int, words: str, *, subcode: int = 0, status: int = 400) -> Response:
    told: dict[str, Any] = {"message": words, "type": "OAuthException", "code": code, "fbtrace_id": "EJplcsCHuLu"}
    if subcode:
        told["error_subcode"] = subcode
    return Response(json.dumps({"error": told}), status, content_type="application/json")
