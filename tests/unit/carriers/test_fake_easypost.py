"""The fake of EasyPost against what EasyPost published: the names of fields, and the kinds of what stands in them.

The names below were read from its documentation's own examples (EasyPost/examples, `official/docs/responses`:
shipments-create, shipments-buy, shipments-label, shipments-refund, trackers-retrieve; `official/fixtures/event-body`)
and from recordings of its Python client's tests (`test_shipment_buy`, `test_tracker_create`, `test_error`).
"""

from __future__ import annotations

import base64
import json
from typing import Any

from tests.fake_easypost import KEY, FakeEasyPost

SHIPMENT = {
    *("id", "object", "created_at", "updated_at", "mode", "reference", "is_return", "status", "tracking_code"),
    *("to_address", "from_address", "return_address", "buyer_address", "parcel", "options", "rates", "messages"),
    *("selected_rate", "postage_label", "tracker", "refund_status", "insurance", "customs_info", "forms", "fees"),
}
RATE = {
    *("id", "object", "created_at", "updated_at", "mode", "service", "carrier", "rate", "currency", "retail_rate"),
    *("retail_currency", "list_rate", "list_currency", "billing_type", "delivery_days", "delivery_date"),
    *("delivery_date_guaranteed", "est_delivery_days", "shipment_id", "carrier_account_id"),
}
LABEL = {
    *("object", "id", "created_at", "updated_at", "date_advance", "integrated_form", "label_date"),
    *("label_resolution", "label_size", "label_type", "label_file_type", "label_url", "label_pdf_url"),
    *("label_zpl_url", "label_epl2_url", "label_file"),
}
TRACKER = {
    *("id", "object", "mode", "tracking_code", "status", "status_detail", "created_at", "updated_at", "signed_by"),
    *("weight", "est_delivery_date", "shipment_id", "carrier", "tracking_details", "carrier_detail", "public_url"),
    *("finalized", "is_return", "fees"),
}
DETAIL = {
    *("object", "message", "description", "status", "status_detail", "datetime", "source", "carrier_code"),
    "tracking_location",
}
EVENT = {
    *("description", "mode", "previous_attributes", "created_at", "pending_urls", "completed_urls", "updated_at"),
    *("id", "user_id", "status", "object", "result"),
}
ASKED = {
    "reference": "label-A-1-k",
    "to_address": {"name": "E", "street1": "179 N Harbor Dr", "city": "Redondo Beach", "zip": "90277", "country": "US"},
    "from_address": {
        "name": "J",
        "street1": "388 Townsend St",
        "city": "San Francisco",
        "zip": "94107",
        "country": "US",
    },
    "parcel": {"weight": 15.4},
    "options": {"label_format": "PDF"},
}
LOGIN = "Basic " + base64.b64encode(f"{KEY}:".encode()).decode()


def call(there: FakeEasyPost, method: str, path: str, body: object = None) -> tuple[int, dict[str, Any]]:
    status, _, content = there.answer(method, path, LOGIN, json.dumps(body).encode())
    answer: dict[str, Any] = json.loads(content)
    return status, answer


def test_its_answers_have_the_fields_that_easypost_published() -> None:
    there = FakeEasyPost()
    status, shipment = call(there, "POST", "/v2/shipments", {"shipment": ASKED})
    assert status == 201
    assert set(shipment) == SHIPMENT
    assert all(set(rate) == RATE and isinstance(rate["rate"], str) for rate in shipment["rates"])
    rate = shipment["rates"][0]["id"]
    status, bought = call(there, "POST", f"/v2/shipments/{shipment['id']}/buy", {"rate": {"id": rate}})
    assert status == 200
    assert set(bought["postage_label"]) == LABEL
    assert set(bought["tracker"]) == TRACKER
    assert set(bought["selected_rate"]) == RATE
    there.advance(bought["tracking_code"], ("in_transit", "arrived_at_facility", "2026-11-23T12:00:00Z"))
    tracker = there.shipments[shipment["id"]]["tracker"]
    assert all(set(detail) == DETAIL for detail in tracker["tracking_details"])
    assert set(json.loads(there.event(tracker))) == EVENT


def test_its_refusals_have_the_form_that_easypost_published() -> None:
    there = FakeEasyPost()
    status, refused = call(there, "POST", "/v2/shipments", {"shipment": {}})
    assert status == 422
    assert set(refused["error"]) == {"code", "message", "errors"}
    assert set(refused["error"]["errors"][0]) == {"field", "message"}


def test_a_shipment_is_found_by_its_reference_and_bought_once() -> None:
    there = FakeEasyPost()
    _, shipment = call(there, "POST", "/v2/shipments", {"shipment": ASKED})
    path = f"/v2/shipments/{shipment['id']}/buy"
    body = {"rate": {"id": shipment["rates"][0]["id"]}}
    assert call(there, "POST", path, body)[0] == 200
    status, again = call(there, "POST", path, body)
    assert (status, again["error"]["code"]) == (422, "SHIPMENT.POSTAGE.EXISTS")
    assert call(there, "GET", "/v2/shipments/label-A-1-k")[1]["id"] == shipment["id"]
    assert there.purchases() == 1
