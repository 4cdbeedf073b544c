"""Our calls and the fake's answers, held against EasyPost's own client library at the same account.

The library sends what its makers mean to be sent: what we send is the same. Its objects take any field, so it says
nothing of names in answers: `tests/unit/carriers/test_fake_easypost.py` holds those against what EasyPost published.
What it reads of them for itself (the cheapest rate, the code of an error, where a parcel is) we read alike.
"""

from __future__ import annotations

import json
from typing import Any

import pytest
from easypost import EasyPostClient
from easypost.errors import ApiError, InvalidRequestError, NotFoundError, PaymentError, UnauthorizedError
from easypost.util import validate_webhook

from backroom.carriers.easypost import URL, EasyPost
from backroom.carriers.easypost_reading import error_code, refusal
from backroom.carriers.easypost_webhook import read, verify
from backroom.domain.errors import BackroomError
from backroom.domain.labels import Purchase
from backroom.domain.tracking import standing
from backroom.outgoing.answer import Answer
from tests.fake_easypost import KEY, FakeEasyPost, signature
from tests.integration.carriers.test_easypost import buy, chosen, fresh_circuits, ours, rates, there

__all__ = ["fresh_circuits", "there"]

SECRET = "sécret"


@pytest.fixture
def sdk(there: FakeEasyPost) -> EasyPostClient:
    return EasyPostClient(KEY, api_base=f"{there.base}/v2")


@pytest.fixture
def carrier(there: FakeEasyPost) -> EasyPost:
    return ours(there)


def bought(carrier: EasyPost) -> Purchase:
    purchase = buy(carrier, chosen(carrier))
    assert isinstance(purchase, Purchase)
    return purchase


def said(there: FakeEasyPost) -> list[Any]:
    """What was said since the last look."""
    told, there.said[:] = list(there.said), []
    return told


def test_the_library_speaks_to_where_we_speak_to() -> None:
    assert EasyPostClient(KEY).api_base == URL


def test_rates_are_asked_for_as_the_library_does(there: FakeEasyPost, carrier: EasyPost, sdk: EasyPostClient) -> None:
    rates(carrier)
    we = said(there)
    for _, _, _, body in we:
        sdk.shipment.create(**body["shipment"])
    assert said(there) == we
    # A name outside the shipment would not have come along.
    assert [body.keys() for _, _, _, body in we] == [{"shipment"}, {"shipment"}]


def test_the_library_finds_the_same_rate_the_cheapest(there: FakeEasyPost, sdk: EasyPostClient) -> None:
    there.sells = (("USPS", "Slow", "10.00", "1.00", 9), ("DHL", "Slower", "9.50", "1.00", 12), *there.sells[1:])
    best = min(rates(ours(there, return_labels=False)), key=lambda rate: rate.price_minor)
    shipment_id, _, rate_id = best.reference.partition("/")
    theirs = sdk.shipment.retrieve(shipment_id).lowest_rate()
    assert theirs.id == rate_id
    assert (theirs.carrier, theirs.service, theirs.rate, theirs.currency) == ("USPS", "Priority", "7.90", "USD")
    assert (best.brand, best.service, best.price_minor, best.currency) == ("USPS", "Priority", 790, "USD")
    assert best.days == theirs.delivery_days


def test_a_label_is_bought_as_the_library_does(there: FakeEasyPost, carrier: EasyPost, sdk: EasyPostClient) -> None:
    request = chosen(carrier)
    said(there)
    assert isinstance(buy(carrier, request), Purchase)
    we = said(there)
    for shipment in there.shipments.values():
        shipment["postage_label"] = None
    parts = request.rate.split("/")
    for shipment_id, rate_id in (parts[:2], parts[2:]):
        shipment = sdk.shipment.retrieve(shipment_id)
        # The library is given the whole rate, and sends what of it belongs there.
        [rate] = [one for one in shipment.rates if one.id == rate_id]
        label = sdk.shipment.buy(shipment_id, rate=rate)
        assert label.postage_label.label_file_type == "application/pdf"
    assert said(there) == we


def test_a_label_in_another_form_is_asked_for_as_the_library_does(there: FakeEasyPost, sdk: EasyPostClient) -> None:
    carrier = ours(there, zpl=True)
    purchase = bought(carrier)
    said(there)
    [documents] = carrier.documents([purchase])
    assert not isinstance(documents, BackroomError)
    we = said(there)
    for reference in (purchase.reference, purchase.return_reference):
        sdk.shipment.retrieve(reference)
        assert sdk.shipment.label(reference, file_format="ZPL").postage_label.label_zpl_url.endswith(".zpl")
    assert said(there) == we


def test_a_parcel_is_followed_as_the_library_does(there: FakeEasyPost, carrier: EasyPost, sdk: EasyPostClient) -> None:
    purchase = bought(carrier)
    there.advance(purchase.tracking, ("delivered", "arrived_at_destination", "2026-11-25T11:00:00Z"))
    said(there)
    [told] = carrier.track([purchase.reference])
    assert not isinstance(told, BackroomError)
    we = said(there)
    tracker = sdk.shipment.retrieve(purchase.reference).tracker
    assert said(there) == we
    assert (tracker.status, standing(told).state.value) == ("delivered", "delivered")
    assert tracker.tracking_code == purchase.tracking


def test_a_label_is_given_back_as_the_library_does(there: FakeEasyPost, carrier: EasyPost, sdk: EasyPostClient) -> None:
    purchase = bought(carrier)
    said(there)
    outcome = carrier.refund(purchase.reference)
    we = said(there)
    there.shipments[purchase.reference]["refund_status"] = None
    assert sdk.shipment.retrieve(purchase.reference).refund_status is None
    assert sdk.shipment.refund(purchase.reference).refund_status == outcome == "submitted"
    assert said(there) == we


def test_an_account_is_tried_as_the_library_would(there: FakeEasyPost, carrier: EasyPost, sdk: EasyPostClient) -> None:
    carrier.check()
    we = said(there)
    assert sdk.shipment.all(page_size=1)["shipments"] == []
    assert said(there) == we


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (401, "APIKEY.INACTIVE", UnauthorizedError),
        (402, "BILLING.INVALID", PaymentError),
        (404, "SHIPMENT.NOT_FOUND", NotFoundError),
        (422, "SHIPMENT.POSTAGE.EXISTS", InvalidRequestError),
        (422, "SHIPMENT.POSTAGE.TIMED_OUT", InvalidRequestError),
    ],
)
def test_an_error_has_the_code_that_the_library_reads(
    there: FakeEasyPost, sdk: EasyPostClient, status: int, code: str, kind: type[ApiError]
) -> None:
    body = json.dumps({"error": {"code": code, "message": ["Wurbelgasse", "4"], "errors": []}}).encode()
    there.trouble["GET", "/shipments/shp_1"] = [(status, "application/json", body)]
    with pytest.raises(kind) as error:
        sdk.shipment.retrieve("shp_1")
    answer = Answer(status, {}, body)
    assert error_code(answer) == error.value.code == code
    assert "Wurbelgasse" not in str(refusal(answer, "A-1"))


def test_the_fakes_refusals_are_read_by_the_library(there: FakeEasyPost, sdk: EasyPostClient) -> None:
    with pytest.raises(InvalidRequestError) as error:
        sdk.shipment.create(parcel={})
    assert (error.value.code, [one["field"] for one in error.value.errors or []]) == ("PARAMETER.REQUIRED", ["weight"])
    with pytest.raises(UnauthorizedError):
        EasyPostClient("another", api_base=f"{there.base}/v2").shipment.retrieve("shp_1")


def test_an_event_that_the_library_takes_is_one_that_we_take(there: FakeEasyPost, carrier: EasyPost) -> None:
    purchase = bought(carrier)
    tracker = there.advance(purchase.tracking, ("in_transit", "arrived_at_facility", "2026-11-24T12:00:00Z"))
    body = there.event(tracker)
    signed = signature(body, SECRET)
    event = validate_webhook(body, {"X-Hmac-Signature": signed}, SECRET)
    verify(body, {"x-hmac-signature": signed}, SECRET)
    told = read(event, "test")
    assert told is not None
    assert (told.reference, told.tracking) == (purchase.reference, purchase.tracking)
    assert standing(told.events).state.value == event["result"]["status"]
