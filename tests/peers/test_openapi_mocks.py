"""Our clients against the vendors' own OpenAPI descriptions, which Prism serves (`tests/peers/openapi_mock.py`).

Each call is made by the client itself. Prism judges its path, query, headers and body by the description. As a mock it
answers with the description's examples; before a fake it judges what the fake answers as well.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import requests
from pytest_httpserver import HTTPServer

from backroom.channels.refunding import RefundRequest
from backroom.channels.registry import SOURCES, WRITE_BACKS, channel_for
from backroom.channels.remote import Cancelled, Shipped, StockTold
from backroom.channels.square_refunds import SquareRefunds
from backroom.channels.stripe_refunds import StripeRefunds
from backroom.domain.channels import ApiSpec, ChannelSpec
from backroom.messaging.base import OutgoingMessage, SendingUnknown
from backroom.messaging.twilio import TwilioMessenger
from backroom.outgoing.circuit import close_all
from tests import fake_square, fake_stripe, fake_twilio
from tests.fake_square import LOCATION, FakeSquare, variation
from tests.fake_stripe import FakeStripe
from tests.fake_twilio import FakeTwilio
from tests.peers.openapi_mock import Mock, can_mock, running_mock
from tests.unit.channels.samples import payload

pytestmark = pytest.mark.peer

# The operations that we call, by method and path.
TWILIO = frozenset((method, "/2010-04-01/Accounts/{AccountSid}/Messages.json") for method in ("GET", "POST"))
SQUARE = frozenset(
    {
        ("POST", "/v2/orders/search"),
        ("POST", "/v2/orders/batch-retrieve"),
        ("GET", "/v2/orders/{order_id}"),
        ("PUT", "/v2/orders/{order_id}"),
        ("POST", "/v2/catalog/batch-retrieve"),
        ("POST", "/v2/catalog/search"),
        ("POST", "/v2/inventory/counts/batch-retrieve"),
        ("POST", "/v2/inventory/changes/batch-create"),
        ("GET", "/v2/payments/{payment_id}"),
        ("POST", "/v2/refunds"),
        ("GET", "/v2/refunds/{refund_id}"),
    }
)
# Of these it is asked as a mock: its examples are of orders that are none of ours, so nothing can be told of them.
SQUARE_AS_A_MOCK = frozenset({("POST", "/v2/orders/search"), ("POST", "/v2/orders/batch-retrieve")})
STRIPE = frozenset(
    {
        ("GET", "/v1/checkout/sessions"),
        ("GET", "/v1/checkout/sessions/{session}"),
        ("GET", "/v1/checkout/sessions/{session}/line_items"),
        ("GET", "/v1/events"),
        ("GET", "/v1/refunds"),
        ("POST", "/v1/refunds"),
    }
)
EXPANDED = frozenset({"payment_intent", "latest_charge", "shipping_rate", "product"})
# What is newer than these descriptions, and stands in the SDKs that `test_stripe_sdk` and `test_square_sdk` hold us
# against.
NEWER_STRIPE = {"status", "created[gte]"}
NEWER_SQUARE = {"include_deleted_objects", "net_amount_due_money", "total_service_charge_money"}

SMS = OutgoingMessage("message-A-1042-x1", "sms", "+4915112345678", None, "A-1042 is on its way", "+4930999")
SQUARE_ORDER, STRIPE_SESSION = payload("square_order.json"), payload("stripe_session.json")
EXAMPLE_ORDER = "CAISEM82RcpmcFBM0TfOyiHV3es"
SINCE = datetime(2023, 11, 1, tzinfo=UTC)


def paths(operations: frozenset[tuple[str, str]]) -> tuple[str, ...]:
    return tuple(sorted({path for _, path in operations}))


def needs(vendor: str) -> pytest.MarkDecorator:
    return pytest.mark.skipif(
        not can_mock(vendor), reason=f"NO DESCRIPTION of {vendor}: Node or its packages are missing (bash .ci/peers)"
    )


def but_for_newer(sentences: list[str]) -> list[str]:
    """What Prism says, without names that came to Square later."""
    return [one for one in sentences if one.partition("; found '")[2].rstrip("'") not in NEWER_SQUARE]


@pytest.fixture(autouse=True)
def fresh_circuits() -> Iterator[None]:
    close_all()
    yield
    close_all()


@pytest.fixture(scope="module")
def twilio_mock(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mock]:
    with running_mock(tmp_path_factory.mktemp("twilio"), "twilio", paths(TWILIO)) as one:
        yield one


@pytest.fixture
def twilio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Mock, FakeTwilio]]:
    folder = tmp_path_factory.mktemp("twilio")
    with fake_twilio.fake_twilio() as fake, running_mock(folder, "twilio", paths(TWILIO), fake=fake.url) as one:
        yield one, fake


def messenger(mock: Mock, **changes: str) -> TwilioMessenger:
    made = TwilioMessenger(fake_twilio.ACCOUNT, fake_twilio.KEY, fake_twilio.SECRET, url=mock.url)
    return replace(made, **changes)


@needs("twilio")
def test_what_twilio_is_asked_is_as_its_description_says(twilio_mock: Mock) -> None:
    for one in (messenger(twilio_mock), messenger(twilio_mock, service=fake_twilio.SERVICE)):
        sent = replace(one, callback_url="https://shop.example/messages/twilio/{key}").send(SMS)
        assert sent.provider_id == "SM" + "a" * 32
    messenger(twilio_mock).check()
    with pytest.raises(SendingUnknown):
        # The example's message is to another phone.
        messenger(twilio_mock).find(SMS, timedelta(minutes=1))
    assert (twilio_mock.wrong(), twilio_mock.unknown()) == ([], set())
    assert twilio_mock.used() == TWILIO


@needs("twilio")
def test_what_the_description_of_twilio_does_not_allow_is_seen(twilio_mock: Mock) -> None:
    seen = len(twilio_mock.calls)
    url = f"{twilio_mock.url}/2010-04-01/Accounts/{fake_twilio.ACCOUNT}/Messages.json"
    login = (fake_twilio.KEY, fake_twilio.SECRET)
    requests.post(url, {"Body": "no number"}, auth=login, timeout=30)
    requests.post(url, {"To": "+4930", "Text": "no such name"}, auth=login, timeout=30)
    requests.post(url, {"To": "+4930", "MessagingServiceSid": "not one"}, auth=login, timeout=30)
    requests.post(url, {"To": "+4930"}, timeout=30)
    requests.get(url, {"Recipient": "+4930"}, auth=login, timeout=30)
    requests.get(url.replace("Messages", "Letters"), auth=login, timeout=30)
    bad = twilio_mock.calls[seen:]
    del twilio_mock.calls[seen:]
    assert [bool(one.asked or one.unknown or not one.in_description) for one in bad] == [True] * 6


@needs("twilio")
def test_our_fake_of_twilio_answers_as_its_description_says(twilio: tuple[Mock, FakeTwilio]) -> None:
    mock, fake = twilio
    sent = messenger(mock).send(SMS)
    found = messenger(mock).find(SMS, timedelta(minutes=1))
    assert found is not None
    assert sent.provider_id == found.provider_id == fake.messages[0]["sid"]
    assert (mock.wrong(), mock.wrong_answers()) == ([], [])
    assert mock.used() == TWILIO


@pytest.fixture
def square(tmp_path_factory: pytest.TempPathFactory, httpserver: HTTPServer) -> Iterator[tuple[Mock, FakeSquare]]:
    fake = FakeSquare()
    order, [payment] = SQUARE_ORDER["order"], SQUARE_ORDER["payments"]
    fake.orders[order["id"]] = copy.deepcopy(order)
    fake.payments[payment["id"]] = copy.deepcopy(payment)
    for object_id, sku in SQUARE_ORDER["skus"].items():
        fake.variations[object_id] = variation(object_id, sku)
        fake.counts[object_id] = 5
    folder = tmp_path_factory.mktemp("square")
    with running_mock(folder, "square", paths(SQUARE), fake=fake.listen(httpserver)) as one:
        yield one, fake


def square_spec(mock: Mock) -> ChannelSpec:
    api = ApiSpec(mock.url, "channel.market", account=LOCATION)
    return ChannelSpec("market", "square", 3, "standard", api=api)


@needs("square")
def test_everything_that_square_is_asked_and_told_is_as_its_description_says(square: tuple[Mock, FakeSquare]) -> None:
    mock, _ = square
    spec, order_id = square_spec(mock), SQUARE_ORDER["order"]["id"]
    source, news = SOURCES["square"](spec, fake_square.TOKEN), WRITE_BACKS["square"](spec, fake_square.TOKEN)
    source.check()
    assert [one.external_id for one in source.changed_since(SINCE)] == [order_id]
    [fetched] = source.fetch([order_id])
    assert channel_for(spec).external_id(json.loads(fetched.body)) == order_id
    assert [one.level for one in news.stock([StockTold("OWL-BLK-M", 9), StockTold("NOWHERE", 1)])] == [9, None]
    assert news.shipped(Shipped("ship-A-1042-1", order_id, (), "Nachtbote", "NB-7", "https://track.example.com/NB-7"))
    refunds = SquareRefunds(mock.url, fake_square.TOKEN)
    paid = refunds.refund(RefundRequest("refund-R-A-1042", order_id, 2900, "EUR"))
    assert refunds.find(RefundRequest("refund-R-A-1042", order_id, 2900, "EUR")) == paid
    assert (but_for_newer(mock.wrong()), mock.unknown()) == ([], set())
    assert but_for_newer(mock.wrong_answers()) == []
    assert mock.used() == SQUARE


@needs("square")
def test_a_cancellation_is_told_as_the_description_of_square_says(square: tuple[Mock, FakeSquare]) -> None:
    mock, fake = square
    order_id = SQUARE_ORDER["order"]["id"]
    WRITE_BACKS["square"](square_spec(mock), fake_square.TOKEN).cancelled(
        Cancelled("cancel-A-1042", order_id, "out_of_stock")
    )
    assert fake.orders[order_id]["fulfillments"][0]["state"] == "CANCELED"
    assert (mock.wrong(), but_for_newer(mock.wrong_answers())) == ([], [])


@needs("square")
def test_the_examples_in_the_description_of_square_are_read(tmp_path_factory: pytest.TempPathFactory) -> None:
    def without_cursor(document: dict[str, Any]) -> None:
        document.pop("cursor", None)

    with running_mock(tmp_path_factory.mktemp("square"), "square", paths(SQUARE), last_page=without_cursor) as mock:
        source = SOURCES["square"](square_spec(mock), fake_square.TOKEN)
        source.check()
        # Its examples of orders have no state, as carts do: they are there, and none of ours yet.
        [fetched] = source.fetch([EXAMPLE_ORDER])
        assert (fetched.asked, fetched.ours) == (EXAMPLE_ORDER, False)
        # Its example of a found order is an entry, which says only which.
        assert list(source.changed_since(SINCE)) == []
        assert mock.wrong() == []
        assert mock.used() == SQUARE_AS_A_MOCK


@pytest.fixture
def stripe(tmp_path_factory: pytest.TempPathFactory, httpserver: HTTPServer) -> Iterator[tuple[Mock, FakeStripe]]:
    fake = FakeStripe()
    fake.take(copy.deepcopy(STRIPE_SESSION))
    folder = tmp_path_factory.mktemp("stripe")
    with running_mock(folder, "stripe", paths(STRIPE), fake=fake.listen(httpserver), expanded=EXPANDED) as one:
        yield one, fake


@needs("stripe")
def test_everything_that_stripe_is_asked_is_as_its_description_says(stripe: tuple[Mock, FakeStripe]) -> None:
    mock, _ = stripe
    session = STRIPE_SESSION["session"]["id"]
    spec = ChannelSpec("links", "stripe", 3, "standard", api=ApiSpec(mock.url, "channel.links"))
    source = SOURCES["stripe"](spec, fake_stripe.KEY)
    source.check()
    assert [one.external_id for one in source.changed_since(SINCE)] == [session]
    [fetched] = source.fetch([session])
    assert fetched.external_id == session
    [by_payment] = source.fetch([STRIPE_SESSION["session"]["payment_intent"]["id"]])
    assert by_payment.external_id == session
    refunds = StripeRefunds(mock.url, fake_stripe.KEY)
    asked = RefundRequest("refund-R-A-1042", session, 2900, "EUR")
    assert refunds.refund(asked) == refunds.find(asked)
    assert (mock.wrong(), mock.unknown()) == ([], NEWER_STRIPE)
    assert mock.used() == STRIPE
    assert mock.wrong_answers() == []
