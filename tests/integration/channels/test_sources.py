"""Asking shops for their orders over real HTTP: paging, limits, refusals, and one truth for webhook and poll."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from graphql import parse, validate
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pytest_httpserver import HTTPServer
from werkzeug import Response

from backroom.channels.registry import channel_for
from backroom.channels.remote import Listed
from backroom.channels.shopify_graphql import LONGEST_WAIT, ShopifyGraphql
from backroom.channels.shopify_source import CHANGED, MORE_LINES, ORDERS, PAGE, WHOLE, ShopifySource
from backroom.channels.strict_json import parse_json
from backroom.channels.woocommerce_source import WooSource
from backroom.domain.channels import ApiSpec, ChannelSpec
from backroom.domain.errors import BackroomError
from backroom.domain.model import IncomingOrder
from backroom.outgoing.circuit import close_all
from backroom.outgoing.errors import AnswerUnreadable, ServiceAway, ServiceSetup
from tests.fake_shops import LOGIN, TOKEN, FakeShopify, FakeWoo, admin_schema
from tests.unit.channels.samples import payload

MORNING = datetime(2026, 11, 20, 8, tzinfo=UTC)


@pytest.fixture(autouse=True)
def fresh_circuits() -> Iterator[None]:
    close_all()
    yield
    close_all()


def spec(kind: str, url: str) -> ChannelSpec:
    return ChannelSpec("web", kind, 1, "standard", api=ApiSpec(url, "channel.web"))


@pytest.fixture
def shopify(fake_shopify: FakeShopify, httpserver: HTTPServer) -> ShopifySource:
    return ShopifySource(spec("shopify", fake_shopify.listen(httpserver)), TOKEN)


@pytest.fixture
def woo(fake_woo: FakeWoo, httpserver: HTTPServer) -> WooSource:
    return WooSource(spec("woocommerce", fake_woo.listen(httpserver)), LOGIN)


def shopify_order(id_: int, minutes: float = 0, **changes: Any) -> dict[str, Any]:
    body: dict[str, Any] = copy.deepcopy(payload("shopify_order.json"))
    at = (MORNING + timedelta(minutes=minutes)).isoformat()
    return body | {"id": id_, "name": f"#{id_}", "updated_at": at} | changes


def woo_order(id_: int, seconds: int = 0, **changes: Any) -> dict[str, Any]:
    body: dict[str, Any] = copy.deepcopy(payload("woocommerce_order.json"))
    at = f"{MORNING + timedelta(seconds=seconds):%Y-%m-%dT%H:%M:%S}"
    return body | {"id": id_, "number": str(id_), "date_modified_gmt": at} | changes


def fetched(source: ShopifySource | WooSource, kind: str, id_: int) -> IncomingOrder:
    [found] = source.fetch([str(id_)])
    channel = channel_for(ChannelSpec("web", kind, 1, "standard"))
    return channel.parse(parse_json(found.body), found.topic, "DE")


def by_webhook(kind: str, body: dict[str, Any]) -> IncomingOrder:
    channel = channel_for(ChannelSpec("web", kind, 1, "standard"))
    return channel.parse(parse_json(json.dumps(body).encode()), "", "DE")


def only_of_orders(order: IncomingOrder) -> IncomingOrder:
    """Without what Shopify shows to nobody who may only read orders: the customer's record, the checkout's token."""
    told = tuple(one for one in order.consents if "customer." not in one.source)
    return replace(order, consents=told, payment_token="")


@pytest.mark.parametrize("document", [CHANGED, WHOLE, MORE_LINES], ids=["changed", "whole", "more lines"])
def test_what_shopify_is_asked_is_allowed_by_its_schema(document: str) -> None:
    assert validate(admin_schema(), parse(document)) == []


def test_shopify_lists_every_order_that_changed_page_by_page(fake_shopify: FakeShopify, shopify: ShopifySource) -> None:
    fake_shopify.orders = {id_: shopify_order(id_, id_ / 60) for id_ in range(1, PAGE + 31)}
    found = list(shopify.changed_since(MORNING + timedelta(minutes=20 / 60)))
    assert [int(one.external_id) for one in found] == list(range(20, PAGE + 31))
    assert len(fake_shopify.calls) == 2


@pytest.mark.parametrize(
    ("changes", "paid", "fulfilled"),
    [
        ({}, True, False),
        ({"financial_status": "authorized"}, True, False),
        ({"financial_status": "partially_refunded"}, True, False),
        ({"financial_status": "pending"}, False, False),
        ({"financial_status": "refunded"}, False, False),
        ({"cancelled_at": "2026-11-20T09:00:00Z"}, False, False),
        ({"test": True}, False, False),
        ({"fulfillment_status": "fulfilled"}, True, True),
        ({"fulfillment_status": "partially_fulfilled"}, True, False),
    ],
)
def test_shopify_says_which_orders_are_to_be_made(
    fake_shopify: FakeShopify, shopify: ShopifySource, changes: dict[str, Any], paid: bool, fulfilled: bool
) -> None:
    fake_shopify.orders = {7: shopify_order(7, **changes)}
    [found] = shopify.changed_since(MORNING)
    placed = datetime(2026, 11, 20, 8, 13, 35, tzinfo=UTC)
    assert found == Listed("7", MORNING, paid, "#7", placed, fulfilled, 8410, "EUR")


def test_shopify_orders_come_whole_in_the_shape_of_their_webhook(
    fake_shopify: FakeShopify, shopify: ShopifySource
) -> None:
    fake_shopify.orders = {7: shopify_order(7)}
    assert fetched(shopify, "shopify", 7) == only_of_orders(by_webhook("shopify", shopify_order(7)))


def test_an_order_with_many_lines_is_fetched_line_by_line(fake_shopify: FakeShopify, shopify: ShopifySource) -> None:
    line = payload("shopify_order.json")["line_items"][1]
    lines = [line | {"id": number, "sku": f"SKU-{number}"} for number in range(1, 58)]
    fake_shopify.orders = {7: shopify_order(7, line_items=lines)}
    assert [one.sku for one in fetched(shopify, "shopify", 7).lines] == [f"SKU-{n}" for n in range(1, 58)]


def test_what_is_not_there_is_left_out(
    fake_shopify: FakeShopify, shopify: ShopifySource, fake_woo: FakeWoo, woo: WooSource
) -> None:
    fake_shopify.orders, fake_woo.orders = {7: shopify_order(7)}, {7: woo_order(7), 9: woo_order(9, status="trash")}
    ids = ["5", "7", "9", "no-id", "7 OR 1", ""]
    assert [one.external_id for one in shopify.fetch(ids)] == ["7"]
    assert [one.external_id for one in woo.fetch(ids)] == ["7"]


def test_shopify_is_asked_for_less_where_it_finds_a_query_too_dear(
    fake_shopify: FakeShopify, shopify: ShopifySource
) -> None:
    fake_shopify.most_cost = 150
    fake_shopify.orders = {id_: shopify_order(id_, id_) for id_ in range(1, 26)}
    found = [one.external_id for one in shopify.changed_since(MORNING)]
    assert found == [str(id_) for id_ in range(1, 26)]
    assert [one.external_id for one in shopify.fetch(found)] == found


def test_a_budget_that_is_spent_is_waited_for(fake_shopify: FakeShopify, httpserver: HTTPServer) -> None:
    time = [0.0]
    waited: list[float] = []

    def pause(seconds: float) -> None:
        waited.append(seconds)
        time[0] += seconds
        fake_shopify.points += seconds * fake_shopify.restored

    fake_shopify.orders = {id_: shopify_order(id_) for id_ in range(1, 3 * ORDERS + 1)}
    fake_shopify.points, fake_shopify.restored, fake_shopify.most_cost = 1950.0, 1000.0, 2000.0
    url = fake_shopify.listen(httpserver)
    source = ShopifySource(spec("shopify", url), TOKEN, ShopifyGraphql(url, TOKEN, lambda: time[0], pause))
    found = list(source.fetch([str(id_) for id_ in fake_shopify.orders]))
    assert len(found) == 3 * ORDERS
    assert len(fake_shopify.calls) == 3, "nothing was asked that could not be paid"
    assert waited
    assert all(0 < seconds <= LONGEST_WAIT for seconds in waited)


def test_a_throttled_query_is_asked_again(fake_shopify: FakeShopify, httpserver: HTTPServer) -> None:
    fake_shopify.points, fake_shopify.restored = 600.0, 1000.0
    fake_shopify.orders = {7: shopify_order(7)}
    url = fake_shopify.listen(httpserver)
    shop = ShopifyGraphql(url, TOKEN, pause=lambda _: None)
    [found] = ShopifySource(spec("shopify", url), TOKEN, shop).changed_since(MORNING)
    assert (found.external_id, len(fake_shopify.calls)) == ("7", 2)


def said(value: Any, status: int = 200) -> Response:
    return Response(json.dumps(value), status=status, content_type="application/json")


def graphql_error(code: str, **extensions: Any) -> Response:
    return said(
        {"data": None, "errors": [{"message": "Zofia", "extensions": {"code": code}}], "extensions": extensions}
    )


COST = {"requestedQueryCost": 900, "throttleStatus": {"currentlyAvailable": 0, "restoreRate": 50}}


@pytest.mark.parametrize(
    ("bad", "error"),
    [
        (said({"errors": "Invalid API key"}, 401), ServiceSetup),
        (said({"errors": "Not found"}, 404), BackroomError),
        (graphql_error("ACCESS_DENIED"), ServiceSetup),
        (graphql_error("INTERNAL_SERVER_ERROR"), ServiceAway),
        (graphql_error("undefinedField"), AnswerUnreadable),
        (graphql_error("THROTTLED", cost=COST), ServiceAway),
        (said({"data": {"orders": {"nodes": []}}, "errors": [{"message": "half"}]}), AnswerUnreadable),
        (said({"data": {"orders": {"nodes": [{"legacyResourceId": "7"}]}}}), AnswerUnreadable),
        (said({"errors": "Not the schema"}), AnswerUnreadable),
        (said(["no object"]), AnswerUnreadable),
        (Response("<html>maintenance</html>"), AnswerUnreadable),
    ],
)
def test_what_each_refusal_of_shopify_means(
    fake_shopify: FakeShopify, shopify: ShopifySource, bad: Response, error: type[BackroomError]
) -> None:
    fake_shopify.bad = [bad]
    with pytest.raises(error) as caught:
        list(shopify.changed_since(MORNING))
    assert "Zofia" not in str(caught.value)
    assert TOKEN not in repr(caught.value)


def test_woocommerce_lists_every_order_that_changed_by_time(fake_woo: FakeWoo, woo: WooSource) -> None:
    fake_woo.orders = {id_: woo_order(id_, id_) for id_ in range(1, 251)}
    found = [int(one.external_id) for one in woo.changed_since(MORNING + timedelta(seconds=20))]
    assert found == list(range(20, 251))


def test_many_orders_of_one_second_are_all_listed(fake_woo: FakeWoo, woo: WooSource) -> None:
    fake_woo.orders = {id_: woo_order(id_, 60) for id_ in range(1, 351)} | {400: woo_order(400, 61)}
    found = [int(one.external_id) for one in woo.changed_since(MORNING)]
    assert found == [*range(1, 351), 400]


def test_an_order_that_changes_while_woocommerce_is_read_pushes_no_other_past_us(
    fake_woo: FakeWoo, woo: WooSource
) -> None:
    fake_woo.orders = {id_: woo_order(id_, id_) for id_ in range(1, 251)}
    found = []
    for one in woo.changed_since(MORNING):
        if one.external_id == "50":
            # By now the first page is read; it loses an order, and all behind it move up.
            fake_woo.orders[3] = woo_order(3, 1000)
        found.append(int(one.external_id))
    assert set(found) == set(range(1, 251))
    assert found[-1] == 3, "and the changed one is told of again"


@pytest.mark.parametrize(
    ("changes", "paid", "fulfilled"),
    [
        ({}, True, False),
        ({"status": "wc-processing"}, True, False),
        ({"status": "completed"}, True, True),
        ({"status": "on-hold"}, False, False),
        ({"status": "pending"}, False, False),
        ({"status": "cancelled"}, False, False),
        ({"status": "refunded"}, False, False),
        ({"status": "packed-by-plugin", "date_paid_gmt": "2026-11-20T08:00:00"}, True, False),
        ({"status": "quote-by-plugin", "date_paid_gmt": None}, False, False),
    ],
)
def test_woocommerce_says_which_orders_are_to_be_made(
    fake_woo: FakeWoo, woo: WooSource, changes: dict[str, Any], paid: bool, fulfilled: bool
) -> None:
    fake_woo.orders = {7: woo_order(7, **changes)}
    [found] = woo.changed_since(MORNING)
    placed = datetime(2026, 11, 20, 9, 54, 40, tzinfo=UTC)
    assert found == Listed("7", MORNING, paid, "7", placed, fulfilled, 5984, "EUR")


@pytest.mark.parametrize(
    ("bad", "error"),
    [
        (said({"code": "woocommerce_rest_cannot_view"}, 401), ServiceSetup),
        (said({"code": "rest_no_route"}, 404), BackroomError),
        (Response("", status=302, headers={"Location": "https://elsewhere.example"}), ServiceSetup),
        (said({"code": "internal"}), AnswerUnreadable),
        (Response("<html>maintenance</html>"), AnswerUnreadable),
        (said([{"id": 7, "date_modified_gmt": "soon"}]), AnswerUnreadable),
    ],
)
def test_what_each_refusal_of_woocommerce_means(
    fake_woo: FakeWoo, woo: WooSource, bad: Response, error: type[BackroomError]
) -> None:
    fake_woo.bad = [bad]
    with pytest.raises(error) as caught:
        list(woo.changed_since(MORNING))
    assert "cs_nobody" not in repr(caught.value) + repr(woo)


AMOUNTS = st.integers(1, 99_999).map(lambda minor: f"{minor / 100:.2f}")
WORDS = st.one_of(st.none(), st.text(max_size=12).filter(lambda text: text.isprintable()))
LINES = st.fixed_dictionaries(
    {
        "id": st.integers(1, 10**14),
        "sku": st.sampled_from(["MOTH-BLK-M", "FOX-SAND-L", None]),
        "name": WORDS,
        "title": WORDS,
        "quantity": st.integers(1, 9),
        "price": AMOUNTS,
        "gift_card": st.booleans(),
        "discount_allocations": st.lists(st.fixed_dictionaries({"amount": AMOUNTS}), max_size=2),
        "properties": st.lists(st.fixed_dictionaries({"name": st.text(max_size=6), "value": WORDS}), max_size=2),
    }
)
SHOPIFY_CHANGES = st.fixed_dictionaries(
    {
        "line_items": st.lists(LINES, min_size=1, max_size=4),
        "cancelled_at": st.sampled_from([None, "2026-11-20T10:00:00+01:00"]),
        "financial_status": st.sampled_from(["paid", "pending", "authorized", "refunded", "partially_refunded"]),
        "source_name": st.sampled_from(["web", "pos", "instagram", "2329312", None]),
        "note": WORDS,
        "email": st.sampled_from(["zofia@example.com", None]),
        "phone": st.sampled_from(["+4917612345678", None]),
        "note_attributes": st.lists(
            st.fixed_dictionaries({"name": st.sampled_from(["event", "Checkout-Method"]), "value": WORDS}), max_size=2
        ),
        "taxes_included": st.booleans(),
        "buyer_accepts_marketing": st.booleans(),
        "customer_locale": st.sampled_from(["de-DE", "en", None]),
        "current_total_price": AMOUNTS,
        "total_tax": st.one_of(st.none(), AMOUNTS),
        "current_total_duties_set": st.one_of(
            st.none(), AMOUNTS.map(lambda amount: {"shop_money": {"amount": amount, "currency_code": "EUR"}})
        ),
    }
)


def outcome_of(read: Any) -> Any:
    """The order, or what is wrong with it."""
    try:
        return only_of_orders(read())
    except BackroomError as error:
        return error.cause, str(error)


@given(changes=SHOPIFY_CHANGES)
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
def test_a_shopify_order_is_the_same_by_webhook_and_by_poll(
    fake_shopify: FakeShopify, shopify: ShopifySource, changes: dict[str, Any]
) -> None:
    changes["line_items"] = [line | {"current_quantity": line["quantity"]} for line in changes["line_items"]]
    again = {"current_total_tax": changes["total_tax"], "contact_email": changes["email"]}
    body = shopify_order(7, customer=None, **changes, **again)
    fake_shopify.orders = {7: body}
    assert outcome_of(lambda: fetched(shopify, "shopify", 7)) == outcome_of(lambda: by_webhook("shopify", body))


WOO_CHANGES = st.fixed_dictionaries(
    {
        "status": st.sampled_from(["processing", "completed", "on-hold", "refunded", "cancelled", "made-up"]),
        "customer_note": WORDS,
        "prices_include_tax": st.booleans(),
        "total": AMOUNTS,
        "transaction_id": st.sampled_from(["", "pi_3OaXYZ"]),
        "created_via": st.sampled_from(["checkout", "admin", "instagram", ""]),
        "shipping": st.sampled_from(
            [{}, {"first_name": "", "address_1": ""}, {"first_name": "S.", "address_1": "Weg 1", "city": "Wien"}]
        ),
    }
)


@given(changes=WOO_CHANGES, price=st.floats(0.01, 999, allow_nan=False))
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
def test_a_woocommerce_order_is_the_same_by_webhook_and_by_poll(
    fake_woo: FakeWoo, woo: WooSource, changes: dict[str, Any], price: float
) -> None:
    body = woo_order(7, **changes)
    body["line_items"][0]["price"] = price
    fake_woo.orders = {7: body}
    assert outcome_of(lambda: fetched(woo, "woocommerce", 7)) == outcome_of(lambda: by_webhook("woocommerce", body))


@pytest.mark.parametrize(
    "line",
    [
        {"id": 3, "sku": None, "title": "Trinkgeld", "quantity": 1, "price": "5.00", "tip": {"payment_gateway": "x"}},
        {"id": 3, "sku": "GIFT", "title": "Card", "quantity": 1, "price": "5.00", "gift_card": True},
    ],
)
def test_tips_and_gift_cards_are_known_by_poll_as_well(
    fake_shopify: FakeShopify, shopify: ShopifySource, line: dict[str, Any]
) -> None:
    body = shopify_order(7, current_total_price="89.10")
    body["line_items"].append(line | {"requires_shipping": False, "current_quantity": 1})
    fake_shopify.orders = {7: body}
    assert fetched(shopify, "shopify", 7) == only_of_orders(by_webhook("shopify", body))
    assert len(fetched(shopify, "shopify", 7).lines) == 2
