"""Asking, telling and paying back at a Square that answers by hand over real HTTP."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Response

from backroom.channels.refunding import RefundRefused, RefundRequest
from backroom.channels.registry import SOURCES, WRITE_BACKS, channel_for
from backroom.channels.remote import Cancelled, Shipped, StockSet, StockTold
from backroom.channels.square_calls import VERSION
from backroom.channels.square_news import NothingToTell, SquareNews
from backroom.channels.square_refunds import SquareRefunds
from backroom.channels.square_source import SquareSource
from backroom.domain.channels import ApiSpec, ChannelSpec
from backroom.domain.model import PaymentStatus
from backroom.outgoing.circuit import close_all
from backroom.outgoing.errors import AnswerUnreadable, ServiceAway, ServiceSetup
from backroom.outgoing.probe import wide_of
from tests.fake_square import LOCATION, TOKEN, FakeSquare, error, variation
from tests.unit.channels.samples import payload

WHOLE = payload("square_order.json")
ORDER = WHOLE["order"]["id"]
PAYMENT = WHOLE["payments"][0]["id"]
SINCE = datetime(2026, 11, 1, tzinfo=UTC)
SHIPPED = Shipped("ship-A-1042-1", ORDER, (), "Nachtbote", "NB-7", "https://track.example.com/NB-7")
REFUND = RefundRequest("refund-R-A-1042-7364-abcdefghijklmnopqrstuvwxyz", ORDER, 2900, "EUR")


@pytest.fixture(autouse=True)
def fresh_circuits() -> Iterator[None]:
    close_all()
    yield
    close_all()


@pytest.fixture
def square() -> FakeSquare:
    fake = FakeSquare()
    fake.orders[ORDER] = copy.deepcopy(WHOLE["order"])
    for object_id, sku in WHOLE["skus"].items():
        fake.variations[object_id] = variation(object_id, sku)
        fake.counts[object_id] = 5
    fake.payments[PAYMENT] = copy.deepcopy(WHOLE["payments"][0]) | {"card_details": {"card": {"last_4": "1111"}}}
    return fake


@pytest.fixture
def spec(square: FakeSquare, httpserver: HTTPServer) -> ChannelSpec:
    api = ApiSpec(square.listen(httpserver), "channel.market", account=f"{LOCATION}, L2")
    return ChannelSpec("market", "square", 3, "standard", api=api)


def another(order_id: str, minute: int, **changes: Any) -> dict[str, Any]:
    stamp = f"2026-11-21T10:{minute:02}:00.000Z"
    return copy.deepcopy(WHOLE["order"]) | {"id": order_id, "updated_at": stamp} | changes


def test_it_is_asked_for_everything_that_changed_page_by_page(square: FakeSquare, spec: ChannelSpec) -> None:
    for number in range(5):
        square.orders[f"O{number}"] = another(f"O{number}", number)
    listed = list(SOURCES["square"](spec, TOKEN).changed_since(SINCE))
    assert [one.external_id for one in listed] == [ORDER, "O0", "O1", "O2", "O3", "O4"]
    assert all(one.paid and not one.fulfilled and one.total_minor == 6990 for one in listed)
    asked = [body for _, path, body in square.calls if path.endswith("search")]
    assert len(asked) == 3
    assert asked[0]["location_ids"] == [LOCATION, "L2"]
    assert {(h["square-version"], h["authorization"]) for h in square.headers} == {(VERSION, f"Bearer {TOKEN}")}


def test_a_token_with_more_permissions_than_are_used_is_wide(square: FakeSquare, spec: ChannelSpec) -> None:
    assert spec.api is not None
    asked = replace(spec, api=replace(spec.api, tell=()))
    assert wide_of(SquareSource(asked, TOKEN)) is None
    square.scopes += ("ORDERS_WRITE", "EMPLOYEES_READ")
    wide = wide_of(SquareSource(asked, TOKEN))
    assert wide is not None
    assert "EMPLOYEES_READ, ORDERS_WRITE" in wide.message
    told = wide_of(SquareSource(replace(spec, api=replace(spec.api, tell=("shipped",))), TOKEN))
    assert told is not None
    assert "EMPLOYEES_READ." in told.message


def test_carts_and_refunds_are_not_listed_as_orders(square: FakeSquare, spec: ChannelSpec) -> None:
    square.orders |= {
        "cart": another("cart", 1, tenders=[]),
        "draft": another("draft", 2, state="DRAFT"),
        "back": another("back", 3, line_items=[], returns=[{"source_order_id": ORDER}]),
        "owes": another("owes", 4, net_amount_due_money={"amount": 10, "currency": "EUR"}),
        "off": another("off", 5, state="CANCELED"),
        "sent": another("sent", 6, fulfillments=[{"uid": "1", "state": "COMPLETED"}]),
    }
    listed = {one.external_id: (one.paid, one.fulfilled) for one in SquareSource(spec, TOKEN).changed_since(SINCE)}
    assert listed == {ORDER: (True, False), "owes": (False, False), "off": (False, False), "sent": (True, True)}


def test_a_sale_that_was_paid_back_is_listed_with_the_time_of_its_refund_though_it_did_not_change(
    square: FakeSquare, spec: ChannelSpec
) -> None:
    square.orders |= {
        "back": another("back", 3, line_items=[], returns=[{"source_order_id": ORDER}]),
        "other": another("other", 1, location_id="L-of-somebody-else"),
        "theirs": another("theirs", 4, line_items=[], returns=[{"source_order_id": "other"}]),
    }
    back = {"refunded_money": {"amount": 6990, "currency": "EUR"}, "updated_at": "2026-11-21T10:03:00.000Z"}
    square.payments[PAYMENT] |= back
    source = SquareSource(spec, TOKEN)
    listed = {one.external_id: one for one in source.changed_since(datetime(2026, 11, 21, 10, 2, tzinfo=UTC))}
    assert {id_: one.paid for id_, one in listed.items()} == {ORDER: False}
    [fetched] = source.fetch([ORDER])
    parsed = channel_for(spec).parse(json.loads(fetched.body), fetched.topic, "DE")
    assert listed[ORDER].updated_at == parsed.updated_at == datetime(2026, 11, 21, 10, 3, tzinfo=UTC)


def test_an_order_is_fetched_with_its_skus_and_what_was_paid_back(square: FakeSquare, spec: ChannelSpec) -> None:
    square.payments[PAYMENT]["refunded_money"] = {"amount": 6990, "currency": "EUR"}
    [fetched] = SquareSource(spec, TOKEN).fetch([ORDER])
    assert b"1111" not in fetched.body
    order = channel_for(spec).parse(json.loads(fetched.body), fetched.topic, "DE")
    assert [line.sku for line in order.lines] == ["OWL-BLK-M", "PATCH-OWL-1"]
    assert order.payment is PaymentStatus.REFUNDED
    assert channel_for(spec).external_id(json.loads(fetched.body)) == fetched.external_id == ORDER
    assert not channel_for(spec).is_hint(json.loads(fetched.body), fetched.topic)


def test_two_hundred_orders_take_two_calls_and_what_is_not_there_is_left_out(
    square: FakeSquare, spec: ChannelSpec
) -> None:
    square.orders = {f"O{number}": another(f"O{number}", 1) for number in range(150)}
    found = list(SquareSource(spec, TOKEN).fetch([*square.orders, "gone", "", "é", "x" * 500]))
    assert [one.external_id for one in found] == [f"O{number}" for number in range(150)]
    assert len([1 for _, path, _ in square.calls if path.endswith("orders/batch-retrieve")]) == 2


def test_a_cart_is_there_and_not_ours_yet(square: FakeSquare, spec: ChannelSpec) -> None:
    square.orders["cart"] = another("cart", 1, tenders=[])
    [fetched] = SquareSource(spec, TOKEN).fetch(["cart"])
    assert (fetched.ours, fetched.body, fetched.asked) == (False, b"", "cart")


def test_a_refund_is_fetched_as_the_sale_that_it_is_of(square: FakeSquare, spec: ChannelSpec) -> None:
    square.orders["back"] = another("back", 3, line_items=[], returns=[{"source_order_id": ORDER}])
    [fetched] = SquareSource(spec, TOKEN).fetch(["back"])
    assert (fetched.external_id, fetched.asked) == (ORDER, "back")


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (error(401, "AUTHENTICATION_ERROR", "UNAUTHORIZED"), ServiceSetup),
        (Response("<html>", 200), AnswerUnreadable),
        (Response("", 500), ServiceAway),
        (Response("", 429, headers={"Retry-After": "3600"}), ServiceAway),
    ],
)
def test_each_bad_answer_is_an_error_of_the_tree(
    square: FakeSquare, spec: ChannelSpec, answer: Response, kind: type[Exception]
) -> None:
    square.bad = [answer] * 3
    with pytest.raises(kind) as caught:
        list(SquareSource(spec, TOKEN).fetch([ORDER]))
    assert TOKEN not in str(caught.value)


def test_a_parcel_is_told_with_its_tracking_and_only_once(square: FakeSquare, spec: ChannelSpec) -> None:
    news = WRITE_BACKS["square"](spec, TOKEN)
    assert news.was_told(SHIPPED) is None
    first = news.shipped(SHIPPED)
    way = square.orders[ORDER]["fulfillments"][0]
    assert (way["state"], way["uid"]) == ("COMPLETED", first)
    assert way["shipment_details"]["carrier"] == "Nachtbote"
    assert way["shipment_details"]["tracking_number"] == "NB-7"
    assert way["shipment_details"]["recipient"]["display_name"] == "Zoé Muster"
    assert news.shipped(SHIPPED) == news.was_told(SHIPPED) == first
    assert len([1 for method, _, _ in square.calls if method == "PUT"]) == 1


def test_a_part_is_told_when_the_last_one_leaves(square: FakeSquare, spec: ChannelSpec) -> None:
    assert SquareNews(spec, TOKEN).shipped(replace(SHIPPED, last=False)) == ""
    assert square.calls == []


def test_an_order_that_somebody_changed_meanwhile_is_read_anew(square: FakeSquare, spec: ChannelSpec) -> None:
    square.races = 1
    assert SquareNews(spec, TOKEN).shipped(SHIPPED)
    assert square.orders[ORDER]["fulfillments"][0]["state"] == "COMPLETED"


def test_what_was_cancelled_there_is_asked_about(square: FakeSquare, spec: ChannelSpec) -> None:
    square.orders[ORDER]["fulfillments"][0]["state"] = "CANCELED"
    with pytest.raises(NothingToTell):
        SquareNews(spec, TOKEN).shipped(SHIPPED)


def test_a_cancellation_is_told_and_taken_as_told_where_it_is(square: FakeSquare, spec: ChannelSpec) -> None:
    news = SquareNews(spec, TOKEN)
    for _ in range(2):
        news.cancelled(Cancelled("cancel-A-1042", ORDER, "out_of_stock"))
    assert square.orders[ORDER]["fulfillments"][0]["state"] == "CANCELED"
    square.orders[ORDER]["fulfillments"] = []
    with pytest.raises(NothingToTell):
        news.cancelled(Cancelled("cancel-A-1042", ORDER, "out_of_stock"))


def test_levels_are_set_by_sku_at_the_first_location(square: FakeSquare, spec: ChannelSpec) -> None:
    square.variations |= {
        "V3": variation("V3", "TWICE"),
        "V4": variation("V4", "twice"),
        "V5": variation("V5", "LOOSE", counted=False),
    }
    told = SquareNews(spec, TOKEN).stock(
        [
            StockTold("OWL-BLK-M", 9),
            StockTold("PATCH-OWL-1", 9, before=7),
            StockTold("TWICE", 1),
            StockTold("LOOSE", 1),
            StockTold("NOWHERE", 1),
        ]
    )
    assert sorted(told, key=lambda one: bool(one.trouble)) == [
        StockSet("OWL-BLK-M", 9),
        # It shows two fewer than it was left at: those were sold there, and are on their way to us.
        StockSet("PATCH-OWL-1", 7, 2),
        StockSet("TWICE", None, trouble="sku_twice"),
        StockSet("LOOSE", None, trouble="not_counted"),
        StockSet("NOWHERE", None, trouble="unknown_sku"),
    ]
    assert square.counts == {"BSOL4BB6RCMX6SH4KQIFWZDP": 9, "EEDHXQ6FHSCKFQ4DYEYG6RCX": 7}
    [body] = [body for _, path, body in square.calls if path.endswith("changes/batch-create")]
    assert {change["physical_count"]["location_id"] for change in body["changes"]} == {LOCATION}


def test_levels_are_set_at_the_place_that_the_shop_file_names(square: FakeSquare, spec: ChannelSpec) -> None:
    assert spec.api is not None
    there = replace(spec, api=replace(spec.api, stock_location="L2"))
    list(SquareNews(there, TOKEN).stock([StockTold("OWL-BLK-M", 9)]))
    asked = [body for _, path, body in square.calls if "inventory" in path]
    assert asked[0]["location_ids"] == ["L2"]
    assert [change["physical_count"]["location_id"] for change in asked[-1]["changes"]] == ["L2"]


OWL = "BSOL4BB6RCMX6SH4KQIFWZDP"


def test_what_sells_there_between_reading_and_setting_a_level_is_taken_off_what_was_set(
    square: FakeSquare, spec: ChannelSpec
) -> None:
    square.sold_meanwhile = {OWL: 1}
    assert list(SquareNews(spec, TOKEN).stock([StockTold("OWL-BLK-M", 9, before=5)])) == [StockSet("OWL-BLK-M", 9)]
    assert square.counts[OWL] == 8
    # The next look sees it as sold there, and on its way to us.
    assert list(SquareNews(spec, TOKEN).stock([StockTold("OWL-BLK-M", 9, before=9)])) == [StockSet("OWL-BLK-M", 8, 1)]
    assert square.counts[OWL] == 8


def test_what_sold_there_just_before_the_reading_is_taken_off_once(square: FakeSquare, spec: ChannelSpec) -> None:
    square.sell(OWL, 1)
    assert list(SquareNews(spec, TOKEN).stock([StockTold("OWL-BLK-M", 9, before=5)])) == [StockSet("OWL-BLK-M", 8, 1)]
    assert square.counts[OWL] == 8


def test_the_same_level_is_set_again_after_something_was_sold_there(square: FakeSquare, spec: ChannelSpec) -> None:
    list(SquareNews(spec, TOKEN).stock([StockTold("OWL-BLK-M", 9, before=5)]))
    square.sell(OWL, 2)
    # Both orders are here, and two pieces came in.
    told = StockTold("OWL-BLK-M", 9, before=9, arrived=2)
    assert list(SquareNews(spec, TOKEN).stock([told])) == [StockSet("OWL-BLK-M", 9)]
    assert square.counts[OWL] == 9


def test_levels_that_are_right_already_are_left_alone(square: FakeSquare, spec: ChannelSpec) -> None:
    list(SquareNews(spec, TOKEN).stock([StockTold("OWL-BLK-M", 5)]))
    assert not [1 for _, path, _ in square.calls if path.endswith("changes/batch-create")]


def a_counted_catalogue(square: FakeSquare, many: int) -> list[StockTold]:
    """So many SKUs of which Square shows none, and what is told of them."""
    square.page = 1000
    for number in range(many):
        square.variations[f"V-{number}"] = variation(f"V-{number}", f"SKU-{number}")
        square.counts[f"V-{number}"] = 0
    return [StockTold(f"SKU-{number}", 9) for number in range(many)]


def changes(square: FakeSquare) -> list[tuple[int, str]]:
    """How many levels each call set, and under which key."""
    asked = [body for _, path, body in square.calls if path.endswith("changes/batch-create")]
    return [(len(body["changes"]), body["idempotency_key"]) for body in asked]


def test_more_levels_than_one_call_takes_are_told_in_parts_each_under_a_key_of_its_own(
    square: FakeSquare, spec: ChannelSpec
) -> None:
    told = a_counted_catalogue(square, 101)
    assert list(SquareNews(spec, TOKEN).stock(told)) == [StockSet(one.sku, 9) for one in told]
    assert {square.counts[f"V-{number}"] for number in range(101)} == {9}
    (first, one_key), (second, another) = changes(square)
    assert (first, second, one_key != another) == (100, 1, True)


def test_a_part_that_is_tried_again_goes_under_the_same_key(square: FakeSquare, spec: ChannelSpec) -> None:
    told, away = a_counted_catalogue(square, 101), [error(502, "API_ERROR", "BAD_GATEWAY")]
    square.fails = lambda _, body: away.pop() if away and len((body or {}).get("changes", ())) == 1 else None
    assert list(SquareNews(spec, TOKEN).stock(told)) == [StockSet(one.sku, 9) for one in told]
    first, second, again = changes(square)
    assert (first[0], second[0], second) == (100, 1, again)


def test_a_refund_is_paid_once_whatever_is_lost(square: FakeSquare, spec: ChannelSpec) -> None:
    assert spec.api is not None
    refunds = SquareRefunds(spec.api.url, TOKEN)
    assert refunds.find(REFUND) is None
    first = refunds.refund(REFUND)
    square.keys.clear()
    assert refunds.refund(REFUND) == refunds.find(REFUND) == first
    assert [made["amount_money"]["amount"] for made in square.refunds.values()] == [2900]
    assert REFUND.key in next(iter(square.refunds.values()))["reason"]


def test_a_refund_that_no_payment_can_bear_is_a_persons(square: FakeSquare, spec: ChannelSpec) -> None:
    assert spec.api is not None
    refunds = SquareRefunds(spec.api.url, TOKEN)
    with pytest.raises(RefundRefused):
        refunds.refund(replace(REFUND, amount_minor=7000))
    square.payments[PAYMENT]["status"] = "CANCELED"
    with pytest.raises(RefundRefused):
        refunds.refund(REFUND)
    assert square.refunds == {}


def test_the_connection_is_tried_by_looking_for_one_order(square: FakeSquare, spec: ChannelSpec) -> None:
    SquareSource(spec, TOKEN).check()
    with pytest.raises(ServiceSetup):
        SquareSource(spec, "wrong").check()
