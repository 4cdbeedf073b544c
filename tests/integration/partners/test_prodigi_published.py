"""What Prodigi is asked and what its fake answers, held against the calls and answers that Prodigi published.

Prodigi publishes no OpenAPI description and no client, but a collection of calls with their answers ("Prodigi API V4:
Public Collection", for Postman; a copy lies in the public repository inboundr/art-framer). The names below are those of
its order, and `ANSWERED` is an answer in its shape, with the nulls that its own have.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from pytest_httpserver import HTTPServer

from backroom.domain.partner_orders import PartnerOrderState, PartnerParcel
from backroom.outgoing.circuit import close_all
from backroom.outgoing.errors import AnswerUnreadable
from backroom.partners.prodigi import Prodigi
from tests.fake_printful import TOKEN
from tests.fake_prodigi import FakeProdigi
from tests.print_on_demand import at_prodigi
from tests.shops import PLAIN, Floor

_ASSET = {"id", "printArea", "md5Hash", "url", "status"}
_MONEY = {"amount", "currency"}
# Each object of an order by where it stands, with its names.
PUBLISHED: dict[str, set[str]] = {
    "": {
        *("id", "created", "lastUpdated", "callbackUrl", "merchantReference", "shippingMethod", "idempotencyKey"),
        *("status", "charges", "shipments", "recipient", "items", "packingSlip", "metadata"),
    },
    ".status": {"stage", "issues", "details"},
    ".status.issues": {"objectId", "errorCode", "description", "authorisationDetails"},
    ".status.details": {
        *("downloadAssets", "printReadyAssetsPrepared", "allocateProductionLocation", "inProduction", "shipping"),
    },
    ".charges": {"id", "prodigiInvoiceNumber", "totalCost", "items"},
    ".charges.totalCost": _MONEY,
    ".shipments": {"id", "dispatchDate", "carrier", "fulfillmentLocation", "tracking", "items", "status"},
    ".shipments.carrier": {"name", "service"},
    ".shipments.tracking": {"number", "url"},
    ".shipments.items": {"itemId"},
    ".recipient": {"name", "email", "phoneNumber", "address"},
    ".recipient.address": {"line1", "line2", "postalOrZipCode", "countryCode", "townOrCity", "stateOrCounty"},
    ".items": {
        *("id", "status", "merchantReference", "sku", "copies", "sizing", "attributes", "assets", "recipientCost"),
    },
    ".items.assets": _ASSET,
}
# What may have any names.
FREE = {".items.attributes", ".metadata"}

ANSWERED: dict[str, Any] = {
    "id": "ord_1",
    "created": "2021-03-03T01:19:42.847Z",
    "lastUpdated": "2021-04-02T14:30:01.397Z",
    "callbackUrl": None,
    "merchantReference": "A-1042/1",
    "shippingMethod": "Budget",
    "idempotencyKey": None,
    "status": {
        "stage": "InProgress",
        "issues": [],
        "details": {
            "downloadAssets": "Complete",
            "printReadyAssetsPrepared": "Complete",
            "allocateProductionLocation": "Complete",
            "inProduction": "NotStarted",
            "shipping": "NotStarted",
        },
    },
    "charges": [
        {
            "id": "chg_1",
            "prodigiInvoiceNumber": "6340",
            "totalCost": {"amount": "18.00", "currency": "GBP"},
            "items": [
                {"id": "chi_1", "itemId": None, "cost": {"amount": "18.00", "currency": "GBP"}, "shipmentId": None}
            ],
        }
    ],
    "shipments": [
        {
            "id": "shp_1",
            "dispatchDate": None,
            "carrier": {"name": "USPS", "service": "USPS First Class Post"},
            "fulfillmentLocation": {"countryCode": "US", "labCode": "us2"},
            "tracking": None,
            "items": [{"itemId": "ori_1"}],
            "status": "Processing",
        }
    ],
    "recipient": {"name": "Zoe", "email": None, "phoneNumber": None, "address": {"line1": "1", "stateOrCounty": None}},
    "items": [
        {
            "id": "ori_1",
            "status": "Ok",
            "merchantReference": None,
            "sku": "GLOBAL-FAP-16X24",
            "copies": 1,
            "sizing": "fillPrintArea",
            "attributes": {},
            "assets": [
                {"id": "ast_1", "printArea": "default", "md5Hash": None, "url": "https://a/b", "status": "Error"}
            ],
            "recipientCost": None,
        }
    ],
    "packingSlip": None,
    "metadata": None,
}
FAILED = {
    "objectId": "ori_1",
    "errorCode": "order.items.assets.FailedToDownloaded",
    "description": "File not downloaded for item 'ori_1'",
    "authorisationDetails": None,
}


@pytest.fixture(autouse=True)
def fresh_circuits() -> Iterator[None]:
    close_all()
    yield
    close_all()


def made_up(node: Any, where: str = "") -> Iterator[str]:
    """Names that no object of Prodigi's has at that place."""
    if isinstance(node, list):
        for one in node:
            yield from made_up(one, where)
    elif isinstance(node, dict) and where not in FREE:
        yield from (f"{where}.{name}" for name in node.keys() - PUBLISHED.get(where, set(node)))
        for name, value in node.items():
            yield from made_up(value, f"{where}.{name}")


def asked(server: HTTPServer, **changes: Any) -> Prodigi:
    """An account whose one order stands as Prodigi's own do."""
    server.expect_request("/v4.0/Orders/ord_1").respond_with_json(
        {"outcome": "Ok", "order": ANSWERED | changes, "traceParent": "00-b1-a1-00"}
    )
    return Prodigi("lab", server.url_for("").rstrip("/"), TOKEN)


def test_an_order_is_placed_with_names_that_prodigi_published(
    floor: Floor, httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake = FakeProdigi(httpserver)
    partnership = at_prodigi(floor, monkeypatch, fake)
    number = partnership.placed((PLAIN, 2))
    [order] = [json.loads(request.get_data()) for request, _ in httpserver.log if request.method == "POST"]
    assert list(made_up(order)) == []
    assert order.keys() >= {"merchantReference", "shippingMethod", "recipient", "items"}
    # And the fake answers with no others, to the end.
    fake.charge("11.50")
    fake.ship("AB123456789GB")
    partnership.ask_about(number)
    assert list(made_up(fake.only())) == []


def test_a_name_that_prodigi_has_not_would_be_found() -> None:
    assert list(made_up(ANSWERED)) == []
    assert list(made_up({"items": [{"assets": [{"file": "x"}]}]})) == [".items.assets.file"]


def test_an_order_as_prodigi_published_it_is_read_whole(httpserver: HTTPServer) -> None:
    status = asked(httpserver).status("A-1042/1", "ord_1")
    assert (status.state, status.cost_minor, status.currency, status.parcels) == (
        PartnerOrderState.ACCEPTED,
        1800,
        "GBP",
        (),
    )
    [line] = status.lines or ()
    assert (line.line_no, line.code, line.quantity, line.placement) == (0, "GLOBAL-FAP-16X24", 1, "default")


def test_what_prodigi_could_not_fetch_is_stuck_with_its_code(httpserver: HTTPServer) -> None:
    details = ANSWERED["status"]["details"] | {"downloadAssets": "Error"}
    stood = asked(httpserver, status={"stage": "InProgress", "issues": [FAILED], "details": details})
    status = stood.status("A-1042/1", "ord_1")
    assert status.state is PartnerOrderState.STUCK
    assert f"[{FAILED['errorCode']}]" in status.reason


def test_a_parcel_without_a_number_has_left_all_the_same(httpserver: HTTPServer) -> None:
    [shipment] = ANSWERED["shipments"]
    sent = asked(httpserver, shipments=[shipment | {"status": "Shipped"}]).status("A-1042/1", "ord_1")
    assert sent.parcels == (PartnerParcel("USPS", "", ""),)


@pytest.mark.parametrize(
    "dirty",
    [
        {"merchantReference": None},
        {"id": None},
        {"status": None},
        {"status": {"stage": "Lost", "issues": None, "details": None}},
        {"items": [None]},
        {"items": [{"sku": "X", "copies": "1"}]},
        {"charges": [{"totalCost": None}]},
        {"charges": [{"totalCost": {"amount": "x", "currency": "GBP"}}]},
    ],
)
def test_an_order_that_cannot_be_read_is_said_to_be_unreadable(httpserver: HTTPServer, dirty: dict[str, Any]) -> None:
    with pytest.raises(AnswerUnreadable):
        asked(httpserver, **dirty).status("A-1042/1", "ord_1")
