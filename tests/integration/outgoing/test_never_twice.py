"""A 503 from somebody who passed the call on: what has no key there is never called a second time.

Each call of ours that does something there is made against a server that takes it and says 503, as some proxies do.
`WITHOUT_KEY` are those that would do it twice; `WITH_KEY` some that are known again.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

import backroom
from backroom.carriers.easypost import EasyPost, EasyPostAccount
from backroom.channels.etsy_source import EtsyNews
from backroom.channels.mapped_news import MappedWriteBack
from backroom.channels.mapped_paying import MappedRefunds
from backroom.channels.meta_calls import MetaApi
from backroom.channels.refunding import RefundRequest
from backroom.channels.remote import Cancelled, LineShipped, Login, Shipped
from backroom.channels.shopify_telling import ShopifyTelling
from backroom.channels.square_calls import SquareApi
from backroom.channels.stripe_calls import StripeApi
from backroom.channels.woocommerce_refunds import WooRefunds
from backroom.channels.woocommerce_telling import WooTelling
from backroom.domain.channels import NEWS, ApiSpec, ChannelSpec, RefundsSpec
from backroom.domain.errors import BackroomError, OutcomeUnknown, Retry
from backroom.domain.labels import LabelRequest, ParcelSpec, PostalAddress
from backroom.domain.partner_orders import PartnerRequest
from backroom.messaging.base import OutgoingMessage, ProviderDown
from backroom.messaging.smsgateway import JsonSmsGateway, KannelGateway
from backroom.messaging.twilio import TwilioMessenger
from backroom.outgoing.circuit import close_all
from backroom.outgoing.client import TRIES
from backroom.partners.microfactory import Microfactory
from backroom.partners.printful import Printful
from backroom.partners.prodigi import Prodigi
from tests.mapped_shops import API, LANTERN, a_spec

MESSAGE = OutgoingMessage("message-A-1042-x1-sms", "sms", "+4915112345678", None, "A-1042 is on its way", "Atelier")
GONE = Shipped("shipped-0a1b", "7001", (LineShipped("1", "TEE", 2),), "Nord Post", "NP123")
OFF = Cancelled("cancelled-0a1b", "7001", "out_of_stock")
REFUND = RefundRequest("refund-R-A-1042-7364-abc", "723", 2900, "EUR")
ORDER = PartnerRequest("po-A-1042-1", ())
NOBODY = PostalAddress("Nobody", None, ("Nowhere 1",), "10115", "Berlin", "", "DE", None)
PAGE = "a proxy's page"
TELLING = """
[mapping.tell.shipped]
line = { item = "{line_id}" }
[[mapping.tell.shipped.calls]]
path = "/orders/{id}/parcels"
body = { code = "{tracking}" }
"""
PAYING = """
[refunds]
url = "https://lantern.example.com"
secret = "refunds.lantern"
[mapping.pay_back]
result = "refund"
[[mapping.pay_back.calls]]
path = "/orders/{id}/refunds"
body = { amount = "{amount}" }
keep = { refund = "id" }
"""


@dataclass
class Proxy:
    """Passes a call that `does` something on, which it is counted by, and says 503; `shows` is what a look-up sees."""

    url: str
    shows: Callable[[Request], Any] = lambda _request: {}
    does: Callable[[Request], bool] = lambda request: request.method != "GET"
    took: list[str] = field(default_factory=list)
    says: str = PAGE

    def answer(self, request: Request) -> Response:
        if self.does(request):
            self.took.append(request.path)
            return Response(self.says, 503)
        shown = self.shows(request)
        if shown is None:
            return Response("{}", 404, content_type="application/json")

        return Response(json.dumps(shown), content_type="application/json")


@pytest.fixture
def proxy(httpserver: HTTPServer) -> Iterator[Proxy]:
    close_all()
    one = Proxy(httpserver.url_for("")[:-1])
    httpserver.expect_request(re.compile(".*")).respond_with_handler(one.answer)
    yield one
    close_all()


class _OneLogin:
    """A login that is good for long."""

    def read(self, secret: str) -> Login | None:
        return Login("access", "renewal", datetime.now(UTC) + timedelta(hours=1))

    def take_turn(self, secret: str) -> bool:
        return False

    def keep(self, secret: str, login: Login) -> None: ...

    def give_up(self, secret: str) -> None: ...


def _spec(kind: str, proxy: Proxy) -> ChannelSpec:
    return ChannelSpec("web", kind, 1, "standard", api=ApiSpec(proxy.url, "channel.web", account="77", tell=NEWS))


def _outcome(found: list[Any]) -> Any:
    if isinstance(found[0], BackroomError):
        raise found[0]
    return found[0]


def _twilio(proxy: Proxy) -> Any:
    proxy.shows = lambda _request: {"messages": []}
    return _outcome(TwilioMessenger("AC0", "SK0", "s", url=proxy.url).send_many([MESSAGE]))


def _kannel(proxy: Proxy) -> Any:
    proxy.does = lambda request: True
    return _outcome(KannelGateway(f"{proxy.url}/cgi-bin/sendsms", "shop", "s").send_many([MESSAGE]))


def _etsy(proxy: Proxy) -> Any:
    news = EtsyNews(_spec("etsy", proxy), "key renewal")
    news.keep_in(_OneLogin())
    return news.shipped(GONE)


def _woo_note(proxy: Proxy) -> Any:
    proxy.does = lambda request: request.method == "POST"
    proxy.shows = lambda request: [] if request.path.endswith("notes") else {"id": 7001, "status": "processing"}
    return WooTelling(_spec("woocommerce", proxy), "ck:cs").shipped(GONE)


def _woo_refund(proxy: Proxy) -> Any:
    proxy.shows = lambda _request: []
    return WooRefunds(proxy.url, "ck:cs").refund(REFUND)


def _mapped_news(proxy: Proxy) -> Any:
    spec = a_spec(LANTERN + TELLING + API.format(port=80))
    assert spec.api is not None
    return MappedWriteBack(replace(spec, api=replace(spec.api, url=proxy.url)), "k3y").shipped(GONE)


def _mapped_paying(proxy: Proxy) -> Any:
    spec = replace(a_spec(LANTERN + PAYING), refunds=RefundsSpec(proxy.url, "refunds.lantern"))
    return MappedRefunds(spec, "k3y").refund(REFUND)


def _mutates(request: Request) -> bool:
    return request.get_json()["query"].lstrip().startswith("mutation")


_STANDING = {
    "id": "gid://shopify/Order/7001",
    "fulfillmentOrders": {
        "nodes": [
            {
                "id": "gid://shopify/FulfillmentOrder/1",
                "supportedActions": [{"action": "CREATE_FULFILLMENT"}],
                "lineItems": {
                    "nodes": [
                        {"id": "1", "remainingQuantity": 2, "lineItem": {"id": "gid://shopify/LineItem/1"}},
                    ]
                },
            }
        ]
    },
}


def _shopify(proxy: Proxy) -> ShopifyTelling:
    proxy.does, proxy.shows = _mutates, lambda _request: {"data": {"order": _STANDING}}
    return ShopifyTelling(_spec("shopify", proxy), "token")


def _easypost(proxy: Proxy) -> Any:
    proxy.shows = lambda _request: {"id": "shp_1", "object": "Shipment", "mode": "test", "postage_label": None}
    account = EasyPostAccount(
        id="world", countries=frozenset({"DE"}), max_weight_g=5000, key="k", url=f"{proxy.url}/v2", mode="test"
    )
    asked = LabelRequest("label-A-1-k", "A-1", NOBODY, NOBODY, ParcelSpec(450), "", "2026-11-23", rate="shp_1/rate_1")
    return _outcome(EasyPost(account).buy([asked]))


def _microfactory(proxy: Proxy) -> Any:
    return Microfactory("Workshop", proxy.url, "token").submit(ORDER)


def _prodigi(proxy: Proxy) -> Any:
    return Prodigi("Prodigi", proxy.url, "key").submit(ORDER)


def _printful(proxy: Proxy) -> Any:
    proxy.shows = lambda _request: None
    return Printful("Printful", proxy.url, "token").submit(ORDER)


# By module and function of the call; one that carries a key there, and whose lost answer is asked for under it
# (microfactory, Prodigi), is looked up rather than repeated as well.
WITHOUT_KEY: dict[str, Callable[[Proxy], Any]] = {
    "messaging/twilio.py:_send": _twilio,
    "messaging/smsgateway.py:_send": _kannel,
    "channels/etsy_calls.py:post": _etsy,
    "channels/woocommerce_telling.py:shipped": _woo_note,
    "channels/woocommerce_refunds.py:refund": _woo_refund,
    "channels/mapped_news.py:_all": _mapped_news,
    "channels/mapped_paying.py:refund": _mapped_paying,
    "channels/shopify_telling.py:_fulfil": lambda proxy: _shopify(proxy).shipped(GONE),
    "channels/shopify_telling.py:cancelled": lambda proxy: _shopify(proxy).cancelled(OFF),
    "channels/meta_calls.py:post": lambda proxy: MetaApi(proxy.url, "token").post("1/x", "k", {}),
    "channels/square_calls.py:ask": lambda proxy: SquareApi(proxy.url, "token").ask("v2/x", "k", {}),
    "carriers/easypost.py:_bought": _easypost,
    "partners/microfactory.py:submit": _microfactory,
    "partners/prodigi.py:submit": _prodigi,
    "partners/printful.py:_create": _printful,
}


@pytest.mark.parametrize("call", WITHOUT_KEY)
def test_what_has_no_key_is_called_once_and_is_in_doubt_then(proxy: Proxy, call: str) -> None:
    with pytest.raises(OutcomeUnknown):
        WITHOUT_KEY[call](proxy)
    assert len(proxy.took) == 1


def test_a_draft_that_may_be_confirmed_is_looked_at_and_not_confirmed_again(proxy: Proxy) -> None:
    draft = {"id": 9, "status": "draft", "external_id": "po"}
    proxy.shows = lambda request: {"data": [] if "order-items" in request.path else draft}
    assert Printful("Printful", proxy.url, "token").confirm("po", "9").draft
    assert len(proxy.took) == 1


WITH_KEY: dict[str, Callable[[Proxy], Any]] = {
    "messaging/smsgateway.py:_send": lambda proxy: _outcome(
        JsonSmsGateway(f"{proxy.url}/sms", "token").send_many([MESSAGE])
    ),
    "channels/stripe_calls.py:post": lambda proxy: StripeApi(proxy.url, "rk_test").post("v1/refunds", "k", {}, "key"),
    "channels/square_calls.py:ask": lambda proxy: SquareApi(proxy.url, "t").ask("v2/x", "k", {"idempotency_key": "k"}),
    "channels/meta_calls.py:post": lambda proxy: MetaApi(proxy.url, "t").post("1/x", "k", {"idempotency_key": "k"}),
}


@pytest.mark.parametrize("call", WITH_KEY)
def test_what_has_a_key_is_tried_again(proxy: Proxy, call: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("backroom.outgoing.client.FIRST_PAUSE", 0.01)
    with pytest.raises(Retry):
        WITH_KEY[call](proxy)
    assert len(proxy.took) == TRIES


def test_kannels_own_word_that_it_took_nothing_is_no_doubt(proxy: Proxy) -> None:
    proxy.says = "Temporal failure, try again later."
    with pytest.raises(ProviderDown):
        _kannel(proxy)
    assert len(proxy.took) == 1


# Whoever says that the same call twice is one over there, and why it is.
TWICE_IS_ONCE = {
    "carriers/easypost.py:_create": "a shipment without a label costs nothing and is forgotten",
    "carriers/easypost.py:refund": "a label is given back once",
    "channels/etsy_calls.py:_renewed": "the same renewal gives another token",
    "channels/etsy_calls.py:patch": "says how a listing is",
    "channels/etsy_calls.py:put": "says how a listing is",
    "channels/mapped_calls.py:make_call": "says its caller, or a call that only reads",
    "channels/mapped_news.py:_all": "says the shop file (repeatable)",
    "channels/mapped_news.py:_level": "says how a level is",
    "channels/meta_calls.py:post": "a key in its body, or it sets something",
    "channels/etsy_calls.py:scopes": "only asks",
    "channels/square_calls.py:scopes": "only asks",
    "channels/shopify_graphql.py:ask": "a query, or a mutation with a key",
    "channels/shopify_levels.py:_carry_out": "a key (@idempotent), and the level before",
    "channels/shopify_refunds.py:refund": "a key (@idempotent)",
    "channels/square_calls.py:ask": "a key in its body, or only asks",
    "channels/stripe_calls.py:post": "a key in its head (Idempotency-Key)",
    "channels/woocommerce_telling.py:_put": "says how an order is",
    "channels/woocommerce_telling.py:_set": "says how levels are",
    "messaging/smsgateway.py:_send": "a key in its head (Idempotency-Key)",
    "messaging/smsgateway.py:check": "sends nothing",
    "messaging/webpush.py:_push": "a later one takes its place (Topic, RFC 8030 section 5.4)",
    "partners/microfactory.py:_bring": "a file under the hash of its bytes",
    "partners/microfactory.py:cancel": "what is cancelled is cancelled",
    "partners/printful.py:cancel": "what is deleted is deleted",
    "partners/prodigi.py:cancel": "what is cancelled is cancelled",
}

# Whoever says of a call that it only asks, whatever its method (`changes`, `asks`), and why nothing comes of it: its
# 503 leaves no level of a SKU in doubt, and no order.
ONLY_ASKS = {
    "channels/etsy_calls.py:_renewed": "renews our login, and touches nothing of the shop",
    "channels/etsy_calls.py:scopes": "a token's scopes",
    "channels/mapped_calls.py:make_call": "says its caller, or a call that only reads",
    "channels/mapped_source.py:_page": "the mapping's poll.list",
    "channels/mapped_source.py:check": "the mapping's probe, or its poll.list",
    "channels/mapped_source.py:fetch": "the mapping's poll.one",
    "channels/shopify_graphql.py:ask": "a query",
    "channels/square_calls.py:ask": "a search, by the end of its path",
    "channels/square_calls.py:scopes": "a token's scopes",
}


def _calls() -> Iterator[tuple[str, str | None, ast.expr | None, bool]]:
    """Each call of the client: where it stands, its method where that is written there, its `again`, and whether it
    says that it only asks."""
    root = Path(backroom.__file__).parent
    for folder in ("carriers", "channels", "messaging", "partners"):
        for path in sorted((root / folder).rglob("*.py")):
            for function in ast.walk(ast.parse(path.read_text())):
                if not isinstance(function, ast.FunctionDef):
                    continue
                where = f"{path.relative_to(root)}:{function.name}"
                for node in ast.walk(function):
                    if isinstance(node, ast.Call):
                        again = next((one.value for one in node.keywords if one.arg == "again"), None)
                        asks = any(one.arg in ("changes", "asks") for one in node.keywords)
                        calls = isinstance(node.func, ast.Attribute) and node.func.attr in ("call", "_call", "_ask")
                        first = node.args[0] if node.args else None
                        method = first.value if isinstance(first, ast.Constant) and calls else None
                        if again is not None or asks or isinstance(method, str):
                            yield where, method if isinstance(method, str) else None, again, asks


def _is(value: ast.expr | None, what: bool) -> bool:
    return isinstance(value, ast.Constant) and value.value is what


def test_whoever_says_that_twice_is_once_says_why_here() -> None:
    said = {where for where, _, again, _ in _calls() if again is not None and not _is(again, False)}
    assert said == TWICE_IS_ONCE.keys()


def test_whoever_only_asks_by_a_post_says_so_and_why_here() -> None:
    said = {where for where, *_, asks in _calls() if asks}
    assert said == ONLY_ASKS.keys()
    assert {where for where, why in TWICE_IS_ONCE.items() if "only asks" in why} <= said


# The words of their calls say no method, or say it of every call alike.
ELSEWHERE = {
    "channels/mapped_news.py:_all",
    "channels/meta_calls.py:post",
    "channels/square_calls.py:ask",
}


def test_every_call_that_would_do_it_twice_is_tried_above() -> None:
    careful = {
        where
        for where, method, again, _ in _calls()
        if _is(again, False) or (again is None and method is not None and method not in ("GET", "HEAD"))
    }
    assert careful == {*WITHOUT_KEY, "partners/printful.py:confirm"} - ELSEWHERE
