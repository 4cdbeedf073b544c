"""EasyPost, spoken with over real HTTP: a hand-written fake of it answers as its documentation says, and worse."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator
from dataclasses import replace

import pypdfium2
import pytest
import zxingcpp
from PIL import Image

from backroom.carriers.base import AddressRefused, ParcelRefused, RefundRefused
from backroom.carriers.easypost import EasyPost, EasyPostAccount
from backroom.carriers.easypost_reading import CarrierSilent, NoFunds, WrongMode
from backroom.domain.errors import BackroomError, OutcomeUnknown, Retry
from backroom.domain.labels import LabelRequest, ParcelSpec, PostalAddress, Purchase
from backroom.domain.rates import Rate
from backroom.domain.tracking import ParcelState, standing
from backroom.outgoing.circuit import close_all
from backroom.outgoing.errors import AnswerUnreadable, ServiceSetup
from tests.fake_easypost import KEY, FakeEasyPost, easypost

SHOP = PostalAddress("Atelier Nord", None, ("388 Townsend St",), "94107", "San Francisco", "CA", "US", None)
ZAPHRODEL = PostalAddress(
    "Zaphrodel Quib", None, ("179 N Harbor Dr", "Apt 2"), "90277", "Redondo Beach", "CA", "US", "+1"
)
SECRETS = ("Zaphrodel", "Harbor", KEY, "Wurbelgasse")


@pytest.fixture(autouse=True)
def fresh_circuits() -> Iterator[None]:
    close_all()
    yield
    close_all()


@pytest.fixture
def there() -> Iterator[FakeEasyPost]:
    with easypost() as account:
        yield account


def ours(there: FakeEasyPost, **changes: object) -> EasyPost:
    account = EasyPostAccount(
        id="world",
        countries=frozenset({"US"}),
        max_weight_g=5000,
        key=KEY,
        url=f"{there.base}/v2",
        mode="test",
        label_hosts=(there.base.removeprefix("http://"),),
        read_timeout=2.0,
    )
    return EasyPost(replace(account, **changes))


def a_request(key: str = "label-A-1-k", **changes: object) -> LabelRequest:
    request = LabelRequest(key, "A-1", SHOP, ZAPHRODEL, ParcelSpec(450), "", "2026-11-23")
    return replace(request, **changes)


def rates(carrier: EasyPost, request: LabelRequest | None = None) -> list[Rate]:
    (found,) = carrier.rates([request or a_request()])
    assert not isinstance(found, BackroomError), found
    return found


def chosen(carrier: EasyPost, service: str = "GroundAdvantage") -> LabelRequest:
    rate = next(one for one in rates(carrier) if one.service == service)
    return a_request(service=rate.service, rate=rate.reference)


def buy(carrier: EasyPost, request: LabelRequest) -> Purchase | BackroomError:
    (outcome,) = carrier.buy([request])
    return outcome


def test_rates_are_those_of_both_ways_and_nothing_is_paid_for_them(there: FakeEasyPost) -> None:
    found = {rate.service: rate for rate in rates(ours(there))}
    assert {s: (r.brand, r.price_minor, r.currency, r.days) for s, r in found.items()} == {
        "GroundAdvantage": ("USPS", 593 + 610, "USD", 4),
        "Priority": ("USPS", 790 + 820, "USD", 2),
        "Express": ("USPS", 3125 + 3300, "USD", None),
    }
    assert there.purchases() == 0
    out, back = there.shipments.values()
    assert (out["reference"], back["reference"], back["is_return"]) == ("label-A-1-k", "label-A-1-k-return", True)
    # 450 g are 15.87 oz: never declared lighter than it is.
    assert out["parcel"]["weight"] == 15.9
    assert out["to_address"]["street2"] == "Apt 2"
    # A return goes to where the parcel came from.
    assert back["to_address"]["name"] == "Atelier Nord"


def test_what_is_chosen_is_bought_both_ways_with_the_numbers_of_its_carrier(there: FakeEasyPost) -> None:
    carrier = ours(there)
    purchase = buy(carrier, chosen(carrier, "Priority"))
    assert isinstance(purchase, Purchase)
    assert (purchase.cost_minor, purchase.currency, purchase.shipping.carrier) == (1610, "USD", "USPS")
    assert purchase.tracking != purchase.return_tracking
    assert there.shipments[purchase.reference]["tracking_code"] == purchase.tracking
    assert there.shipments[purchase.return_reference]["is_return"] is True
    assert there.purchases() == 2
    # What the ledger keeps gives the same purchase again, and names nobody.
    kept = purchase.answer()
    assert Purchase.from_answer(chosen(carrier, "Priority"), kept) == purchase
    assert not any(secret in str(kept) for secret in SECRETS)


def test_buying_the_same_again_reads_what_was_bought(there: FakeEasyPost) -> None:
    carrier = ours(there)
    request = chosen(carrier)
    first = buy(carrier, request)
    assert buy(carrier, request) == first
    assert set(there.bought.values()) == {1}


@pytest.mark.parametrize("trouble", ["drop", 500, 502, b"<html>Bad gateway</html>"])
def test_an_answer_that_is_lost_after_it_was_bought_is_asked_for(there: FakeEasyPost, trouble: object) -> None:
    carrier = ours(there)
    request = chosen(carrier)
    there.trouble["POST", "/buy"] = [trouble]
    outcome = buy(carrier, request)
    if isinstance(outcome, BackroomError):
        # It was lost before it was bought: nobody says that it was, or was not.
        assert isinstance(outcome, OutcomeUnknown)
    outcome = buy(carrier, request)
    assert isinstance(outcome, Purchase)
    assert set(there.bought.values()) == {1}
    assert there.purchases() == 2


def test_where_it_cannot_be_asked_either_nothing_is_settled_and_the_next_run_finds_it(there: FakeEasyPost) -> None:
    carrier = ours(there)
    request = chosen(carrier)
    there.trouble["POST", "/buy"] = ["drop"]
    there.on_bought = lambda id_: there.trouble.update({("GET", f"/{id_}"): [401]})
    assert isinstance(buy(carrier, request), OutcomeUnknown)
    there.on_bought = lambda _: None
    assert isinstance(buy(carrier, request), Purchase)
    assert set(there.bought.values()) == {1}


def test_a_way_back_that_nobody_sells_becomes_a_slip_whose_code_opens_the_return(there: FakeEasyPost) -> None:
    there.sells_returns = False
    carrier = ours(there)
    purchase = buy(carrier, chosen(carrier))
    assert isinstance(purchase, Purchase)
    assert purchase.return_reference == ""
    assert (purchase.return_.carrier, purchase.return_.service) == ("Return slip", "postage not paid")
    (documents,) = carrier.documents([purchase])
    assert set(documents) == {"shipping"}
    assert there.purchases() == 1


def test_half_a_purchase_stays_begun_and_goes_on(there: FakeEasyPost) -> None:
    carrier = ours(there)
    request = chosen(carrier)
    back = request.rate.split("/")[2]
    there.trouble["POST", f"{back}/buy"] = [(402, "application/json", b'{"error": {"code": "BILLING.X"}}')]
    outcome = buy(carrier, request)
    assert isinstance(outcome, OutcomeUnknown)
    assert outcome.cause == "easypost-funds"
    assert isinstance(buy(carrier, request), Purchase)
    assert set(there.bought.values()) == {1}


@pytest.mark.parametrize("format_", ["pdf", "png"])
def test_its_labels_can_be_read_back(there: FakeEasyPost, format_: str) -> None:
    carrier = ours(there, label_format=format_, zpl=True)
    purchase = buy(carrier, chosen(carrier))
    (documents,) = carrier.documents([purchase])
    assert not isinstance(documents, BackroomError), documents
    for kind, tracking in (("shipping", purchase.tracking), ("return", purchase.return_tracking)):
        document = documents[kind]
        if format_ == "pdf":
            picture = pypdfium2.PdfDocument(document.content)[0].render(scale=300 / 72).to_pil()
        else:
            picture = Image.open(io.BytesIO(document.content))
        assert tracking in {code.text for code in zxingcpp.read_barcodes(picture)}
        assert tracking in document.zpl
    # The login is EasyPost's, and not for wherever its labels lie.
    assert not any(path.startswith("/files") for _, path in there.calls)


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"<html>denied</html>", AnswerUnreadable),
        (b"%PDF-" + b"x" * 5_000_000, AnswerUnreadable),
        (b"\x89PNG\r\n\x1a\n not a picture", AnswerUnreadable),
    ],
)
def test_what_is_no_label_or_too_large_is_not_taken(there: FakeEasyPost, content: bytes, kind: type) -> None:
    carrier = ours(there)
    purchase = buy(carrier, chosen(carrier))
    there.files = {path: (media, content) for path, (media, _) in there.files.items()}
    (outcome,) = carrier.documents([purchase])
    assert isinstance(outcome, kind)
    assert "files" not in str(outcome)


@pytest.mark.parametrize("host", ["evil.example.com", "169.254.169.254", "user@127.0.0.1"])
def test_a_label_elsewhere_than_the_account_says_is_not_fetched(there: FakeEasyPost, host: str) -> None:
    carrier = ours(there)
    purchase = buy(carrier, chosen(carrier))
    label = there.shipments[purchase.reference]["postage_label"]
    label["label_url"] = label["label_pdf_url"] = f"https://{host}/files/label.pdf"
    (outcome,) = carrier.documents([purchase])
    assert isinstance(outcome, ServiceSetup)
    assert "label_hosts" in outcome.remedy


def test_a_redirect_of_a_label_is_not_followed(there: FakeEasyPost) -> None:
    carrier = ours(there)
    purchase = buy(carrier, chosen(carrier))
    there.trouble["GET", r"\.pdf"] = [302]
    (outcome,) = carrier.documents([purchase])
    assert isinstance(outcome, BackroomError)


def test_a_key_of_the_other_mode_buys_nothing(there: FakeEasyPost) -> None:
    (outcome,) = ours(there, mode="production").rates([a_request()])
    assert isinstance(outcome, WrongMode)


@pytest.mark.parametrize(
    ("request_", "kind"),
    [
        (a_request(parcel=ParcelSpec(0)), ParcelRefused),
        (a_request(parcel=ParcelSpec(5001)), ParcelRefused),
        (a_request(recipient=replace(ZAPHRODEL, country="CA")), AddressRefused),
        (a_request(recipient=replace(ZAPHRODEL, lines=())), AddressRefused),
        (a_request(rate="shp_1"), ParcelRefused),
    ],
)
def test_what_it_cannot_carry_is_refused_before_anybody_is_asked(
    there: FakeEasyPost, request_: LabelRequest, kind: type
) -> None:
    carrier = ours(there)
    outcome = buy(carrier, request_) if request_.rate else carrier.rates([request_])[0]
    assert isinstance(outcome, kind)
    assert there.calls == []


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (402, "BILLING.INVALID", NoFunds),
        (422, "SHIPMENT.POSTAGE.TIMED_OUT", CarrierSilent),
        (422, "SHIPMENT.POSTAGE.NO_RESPONSE", CarrierSilent),
        (422, "SHIPMENT.PURCHASE.IN_PROGRESS", OutcomeUnknown),
        (422, "SHIPMENT.POSTAGE.FAILURE", ParcelRefused),
        (422, "ADDRESS.VERIFY.FAILURE", AddressRefused),
        (401, "APIKEY.INACTIVE", ServiceSetup),
    ],
)
def test_each_refusal_says_what_is_to_be_done_and_names_nobody(
    there: FakeEasyPost, status: int, code: str, kind: type, caplog: pytest.LogCaptureFixture
) -> None:
    carrier = ours(there)
    request = chosen(carrier)
    body = f'{{"error": {{"code": "{code}", "message": "Zaphrodel in Wurbelgasse", "errors": []}}}}'
    there.trouble["POST", "/buy"] = [(status, "application/json", body.encode())]
    with caplog.at_level(logging.DEBUG):
        outcome = buy(carrier, request)
    assert isinstance(outcome, kind)
    assert outcome.remedy or isinstance(outcome, OutcomeUnknown)
    assert not any(secret in str(outcome) + repr(carrier) + caplog.text for secret in SECRETS)
    assert there.purchases() == 0


def test_a_refusal_that_comes_with_a_label_is_a_purchase(there: FakeEasyPost) -> None:
    carrier = ours(there)
    request = chosen(carrier)
    first = buy(carrier, request)
    # Somebody looked a moment too early: EasyPost says that there is postage already.
    shipment = there.shipments[request.rate.split("/")[0]]
    label, shipment["postage_label"] = shipment["postage_label"], None
    there.trouble["POST", "/buy"] = [
        (422, "application/json", b'{"error": {"code": "SHIPMENT.POSTAGE.EXISTS", "message": ""}}')
    ]
    assert isinstance(buy(carrier, request), OutcomeUnknown)
    shipment["postage_label"] = label
    assert buy(carrier, request) == first


@pytest.mark.parametrize(
    "dirty",
    [
        {"rates": None},
        {"rates": "none"},
        {"rates": [None, 7, {"id": "rate_1"}, {"id": "rate_2", "rate": "NaN", "currency": "USD"}]},
        {"rates": [{"id": "../x", "rate": "1.00", "currency": "USD", "carrier": "USPS", "service": "First"}]},
        {"rates": [{"id": "rate_1", "rate": "-1.00", "currency": "USD", "carrier": "USPS", "service": "First"}]},
        {"rates": [{"id": "rate_1", "rate": "1.00", "currency": "XXQ", "carrier": "USPS", "service": "First"}]},
        {"rates": [], "messages": [None, {"carrier": "USPS", "type": "rate_error", "message": "Wurbelgasse 4"}]},
    ],
)
def test_rates_that_cannot_be_read_are_no_rates(there: FakeEasyPost, dirty: dict[str, object]) -> None:
    import json

    body = {"id": "shp_1", "object": "Shipment", "mode": "test", "messages": []} | dirty
    there.trouble["POST", "/shipments"] = [(201, "application/json", json.dumps(body).encode())]
    (outcome,) = ours(there).rates([a_request()])
    assert isinstance(outcome, ParcelRefused)
    assert not any(secret in str(outcome) for secret in SECRETS)


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'{"id": "../admin"}', b'{"id": 7}'])
def test_an_answer_that_is_no_shipment_is_said_to_be_none(there: FakeEasyPost, body: bytes) -> None:
    there.trouble["POST", "/shipments"] = [body]
    (outcome,) = ours(there).rates([a_request()])
    assert isinstance(outcome, AnswerUnreadable)


def test_while_it_takes_nothing_the_parcels_wait(there: FakeEasyPost) -> None:
    there.trouble["POST", "/shipments"] = [503] * 9
    (outcome,) = ours(there).rates([a_request()])
    assert isinstance(outcome, Retry)


def test_many_parcels_are_asked_for_side_by_side_and_answered_in_their_order(there: FakeEasyPost) -> None:
    carrier = ours(there)
    requests = [a_request(f"label-A-{n}-k", order_number=f"A-{n}") for n in range(12)]
    requests[3] = replace(requests[3], parcel=ParcelSpec(0))
    found = carrier.rates(requests)
    assert isinstance(found[3], ParcelRefused)
    for request, rates_ in zip(requests, found, strict=True):
        if not isinstance(rates_, BackroomError):
            assert there.shipments[rates_[0].reference.split("/")[0]]["reference"] == request.key


def test_its_tracker_says_where_a_parcel_is(there: FakeEasyPost) -> None:
    carrier = ours(there)
    purchase = buy(carrier, chosen(carrier))
    there.advance(
        purchase.tracking,
        ("pre_transit", "label_created", "2026-11-23T10:00:00Z"),
        ("in_transit", "received_at_origin_facility", "2026-11-23T18:00:00-05:00"),
        ("out_for_delivery", "out_for_delivery", "2026-11-25T08:00:00"),
        ("delivered", "arrived_at_destination", "2026-11-25T11:00:00Z"),
    )
    told, nothing = carrier.track([purchase.reference, "../x"])
    assert isinstance(nothing, BackroomError)
    assert [event.state for event in told] == [
        ParcelState.ANNOUNCED,
        ParcelState.HANDED_OVER,
        ParcelState.OUT_FOR_DELIVERY,
        ParcelState.DELIVERED,
    ]
    assert standing(told).state is ParcelState.DELIVERED
    assert not any(secret in str(told) for secret in SECRETS)


def test_an_unused_label_is_given_back_once_and_its_refund_followed(there: FakeEasyPost) -> None:
    carrier = ours(there)
    purchase = buy(carrier, chosen(carrier))
    assert carrier.refund_state(purchase.reference) is None
    there.trouble["POST", "/refund"] = ["drop"]
    assert carrier.refund(purchase.reference) == "submitted"
    assert carrier.refund(purchase.reference) == "submitted"
    there.shipments[purchase.reference]["refund_status"] = "refunded"
    assert carrier.refund_state(purchase.reference) == "refunded"
    with pytest.raises(RefundRefused):
        carrier.refund(request_of_nothing(carrier))


def request_of_nothing(carrier: EasyPost) -> str:
    """A shipment that was never bought."""
    return chosen(carrier).rate.split("/")[0]
