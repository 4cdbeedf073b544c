"""Prodigi's answers as its reference of version 4 words them, dirty ones included: stages, issues, parcels, charges."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import pytest
from pytest_httpserver import HTTPServer

from backroom.domain.model import Address
from backroom.domain.partner_answers import compare
from backroom.domain.partner_orders import (
    ArtworkFile,
    AskedLine,
    PartnerOrderState,
    PartnerRequest,
    PartnerStatus,
    Recipient,
)
from backroom.outgoing.circuit import close_all
from backroom.outgoing.errors import AnswerUnreadable
from backroom.partners.prodigi import Prodigi
from tests.fake_prodigi import FakeProdigi

REFERENCE, ID = "partner-A-1042-x1", "ord_840797"
SHA256 = "ab" * 32
LINE = AskedLine(1, "OWL", "GLOBAL-CFPM-16X20", 2, "default", SHA256, "", {"color": "black", "sizing": "fillPrintArea"})
ADDRESS = Address(name="Anna Möwe", line1="Kai 1", postcode="80331", city="Munich", country="DE", company="Hafen GmbH")
REQUEST = PartnerRequest(
    REFERENCE,
    (LINE,),
    Recipient(ADDRESS, "+4930123456"),
    {SHA256: ArtworkFile("owl.png", f"https://hooks.nord.example/artworks/{SHA256}.png?name=owl.png")},
    "Express",
)
# The order of its reference ("Order object"), with our names in it.
ORDER: dict[str, Any] = {
    "id": ID,
    "created": "2021-03-11T14:40:05.12Z",
    "lastUpdated": "2021-03-11T14:40:05.203Z",
    "callbackUrl": None,
    "merchantReference": REFERENCE,
    "shippingMethod": "Overnight",
    "idempotencyKey": REFERENCE,
    "status": {
        "stage": "InProgress",
        "issues": [],
        "details": {
            "downloadAssets": "NotStarted",
            "printReadyAssetsPrepared": "NotStarted",
            "allocateProductionLocation": "NotStarted",
            "inProduction": "NotStarted",
            "shipping": "NotStarted",
        },
    },
    "charges": [],
    "shipments": [],
    "recipient": {
        "name": "Mr Test",
        "email": None,
        "phoneNumber": None,
        "address": {
            "line1": "14 test place",
            "line2": "test",
            "postalOrZipCode": "12345",
            "countryCode": "US",
            "townOrCity": "somewhere",
            "stateOrCounty": None,
        },
    },
    "items": [
        {
            "id": "ori_926887",
            "status": "NotYetDownloaded",
            "merchantReference": "1",
            "sku": "GLOBAL-CFPM-16X20",
            "copies": 2,
            "sizing": "fillPrintArea",
            "attributes": {"color": "black"},
            "assets": [
                {
                    "id": "ast_114059",
                    "printArea": "default",
                    "md5Hash": "daa1c811c6038e718a23f0d816914b7b",
                    "url": f"https://hooks.nord.example/artworks/{SHA256}.png?name=owl.png",
                    "thumbnailUrl": None,
                    "status": "InProgress",
                }
            ],
            "recipientCost": {"amount": "10.74", "currency": "GBP"},
        }
    ],
    "packingSlip": None,
    "metadata": {},
}
SHIPMENT: dict[str, Any] = {
    "id": "shp_1",
    "status": "Shipped",
    "carrier": {"name": "Royal Mail", "service": "Tracked 48"},
    "tracking": {"number": "AB1GB", "url": "https://track.example/AB1GB"},
    "dispatchDate": "2021-03-12T10:00:00Z",
    "items": [{"itemId": "ori_926887"}],
    "fulfillmentLocation": {"countryCode": "GB", "labCode": "uk6"},
}
S = PartnerOrderState


@pytest.fixture(autouse=True)
def fresh_circuits() -> Iterator[None]:
    close_all()
    yield
    close_all()


def told(server: HTTPServer, **changes: Any) -> PartnerStatus:
    """How our side reads the order of the reference with these changes; stage, issues and details go to its status."""
    order = copy.deepcopy(ORDER)
    for name, value in changes.items():
        if name in ("stage", "issues"):
            order["status"][name] = value
        elif name == "details":
            order["status"]["details"] = value
        else:
            order[name] = value
    server.expect_request(f"/v4.0/Orders/{ID}").respond_with_json({"outcome": "Ok", "order": order})
    return Prodigi("Prodigi", server.url_for("").rstrip("/"), "key").status(REFERENCE, ID)


def placed(server: HTTPServer, body: object, status: int = 200) -> PartnerStatus:
    server.expect_request("/v4.0/Orders", method="POST").respond_with_json(body, status=status)
    return Prodigi("Prodigi", server.url_for("").rstrip("/"), "key").submit(REQUEST)


@pytest.mark.parametrize("outcome", ["Created", "created", "CreatedWithIssues", "AlreadyExists", "alreadyExists"])
def test_an_order_that_is_there_is_taken_whatever_made_it(httpserver: HTTPServer, outcome: str) -> None:
    status = placed(httpserver, {"outcome": outcome, "order": ORDER, "traceParent": "00-f6"})
    assert (status.partner_id, status.state) == (ID, S.ACCEPTED)
    assert compare(REQUEST.lines, status.lines) == ()


@pytest.mark.parametrize("order", [{"id": ID}, {"id": ID, "status": {"stage": "OnHold"}}, {"id": ID, "items": None}])
@pytest.mark.parametrize("outcome", ["OnHold", "onHold", "AlreadyExists"])
def test_a_paused_order_is_its_id_alone_and_nothing_differs_yet(
    httpserver: HTTPServer, outcome: str, order: dict[str, Any]
) -> None:
    status = placed(httpserver, {"outcome": outcome, "order": order})
    assert (status.partner_id, status.state, status.lines) == (ID, S.SUBMITTED, None)
    assert compare(REQUEST.lines, status.lines) == ()


def test_a_paused_order_is_not_found_and_is_there(httpserver: HTTPServer) -> None:
    nothing = {"outcome": "EntityNotFound", "statusText": "Not Found", "statusCode": 404}
    httpserver.expect_request(f"/v4.0/Orders/{ID}").respond_with_json(nothing, status=404)
    status = Prodigi("Prodigi", httpserver.url_for("").rstrip("/"), "key").status(REFERENCE, ID)
    assert (status.partner_id, status.state, status.lines) == (ID, S.SUBMITTED, None)


@pytest.mark.parametrize(
    "body",
    [
        {"outcome": "TimedOut", "order": ORDER},
        {"outcome": None, "order": ORDER},
        {"order": ORDER},
        {"outcome": "Created"},
        {"outcome": "Created", "order": []},
        {"outcome": "Created", "order": {"id": 840797}},
        {"outcome": "Created", "order": ORDER | {"merchantReference": "another"}},
        [],
    ],
)
def test_an_outcome_that_is_none_may_be_an_order(httpserver: HTTPServer, body: object) -> None:
    with pytest.raises(AnswerUnreadable):
        placed(httpserver, body)


@pytest.mark.parametrize(
    ("stage", "details", "state"),
    [
        ("InProgress", {"downloadAssets": "InProgress"}, S.ACCEPTED),
        ("InProgress", {"inProduction": "NotStarted"}, S.ACCEPTED),
        ("InProgress", {"inProduction": "InProgress"}, S.IN_PROGRESS),
        ("InProgress", {"inProduction": "Complete", "shipping": "InProgress"}, S.IN_PROGRESS),
        # Its own pages spell it in both ways, and one name with a space behind it.
        ("InProgress", {"inProduction": "Completed"}, S.IN_PROGRESS),
        ("InProgress", {"allocateProductionLocation ": "Error"}, S.STUCK),
        ("inProgress", {}, S.ACCEPTED),
        ("InProgress", None, S.ACCEPTED),
        ("Complete", {"shipping": "Complete"}, S.SHIPPED),
        ("Cancelled", {}, S.CANCELLED),
        ("OnHold", {}, S.SUBMITTED),
        ("Draft", {}, S.STUCK),
        ("AwaitingPayment", {}, S.STUCK),
    ],
)
def test_each_stage_means_one_state(
    httpserver: HTTPServer, stage: str, details: dict[str, str] | None, state: PartnerOrderState
) -> None:
    assert told(httpserver, stage=stage, details=details).state is state


@pytest.mark.parametrize("stage", ["Lost", "", None, 7])
def test_a_stage_that_is_none_is_a_persons(httpserver: HTTPServer, stage: object) -> None:
    with pytest.raises(AnswerUnreadable):
        told(httpserver, stage=stage)


@pytest.mark.parametrize("code", ["order.items.assets.NotDownloaded", "items.assets.NotDownloaded"])
def test_a_download_that_is_tried_again_is_no_trouble(httpserver: HTTPServer, code: str) -> None:
    warning = {"objectId": "ori_926887", "errorCode": code, "description": "Warning: Download attempt 1 of 10 failed"}
    status = told(httpserver, issues=[warning], details={"downloadAssets": "Error"})
    assert (status.state, status.reason) == (S.ACCEPTED, "")


@pytest.mark.parametrize(
    ("issue", "said"),
    [
        ({"errorCode": "order.items.assets.FailedToDownloaded"}, "could not fetch an artwork in ten tries"),
        ({"errorCode": "order.items.ItemUnavailable"}, "a product cannot be had at the moment"),
        (
            {
                "errorCode": "RequiresPaymentAuthorisation",
                "authorisationDetails": {
                    "authorisationUrl": "https://dashboard.example/payment/97323",
                    "paymentDetails": {"amount": "195.02", "currency": "USD"},
                },
            },
            "pay for the order in its dashboard (195.02 USD) [RequiresPaymentAuthorisation]",
        ),
        ({"errorCode": "order.shipments.somethingNew"}, "[order.shipments.somethingNew]"),
        ({"description": "what is the matter with Anna?"}, "[unknown]"),
        ({}, "[unknown]"),
        ("no issue at all", "[unknown]"),
    ],
)
def test_any_other_issue_waits_for_a_person_who_reads_what_to_do(
    httpserver: HTTPServer, issue: object, said: str
) -> None:
    warning = {"errorCode": "order.items.assets.NotDownloaded"}
    status = told(httpserver, issues=[warning, issue])
    assert status.state is S.STUCK
    assert said in status.reason
    assert "Anna" not in status.reason


def test_an_issue_of_what_is_sent_does_not_hold_it_up(httpserver: HTTPServer) -> None:
    status = told(httpserver, stage="Complete", issues=[{"errorCode": "order.items.ItemUnavailable"}])
    assert status.state is S.SHIPPED


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"assets": []}, {"print area", "artwork"}),
        ({"assets": None}, {"print area", "artwork"}),
        ({"copies": 1}, {"pieces"}),
        ({"sku": "GLOBAL-CAN-10X10"}, {"code"}),
        ({"attributes": {}}, {"color"}),
        ({"attributes": None}, {"color"}),
        ({"sizing": "fitPrintArea"}, {"sizing"}),
        ({"merchantReference": "item #1"}, {"pieces"}),
        ({"merchantReference": None}, {"pieces"}),
    ],
)
def test_what_it_has_otherwise_differs(httpserver: HTTPServer, change: dict[str, Any], what: set[str]) -> None:
    status = told(httpserver, items=[ORDER["items"][0] | change])
    assert {one.what for one in compare(REQUEST.lines, status.lines)} == what


def test_a_second_asset_that_nobody_asked_for_differs(httpserver: HTTPServer) -> None:
    item = ORDER["items"][0]
    spine = item["assets"][0] | {"printArea": "spine"}
    status = told(httpserver, items=[item | {"assets": [item["assets"][0], spine]}])
    assert {one.what for one in compare(REQUEST.lines, status.lines)} == {"print area", "artwork"}


@pytest.mark.parametrize("items", [[], None])
def test_an_order_without_items_has_none_of_what_was_asked(httpserver: HTTPServer, items: object) -> None:
    assert compare(REQUEST.lines, told(httpserver, items=items).lines) != ()


def test_parcels_come_with_their_numbers_and_what_is_not_sent_is_none(httpserver: HTTPServer) -> None:
    waits = SHIPMENT | {"id": "shp_2", "status": "Processing", "tracking": None}
    bare = SHIPMENT | {"id": "shp_3", "carrier": None, "tracking": None}
    status = told(httpserver, shipments=[SHIPMENT, waits, bare])
    assert [(one.carrier, one.tracking, one.url) for one in status.parcels] == [
        ("Royal Mail", "AB1GB", "https://track.example/AB1GB"),
        ("", "", ""),
    ]


@pytest.mark.parametrize(
    ("shipments", "done"),
    [
        ([SHIPMENT], 2),
        ([SHIPMENT | {"items": [{"itemId": "ori_1"}]}], 0),
        ([SHIPMENT | {"status": "Cancelled"}], None),
        ([SHIPMENT | {"items": None}], None),
        (None, None),
    ],
)
def test_what_was_sent_of_a_line_is_counted_where_it_is_said(
    httpserver: HTTPServer, shipments: object, done: int | None
) -> None:
    status = told(httpserver, stage="Complete", shipments=shipments)
    assert status.lines is not None
    assert [line.done for line in status.lines] == [done]


@pytest.mark.parametrize(
    ("charges", "cost"),
    [
        ([("10.74", "GBP"), ("3.50", "GBP"), ("-0.24", "GBP")], (1400, "GBP")),
        ([("1074", "JPY")], (1074, "JPY")),
        ([], (None, "")),
        (None, (None, "")),
    ],
)
def test_it_costs_the_sum_of_its_charges(
    httpserver: HTTPServer, charges: list[tuple[str, str]] | None, cost: tuple[int | None, str]
) -> None:
    made = charges and [{"id": "chg_1", "totalCost": {"amount": a, "currency": c}, "items": []} for a, c in charges]
    status = told(httpserver, charges=made)
    assert (status.cost_minor, status.currency) == cost


@pytest.mark.parametrize(
    "charge",
    [
        {"totalCost": None},
        {"totalCost": {"amount": "ten", "currency": "GBP"}},
        {"totalCost": {"amount": "1.00", "currency": None}},
        "no charge at all",
    ],
)
def test_a_charge_that_is_none_is_a_persons(httpserver: HTTPServer, charge: object) -> None:
    with pytest.raises(AnswerUnreadable):
        told(httpserver, charges=[charge])


def test_nobody_is_asked_for_in_its_words_what_stands_on_no_parcel(httpserver: HTTPServer) -> None:
    """What it is sent has the names of its reference, and no more."""
    fake = FakeProdigi(httpserver)
    Prodigi("Prodigi", fake.url, "t0ken-of-the-shop").submit(REQUEST)
    sent = fake.only()
    asked = {name: sent[name] for name in sent if name not in ("id", "status", "charges", "shipments")}
    known = _names(ORDER) | _names({"charges": [{"id": "", "totalCost": {"amount": "", "currency": ""}}]})
    assert _names(asked) - known == set()
    assert sent["recipient"]["address"]["line2"] == "Hafen GmbH"
    assert (sent["shippingMethod"], sent["recipient"]["phoneNumber"]) == ("Express", "+4930123456")


def test_our_fake_answers_no_name_that_its_reference_has_not(httpserver: HTTPServer) -> None:
    fake = FakeProdigi(httpserver)
    Prodigi("Prodigi", fake.url, "t0ken-of-the-shop").submit(REQUEST)
    fake.ship("AB1GB")
    fake.charge("10.74")
    charge = {"id": "", "chargeType": "", "prodigiInvoiceNumber": "", "totalCost": {"amount": "", "currency": ""}}
    known = _names(ORDER | {"shipments": [SHIPMENT], "charges": [charge | {"items": []}]})
    assert _names(fake.only()) - known == set()


def _names(value: object, path: str = "") -> set[str]:
    """The path of every name in it; what a shop names itself, attributes and metadata, is left out."""
    if isinstance(value, list):
        return set().union(*(_names(one, path) for one in value)) if value else set()
    if not isinstance(value, dict) or path.endswith((".attributes", ".metadata")):
        return set()
    found = {f"{path}.{name}" for name in value}
    return found.union(*(_names(one, f"{path}.{name}") for name, one in value.items()))
